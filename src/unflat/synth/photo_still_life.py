"""A thing on a table under baked light, and the linear picture that a camera with a true lens takes of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from jaxtyping import Float32, Float64, Int32

from unflat.core import Camera
from unflat.geometry.cameras import pixel_centers, project, unproject
from unflat.render.scene import Scene
from unflat.render.surface import look_up
from unflat.render.trace import Samples, edge_pixels, pixel_size
from unflat.synth.illumination import Coat, Illumination, shaded
from unflat.synth.photo_cameras import Lens
from unflat.synth.photo_grain import SolidGrain
from unflat.synth.photo_ground import Table, stretched
from unflat.synth.photo_light import GroundLight, SurfaceLight

_GROUND_SAMPLES = ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75))
_EDGE_SAMPLES = 3
"""Squared: rays in a pixel at an outline or a crease."""
_MARGIN_PX = 2

Planar = Float32[np.ndarray, "n 2"]
"""Positions in the plane z = 1 of a camera's frame."""


@dataclass(frozen=True, eq=False)
class LensRays:
    """Where the pixels of a lens look, in the camera's frame: ``(x, y)`` at z = 1. Found once for all photos."""

    planar: Float32[np.ndarray, "h w 2"]
    """At the pixels' centres."""

    @staticmethod
    def of(lens: Lens) -> LensRays:
        """Invert the lens's distortion at each pixel. 2 s for two megapixels."""
        camera = lens.camera(np.eye(4))
        centers = pixel_centers(camera)
        planar = unproject(camera, centers, np.ones(len(centers)))[:, :2]
        return LensRays(planar.reshape(lens.height_px, lens.width_px, 2).astype(np.float32))

    @cached_property
    def steps(self) -> tuple[Float32[np.ndarray, "h w 2"], Float32[np.ndarray, "h w 2"]]:
        """How the positions change from one pixel to the next, rightwards and downwards."""
        return np.gradient(self.planar, axis=1), np.gradient(self.planar, axis=0)

    def at(self, rows: Int32[np.ndarray, "n"], columns: Int32[np.ndarray, "n"], offset: tuple[float, float]) -> Planar:
        """Positions in some pixels; an offset of (0.5, 0.5) is their centre, else correct to 1e-5 pixels."""
        right, down = self.steps
        centre = self.planar[rows, columns]
        if offset == (0.5, 0.5):
            return centre
        x, y = np.float32(offset[0] - 0.5), np.float32(offset[1] - 0.5)
        return np.asarray(centre + x * right[rows, columns] + y * down[rows, columns])

    def everywhere(self, offset: tuple[float, float]) -> Float32[np.ndarray, "h w 2"]:
        """Positions in all pixels."""
        right, down = self.steps
        return np.asarray(self.planar + np.float32(offset[0] - 0.5) * right + np.float32(offset[1] - 0.5) * down)


@dataclass(frozen=True, eq=False)
class StillLife:
    """All that is photographed. The object stands on y = 0; without a table it hangs before a plain backdrop."""

    scene: Scene
    object_light: SurfaceLight
    light: Illumination
    table: Table | None
    table_light: GroundLight | None
    backdrop: Float32[np.ndarray, "3"]
    """Linear colour behind everything; with a table, of the room's walls on the whole."""
    room: Float32[np.ndarray, "rh rw 3"] | None
    """What is seen beyond the table: a linear panorama at infinity, row 0 the zenith."""
    roughness: float = 0.6
    grain: SolidGrain | None = None
    """Fine wear and weave that a scan's texture is too coarse for."""
    gloss: float = 0.0
    """How much of the physical reflection of the lights is seen; 0 is matt."""


@dataclass(frozen=True, eq=False)
class LinearPicture:
    """What the lens lets through."""

    color: Float32[np.ndarray, "h w 3"]
    alpha: Float32[np.ndarray, "h w"]
    """Share of each pixel that the object covers."""


def linear_picture(still_life: StillLife, rays: LensRays, camera: Camera) -> LinearPicture:
    """The ideal picture. About 1.5 s for two megapixels on one core."""
    behind = _surroundings(still_life, rays, camera)
    color, alpha = _object(still_life, rays, camera)
    return LinearPicture(color + (1 - alpha[..., None]) * behind, alpha)


