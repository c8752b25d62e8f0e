"""The square around an object, and the way back to the photo."""

import numpy as np
import pytest

from unflat.core import Mask, Photo
from unflat.geometry.cameras import project, unproject
from unflat.geometry.object_crop import cropped_to_object
from unflat.geometry.object_frame import FILL, object_camera


def disc_photo(middle, radius=40, size=(300, 200), focal_px=None):
    """A photo whose colours tell the place: red grows to the right, green downwards."""
    width, height = size
    v, u = np.mgrid[:height, :width] + 0.5
    alpha = np.clip(radius - np.hypot(u - middle[0], v - middle[1]) + 0.5, 0, 1).astype(np.float32)
    colors = np.dstack([255 * u / width, 255 * v / height, np.full_like(u, 90)])
    return Photo(np.rint(colors).astype(np.uint8), focal_px=focal_px), Mask(alpha)


@pytest.mark.parametrize("focal_px", [None, 250.0], ids=["focal unknown", "focal known"])
@pytest.mark.parametrize("middle", [(150, 100), (60, 150), (15, 100)], ids=["middle", "aside", "cut by the frame"])
def test_the_object_is_in_the_middle_and_fills_its_share(middle, focal_px):
    crop = cropped_to_object(*disc_photo(middle, focal_px=focal_px), 128)
    rows, columns = (np.flatnonzero((crop.mask > 0.5).any(axis=axis)) for axis in (1, 0))
    assert max(len(rows), len(columns)) == pytest.approx(FILL * 128, abs=2)
    for line in (rows, columns):
        assert (line[0] + line[-1] + 1) / 2 == pytest.approx(64, abs=1.2)


@pytest.mark.parametrize("size_px", [48, 128, 256], ids=["reduced", "about as is", "enlarged"])
def test_the_square_shows_what_the_photo_shows_there(size_px):
    photo, mask = disc_photo((150, 100))
    crop = cropped_to_object(photo, mask, size_px)
    row, column = np.array([size_px // 2, size_px // 3]), np.array([size_px // 2, size_px // 4])
    u = crop.middle_px[0] + ((column + 0.5) / size_px - 0.5) * crop.side_px
    assert np.allclose(crop.image[row, column, 0], u / 300, atol=0.006)


@pytest.mark.parametrize("focal_px", [None, 250.0], ids=["focal unknown", "focal known"])
def test_the_photo_camera_sees_each_point_where_the_square_camera_says(focal_px):
    photo, mask = disc_photo((60, 150), focal_px=focal_px)
    crop = cropped_to_object(photo, mask, 128)
    tangent = crop.tan_half_fov or 0.3
    rows, columns = np.nonzero((crop.mask > 0.99) & (np.arange(128) % 9 == 0))
    pixels = np.column_stack([columns, rows]) + 0.5
    points = unproject(object_camera(128, tangent), pixels, np.linspace(0.7, 1.3, len(pixels)) / tangent)
    there, depth = project(crop.photo_camera(tangent), points)
    assert (depth > 0).all()
    assert np.allclose(crop.image[rows, columns, 0], there[:, 0] / 300, atol=0.006)
    assert np.allclose(crop.image[rows, columns, 1], there[:, 1] / 200, atol=0.006)


def test_a_known_focal_length_gives_the_angle():
    crop = cropped_to_object(*disc_photo((150, 100), radius=40, focal_px=400.0), 64)
    assert crop.tan_half_fov == pytest.approx(40 / FILL / 400, rel=0.02)


def test_a_fine_photo_is_averaged_not_sampled():
    stripes = np.zeros((800, 800, 3), np.uint8)
    stripes[:, ::2] = 255
    alpha = np.zeros((800, 800), np.float32)
    alpha[50:750, 50:750] = 1
    crop = cropped_to_object(Photo(stripes), Mask(alpha), 64)
    assert np.abs(crop.image[20:44, 20:44] - 0.5).max() < 0.1


def test_beyond_the_frame_there_is_no_object():
    crop = cropped_to_object(*disc_photo((15, 100)), 128)
    assert crop.mask[:, :20].max() == 0
    assert np.isfinite(crop.image).all()


def test_an_object_of_one_pixel_has_a_square():
    alpha = np.zeros((20, 20), np.float32)
    alpha[7, 9] = 1
    crop = cropped_to_object(Photo(np.zeros((20, 20, 3), np.uint8)), Mask(alpha), 32)
    assert (crop.mask > 0.5).any()
