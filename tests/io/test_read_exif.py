"""Focal length: known where EXIF says so and can be believed, else unknown; never a guess."""

from __future__ import annotations

import math
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL.TiffImagePlugin import IFDRational

from unflat.io.photo import read_photo

from .pictures import deep_png, encoded, exif, tiff_with_exif

PIXELS = np.zeros((400, 600, 3), np.uint8)


def focal(size: tuple[int, int] = (600, 400), file_format: str = "JPEG", **tags: Any) -> float | None:
    pixels = np.zeros((size[1], size[0], 3), np.uint8)
    return read_photo(encoded(pixels, file_format, exif=exif(**tags))).focal_px


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "AVIF"])
def test_the_35_mm_equivalent_goes_by_the_diagonal(file_format: str) -> None:
    # 36 mm on a frame that is 36 mm wide: the focal length is the width.
    assert focal(file_format=file_format, focal_35=36) == pytest.approx(600, rel=1e-4)
    # On 4:3 the diagonal counts: 43.27 mm equivalent is one diagonal.
    assert focal((400, 300), file_format, focal_35=43) == pytest.approx(43 / math.hypot(36, 24) * 500, rel=1e-4)


@pytest.mark.parametrize("samples", [PIXELS, PIXELS.astype(np.uint16)])
def test_tiff_tells_its_focal_length_and_is_turned_once(samples: np.ndarray) -> None:
    photo = read_photo(tiff_with_exif(samples, focal_35=36, orientation=6))
    assert (photo.width, photo.height) == (400, 600)
    assert photo.focal_px == pytest.approx(600, rel=1e-4)


def test_sixteen_bit_png_tells_its_focal_length_and_is_turned() -> None:
    data, tags = (
        deep_png(PIXELS.astype(np.uint16)),
        exif(focal_35=36, orientation=6).tobytes().removeprefix(b"Exif\0\0"),
    )
    chunk = b"eXIf" + tags
    block = struct.pack(">I", len(tags)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    photo = read_photo(data[:33] + block + data[33:])
    assert (photo.width, photo.height) == (400, 600)
    assert photo.focal_px == pytest.approx(600, rel=1e-4)


def test_the_focal_length_follows_the_size_and_the_turn() -> None:
    data = encoded(PIXELS, "JPEG", exif=exif(focal_35=36, orientation=6))
    photo = read_photo(data, max_side_px=150)
    assert (photo.width, photo.height) == (100, 150)
    assert photo.focal_px == pytest.approx(150, rel=1e-4)


def resolution(pixels: int, sensor_mm: float, unit_mm: float = 25.4) -> IFDRational:
    return IFDRational(round(pixels / sensor_mm * unit_mm * 1000), 1000)


def test_the_sensor_counts_where_it_is_one_that_is_made() -> None:
    # A camera of 5184x3456 pixels on 22.3 mm, with a lens of 50 mm; the file was scaled down to 600x400.
    known = {"focal": IFDRational(50), "pixel_x": 5184, "pixel_y": 3456}
    for unit, unit_mm in ((2, 25.4), (3, 10.0), (4, 1.0)):
        found = focal(plane=resolution(5184, 22.3, unit_mm), unit=unit, **known)
        assert found == pytest.approx(50 / 22.3 * 600, rel=1e-3)
    assert focal(plane=resolution(5184, 10.6), unit=2, **known) is None


def test_a_leftover_sensor_resolution_of_a_resized_photo_is_not_believed() -> None:
    # Programs resize, update PixelXDimension, and leave FocalPlaneXResolution: the sensor seems to shrink.
    leftover = {"focal": IFDRational(50), "plane": resolution(5184, 22.3), "unit": 2}
    assert focal(pixel_x=600, pixel_y=400, **leftover) is None
    assert focal(pixel_x=2592, pixel_y=1728, **leftover) is None  # 11.15 mm: no such sensor
    assert focal(**leftover) is None


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


GPS = {1: "S", 2: (33, 51, 24.5), 3: "E", 4: (151, 12, 54.0), 5: b"\x00", 6: 58.25}
SYDNEY = (-(33 + 51 / 60 + 24.5 / 3600), 151 + 12 / 60 + 54 / 3600)


def place(file_format: str = "JPEG", **changed: Any) -> tuple[float, float, float] | None:
    block = exif()
    folder = block.get_ifd(0x8825)
    folder.update({**GPS, **{int(tag[1:]): value for tag, value in changed.items()}})
    for tag in [tag for tag, value in folder.items() if value is None]:
        del folder[tag]
    return read_photo(encoded(PIXELS, file_format, exif=block), max_side_px=300).gps


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP"])
def test_the_place_is_told_with_its_hemispheres(file_format: str) -> None:
    assert place(file_format) == pytest.approx((*SYDNEY, 58.25), abs=1e-6)
    west = place(file_format, t3="W", t5=b"\x01")
    assert west == pytest.approx((SYDNEY[0], -SYDNEY[1], -58.25), abs=1e-6)


def test_a_place_without_a_height_has_an_unknown_one() -> None:
    found = place(t5=None, t6=None)
    assert found is not None
    assert found[:2] == pytest.approx(SYDNEY, abs=1e-6)
    assert math.isnan(found[2])


@pytest.mark.parametrize(
    "changed",
    [
        {"t2": None},
        {"t4": None},
        {"t2": (0, 0, 0), "t4": (0, 0, 0)},
        {"t2": (95, 0, 0)},
        {"t4": (200, 0, 0)},
        {"t2": (IFDRational(0, 0), IFDRational(0, 0), IFDRational(0, 0))},
        {"t9": "V"},
    ],
)
def test_a_place_that_is_none_is_unknown(changed: dict[str, Any]) -> None:
    assert place(**changed) is None


def test_a_photo_without_exif_has_no_place() -> None:
    assert read_photo(encoded(PIXELS, "PNG")).gps is None


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("orientation", [1, 6])
def test_a_photo_that_was_scaled_down_knows_the_size_of_its_file(file_format: str, orientation: int) -> None:
    data = encoded(PIXELS, file_format, exif=exif(orientation=orientation))
    assert read_photo(data, max_side_px=150).file_size_px == ((600, 400) if orientation == 1 else (400, 600))
    assert read_photo(data).file_size_px is None
