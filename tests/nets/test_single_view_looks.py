"""Several looks at one picture: what is said of a mirrored or smaller one is said of the picture itself."""

import cv2
import numpy as np
import pytest

from unflat.nets.single_view import Prediction, SingleViewNetwork
from unflat.nets.single_view_looks import predicted

SCALES = (1, 46 / 48, 42 / 48, 40 / 48)
"""Of a network of 48 pixels."""


class Echo(SingleViewNetwork):
    """Depths are the picture's first channel, the back is the picture, up leans to the right."""

    def __init__(self):
        self.size_px = 48

    def __call__(self, image, mask, thickness):
        assert image.shape == (48, 48, 3) and mask.shape == thickness.shape == (48, 48)
        grey = np.ascontiguousarray(image[..., 0])
        leaning = np.tile(np.array([0.6, 0, -0.8], np.float32), (48, 48, 1))
        filled = np.tile(cv2.resize(grey, (6, 6), interpolation=cv2.INTER_AREA), (4, 1, 1))
        up = np.array([0.6, -0.8, 0], np.float32)
        return Prediction(grey, grey, leaning, leaning, image, grey, grey, filled, up, 0.3)


@pytest.fixture(scope="module")
def picture():
    """A soft pattern without symmetry."""
    rng = np.random.default_rng(0)
    coarse = rng.random((7, 7, 3)).astype(np.float32)
    return cv2.resize(coarse, (96, 96), interpolation=cv2.INTER_CUBIC).clip(0, 1)


@pytest.fixture(scope="module")
def said(picture):
    mask = np.zeros((96, 96), np.float32)
    mask[12:-12, 20:-20] = 1
    return predicted(Echo(), picture, mask)


def test_depths_come_back_to_their_pixels_in_units_of_the_picture(picture, said):
    larger = np.mean([1 / scale for scale in SCALES])
    inner = np.s_[8:-8, 8:-8]
    assert np.abs(said.front / larger - picture[..., 0])[inner].max() < 0.06
    assert np.array_equal(said.front, said.back_error)


def test_what_is_painted_keeps_the_pictures_detail(picture, said):
    assert np.allclose(said.back_color, picture, atol=1e-6)


def test_directions_are_mirrored_back(said):
    assert np.allclose(said.front_normals, [0, 0, -1], atol=1e-6)
    assert np.allclose(said.up, [0, -1, 0], atol=1e-6)


def test_what_is_solid_and_the_lens_are_those_of_the_picture(picture, said):
    small = cv2.resize(picture[..., 0], (6, 6), interpolation=cv2.INTER_AREA)
    assert np.abs(said.filled - small)[:, 1:-1, 1:-1].max() < 0.15
    assert np.corrcoef(said.filled[0].ravel(), small.ravel())[0, 1] > 0.95
    assert said.tan_half_fov == pytest.approx(0.3 * np.mean(SCALES), rel=1e-3)
