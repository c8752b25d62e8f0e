"""Focal length: known where EXIF says so and can be believed, else unknown; never a guess."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from PIL.TiffImagePlugin import IFDRational

from unflat.io.photo import read_photo

from .pictures import encoded, exif

PIXELS = np.zeros((400, 600, 3), np.uint8)


def focal(size: tuple[int, int] = (600, 400), file_format: str = "JPEG", **tags: Any) -> float | None:
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    return read_photo(encoded(pixels, file_format, exif=exif(**tags))).focal_px


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_the_35_mm_equivalent_goes_by_the_diagonal(file_format: str) -> None:
    # 36 mm on a frame that is 36 mm wide: the focal length is the width.
    assert focal(file_format=file_format, focal_35=36) == pytest.approx(600, rel=1e-4)
    # On 4:3 the diagonal counts: 43.27 mm equivalent is one diagonal.
    assert focal((400, 300), file_format, focal_35=43) == pytest.approx(43 / math.hypot(36, 24) * 500, rel=1e-4)


def test_the_focal_length_follows_the_size_and_the_turn() -> None:
    data = encoded(PIXELS, "JPEG", exif=exif(focal_35=36, orientation=6))
    photo = read_photo(data, max_side_px=150)
    assert (photo.width, photo.height) == (100, 150)
    assert photo.focal_px == pytest.approx(150, rel=1e-4)


def test_the_sensor_counts_where_it_is_one_that_is_made() -> None:
    # 600 px over 22.3 mm; the lens has 50 mm.
    per_inch = IFDRational(round(600 / 22.3 * 25.4 * 1000), 1000)
    known = {"focal": IFDRational(50), "pixel_x": 600, "pixel_y": 400, "unit": 2}
    assert focal(plane=per_inch, **known) == pytest.approx(50 / 22.3 * 600, rel=1e-3)
    per_cm = IFDRational(round(600 / 22.3 * 10 * 1000), 1000)
    assert focal(plane=per_cm, **{**known, "unit": 3}) == pytest.approx(50 / 22.3 * 600, rel=1e-3)


def test_a_leftover_sensor_resolution_of_a_resized_photo_is_not_believed() -> None:
    # The camera made 1800 px over 22.3 mm; a program resized to 600 px and updated PixelXDimension alone.
    per_inch = IFDRational(round(1800 / 22.3 * 25.4 * 1000), 1000)
    resized = {"focal": IFDRational(50), "plane": per_inch, "unit": 2}
    assert focal(pixel_x=600, pixel_y=400, **resized) is None
    assert focal(**resized) is None
    # It left PixelXDimension as well: both together still tell the sensor.
    assert focal(pixel_x=1800, pixel_y=1200, **resized) == pytest.approx(50 / 22.3 * 600, rel=1e-3)


def test_a_cropped_photo_has_no_known_focal_length() -> None:
    assert focal((400, 400), focal_35=36, pixel_x=600, pixel_y=400) is None
    assert focal((400, 600), focal_35=36, pixel_x=600, pixel_y=400) == pytest.approx(600, rel=1e-4)  # only turned


@pytest.mark.parametrize(
    "tags",
    [
        {},
        {"focal_35": 0},
        {"focal_35": 65535},
        {"focal": IFDRational(50)},
        {"focal": IFDRational(0, 0), "plane": IFDRational(0, 0), "pixel_x": 600, "pixel_y": 400},
        {"focal": IFDRational(50), "plane": IFDRational(1, 0), "unit": 77, "pixel_x": 600, "pixel_y": 400},
        {"orientation": 77},
        {"orientation": 0},
    ],
)
def test_silence_and_nonsense_are_unknown(tags: dict[str, Any]) -> None:
    assert focal(**tags) is None
