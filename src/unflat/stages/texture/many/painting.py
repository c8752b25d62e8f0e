"""Painting: each texel takes its colour from the photos of its site, sampled once, exposure and tones levelled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int32, Int64

from unflat.core import Camera, Context, Mesh, View
from unflat.geometry.cameras import project
from unflat.geometry.image_sampling import bicubic
from unflat.stages.texture.atlas import Atlas
from unflat.stages.texture.looking import LEAST, USABLE, Sight, camera_of, cosine_to, ramp
from unflat.stages.texture.many.agreement import DARK
from unflat.stages.texture.many.close_look import box_around
from unflat.stages.texture.many.shares import Shares
from unflat.stages.texture.many.sites import Sites
from unflat.stages.texture.pictures import Picture, picture_of

_TEXELS_AT_ONCE = 1 << 20
_REACH = 0.175
_TAPS = _REACH * np.array([[-1, -1], [1, -1], [-1, 1], [1, 1]])
"""Where a texel that covers many pixels is sampled, in texels from its middle: its quarters, drawn in a little, because
whoever looks at the texture blends neighbours once more. Measured: 0.2 dB better than a quarter."""
_AVERAGED_FROM = 2.0
"""Pixels per texel from which a texel is the mean of four samples instead of one: below, one is sharper."""

_LEAST_TRUST = 0.01


@dataclass(frozen=True, eq=False)
class Brush:
    """What is to be painted: per entry of the shares a gain, corrections of tone, and whether to ask each texel."""

    sites: Sites
    shares: Shares
    gains: Float32[np.ndarray, "v 3"]
    corrections: Float32[np.ndarray, "j 3 3"]
    edge_px: int
    partly: Bool[np.ndarray, "j"]
    """Part of the site is hidden from the view: each of its texels is asked."""


@dataclass(frozen=True, eq=False)
class Painted:
    """Colours, and how far they can be relied on."""

    color: Float32[np.ndarray, "n 3"]
    """Linear; NaN where no view gave one."""
    share: Float32[np.ndarray, "n"]


def painted(atlas: Atlas, mesh: Mesh, views: tuple[View, ...], brush: Brush, context: Context) -> Painted:
    """Sample the photos, one at a time, at the texels whose sites they colour. Linear in texels."""
    color, weight, share = np.zeros((len(atlas), 3), np.float32), *np.zeros((2, len(atlas)), np.float32)
    first = np.searchsorted(atlas.face, np.arange(len(mesh.faces) + 1))
    growth = _growth(mesh, atlas.width)
    sight = Sight(mesh) if brush.partly.any() else None
    bounds = np.searchsorted(brush.shares.view, np.arange(len(views) + 1))
    for number, view in enumerate(views):
        jobs = np.arange(bounds[number], bounds[number + 1])
        if len(jobs):
            stroke = _Stroke.of(brush, jobs, view, growth)
            texels = _texels_of(stroke.face, first)
            for start in range(0, len(texels), _TEXELS_AT_ONCE):
                some = texels[start : start + _TEXELS_AT_ONCE]
                index, found, part, trust = stroke.applied(atlas.at(some), sight)
                index = some[index]
                color[index] += part[:, None] * found
                weight[index] += part
                share[index] = np.maximum(share[index], trust)
        context.progress((number + 1) / len(views))
    known = weight > 0
    color /= np.where(known, weight, np.float32(np.nan))[:, None]
    return Painted(color, share)


@dataclass(frozen=True, eq=False)
class _Stroke:
    """One view's part of the work."""

    brush: Brush
    jobs: Int64[np.ndarray, "j"]
    job_of: Int32[np.ndarray, "s"]
    camera: Camera
    picture: Picture
    jacobian: Float32[np.ndarray, "j 2 2"]
    """Pixels (first axis) that the picture moves for a step of one texel along u and v (second axis)."""
    face: Int64[np.ndarray, "f"]

    @staticmethod
    def of(brush: Brush, jobs: Int64[np.ndarray, "j"], view: View, growth: Float32[np.ndarray, "f 3 2"]) -> _Stroke:
        """Ready the photo for its sites."""
        camera, site = camera_of(view), brush.shares.site[jobs]
        job_of = np.full(len(brush.sites), -1, np.int32)
        job_of[site] = np.arange(len(jobs))
        corners = brush.sites.vertices[brush.sites.corners[site]].astype(np.float64)
        picture = picture_of(view, brush.edge_px, box_around(project(camera, corners.reshape(-1, 3))[0]))
        face = site >> 2 * brush.sites.divisions
        middle = corners.mean(axis=1)
        here = project(camera, middle)[0]
        steps = [project(camera, middle + growth[face, :, axis])[0] - here for axis in range(2)]
        jacobian = np.nan_to_num(np.stack(steps, axis=2)).astype(np.float32)
        return _Stroke(brush, jobs, job_of, camera, picture, jacobian, np.unique(face).astype(np.int64))

    def applied(
        self, atlas: Atlas, sight: Sight | None
    ) -> tuple[Int64[np.ndarray, "m"], Float32[np.ndarray, "m 3"], Float32[np.ndarray, "m"], Float32[np.ndarray, "m"]]:
        """Which of these texels the view colours, in which colour, with which weight, and how reliably."""
        brush = self.brush
        site, barycentric = brush.sites.located(atlas.face, atlas.barycentric)
        job = self.job_of[site]
        index = np.flatnonzero(job >= 0)
        job, barycentric = job[index], barycentric[index]
        weight = np.einsum("mk,mk->m", barycentric, brush.shares.weight[self.jobs[job]])
        index, job, barycentric = (part[weight > 0] for part in (index, job, barycentric))
        weight = weight[weight > 0]
        there = atlas.at(index)
        pixels = project(self.camera, there.position.astype(np.float64))[0]
        normal = np.einsum("mk,mkc->mc", barycentric, brush.sites.normals[brush.sites.corners[site[index]]])
        trust = self._trust(there.position, normal, job, sight)
        color = self._sampled(pixels, self.jacobian[job]) * brush.gains[brush.shares.view[self.jobs[0]]]
        correction = np.einsum("mk,mkc->mc", barycentric, brush.corrections[self.jobs[job]])
        color = np.maximum((color + np.float32(DARK)) * np.exp(correction) - np.float32(DARK), 0)
        kept = trust > 0
        return index[kept], color[kept], weight[kept], trust[kept]

    def _trust(
        self,
        position: Float32[np.ndarray, "m 3"],
        normal: Float32[np.ndarray, "m 3"],
        job: Int32[np.ndarray, "m"],
        sight: Sight | None,
    ) -> Float32[np.ndarray, "m"]:
        """How far the view's colour can be relied on: less at grazing angles, 0 where it shows something else."""
        normal = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), np.finfo(np.float32).tiny)
        trust = np.maximum(ramp(cosine_to(self.camera, position, normal), LEAST, USABLE), np.float32(_LEAST_TRUST))
        asked = np.flatnonzero(self.brush.partly[self.jobs[job]])
        if sight is not None and len(asked):
            trust[asked[sight.mixed(self.camera, position[asked], normal[asked])]] = 0
        return trust

    def _sampled(
        self, pixels: Float64[np.ndarray, "m 2"], jacobian: Float32[np.ndarray, "m 2 2"]
    ) -> Float32[np.ndarray, "m 3"]:
        """Linear colours over the area of each texel."""
        across = np.sqrt(np.linalg.norm(jacobian, axis=1).prod(axis=1))
        small = across < _AVERAGED_FROM
        color = np.empty((len(pixels), 3), np.float32)
        color[small] = bicubic(self.picture.levels[0], (pixels[small] - self.picture.corner).astype(np.float32))
        large = np.flatnonzero(~small)
        level = np.log2(np.maximum(2 * np.float32(_REACH) * across[large], 1))
        color[large] = 0
        for tap in _TAPS:
            color[large] += self.picture.colors(pixels[large] + jacobian[large] @ tap, level) / np.float32(len(_TAPS))
        return color


