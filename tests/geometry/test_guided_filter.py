from __future__ import annotations

import cv2
import numpy as np

from unflat.geometry.guided_filter import guided
from unflat.geometry.masks import intersection_over_union


def disc(side: int, radius: float, x: float | None = None) -> np.ndarray:
    rows, columns = np.mgrid[:side, :side]
    return (np.hypot(rows - side / 2, columns - (side / 2 if x is None else x)) < radius).astype(np.float32)


def test_a_mask_that_lies_beside_the_edge_of_the_picture_is_drawn_to_it() -> None:
    truth = disc(200, 60)
    picture = np.where(truth[..., None] > 0, np.float32([0.8, 0.3, 0.2]), np.float32([0.2, 0.3, 0.4]))
    beside = cv2.GaussianBlur(disc(200, 60, x=104), (0, 0), 3)
    followed = guided(picture, beside, 12, 1e-3)
    before, after = (intersection_over_union(mask > 0.5, truth > 0.5) for mask in (beside, followed))
    assert before < 0.93 and after > 0.98


def test_a_flat_picture_leaves_the_mask_as_smooth_as_it_was() -> None:
    blurred = cv2.GaussianBlur(disc(120, 30), (0, 0), 4)
    flat = np.full((120, 120, 3), 0.5, np.float32)
    assert np.abs(guided(flat, blurred, 3, 1e-3) - blurred).max() < 0.1


def test_full_and_empty_masks_stay_so() -> None:
    picture = np.random.default_rng(0).random((50, 70, 3)).astype(np.float32)
    for value in (0.0, 1.0):
        mask = np.full((50, 70), value, np.float32)
        assert np.allclose(guided(picture, mask, 4, 1e-3, side_px=32), value, atol=1e-3)
