"""A plain or smoothly shaded background behind an object, as a low-order polynomial of colour over the picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Float64

from unflat.geometry.image_edges import edge_strength, reduced_size, resized

_FIT_SIDE_PX = 256
"""The model has few coefficients: a small copy is plenty to fit it on."""
_FIRST_DEGREE, _LAST_DEGREE = 1, 3
"""From a tilted plane of colour to a vignette with a light to one side."""
_ROUNDS = 4
"""Rounds of reweighting per degree; the weights have settled by then."""
_MIN_NOISE_LAB = 0.5
"""Noise-free pictures still have 8-bit steps of about this size."""
_NOISE_BLUR_PX = 0.8
"""Blur against sensor noise and JPEG blocks; edges stay where they are."""
_CALM_LAB_PER_PX = 1.2
"""Colour changes slower than this in a plain background, on the small copy."""


@dataclass(frozen=True, eq=False)
class Background:
    """A background's colour over the picture, and how well the picture's border keeps to it."""

    coefficients: Float64[np.ndarray, "terms 3"]
    degree: int
    noise_lab: float
    """Usual distance of the background's pixels from the model (slightly blurred, as in `difference_lab`), in Lab."""

    def difference_lab(self, lab: Float32[np.ndarray, "h w 3"]) -> Float32[np.ndarray, "h w"]:
        """How far each pixel is from the background, in Lab units; blurred by a pixel, so that noise cancels."""
        residual = lab - self.colors(*lab.shape[:2])
        return np.asarray(np.linalg.norm(cv2.GaussianBlur(residual, (0, 0), _NOISE_BLUR_PX), axis=2))

    def colors(self, height: int, width: int) -> Float32[np.ndarray, "h w 3"]:
        """The Lab colour at every pixel of a picture of this size."""
        down, across = _axis(height), _axis(width)
        exponents = range(self.degree + 1)
        rows = np.stack([down**power for power in exponents], axis=1)
        columns = np.stack([across**power for power in exponents])
        table = np.zeros((self.degree + 1, self.degree + 1, 3))
        for (px, py), color in zip(_powers(self.degree), self.coefficients, strict=True):
            table[py, px] = color
        across_rows = np.einsum("yk,kxc->cyx", rows, table).astype(np.float32)
        return np.asarray(
            cv2.merge([np.einsum("yk,kx->yx", plane, columns.astype(np.float32)) for plane in across_rows])
        )


def fit_background(lab: Float32[np.ndarray, "h w 3"]) -> Background:
    """The background of a picture whose border shows mostly background, from the calm region along that border.

    Iteratively reweighted least squares with Cauchy weights, of rising polynomial degree; objects that touch the
    frame are outvoted. Cost: one pass over the pixels, then constant.
    """
    small = np.ascontiguousarray(resized(lab, reduced_size(lab.shape[0], lab.shape[1], _FIT_SIDE_PX)))
    calm = _calm_region_at_the_border(small)
    rows, columns = np.nonzero(calm)
    x, y = _axis(small.shape[1])[columns], _axis(small.shape[0])[rows]
    colors = small[rows, columns].astype(np.float64)
    weights = _weights_towards_the_commonest(colors)
    for degree in range(_FIRST_DEGREE, _LAST_DEGREE + 1):
        terms = np.stack([x**px * y**py for px, py in _powers(degree)], axis=1)
        for _ in range(_ROUNDS):
            coefficients = _solve(terms, colors, weights)
            residual = np.linalg.norm(colors - terms @ coefficients, axis=1)
            scale = max(2.0 * float(np.median(residual)), 2 * _MIN_NOISE_LAB)
            weights = 1.0 / (1.0 + (residual / scale) ** 2) ** 2
    model = Background(coefficients, _LAST_DEGREE, _MIN_NOISE_LAB)
    return Background(coefficients, _LAST_DEGREE, _noise_at_the_border(lab, model))


def border_of(height: int, width: int, share: float = 0.02) -> Bool[np.ndarray, "h w"]:
    """The pixels along the frame, in a ring as wide as this share of the shorter side, at least one pixel."""
    ring = np.ones((height, width), dtype=bool)
    wide = max(1, round(share * min(height, width)))
    ring[wide:-wide, wide:-wide] = False
    return ring


def _calm_region_at_the_border(lab: Float32[np.ndarray, "h w 3"]) -> Bool[np.ndarray, "h w"]:
    """Pixels that can be reached from the frame without crossing an edge; the whole border ring if they are few."""
    ring = border_of(*lab.shape[:2])
    calm = edge_strength(lab) < _CALM_LAB_PER_PX
    count, labels = cv2.connectedComponents(calm.astype(np.uint8), connectivity=4)
    at_border = np.bincount(labels[ring], minlength=count) > 0
    at_border[0] = False
    reached = at_border[labels]
    return reached if reached[ring].mean() > 0.5 else ring


def _weights_towards_the_commonest(colors: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n"]:
    """First weights: high near the median colour, so that a few strangers don't tilt the first plane."""
    far = np.linalg.norm(colors - np.median(colors, axis=0), axis=1)
    scale = max(2.0 * float(np.median(far)), 5.0)
    return np.asarray(1.0 / (1.0 + (far / scale) ** 2))


def _noise_at_the_border(lab: Float32[np.ndarray, "h w 3"], model: Background) -> float:
    """Median distance to the model along the border, at least what 8-bit steps make."""
    return max(_MIN_NOISE_LAB, float(np.median(model.difference_lab(lab)[border_of(*lab.shape[:2])])))


def _solve(
    terms: Float64[np.ndarray, "n terms"], colors: Float64[np.ndarray, "n 3"], weights: Float64[np.ndarray, "n"]
) -> Float64[np.ndarray, "terms 3"]:
    """Weighted least squares with a whisper of ridge, so that a picture with too few samples has a solution too."""
    weighted = terms * weights[:, None]
    normal = weighted.T @ terms + 1e-6 * len(terms) * np.eye(terms.shape[1])
    return np.asarray(np.linalg.solve(normal, weighted.T @ colors))


def _powers(degree: int) -> list[tuple[int, int]]:
    return [(px, py) for px in range(degree + 1) for py in range(degree + 1 - px)]


def _axis(count: int) -> Float64[np.ndarray, "n"]:
    """Pixel centres along one side, from -1 to 1."""
    return np.asarray((np.arange(count) + 0.5) / count * 2 - 1)