def _texels_of(face: Int64[np.ndarray, "f"], first: Int64[np.ndarray, "g"]) -> Int64[np.ndarray, "m"]:
    """Numbers of all texels of some faces; texels stand in the order of the faces, each from its first."""
    counts = first[face + 1] - first[face]
    return np.repeat(first[face] - (np.cumsum(counts) - counts), counts) + np.arange(counts.sum())


def _growth(mesh: Mesh, size_px: int) -> Float32[np.ndarray, "f 3 2"]:
    """How far the place on the surface moves in metres for a step of one texel along u and v, per face."""
    assert mesh.uv is not None, "unwrap the mesh first"
    corners = mesh.uv[mesh.faces].astype(np.float64) * size_px
    place = mesh.vertices[mesh.faces].astype(np.float64)
    sides, edges = corners[:, 1:] - corners[:, :1], place[:, 1:] - place[:, :1]
    (a, b), (c, d) = sides[:, 0].T, sides[:, 1].T
    determinant = a * d - b * c
    inverse = np.divide(1, determinant, out=np.zeros_like(determinant), where=determinant != 0)
    along_u = (edges[:, 0] * d[:, None] - edges[:, 1] * b[:, None]) * inverse[:, None]
    along_v = (edges[:, 1] * a[:, None] - edges[:, 0] * c[:, None]) * inverse[:, None]
    return np.stack([along_u, along_v], axis=2).astype(np.float32)
