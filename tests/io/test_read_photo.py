"""Every format comes out as the same picture: upright, in sRGB, with the alpha that the file gave it."""

from __future__ import annotations

import hashlib
import io
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, features

from unflat.core import InputError, Photo
from unflat.io.limits import DEFAULT_LIMITS
from unflat.io.photo import read_photo
from unflat.io.picture import picture_size

from .pictures import HEIC, deep_png, encoded, exif, gradient, ramp_alpha, samples_of_every_format, tiff

RGB = gradient()
RGBA = np.dstack([RGB, ramp_alpha()])


def difference(photo: Photo, expected: np.ndarray) -> int:
    return int(np.abs(photo.pixels.astype(int) - expected.astype(int)).max())


@pytest.mark.parametrize("file_format", ["PNG", "BMP", "TIFF"])
def test_lossless_formats_give_the_pixels_back_exactly(file_format: str) -> None:
    photo = read_photo(encoded(RGB, file_format))
    assert difference(photo, RGB) == 0
    assert photo.alpha is None and photo.focal_px is None


@pytest.mark.parametrize(
    ("file_format", "options"), [("JPEG", {"quality": 97}), ("WEBP", {}), ("AVIF", {"quality": 95})]
)
def test_lossy_formats_come_close(file_format: str, options: dict[str, int]) -> None:
    if file_format == "AVIF" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    assert np.abs(read_photo(encoded(RGB, file_format, **options)).pixels.astype(int) - RGB).mean() < 6


def test_heic_is_read_with_its_alpha() -> None:
    photo = read_photo(HEIC)
    assert (photo.width, photo.height) == (32, 16)
    assert np.abs(photo.pixels[4, 4].astype(int) - (200, 40, 30)).max() < 6
    assert np.abs(photo.pixels[12, 28].astype(int) - (20, 60, 190)).max() < 6
    assert photo.alpha is not None and photo.alpha[:8].max() == 0 and photo.alpha[8:].min() == 255


def test_reading_heic_does_not_change_what_pillow_opens_elsewhere() -> None:
    known = dict(Image.OPEN)
    read_photo(HEIC)
    assert "HEIF" not in Image.OPEN and set(known) <= set(Image.OPEN)
    assert Image.MAX_IMAGE_PIXELS == 89478485


@pytest.mark.parametrize("file_format", ["PNG", "TIFF"])
def test_alpha_is_kept(file_format: str) -> None:
    photo = read_photo(encoded(RGBA, file_format))
    assert photo.alpha is not None
    assert np.array_equal(photo.alpha, ramp_alpha()) and difference(photo, RGB) == 0


def test_an_opaque_alpha_says_nothing() -> None:
    assert read_photo(encoded(np.dstack([RGB, np.full((40, 60), 255, np.uint8)]), "PNG")).alpha is None


def test_an_all_transparent_picture_is_refused() -> None:
    with pytest.raises(InputError, match="transparent") as caught:
        read_photo(encoded(np.dstack([RGB, np.zeros((40, 60), np.uint8)]), "PNG"))
    assert caught.value.code == "nothing-in-picture"


def test_a_palette_keeps_its_transparent_entry() -> None:
    palette = Image.fromarray(np.repeat(np.arange(4, dtype=np.uint8)[:, None], 8, axis=1).repeat(2, axis=0), "P")
    palette.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255, 9, 9, 9])
    for file_format in ("PNG", "GIF"):
        photo = read_photo(encoded(palette, file_format, transparency=3))
        assert photo.alpha is not None and photo.alpha[:6].min() == 255 and photo.alpha[6:].max() == 0
        assert photo.pixels[2, 0].tolist() == [0, 255, 0]


def test_a_colour_key_becomes_alpha() -> None:
    photo = read_photo(encoded(RGB, "PNG", transparency=tuple(RGB[3, 5].tolist())))
    assert photo.alpha is not None and photo.alpha[3, 5] == 0 and (photo.alpha == 0).sum() == 1