def _surroundings(still_life: StillLife, rays: LensRays, camera: Camera) -> Float32[np.ndarray, "h w 3"]:
    """Table and room, without the object but with its shadow."""
    shape = rays.planar.shape[:2]
    if still_life.table is None or still_life.table_light is None:
        return np.broadcast_to(still_life.backdrop, (*shape, 3)).astype(np.float32)
    room = _room(still_life, rays, camera)
    total = np.zeros((*shape, 3), np.float32)
    share = np.zeros(shape, np.float32)
    for offset in _GROUND_SAMPLES:
        x, z, along, across, hit = _on_plane(rays.everywhere(offset), camera)
        color, there = still_life.table.color(x, z, stretched(along / 2, across))
        there &= hit
        total += color * there[..., None]
        share += there
    x, z, *_ = _on_plane(rays.planar, camera)
    count = np.float32(len(_GROUND_SAMPLES))
    return total / count * still_life.table_light.at(x, z) + (1 - share / count)[..., None] * room


def _on_plane(planar: Float32[np.ndarray, "h w 2"], camera: Camera) -> tuple[np.ndarray, ...]:
    """Where the rays meet y = 0 (x, z), a pixel's size there along and across the sight, and whether they do."""
    rotation, eye = camera.world_from_camera[:3, :3].astype(np.float32), camera.center.astype(np.float32)
    px, py = planar[..., 0], planar[..., 1]
    dx, dy, dz = (rotation[k, 0] * px + rotation[k, 1] * py + rotation[k, 2] for k in range(3))
    hit = dy < -1e-3
    depth = np.where(hit, -eye[1] / np.where(hit, dy, -1), np.float32(1e3))
    across = depth / np.float32(camera.fx)
    along = across / np.maximum(-dy, np.float32(1e-3))
    return eye[0] + depth * dx, eye[2] + depth * dz, along, across, hit


