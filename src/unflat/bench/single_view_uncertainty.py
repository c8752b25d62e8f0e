"""Whether a network knows where it errs: the error that it expects against the true one, pixel by pixel."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from unflat.bench.single_view_bounds import first_and_last
from unflat.bench.single_view_cases import Case
from unflat.core import Camera
from unflat.geometry.object_crop import ObjectCrop
from unflat.nets.object_guess import ObjectGuess

EDGES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, np.inf)
"""Bins of the expected error, in half squares."""

Bins = list[list[float]]
"""For each bin: pixels, sum of the expected errors, sum of the true ones."""


def error_bins(case: Case, guess: ObjectGuess) -> Bins:
    """The network's expected and true errors of front and back depth on one photo, summed in bins of the first."""
    crop, said = guess.crop, guess.said
    expected, true = [], []
    sides = ((said.front, said.front_error), (said.back, said.back_error))
    for truth, (depth, error) in zip(true_layers(case, crop), sides, strict=True):
        inside = np.isfinite(truth) & (crop.mask > 0.5)
        expected.append(error[inside])
        true.append(np.abs(depth - truth)[inside])
    return binned(np.concatenate(expected), np.concatenate(true))


def true_layers(case: Case, crop: ObjectCrop) -> tuple[Float32[np.ndarray, "s s"], Float32[np.ndarray, "s s"]]:
    """Front and back in the frame of `unflat.geometry.object_frame`, NaN outside; for a crop without focal length."""
    size = len(crop.mask)
    scale = size / crop.side_px
    left, top = (middle - crop.side_px / 2 for middle in crop.middle_px)
    camera = case.camera
    square = Camera(
        size,
        size,
        camera.fx * scale,
        camera.fy * scale,
        (camera.cx - left) * scale,
        (camera.cy - top) * scale,
        camera.world_from_camera,
    )
    front, back = first_and_last(case.truth.scene, square)
    middle = np.float32(np.nanmean(front + back) / 2)
    unit = middle * np.float32(size / 2 / square.fx)
    return (front - middle) / unit, (back - middle) / unit


def binned(expected: Float32[np.ndarray, "n"], true: Float32[np.ndarray, "n"]) -> Bins:
    """Counts and sums per bin of the expected error."""
    place = np.digitize(expected, EDGES[1:-1])
    columns = [np.bincount(place, weights, minlength=len(EDGES) - 1) for weights in (None, expected, true)]
    return np.round(np.column_stack(columns), 4).tolist()
