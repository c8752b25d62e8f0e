"""sRGB and linear light invert each other."""

import numpy as np

from unflat.core.color import linear_from_srgb, luminance, srgb_from_linear


def test_every_byte_survives_the_way_to_linear_and_back():
    every = np.arange(256, dtype=np.uint8)
    assert np.array_equal(srgb_from_linear(linear_from_srgb(every)), every)


def test_middle_grey_is_a_fifth_of_the_light():
    assert abs(float(linear_from_srgb(np.array([118], np.uint8))[0]) - 0.18) < 0.005


def test_white_has_luminance_one():
    assert np.isclose(luminance(np.ones((1, 3), np.float32))[0], 1.0)


def test_light_out_of_range_is_clipped_and_unknown_is_black():
    assert srgb_from_linear(np.array([-1, 2, np.nan], np.float32)).tolist() == [0, 255, 0]
