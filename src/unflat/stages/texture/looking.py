"""What it takes for a camera to see a piece of surface: angles, masks, lines of sight, the lens's field."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float32, Float64

from unflat.core import Camera, Mesh, View
from unflat.geometry.cameras import directions_to_camera, unproject
from unflat.geometry.meshes import face_normals
from unflat.geometry.raycast import RayCaster

LEAST, USABLE = np.cos(np.deg2rad([87.0, 80.0]))
"""Cosines: a surface turned away further than the first takes no colour from a view, nearer than the second all."""
GRAZING, SQUARE = np.cos(np.deg2rad([84.0, 70.0]))
"""Cosines: a surface turned away further than the first counts as inferred, nearer than the second as seen."""
SLACK_SHARE = 0.004
"""How far outside a mask a texel may land and still take the nearest colour inside, as a share of the object's size in
the picture: meshes are coarser than outlines."""
FEATHER_PX = 12.0
"""Over this many pixels from its outline a view gives way to others: outlines are where poses and masks err."""
OCCLUSION_EDGE_PX = 1.5
"""Photo pixels around an occluder that mix its colour into what is behind."""
_MIXING_PX = 2.0
"""Photo pixels from an edge within which a surface's colour is not its own: one mixes, sampling reaches further."""
_LIFT_SHARE = 5e-4
"""How far a ray starts off the surface, as a share of the mesh's diagonal."""
_BORDER_STEPS = 32
_SLOPE_SLACK, _STEP_SLACK = 1.5, 3.0
"""How much steeper than its normal says, and how much rougher, a surface may be before a step counts as an edge."""


def camera_of(view: View) -> Camera:
    """The camera of a reconstruction's view."""
    assert view.camera is not None, "a reconstruction's views have cameras"
    return view.camera


def ramp(value: Float32[np.ndarray, "m"], low: float, high: float) -> Float32[np.ndarray, "m"]:
    """0 below low, 1 above high, smooth between."""
    part = np.clip((value - np.float32(low)) / np.float32(high - low), 0, 1)
    return part * part * (3 - 2 * part)


def cosine_to(
    camera: Camera, points: Float32[np.ndarray, "n 3"], normals: Float32[np.ndarray, "n 3"]
) -> Float32[np.ndarray, "n"]:
    """Cosine between each point's normal and its direction to the camera."""
    if camera.projection == "orthographic":
        return np.einsum("ni,i->n", normals, (-camera.forward).astype(np.float32))
    towards = camera.center.astype(np.float32) - points
    return np.einsum("ni,ni->n", normals, towards) / np.sqrt(np.einsum("ni,ni->n", towards, towards))


def in_field(camera: Camera, points: Float64[np.ndarray, "n 3"]) -> Bool[np.ndarray, "n"]:
    """Whether points lie in front of the camera and in the box of directions that its picture shows.

    A lens's distortion is a polynomial that is true in the picture only: far outside it folds back in, and `project`
    would place there what the photo does not show.
    """
    local = np.einsum("ni,ji->nj", points, camera.camera_from_world[:3, :3]) + camera.camera_from_world[:3, 3]
    in_front = local[:, 2] > 0
    if not any(camera.distortion):
        return in_front
    low, high = _directions_shown(camera)
    planar = local[:, :2] / np.where(in_front, local[:, 2], np.nan)[:, None]
    return np.asarray(((planar >= low) & (planar <= high)).all(axis=1))


class Sight:
    """Lines of sight between cameras and a mesh."""

    def __init__(self, mesh: Mesh) -> None:
        self._caster = RayCaster(mesh)
        self._normals = face_normals(mesh)
        self._lift = _LIFT_SHARE * float(np.linalg.norm(mesh.extent))

    def hidden(
        self, camera: Camera, points: Float32[np.ndarray, "m 3"], normals: Float32[np.ndarray, "m 3"]
    ) -> Bool[np.ndarray, "m"]:
        """Whether something stands between points of the surface and the camera."""
        if len(points) == 0:
            return np.zeros(0, bool)
        position = points.astype(np.float64)
        towards = directions_to_camera(camera, position)
        origin = position + self._lift * (towards + normals)
        reach = np.inf if camera.projection == "orthographic" else 1.0
        direction = towards if camera.projection == "orthographic" else camera.center - origin
        return self._caster.blocked(origin.astype(np.float32), direction.astype(np.float32), reach)

    def mixed(
        self, camera: Camera, points: Float32[np.ndarray, "m 3"], normals: Float32[np.ndarray, "m 3"]
    ) -> Bool[np.ndarray, "m"]:
        """Whether the pixels around points show something else, too: what stands before them, or lies behind.

        Five rays for each point, at it and `_MIXING_PX` to all sides, must meet the surface where it slopes to.
        """
        near = np.zeros(len(points), bool)
        if len(points) == 0:
            return near
        position, parallel = points.astype(np.float64), camera.projection == "orthographic"
        depth = (position - camera.center) @ camera.forward
        step = _MIXING_PX / camera.fx * (np.ones(len(points)) if parallel else depth)
        sight = depth[:, None] * camera.forward if parallel else position - camera.center
        slope = _slope(cosine_to(camera, points, normals))
        for right, down in ((0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)):
            aside = step[:, None] * (camera.world_from_camera[:3, :3] @ np.array([right, down, 0.0]))
            origin = (position - sight + (aside if parallel else 0)).astype(np.float32)
            direction = (sight + (0 if parallel else aside)).astype(np.float32)
            hits = self._caster.cast(origin, direction)
            along = np.einsum("mi,mi->m", direction, self._normals[hits.face])
            there = _slope(np.abs(along) / np.linalg.norm(direction, axis=1))
            expected = step * (_SLOPE_SLACK * np.maximum(slope, there) + _STEP_SLACK) + self._lift
            near |= ~(np.abs(hits.distance - 1) * depth < expected)
        return near


def _slope(cosine: Float32[np.ndarray, "m"]) -> Float64[np.ndarray, "m"]:
    """Tangent of the angle with this cosine, not above that of `LEAST`."""
    return np.sqrt(1 / np.clip(cosine.astype(np.float64), LEAST, 1) ** 2 - 1)


def _directions_shown(camera: Camera) -> tuple[Float64[np.ndarray, "2"], Float64[np.ndarray, "2"]]:
    """Least and greatest x / z and y / z along the picture's border."""
    along = np.linspace(0, 1, _BORDER_STEPS)
    x = np.concatenate([along, along, 0 * along, 0 * along + 1]) * camera.width_px
    y = np.concatenate([0 * along, 0 * along + 1, along, along]) * camera.height_px
    points = unproject(camera, np.column_stack([x, y]), np.ones(len(x)))
    local = (points - camera.center) @ camera.world_from_camera[:3, :3]
    return local[:, :2].min(axis=0), local[:, :2].max(axis=0)