def test_grey_one_bit_and_grey_with_alpha() -> None:
    grey = RGB[..., 0]
    assert difference(read_photo(encoded(grey, "PNG")), np.dstack([grey] * 3)) == 0
    bits = read_photo(encoded(Image.fromarray(grey > 128), "PNG"))
    assert set(np.unique(bits.pixels)) == {0, 255}
    both = read_photo(encoded(Image.fromarray(np.dstack([grey, ramp_alpha()]), "LA"), "PNG"))
    assert both.alpha is not None and difference(both, np.dstack([grey] * 3)) == 0


WIDE = np.random.default_rng(1).integers(0, 65536, (20, 30, 4)).astype(np.uint16)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("writer", [deep_png, tiff])
def test_sixteen_bits_are_rounded_not_cut(writer: object, channels: int) -> None:
    samples = WIDE[..., 0] if channels == 1 else np.ascontiguousarray(WIDE[..., :channels])
    options = {"extrasamples": ["unassalpha"]} if writer is tiff and channels == 4 else {}
    photo = read_photo(writer(samples, **options))  # type: ignore[operator]
    expected = np.rint(samples / 257)
    assert difference(photo, expected[..., :3] if channels > 1 else np.dstack([expected] * 3)) == 0
    assert (photo.alpha is not None) == (channels == 4)


def test_big_endian_and_premultiplied_sixteen_bit_tiff() -> None:
    assert difference(read_photo(tiff(WIDE[..., :3], byteorder=">")), np.rint(WIDE[..., :3] / 257)) == 0
    half = np.full((20, 30, 4), 32768, np.uint16)
    photo = read_photo(tiff(half, extrasamples=["assocalpha"]))
    assert photo.pixels.min() >= 254 and photo.alpha is not None and photo.alpha.max() == 128


def test_floating_point_tiff_is_display_values_from_zero_to_one() -> None:
    assert difference(read_photo(tiff((RGB / 255).astype(np.float32))), RGB) == 0
    assert difference(read_photo(tiff((RGB[..., 0] / 255).astype(np.float32))), np.dstack([RGB[..., 0]] * 3)) == 0
    with pytest.raises(InputError) as caught:
        read_photo(tiff(RGB.astype(np.float32)))
    assert caught.value.code == "bad-samples"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP", "deep TIFF"])
def test_exif_orientation_is_applied_in_every_format(kind: str, orientation: int) -> None:
    turns = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a, -1),
        7: lambda a: a.swapaxes(0, 1)[::-1, ::-1],
        8: np.rot90,
    }
    if kind == "deep TIFF":
        data = tiff(RGB.astype(np.uint16) * 257, extratags=[(274, 3, 1, orientation, True)])
    else:
        options = {"lossless": True} if kind == "WEBP" else {}
        data = encoded(RGB, kind, exif=exif(orientation=orientation), **options)
    photo = read_photo(data)
    assert difference(photo, turns[orientation](RGB)) == 0
    assert photo.exif_orientation == orientation
    assert picture_size(data, "a", DEFAULT_LIMITS) == RGB.shape[1::-1], "as stored"


def test_a_jpeg_turned_by_exif_stands_upright_at_any_size() -> None:
    data = encoded(gradient(400, 600), "JPEG", exif=exif(orientation=6), quality=95)
    for longest, expected in ((None, (400, 600)), (150, (100, 150)), (64, (43, 64))):
        photo = read_photo(data, max_side_px=longest)
        assert (photo.width, photo.height) == expected
        assert photo.pixels[-1, -1, 0] > 230 and photo.pixels[-1, -1, 1] < 25  # the file's upper right corner


def test_scaling_down_averages_and_does_not_let_hidden_colours_bleed() -> None:
    checker = np.indices((64, 64)).sum(0) % 2 * np.uint8(254)
    assert np.abs(read_photo(checker.astype(np.uint8), max_side_px=16).pixels[4:-4, 4:-4].astype(int) - 127).max() <= 6
    sides = np.full((64, 64, 4), (0, 200, 0, 0), np.uint8)
    sides[:, 30:] = (200, 0, 0, 255)
    shrunk = read_photo(sides, max_side_px=16)
    assert shrunk.alpha is not None
    assert shrunk.pixels[shrunk.alpha > 20, 1].max() < 12


def test_a_small_picture_is_not_enlarged() -> None:
    assert read_photo(RGB, max_side_px=4000).pixels.shape == RGB.shape


