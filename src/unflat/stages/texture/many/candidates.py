"""Candidates: which photos see each site whole, how well, and in what colour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int16, Int64

from unflat.core import Camera, Context, Mesh, View
from unflat.core.arrays import freeze_fields
from unflat.geometry.cameras import project
from unflat.stages.texture.looking import (
    FEATHER_PX,
    GRAZING,
    LEAST,
    SLACK_SHARE,
    SQUARE,
    Sight,
    camera_of,
    cosine_to,
    in_field,
    ramp,
)
from unflat.stages.texture.many.close_look import CloseLook, close_look_of
from unflat.stages.texture.many.sites import Sites
from unflat.stages.texture.pictures import MARGIN_PX

_MOST = 16
"""Candidates kept for each site, the best."""
_BORDER_PX = 1.0
"""Pixels along the photo's border that nobody uses."""
_PART_MERIT = 1e-3
"""Quality of a partly hidden site, as a share of what it would be: taken only where no photo sees the whole."""
_SPOTS = np.array([[1, 1, 1], [1.8, 0.6, 0.6], [0.6, 1.8, 0.6], [0.6, 0.6, 1.8]], np.float32) / 3
"""Barycentric coordinates of the four spots of a site that are looked at; each stands for a quarter of its area."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """For each site the photos that see it, at most 16, the best ones, best first."""

    view: Int16[np.ndarray, "s k"]
    """Index of the view; -1 where there is none."""
    quality: Float32[np.ndarray, "s k"]
    """Projected area in pixels times sharpness; 0 where there is no view."""
    color: Float32[np.ndarray, "s k 3"]
    """Mean linear colour of the site in the photo; NaN where there is no view."""
    sharpness: Float32[np.ndarray, "s"]
    """Share by which brightness changes from pixel to pixel in the best photo: how much detail there is."""
    whole: Bool[np.ndarray, "s k"]
    """All of the site is seen, and no pixel of it shows something else, too."""
    seen: Float32[np.ndarray, "s"]
    """Best confidence 0..1 that any view looks at it, by angle and mask."""

    def __post_init__(self) -> None:
        freeze_fields(self, "view", "quality", "color", "sharpness", "whole", "seen")


def candidates_of(sites: Sites, mesh: Mesh, views: tuple[View, ...], edge_px: int, context: Context) -> Candidates:
    """Look through every view once, one photo in memory at a time. Linear in sites times views."""
    count, most = len(sites), min(_MOST, len(views))
    sight = Sight(mesh)
    seen, sharpness, most_worth = np.zeros((3, count), np.float32)
    view_of, whole_of = np.full((count, most), -1, np.int16), np.zeros((count, most), bool)
    quality_of, color_of = np.zeros((count, most), np.float32), np.full((count, most, 3), np.nan, np.float32)
    for number, view in enumerate(views):
        look = _look(sites, sight, view, edge_px)
        slot = np.argmin(quality_of[look.site], axis=1)
        better = look.quality > quality_of[look.site, slot]
        to = look.site[better], slot[better]
        view_of[to], quality_of[to] = number, look.quality[better]
        color_of[to], whole_of[to] = look.color[better], look.whole[better]
        seen[look.site] = np.maximum(seen[look.site], look.seen * look.whole)
        best = look.quality > most_worth[look.site]
        sharpness[look.site[best]], most_worth[look.site[best]] = look.sharpness[best], look.quality[best]
        context.progress((number + 1) / len(views))
    # Who is seen whole by someone needs nobody who sees a part.
    superfluous = ~whole_of & whole_of.any(axis=1, keepdims=True)
    view_of[superfluous], quality_of[superfluous], color_of[superfluous] = -1, 0, np.nan
    used = slice(0, max(int((view_of >= 0).sum(axis=1).max()), 1))
    order = np.argsort(-quality_of, axis=1, kind="stable")[:, used]
    view_of, quality_of, whole_of = (
        np.take_along_axis(part, order, axis=1) for part in (view_of, quality_of, whole_of)
    )
    color_of = np.take_along_axis(color_of, order[..., None], axis=1)
    return Candidates(view_of, quality_of, color_of, sharpness, whole_of, seen)


@dataclass(frozen=True, eq=False)
class _Look:
    """The sites that one view sees, at least in part."""

    site: Int64[np.ndarray, "m"]
    quality: Float32[np.ndarray, "m"]
    color: Float32[np.ndarray, "m 3"]
    sharpness: Float32[np.ndarray, "m"]
    whole: Bool[np.ndarray, "m"]
    seen: Float32[np.ndarray, "m"]


def _look(sites: Sites, sight: Sight, view: View, edge_px: int) -> _Look:
    # The candidates shrink from test to test.
    camera = camera_of(view)
    pixels, placed = _placed(sites, camera)
    corners = pixels[sites.corners]
    facing, doubled = _facing(sites, camera), _doubled_area(corners)
    site = np.flatnonzero((facing > LEAST) & (doubled > 0) & placed[sites.corners].all(axis=1))
    if len(site) == 0:
        return _nothing()
    close = close_look_of(view, edge_px, corners[site].reshape(-1, 2))
    inside = close.picture.depth_inside(corners[site].reshape(-1, 2)).reshape(-1, 3).min(axis=1)
    slack = float(np.clip(SLACK_SHARE * max(close.picture.inside.shape), 2, MARGIN_PX))
    site, inside = site[inside > -slack], inside[inside > -slack]
    if len(site) == 0:
        return _nothing()
    hidden = _hidden(sites, sight, camera, site)
    visible, whole = np.asarray(~hidden.all(axis=1)), np.asarray(~hidden.any(axis=1))
    site, inside, whole = site[visible], inside[visible], whole[visible]
    color, sharpness = _at_spots(close, corners[site])
    merit = np.clip(inside / FEATHER_PX, 0.1, 1) * np.where(whole, 1, _PART_MERIT)
    quality = np.maximum(doubled[site] / 2 * sharpness * merit, np.finfo(np.float32).tiny).astype(np.float32)
    on_mask = np.clip(2 * (inside / slack + 1), 0, 1)
    return _Look(
        site, quality, color, sharpness, whole, (on_mask * ramp(facing[site], GRAZING, SQUARE)).astype(np.float32)
    )


def _nothing() -> _Look:
    none = np.zeros(0, np.float32)
    return _Look(np.zeros(0, np.int64), none, np.zeros((0, 3), np.float32), none, np.zeros(0, bool), none)


def _placed(sites: Sites, camera: Camera) -> tuple[Float64[np.ndarray, "w 2"], Bool[np.ndarray, "w"]]:
    """Where the camera sees each vertex, if nothing stands between, and whether that lies in the picture."""
    points = sites.vertices.astype(np.float64)
    pixels, _ = project(camera, points)  # NaN behind the camera
    size = np.array([camera.width_px, camera.height_px])
    return pixels, in_field(camera, points) & ((pixels > _BORDER_PX) & (pixels < size - _BORDER_PX)).all(axis=1)


def _facing(sites: Sites, camera: Camera) -> Float32[np.ndarray, "s"]:
    """Cosine between each site's smooth normal and its direction to the camera."""
    normal = sites.normals[sites.corners].sum(axis=1)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return cosine_to(camera, sites.vertices[sites.corners].mean(axis=1), normal)


