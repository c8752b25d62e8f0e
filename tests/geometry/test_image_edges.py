"""Colours, sizes and soft edges of pictures."""

import cv2
import numpy as np
import pytest

from unflat.geometry.image_edges import distance_px, edge_strength, lab_from_srgb, reduced_size, resized, soft_edges


def test_lab_of_the_known_colours():
    colors = np.array([[[255, 255, 255], [0, 0, 0], [255, 0, 0]]], np.uint8)
    np.testing.assert_allclose(lab_from_srgb(colors)[0], [[100, 0, 0], [0, 0, 0], [53.2, 80.1, 67.2]], atol=0.3)


@pytest.mark.parametrize(
    ("size", "side", "expected"),
    [((3000, 4000), 400, (300, 400)), ((10, 20), 400, (10, 20)), ((1, 4000), 400, (1, 400))],
)
def test_a_reduced_size_keeps_proportions_and_at_least_a_pixel(size, side, expected):
    assert reduced_size(*size, side) == expected


def test_a_picture_of_the_right_size_is_not_copied():
    image = np.zeros((4, 5, 3), np.uint8)
    assert resized(image, (4, 5)) is image
    assert resized(image, (2, 9)).shape == (2, 9, 3)


def test_edge_strength_is_the_slope_of_a_ramp():
    ramp = np.zeros((20, 40, 3), np.float32)
    ramp[..., 0] = np.arange(40) * 2
    np.testing.assert_allclose(edge_strength(ramp)[5:-5, 5:-5], 2, rtol=1e-3)


def test_distance_counts_from_the_region_and_not_from_the_frame():
    region = np.ones((5, 9), bool)
    assert np.isinf(distance_px(region)).all()
    region[:, 4] = False
    np.testing.assert_allclose(distance_px(region)[2], [4, 3, 2, 1, 0, 1, 2, 3, 4], atol=0.05)


def blurred_disc(sigma):
    rows, columns = np.indices((120, 120))
    sharp = (np.hypot(rows - 60, columns - 60) < 35).astype(np.float32)
    return cv2.GaussianBlur(sharp, (0, 0), sigma)


@pytest.mark.parametrize("known_background", [True, False])
def test_soft_edges_find_the_true_alpha(known_background):
    truth = blurred_disc(1.0)
    front, back = np.float32([60, 40, 20]), np.float32([85, -5, 10])
    lab = (truth[..., None] * front + (1 - truth[..., None]) * back).astype(np.float32)
    behind = np.broadcast_to(back, lab.shape).astype(np.float32) if known_background else None
    alpha = soft_edges(lab, truth > 0.5, 3.0, behind)
    assert np.abs(alpha - truth).max() < 0.12
    assert alpha.dtype == np.float32


def test_where_the_colours_do_not_differ_the_mask_stays():
    solid = blurred_disc(1.0) > 0.5
    alpha = soft_edges(np.full((120, 120, 3), 50, np.float32), solid, 2.0)
    np.testing.assert_array_equal(alpha > 0.5, solid)


@pytest.mark.parametrize("value", [True, False])
def test_a_mask_without_an_edge_is_given_back(value):
    solid = np.full((6, 7), value)
    np.testing.assert_array_equal(soft_edges(np.zeros((6, 7, 3), np.float32), solid, 2.0), solid)