def _room(still_life: StillLife, rays: LensRays, camera: Camera) -> Float32[np.ndarray, "h w 3"]:
    """The room behind the table, at infinity and out of focus: looked up at every fourth pixel."""
    height, width = rays.planar.shape[:2]
    if still_life.room is None:
        return np.broadcast_to(still_life.backdrop, (height, width, 3)).astype(np.float32)
    coarse = cv2.resize(rays.planar, (width // 4, height // 4), interpolation=cv2.INTER_AREA)
    directions = np.dstack([coarse, np.ones(coarse.shape[:2], np.float32)])
    directions = directions @ camera.world_from_camera[:3, :3].T.astype(np.float32)
    rows, columns = still_life.room.shape[:2]
    flat = np.hypot(directions[..., 0], directions[..., 2])
    row = np.arctan2(flat, directions[..., 1]) / np.float32(np.pi) * rows - np.float32(0.5)
    turn = np.arctan2(directions[..., 0], directions[..., 2]) / np.float32(2 * np.pi) + np.float32(0.5)
    seen = cv2.remap(still_life.room, turn * columns, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    return np.asarray(cv2.resize(seen, (width, height), interpolation=cv2.INTER_LINEAR))


def _object(
    still_life: StillLife, rays: LensRays, camera: Camera
) -> tuple[Float32[np.ndarray, "h w 3"], Float32[np.ndarray, "h w"]]:
    """The object's colour times its coverage, and its coverage."""
    height, width = rays.planar.shape[:2]
    color, alpha = np.zeros((height * width, 3), np.float32), np.zeros(height * width, np.float32)
    rows, columns = _framed(still_life.scene, camera)
    pixel = (rows * width + columns).astype(np.int32)
    centers = _traced(still_life.scene, camera, rays.at(rows, columns, (0.5, 0.5)), pixel)
    if len(centers) == 0:
        return color.reshape(height, width, 3), alpha.reshape(height, width)
    edge = edge_pixels(centers, camera)
    inner = centers.of(~edge[centers.pixel])
    color[inner.pixel], alpha[inner.pixel] = _lit(still_life, inner, camera), 1
    chosen = np.flatnonzero(edge).astype(np.int32)
    at = (chosen // width, chosen % width)
    weight = np.float32(1 / _EDGE_SAMPLES**2)
    for number in range(_EDGE_SAMPLES**2):
        offset = ((number % _EDGE_SAMPLES + 0.5) / _EDGE_SAMPLES, (number // _EDGE_SAMPLES + 0.5) / _EDGE_SAMPLES)
        seen = _traced(still_life.scene, camera, rays.at(*at, offset), chosen)
        color[seen.pixel] += _lit(still_life, seen, camera) * weight
        alpha[seen.pixel] += weight
    return color.reshape(height, width, 3), np.minimum(alpha, 1).reshape(height, width)


def _framed(scene: Scene, camera: Camera) -> tuple[Int32[np.ndarray, "n"], Int32[np.ndarray, "n"]]:
    """Rows and columns of the pixels in the object's bounding box in the picture."""
    seen, _ = project(camera, scene.points.astype(np.float64))
    low = np.floor(np.nanmin(seen, axis=0)).astype(int) - _MARGIN_PX
    high = np.ceil(np.nanmax(seen, axis=0)).astype(int) + _MARGIN_PX
    columns = np.arange(max(low[0], 0), min(high[0], camera.width_px), dtype=np.int32)
    rows = np.arange(max(low[1], 0), min(high[1], camera.height_px), dtype=np.int32)
    return np.repeat(rows, len(columns)), np.tile(columns, len(rows))


def _traced(scene: Scene, camera: Camera, planar: Planar, pixel: Int32[np.ndarray, "n"]) -> Samples:
    """What of the object is seen at positions of the lens, misses left out."""
    rotation = camera.world_from_camera[:3, :3].astype(np.float32)
    directions = planar[:, :1] * rotation[:, 0] + planar[:, 1:] * rotation[:, 1] + rotation[:, 2]
    eye = camera.center.astype(np.float32)
    hits = scene.caster.cast(np.broadcast_to(eye, directions.shape), directions)
    hit = hits.hit
    face, barycentric, depth, along = hits.face[hit], hits.barycentric[hit], hits.distance[hit], directions[hit]
    to_eye = -along / np.linalg.norm(along, axis=1, keepdims=True)
    flat = scene.normals[face]
    smooth = np.einsum("nk,nkc->nc", barycentric, scene.corner_normals[face])
    smooth /= np.maximum(np.linalg.norm(smooth, axis=1, keepdims=True), np.float32(1e-9))
    return Samples(pixel[hit], face, barycentric, depth, eye + depth[:, None] * along, to_eye, flat, smooth)


def _lit(still_life: StillLife, samples: Samples, camera: Camera) -> Float32[np.ndarray, "n 3"]:
    """Linear colours: albedo under the baked light, and a little gloss."""
    if len(samples) == 0:
        return np.zeros((0, 3), np.float32)
    albedo = look_up(still_life.scene, samples, camera).albedo
    irradiance = still_life.object_light.at(samples.face, samples.barycentric)
    if still_life.grain is not None:
        albedo = albedo * still_life.grain.at(samples.position, pixel_size(camera, samples.depth))[:, None]
    color = albedo * irradiance
    if still_life.gloss == 0:
        return np.asarray(color, np.float32)
    black = Coat(np.zeros_like(albedo), still_life.roughness, 0.0)
    mean = np.maximum(still_life.light.harmonics[0].mean() * np.float32(0.282095), np.float32(1e-3))
    open_share = np.clip(irradiance.mean(axis=1) / mean, 0, 1).astype(np.float32)
    shine = shaded(still_life.light, samples, black, open_share, np.minimum(open_share, 1))
    return np.asarray(color + np.float32(still_life.gloss) * shine, np.float32)


def stands_on_ground(points: Float32[np.ndarray, "n 3"], longest_m: float) -> Float64[np.ndarray, "4 4"]:
    """The similarity that makes the object's longest side so long and stands it on y = 0 above the origin."""
    low, high = points.min(axis=0).astype(np.float64), points.max(axis=0).astype(np.float64)
    scale = longest_m / max(float((high - low).max()), 1e-12)
    matrix = np.diag([scale, scale, scale, 1.0])
    matrix[:3, 3] = -scale * np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2])
    return matrix
