"""How alike two pictures are: PSNR, and the distance of their structure on several scales."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

MOST_PSNR_DB = 60.0
"""Equal pictures have an infinite one; means need a number."""
_SCALES = 3
_SIGMA_PX = 1.5
_STABLE_MEAN, _STABLE_CONTRAST = 0.01**2, 0.03**2
"""Constants of Wang et al. for pictures in 0..1."""


def psnr_db(one: UInt8[np.ndarray, "h w 3"], other: UInt8[np.ndarray, "h w 3"]) -> float:
    """Peak signal-to-noise ratio over the whole picture, in sRGB levels."""
    squared = float(((one.astype(np.float64) - other) ** 2).mean())
    return MOST_PSNR_DB if squared == 0 else min(float(10 * np.log10(255.0**2 / squared)), MOST_PSNR_DB)


def structure_distance(
    one: UInt8[np.ndarray, "h w 3"], other: UInt8[np.ndarray, "h w 3"], where: Bool[np.ndarray, "h w"]
) -> float:
    """One minus the mean structural similarity (Wang et al. 2004) over three scales, of sRGB grey, inside `where`.

    0 for equal pictures, about 1 for unrelated ones. It stands where others give LPIPS, whose network would have to be
    downloaded; the figures are not comparable.
    """
    a, b = (cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32) / np.float32(255) for picture in (one, other))
    weight = where.astype(np.float32)
    similarities = []
    for _ in range(_SCALES):
        total = float(weight.sum())
        if total > 0:
            similarities.append(float((_similarity(a, b) * weight).sum()) / total)
        a, b, weight = (cv2.resize(x, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA) for x in (a, b, weight))
    return 1 - float(np.mean(similarities)) if similarities else float("nan")


def _similarity(a: Float32[np.ndarray, "h w"], b: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    def blurred(x: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(x, (0, 0), _SIGMA_PX)

    mean_a, mean_b = blurred(a), blurred(b)
    spread = blurred(a * a) - mean_a**2 + blurred(b * b) - mean_b**2
    together = blurred(a * b) - mean_a * mean_b
    brightness = (2 * mean_a * mean_b + _STABLE_MEAN) / (mean_a**2 + mean_b**2 + _STABLE_MEAN)
    return np.asarray(brightness * (2 * together + _STABLE_CONTRAST) / (spread + _STABLE_CONTRAST), np.float32)
