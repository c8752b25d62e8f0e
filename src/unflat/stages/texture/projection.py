"""Colours from photos onto the texels that they see."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64

from unflat.core import Camera, Context, Mesh, View
from unflat.core.arrays import freeze_fields
from unflat.geometry.cameras import directions_to_camera, project
from unflat.geometry.raycast import RayCaster
from unflat.geometry.uv import uv_area_ratio
from unflat.stages.texture.atlas import Atlas
from unflat.stages.texture.pictures import MARGIN_PX, Picture, picture_of

_LEAST, _USABLE = np.cos(np.deg2rad([87.0, 80.0]))
"""Cosines: a surface turned away further than the first takes no colour from a view, nearer than the second all."""
_GRAZING, _SQUARE = np.cos(np.deg2rad([84.0, 70.0]))
"""Cosines: a surface turned away further than the first counts as inferred, nearer than the second as seen."""
_SLACK_SHARE = 0.004
"""How far outside a mask a texel may land and still take the nearest colour inside, as a share of the object's size in
the picture: meshes are coarser than outlines."""
_LIFT_SHARE = 5e-4
"""How far a ray starts off the surface, as a share of the mesh's diagonal."""
_FEATHER_PX = 12.0
"""Over this many pixels from its outline a view gives way to others: outlines are where poses and masks err."""
_OCCLUSION_EDGE_PX = 1.5
"""Photo pixels around an occluder that mix its colour into what is behind."""
_MAX_EDGE_TEXELS = 12
_LEAST_MERIT = 0.01
"""Keeps the sharpest weights above the smallest float32."""
_FINE_SHARPNESS, _COARSE_SHARPNESS = 16, 3
"""Exponents of the views' weights: detail comes from the best view, tone from all that see the texel."""


@dataclass(frozen=True, eq=False)
class Observed:
    """What the views say of each texel."""

    color: Float32[np.ndarray, "n 3"]
    """Linear; NaN where no view saw it."""
    share: Float32[np.ndarray, "n"]
    """How far the colour can be relied on, 0 (no view gave one) to 1; what is between fades into what is filled in."""
    seen: Float32[np.ndarray, "n"]
    """Confidence: 0 unseen or at a grazing angle, to 1 seen well."""

    def __post_init__(self) -> None:
        freeze_fields(self, "color", "share", "seen")


def observed(atlas: Atlas, mesh: Mesh, views: tuple[View, ...], edge_px: int, context: Context) -> Observed:
    """Project every view onto the texels that it sees, and blend.

    A texel is seen by a view if it faces it, lies on its mask, and nothing stands between. One view: its photo exactly
    (bilinear, or averaged where the photo is finer than the texture). Several: detail from the one that looks at it
    most squarely and closely, tone blended (two bands; Baumberg 2002, "Blending images for texturing 3D models").
    Linear in texels and views: about 0.6 s for 2 million texels and one view.
    """
    caster = RayCaster(mesh)
    texel_size = _texel_size(atlas, mesh)
    points = mesh.vertices.astype(np.float64)
    closest = np.float32(max(_pixels_per_metre(_camera(view), points).max() for view in views))
    blend, tones = _Blend.empty(len(atlas)), _Blend.empty(len(atlas))
    share, seen = np.zeros((2, len(atlas)), np.float32)
    for number, view in enumerate(views):
        look = _look(atlas, caster, _camera(view), picture_of(view, edge_px), texel_size)
        share[look.texels] = np.maximum(share[look.texels], look.share)
        seen[look.texels] = np.maximum(seen[look.texels], look.seen)
        colors = look.picture.colors(look.pixels, look.level)
        if len(views) == 1:
            blend.add(look.texels, look.share, colors)
        else:
            tone = look.picture.coarse_colors(look.pixels)
            merit = np.clip(look.merit / closest, _LEAST_MERIT, 1)
            blend.add(look.texels, look.share * merit**_FINE_SHARPNESS, colors - tone)
            tones.add(look.texels, look.share * merit**_COARSE_SHARPNESS, tone)
        context.progress((number + 1) / len(views))
    color = blend.mean()
    return Observed(color if len(views) == 1 else np.maximum(color + tones.mean(), 0), share, seen)


@dataclass(frozen=True, eq=False)
class _Blend:
    """A weighted mean that grows."""

    total: Float32[np.ndarray, "n 3"]
    weight: Float32[np.ndarray, "n"]

    @staticmethod
    def empty(count: int) -> _Blend:
        return _Blend(np.zeros((count, 3), np.float32), np.zeros(count, np.float32))

    def add(
        self, index: Int64[np.ndarray, "m"], weight: Float32[np.ndarray, "m"], values: Float32[np.ndarray, "m 3"]
    ) -> None:
        self.total[index] += weight[:, None] * values
        self.weight[index] += weight

    def mean(self) -> Float32[np.ndarray, "n 3"]:
        """NaN where nothing was added."""
        return self.total / np.where(self.weight > 0, self.weight, np.float32(np.nan))[:, None]