def _doubled_area(corners: Float64[np.ndarray, "s 3 2"]) -> Float64[np.ndarray, "s"]:
    """Twice the area in square pixels, positive where the front is seen (v grows downwards); NaN where unplaced."""
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return np.asarray(first[:, 1] * second[:, 0] - first[:, 0] * second[:, 1])


def _hidden(sites: Sites, sight: Sight, camera: Camera, site: Int64[np.ndarray, "m"]) -> Bool[np.ndarray, "m 4"]:
    """Whether the camera sees something else at each corner, or so near that pixels mix both, and at the middle."""
    corners = sites.corners[site]
    used = np.unique(corners)
    at_vertex = np.zeros(len(sites.vertices), bool)
    at_vertex[used] = sight.mixed(camera, sites.vertices[used], sites.normals[used])
    middle, normal = sites.vertices[corners].mean(axis=1), sites.normals[corners].mean(axis=1)
    return np.column_stack([at_vertex[corners], sight.hidden(camera, middle, normal)])


def _at_spots(
    close: CloseLook, corners: Float64[np.ndarray, "m 3 2"]
) -> tuple[Float32[np.ndarray, "m 3"], Float32[np.ndarray, "m"]]:
    """Mean colour and mean sharpness of sites whose corners are at these pixels."""
    area = np.abs(_doubled_area(corners)) / 2
    level = np.log2(np.maximum(np.sqrt(area / len(_SPOTS)), 1)).astype(np.float32)
    color, sharpness = np.zeros((len(corners), 3), np.float32), np.zeros(len(corners), np.float32)
    for spot in _SPOTS:
        pixels = np.einsum("k,mkc->mc", spot, corners)
        color += close.picture.colors(pixels, level)
        sharpness += close.sharpness(pixels, level)
    return color / len(_SPOTS), sharpness / len(_SPOTS)
