"""Colours from photos onto the texels that they see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, Float64, Int64, UInt8

from unflat.core import Camera, Context, Mesh, View
from unflat.core.arrays import freeze_fields
from unflat.geometry.cameras import project
from unflat.geometry.uv import uv_area_ratio
from unflat.stages.texture.atlas import Atlas
from unflat.stages.texture.looking import (
    FEATHER_PX,
    GRAZING,
    LEAST,
    OCCLUSION_EDGE_PX,
    SLACK_SHARE,
    SQUARE,
    USABLE,
    Sight,
    camera_of,
    cosine_to,
    in_field,
    ramp,
)
from unflat.stages.texture.pictures import MARGIN_PX, Picture, picture_of

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
    looker = _Looker(atlas, Sight(mesh), _texel_size(mesh, atlas.width))
    points = mesh.vertices.astype(np.float64)
    closest = np.float32(max(_pixels_per_metre(camera_of(view), points).max() for view in views))
    alone = len(views) == 1
    blend, tones = _Blend.empty(len(atlas)), _Blend.empty(0 if alone else len(atlas))
    share, seen = np.zeros((2, len(atlas)), np.float32)
    for number, view in enumerate(views):
        picture = picture_of(view, edge_px)
        for look in looker.looks(camera_of(view), picture):
            share[look.texels] = np.maximum(share[look.texels], look.share)
            seen[look.texels] = np.maximum(seen[look.texels], look.seen)
            colors = picture.colors(look.pixels, look.level)
            if alone:
                blend.add(look.texels, look.share, colors)
                continue
            tone = picture.coarse_colors(look.pixels)
            merit = np.clip(look.merit / closest, _LEAST_MERIT, 1)
            blend.add(look.texels, look.share * merit**_FINE_SHARPNESS, colors - tone)
            tones.add(look.texels, look.share * merit**_COARSE_SHARPNESS, tone)
        context.progress((number + 1) / len(views))
    color = blend.mean()
    return Observed(color if alone else np.maximum(color + tones.mean(), 0), share, seen)


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
        """NaN where nothing was added. The last thing asked: it takes the sums' place."""
        weight = np.where(self.weight > 0, self.weight, np.float32(np.nan))
        return np.divide(self.total, weight[:, None], out=self.total)


@dataclass(frozen=True, eq=False)
class _Glance:
    """The texels that one view would see if nothing stood between."""

    texels: Int64[np.ndarray, "m"]
    pixels: Float64[np.ndarray, "m 2"]
    facing: Float32[np.ndarray, "m"]
    inside: Float32[np.ndarray, "m"]
    """Pixels into the mask."""
    scale: Float64[np.ndarray, "m"]
    """Pixels per metre where it is seen squarely."""
    pixels_per_texel: Float32[np.ndarray, "m"]


@dataclass(frozen=True, eq=False)
class _Look:
    """The texels that one view sees, and how well."""

    texels: Int64[np.ndarray, "m"]
    pixels: Float64[np.ndarray, "m 2"]
    level: Float32[np.ndarray, "m"]
    """log2 of the pixels per texel."""
    share: Float32[np.ndarray, "m"]
    seen: Float32[np.ndarray, "m"]
    merit: Float32[np.ndarray, "m"]
    """Pixels per metre of surface, less near the view's outlines."""


@dataclass(frozen=True, eq=False)
class _Looker:
    """What all views look at."""

    atlas: Atlas
    sight: Sight
    texel_size: Float32[np.ndarray, "f"]
    """Side of the texels of each face on the surface, in metres."""

    def looks(self, camera: Camera, picture: Picture) -> Iterator[_Look]:
        """What a view sees of the atlas, piece by piece."""
        slack = float(np.clip(SLACK_SHARE * max(picture.inside.shape), 2, MARGIN_PX))
        # Of one piece the glance is kept; of many, looking twice costs less than keeping.
        kept = self._glance(self.atlas, camera, picture, slack) if self.atlas.pieces_count == 1 else None
        hidden = np.zeros(self.atlas.height * self.atlas.width, np.uint8)
        fineness = []
        for _, piece in self.atlas.pieces():
            glance = kept or self._glance(piece, camera, picture, slack)
            position, normal = piece.position[glance.texels], piece.normal[glance.texels]
            hidden[piece.texel[glance.texels]] = self.sight.hidden(camera, position, normal)
            fineness.append(glance.pixels_per_texel[:: self.atlas.pieces_count])
        hidden = _grown(hidden, np.concatenate(fineness), self.atlas)
        for run, piece in self.atlas.pieces():
            glance = kept or self._glance(piece, camera, picture, slack)
            free = np.flatnonzero(hidden[piece.texel[glance.texels]] == 0)
            yield _look(glance, free, run.start, slack)

    def _glance(self, atlas: Atlas, camera: Camera, picture: Picture, slack: float) -> _Glance:
        # The candidates shrink from test to test.
        facing = cosine_to(camera, atlas.position, atlas.normal)
        texels = np.flatnonzero(facing > LEAST)
        position = atlas.position[texels].astype(np.float64)
        pixels, _ = project(camera, position)
        inside = picture.depth_inside(pixels)
        kept = np.flatnonzero((inside > -slack) & in_field(camera, position))
        texels, pixels, inside = texels[kept], pixels[kept], inside[kept]
        scale = _pixels_per_metre(camera, position[kept])
        size = self.texel_size[atlas.face[texels]]
        fineness = (scale * size * np.sqrt(facing[texels])).astype(np.float32)
        return _Glance(texels, pixels, facing[texels], inside, scale, fineness)


def _look(glance: _Glance, free: Int64[np.ndarray, "m"], start: int, slack: float) -> _Look:
    inside, facing = glance.inside[free], glance.facing[free]
    on_mask = np.clip(2 * (inside / slack + 1), 0, 1)
    share = on_mask * ramp(facing, LEAST, USABLE)
    seen = on_mask * ramp(facing, GRAZING, SQUARE)
    merit = glance.scale[free] * facing * np.clip(inside / FEATHER_PX, 0.1, 1)
    level = np.log2(np.maximum(glance.pixels_per_texel[free], 1))
    numbers = (part.astype(np.float32) for part in (level, share, seen, merit))
    return _Look(glance.texels[free] + start, glance.pixels[free], *numbers)


def _grown(
    hidden: UInt8[np.ndarray, "p"], pixels_per_texel: Float32[np.ndarray, "m"], atlas: Atlas
) -> UInt8[np.ndarray, "p"]:
    """What is hidden, and what lies so near its line of sight that a pixel would mix both."""
    if len(pixels_per_texel) == 0 or not hidden.any():
        return hidden
    radius = int(np.clip(np.ceil(OCCLUSION_EDGE_PX / np.median(pixels_per_texel)), 1, _MAX_EDGE_TEXELS))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    return np.asarray(cv2.dilate(hidden.reshape(atlas.height, atlas.width), disc).ravel())


def _pixels_per_metre(camera: Camera, points: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n"]:
    """Size of a metre in the picture, where it is seen squarely."""
    if camera.projection == "orthographic":
        return np.full(len(points), camera.fx)
    depth = (points - camera.center) @ camera.forward
    return camera.fx / np.maximum(depth, 1e-6)


def _texel_size(mesh: Mesh, size_px: int) -> Float32[np.ndarray, "f"]:
    """Side of the texels of each face on the surface, in metres."""
    share = uv_area_ratio(mesh) * size_px**2
    return np.sqrt(np.divide(1.0, share, out=np.zeros_like(share), where=share > 0)).astype(np.float32)