@dataclass(frozen=True, eq=False)
class _Look:
    """The texels that one view sees, and how well."""

    picture: Picture
    texels: Int64[np.ndarray, "m"]
    pixels: Float64[np.ndarray, "m 2"]
    level: Float32[np.ndarray, "m"]
    """log2 of the pixels per texel."""
    share: Float32[np.ndarray, "m"]
    seen: Float32[np.ndarray, "m"]
    merit: Float32[np.ndarray, "m"]
    """Pixels per metre of surface, less near the view's outlines."""


def _look(
    atlas: Atlas, caster: RayCaster, camera: Camera, picture: Picture, texel_size: Float32[np.ndarray, "n"]
) -> _Look:
    # The candidates shrink from test to test, the dear one (rays) last.
    facing = _facing(atlas, camera)
    texels = np.flatnonzero(facing > _LEAST)
    position = atlas.position[texels].astype(np.float64)
    pixels, _ = project(camera, position)
    inside = picture.depth_inside(pixels)
    slack = float(np.clip(_SLACK_SHARE * max(picture.inside.shape), 2, MARGIN_PX))
    on_object = inside > -slack
    texels, pixels, inside, position = texels[on_object], pixels[on_object], inside[on_object], position[on_object]
    scale = _pixels_per_metre(camera, position)
    pixels_per_texel = (scale * texel_size[texels] * np.sqrt(facing[texels])).astype(np.float32)
    free = _unoccluded(atlas, caster, camera, texels, pixels_per_texel)
    texels, pixels, inside, scale = texels[free], pixels[free], inside[free], scale[free]
    on_mask = np.clip(2 * (inside / slack + 1), 0, 1)
    share = on_mask * _ramp(facing[texels], _LEAST, _USABLE)
    seen = on_mask * _ramp(facing[texels], _GRAZING, _SQUARE)
    merit = scale * facing[texels] * np.clip(inside / _FEATHER_PX, 0.1, 1)
    level = np.log2(np.maximum(pixels_per_texel[free], 1))
    return _Look(picture, texels, pixels, level, *(part.astype(np.float32) for part in (share, seen, merit)))


def _facing(atlas: Atlas, camera: Camera) -> Float32[np.ndarray, "n"]:
    """Cosine between each texel's normal and its direction to the camera."""
    if camera.projection == "orthographic":
        return np.einsum("ni,i->n", atlas.normal, (-camera.forward).astype(np.float32))
    towards = camera.center.astype(np.float32) - atlas.position
    return np.einsum("ni,ni->n", atlas.normal, towards) / np.sqrt(np.einsum("ni,ni->n", towards, towards))


def _ramp(value: Float32[np.ndarray, "m"], low: float, high: float) -> Float32[np.ndarray, "m"]:
    """0 below low, 1 above high, smooth between."""
    part = np.clip((value - np.float32(low)) / np.float32(high - low), 0, 1)
    return part * part * (3 - 2 * part)


def _unoccluded(
    atlas: Atlas,
    caster: RayCaster,
    camera: Camera,
    texels: Int64[np.ndarray, "m"],
    pixels_per_texel: Float32[np.ndarray, "m"],
) -> Bool[np.ndarray, "m"]:
    """Whether nothing stands between the texel and the camera, nor so near its line that a pixel would mix both."""
    if len(texels) == 0:
        return np.zeros(0, bool)
    position = atlas.position[texels].astype(np.float64)
    towards = directions_to_camera(camera, position)
    lift = _LIFT_SHARE * float(np.linalg.norm(np.ptp(atlas.position, axis=0)))
    origin = position + lift * (towards + atlas.normal[texels])
    reach = np.inf if camera.projection == "orthographic" else 1.0
    direction = towards if camera.projection == "orthographic" else camera.center - origin
    blocked = caster.blocked(origin.astype(np.float32), direction.astype(np.float32), reach)
    shadow = np.zeros(atlas.height * atlas.width, np.uint8)
    shadow[atlas.texel[texels]] = blocked
    radius = int(np.clip(np.ceil(_OCCLUSION_EDGE_PX / np.median(pixels_per_texel)), 1, _MAX_EDGE_TEXELS))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    grown = cv2.dilate(shadow.reshape(atlas.height, atlas.width), disc)
    return np.asarray(grown.ravel()[atlas.texel[texels]] == 0)


def _camera(view: View) -> Camera:
    assert view.camera is not None, "a reconstruction's views have cameras"
    return view.camera


def _pixels_per_metre(camera: Camera, points: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n"]:
    """Size of a metre in the picture, where it is seen squarely."""
    if camera.projection == "orthographic":
        return np.full(len(points), camera.fx)
    depth = (points - camera.center) @ camera.forward
    return camera.fx / np.maximum(depth, 1e-6)


def _texel_size(atlas: Atlas, mesh: Mesh) -> Float32[np.ndarray, "n"]:
    """Side of each texel on the surface in metres."""
    share = uv_area_ratio(mesh) * atlas.width * atlas.height
    side = np.sqrt(np.divide(1.0, share, out=np.zeros_like(share), where=share > 0))
    return side.astype(np.float32)[atlas.face]
