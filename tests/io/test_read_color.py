"""Colours: what the profile says is what sRGB shows, checked against the profile's own mathematics."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from unflat.core.color import srgb_from_linear
from unflat.io.photo import read_photo

from .pictures import ADOBE_RGB_TO_D50, adobe_rgb_profile, deep_png, encoded, gradient, ink_profile, linear_grey_profile

SRGB_TO_D50 = np.array([[0.4360, 0.3851, 0.1431], [0.2225, 0.7169, 0.0606], [0.0139, 0.0971, 0.7141]])
"""sRGB primaries adapted to D50 (Lindbloom)."""

MUTED = (gradient().astype(int) // 3 + 80).astype(np.uint8)
"""Colours inside both gamuts."""


def srgb_of_adobe(pixels: np.ndarray) -> np.ndarray:
    linear = (pixels / 255.0) ** 2.19921875 @ ADOBE_RGB_TO_D50.T @ np.linalg.inv(SRGB_TO_D50).T
    return srgb_from_linear(linear.astype(np.float32)).astype(int)


@pytest.mark.parametrize(("file_format", "options"), [("PNG", {}), ("TIFF", {}), ("WEBP", {"lossless": True})])
def test_a_wide_gamut_profile_becomes_srgb(file_format: str, options: dict[str, bool]) -> None:
    photo = read_photo(encoded(MUTED, file_format, icc_profile=adobe_rgb_profile(), **options))
    assert np.abs(photo.pixels - srgb_of_adobe(MUTED)).max() <= 2
    assert np.abs(photo.pixels.astype(int) - MUTED).max() > 8  # it did matter


def test_profiles_count_for_sixteen_bits_palettes_alpha_and_small_copies() -> None:
    profile = adobe_rgb_profile()
    alpha = np.dstack([MUTED, np.full(MUTED.shape[:2], 90, np.uint8)])
    flat = np.full((64, 64, 3), (90, 160, 110), np.uint8)
    palette = Image.fromarray(flat).convert("P", palette=Image.Palette.ADAPTIVE)
    shown = read_photo(encoded(alpha, "PNG", icc_profile=profile))
    assert np.abs(shown.pixels - srgb_of_adobe(MUTED)).max() <= 2 and shown.alpha is not None
    for data in (encoded(palette, "PNG", icc_profile=profile), encoded(flat, "PNG", icc_profile=profile)):
        assert np.abs(read_photo(data, max_side_px=32).pixels - srgb_of_adobe(flat)[:32, :32]).max() <= 2
    deep = bytearray(deep_png(MUTED.astype(np.uint16) * 257))
    chunk = encoded(flat, "PNG", icc_profile=profile)
    at = chunk.index(b"iCCP") - 4
    deep[33:33] = chunk[at : at + 12 + struct.unpack(">I", chunk[at : at + 4])[0]]
    assert np.abs(read_photo(bytes(deep)).pixels - srgb_of_adobe(MUTED)).max() <= 2


def test_a_profile_that_is_srgb_changes_nothing() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert np.array_equal(read_photo(encoded(gradient(), "PNG", icc_profile=profile)).pixels, gradient())


def test_a_linear_grey_profile_is_brightened_to_srgb() -> None:
    grey = gradient()[..., 0]
    photo = read_photo(encoded(grey, "PNG", icc_profile=linear_grey_profile()))
    expected = srgb_from_linear((grey / 255).astype(np.float32)).astype(int)
    assert np.abs(photo.pixels[..., 1] - expected).max() <= 2


@pytest.mark.parametrize("profile", [b"nonsense", ink_profile((50, 0, 0)), linear_grey_profile(), b"\0" * 200])
def test_a_profile_that_does_not_fit_is_passed_over(profile: bytes) -> None:
    assert np.array_equal(read_photo(encoded(gradient(), "PNG", icc_profile=profile)).pixels, gradient())


def inks(file_format: str, **options: object) -> list[list[int]]:
    """sRGB of patches of paper, full cyan and full black."""
    patches = np.zeros((16, 48, 4), np.uint8)
    patches[:, 16:32, 0], patches[:, 32:, 3] = 255, 255
    photo = read_photo(encoded(Image.fromarray(patches, "CMYK"), file_format, **options))
    return [photo.pixels[8, u].tolist() for u in (8, 24, 40)]


@pytest.mark.parametrize("file_format", ["JPEG", "TIFF"])
def test_cmyk_without_a_profile(file_format: str) -> None:
    paper, cyan, black = inks(file_format)
    assert min(paper) > 250 and max(black) < 5
    assert cyan[0] < 5 and min(cyan[1:]) > 250


@pytest.mark.parametrize("file_format", ["JPEG", "TIFF"])
def test_cmyk_goes_through_its_profile(file_format: str) -> None:
    paper, cyan, black = inks(file_format, icc_profile=ink_profile((55, -30, -40)))
    assert min(paper) > 250 and max(black) < 5
    # Lab (55, -30, -40) lies outside sRGB on the red side; green and blue by CIELAB: about 146 and 203.
    assert cyan[0] < 5 and abs(cyan[1] - 146) < 12 and abs(cyan[2] - 203) < 12


def test_cmyk_jpeg_is_inverted_only_where_adobe_wrote_it() -> None:
    patch = Image.new("CMYK", (16, 16), (0, 255, 255, 128))
    adobe = encoded(patch, "JPEG")
    at = adobe.index(b"\xff\xee")
    plain = adobe[:at] + adobe[at + 2 + int.from_bytes(adobe[at + 2 : at + 4], "big") :]
    assert read_photo(adobe).pixels[8, 8].tolist() == pytest.approx([127, 0, 0], abs=6)
    assert read_photo(plain).pixels[8, 8].tolist() == pytest.approx([0, 128, 128], abs=6)


def test_lab_tiff_becomes_srgb() -> None:
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    image = ImageCms.profileToProfile(Image.fromarray(MUTED), srgb, lab, outputMode="LAB")
    assert image is not None
    photo = read_photo(encoded(image, "TIFF"))
    assert np.abs(photo.pixels.astype(int) - MUTED).max() <= 6
