"""A front layer and a back layer of depth become one closed mesh. For reliefs, and networks that predict both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64

from unflat.core.camera import Camera
from unflat.core.errors import InputError
from unflat.core.shape import Mesh
from unflat.geometry.cameras import unproject
from unflat.geometry.nearness import depth_of_nearness, depth_steps_to_nearness, nearness_of_depth
from unflat.geometry.occlusion_edges import Cuts, no_cuts
from unflat.geometry.sheet import Sheet, build_sheet

_STEEPEST = 8.0
"""Surfaces are carried on to their edge with no more than this slope: at steeper rims the samples are too uncertain."""

_STEEPEST_SHARE = 0.5
"""Nor by more than this share of the nearness, so that on a grid of a few samples nothing ends up behind the camera."""
_LEAST_GAP_SHARE = 1e-3
"""Least thickness over depth: well above float32's resolution."""
_TALLEST_TOOTH = 32.0
"""A step in depth between neighbours on the outline of up to this many samples' widths is a saw tooth: a ball of 500
samples has steps of sqrt(500), about 22, at its rim."""
_NOTCH_ROUNDS = 4
"""Closes notches of up to eight vertices: each row or column that the outline crosses makes one."""
_BLUR_ROUNDS = 12
"""Blurs along the outline over about two and a half samples."""


@dataclass(frozen=True, eq=False)
class Layers:
    """Two layers of z-depth on the pixels of one camera, and where they are."""

    camera: Camera
    """Its image is the grid: pixel centres are the samples. See `Camera.cropped` and `Camera.resized`."""
    front: Float32[np.ndarray, "h w"]
    back: Float32[np.ndarray, "h w"] | float
    """Both finite wherever the coverage is above one half. A number is a flat plate at this depth."""
    coverage: Float32[np.ndarray, "h w"]
    """0..1; the outline is its level 0.5, to a fraction of a sample."""
    seen: Bool[np.ndarray, "h w"] | None = None
    """Where the front was measured and not filled in; None is everywhere."""
    cuts: Cuts | None = None
    """Occlusion edges; None is none."""


def closed_mesh_from_layers(layers: Layers, *, join_cuts: bool = True, least_thickness: float = 0.0) -> Mesh:
    """The closed mesh between two layers: front, back, and walls along the outline; in the camera's world.

    Closed, manifold and outward-facing whatever the layers are, and free of crossings, since the back is kept at
    least `least_thickness` (metres, and never less than a thousandth of the depth) behind the front. The front's
    vertices come first; ``confidence`` is 1 on the seen front, 0 where it goes on behind a nearer surface and on the
    back, so that it fades along the walls. `join_cuts` bridges occlusion edges by steep walls, so that each connected
    piece of outline gives one body; otherwise the surfaces on both sides get a body each. Raises `InputError`
    (``nothing-in-picture``) where the coverage leaves no triangle. Linear in samples: 0.3 s for 512 x 512.
    """
    cuts = layers.cuts or no_cuts(*layers.coverage.shape)
    sheet = build_sheet(layers.coverage, cuts, join_cuts=join_cuts)
    if not len(sheet.faces):
        raise nothing_to_build()
    front = _depth_on(sheet, layers.camera, layers.front)
    gap = np.maximum(least_thickness, np.abs(front) * _LEAST_GAP_SHARE)
    if isinstance(layers.back, float) and join_cuts:
        # A plate needs no triangles but for its outline, which occlusion edges cross only on the frame.
        behind = build_sheet(layers.coverage, _only_on_the_frame(cuts), coarse=True)
        back = np.full(len(behind.pixels), max(layers.back, float((front + gap).max())))
    else:
        behind = sheet
        layer = np.full(layers.front.shape, layers.back, np.float32) if isinstance(layers.back, float) else layers.back
        back = np.maximum(_depth_on(sheet, layers.camera, layer), front + gap)
    vertices = [unproject(layers.camera, side.pixels, depth) for side, depth in ((sheet, front), (behind, back))]
    seen = np.ones(layers.front.shape, bool) if layers.seen is None else layers.seen
    behind_another = layers.front.ravel()[sheet.sample] > layers.front.ravel()[sheet.across]
    measured = seen.ravel()[sheet.sample] & ~behind_another
    confidence = np.concatenate([measured, np.zeros(len(back), bool)]).astype(np.float32)
    return Mesh(np.concatenate(vertices).astype(np.float32), _closed_faces(sheet, behind), confidence=confidence)


def nothing_to_build() -> InputError:
    """The error for layers that cover nothing."""
    return InputError(
        "There is no depth to build a surface from: the outline is smaller than one sample of the grid.",
        code="nothing-in-picture",
        hint="Give a larger picture, or a mask and a depth map that overlap.",
    )


def _depth_on(sheet: Sheet, camera: Camera, depth: Float32[np.ndarray, "h w"]) -> Float64[np.ndarray, "n"]:
    """Depth at the sheet's vertices: the sample's own, carried on to the edge along its surface's slope."""
    nearness = nearness_of_depth(camera, depth.ravel().astype(np.float64))
    here = nearness[sheet.sample]
    one_sample = depth_steps_to_nearness(camera, here)
    steepest = np.minimum(_STEEPEST * one_sample, _STEEPEST_SHARE * np.abs(here))
    slope = np.clip(here - nearness[sheet.opposite], -steepest, steepest)
    return depth_of_nearness(camera, _evened_outline(sheet, here + sheet.reach * slope, one_sample))


def _evened_outline(
    sheet: Sheet, nearness: Float64[np.ndarray, "n"], one_sample: Float64[np.ndarray, "n"]
) -> Float64[np.ndarray, "n"]:
    """The depth along the outline without the saw teeth that a rim seen at a grazing angle gets from the grid.

    Along the outline, where each vertex has two neighbours, narrow notches are closed (a minimum, then a maximum of
    the nearness) and the rest is blurred; true jumps stay.
    """
    evened = nearness.copy()
    start, end = sheet.boundary.T
    before, after = np.empty(len(nearness), np.int64), np.empty(len(nearness), np.int64)
    after[start], before[end] = np.where(sheet.steep, start, end), np.where(sheet.steep, end, start)
    before, after = before[start], after[start]
    limit = _TALLEST_TOOTH * one_sample[start]
    rounds = [np.minimum] * _NOTCH_ROUNDS + [np.maximum] * _NOTCH_ROUNDS + [np.add] * _BLUR_ROUNDS
    for combine in rounds:
        here, left, right = evened[start], evened[before], evened[after]
        left, right = (np.where(np.abs(side - here) < limit, side, here) for side in (left, right))
        combined = combine(combine(left, right), here)
        evened[start] = (combined + here) / 4 if combine is np.add else combined
    return evened


def _only_on_the_frame(cuts: Cuts) -> Cuts:
    """The cuts between samples that both lie on the frame."""
    right, down = np.full_like(cuts.right, np.nan), np.full_like(cuts.down, np.nan)
    right[[0, -1]], down[:, [0, -1]] = cuts.right[[0, -1]], cuts.down[:, [0, -1]]
    return Cuts(right, down)


def _closed_faces(front: Sheet, back: Sheet) -> np.ndarray:
    """Front, back (turned round) and two wall triangles for each boundary edge, which both sheets have in common."""
    first = len(front.pixels)
    start, end = front.boundary.T
    start_behind, end_behind = (np.searchsorted(back.key, front.key[vertex]) + first for vertex in (start, end))
    walls = [np.column_stack([end, start, start_behind]), np.column_stack([end, start_behind, end_behind])]
    return np.concatenate([front.faces, back.faces[:, ::-1] + first, *walls]).astype(np.int32)
