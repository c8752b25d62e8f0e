"""Guided filter (He, Sun and Tang 2013): a coarse mask takes over the edges of a picture."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float32


def guided(
    guide: Float32[np.ndarray, "h w 3"],
    mask: Float32[np.ndarray, "h w"],
    radius_px: float,
    least_variance: float,
    side_px: int = 512,
) -> Float32[np.ndarray, "h w"]:
    """The mask 0..1 as the best local linear function of the guide's colours, within about `radius_px`.

    Colour steps much smaller than the root of `least_variance` do not count as edges. The functions are found on a copy
    of at most `side_px` and applied at full size (He and Sun 2015). Cost: linear in pixels.
    """
    height, width = mask.shape
    factor = min(1.0, side_px / max(height, width))
    small = (max(1, round(width * factor)), max(1, round(height * factor)))
    picture = cv2.resize(guide, small, interpolation=cv2.INTER_AREA)
    target = cv2.resize(mask, small, interpolation=cv2.INTER_AREA)
    side = 2 * max(1, round(radius_px * factor)) + 1

    def mean(values: np.ndarray) -> np.ndarray:
        return cv2.blur(values, (side, side))

    mean_picture, mean_target = mean(picture), mean(target)
    with_target = mean(picture * target[..., None]) - mean_picture * mean_target[..., None]
    pairs = (picture[..., :, None] * picture[..., None, :]).reshape(*target.shape, 9)
    products = mean_picture[..., :, None] * mean_picture[..., None, :]
    variance = np.stack([mean(np.ascontiguousarray(pairs[..., k])) for k in range(9)], axis=-1)
    variance = variance.reshape(*target.shape, 3, 3) - products + np.eye(3, dtype=np.float32) * least_variance
    slope = np.linalg.solve(variance, with_target[..., None])[..., 0].astype(np.float32)
    offset = mean_target - np.einsum("hwc,hwc->hw", slope, mean_picture)
    full = (width, height)
    slope, offset = (cv2.resize(mean(values), full, interpolation=cv2.INTER_LINEAR) for values in (slope, offset))
    return np.clip(np.einsum("hwc,hwc->hw", slope, guide) + offset, 0, 1).astype(np.float32)