def test_paths_bytes_streams_arrays_and_images_are_the_same_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = encoded(RGB, "PNG")
    path = tmp_path / "Küche – 椅子 ☕.png"
    path.write_bytes(data)
    with path.open("rb") as stream:
        photos = [read_photo(source) for source in (path, str(path), data, bytearray(data), stream, RGB)]
    photos += [read_photo(Image.open(io.BytesIO(data)))]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    photos += [read_photo("-")]
    assert all(difference(photo, RGB) == 0 for photo in photos)
    names = [photo.name for photo in photos]
    assert names == [path.name, path.name, "picture", "picture", path.name, "array", "picture", "stdin"]
    digest = hashlib.sha256(data).hexdigest()
    assert [photo.sha256 for photo in photos] == [digest] * 5 + [None, None, digest]
    assert read_photo(data, name="cup.png").name == "cup.png"


@pytest.mark.parametrize(
    "array",
    [
        RGB[..., 0],
        RGB[..., :1],
        RGB,
        RGBA,
        RGB.astype(np.uint16) * 257,
        (RGB / 255).astype(np.float32),
        RGB / 255,
        RGB[..., 0] > 100,
        np.dstack([RGB[..., 0], ramp_alpha()]),
        RGB[::-1, ::-1],
    ],
    ids=lambda array: f"{array.dtype}-{array.shape}",
)
def test_arrays_of_common_types(array: np.ndarray) -> None:
    photo = read_photo(array)
    first = np.atleast_3d(array)[..., 0]
    scale = {"uint16": 1 / 257, "uint8": 1.0}.get(array.dtype.name, 255.0)
    assert np.abs(photo.pixels[..., 0] - first * scale).max() <= 0.51


def test_a_photo_does_not_change_with_the_array_that_it_came_from() -> None:
    array = RGB.copy()
    photo = read_photo(array)
    array[:] = 0
    assert difference(photo, RGB) == 0


@pytest.mark.parametrize(
    ("array", "code"),
    [
        (np.zeros((0, 5, 3), np.uint8), "bad-shape"),
        (np.zeros((3, 40, 60), np.uint8), "bad-shape"),
        (np.zeros(40, np.uint8), "bad-shape"),
        (np.zeros((40, 60), np.int64), "bad-samples"),
        (np.full((40, 60), np.nan), "bad-samples"),
        (np.full((40, 60), 255.0), "bad-samples"),
        (np.full((40, 60), "x"), "bad-samples"),
        (np.zeros((4, 4, 3), np.uint8), "too-small"),
    ],
)
def test_arrays_that_are_no_picture_are_refused(array: np.ndarray, code: str) -> None:
    with pytest.raises(InputError) as caught:
        read_photo(array)
    assert caught.value.code == code and caught.value.hint


def test_a_given_image_is_left_as_it_was_and_its_exif_counts() -> None:
    image = Image.open(io.BytesIO(encoded(gradient(400, 600), "JPEG", exif=exif(orientation=8, focal_35=36))))
    photo = read_photo(image, max_side_px=200)
    assert (photo.width, photo.height) == (133, 200)
    assert image.size == (600, 400) and image.getexif()[0x0112] == 8
    assert photo.focal_px == pytest.approx(36 / 43.2666 * np.hypot(200, 133.3), rel=1e-3)


def test_animations_give_their_first_frame() -> None:
    frames = [Image.new("RGB", (40, 30), color) for color in ((250, 0, 0), (0, 250, 0))]
    for file_format, options in (("GIF", {}), ("WEBP", {"lossless": True}), ("PNG", {})):
        data = encoded(frames[0], file_format, save_all=True, append_images=frames[1:], **options)
        assert read_photo(data).pixels[5, 5].tolist() == [250, 0, 0]


def test_reading_warns_of_nothing_and_leaves_the_filters_alone_in_many_threads() -> None:
    before, samples, failures = list(warnings.filters), list(samples_of_every_format().values()), []

    def read_all() -> None:
        try:
            for data in samples:
                read_photo(data)
        except Exception as error:  # handed to the main thread
            failures.append(error)

    threads = [threading.Thread(target=read_all) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures and list(warnings.filters) == before
