"""Panoramas of the whole sphere are told from photos that are as wide, and are no photos to place."""

import cv2
import numpy as np
import pytest

from unflat.core import Context, InputError, Photo, View, Views
from unflat.stages.pose.panoramas import is_panorama, without_panoramas
from unflat.stages.pose.structure_from_motion import StructureFromMotion


def panorama(seed=0, width=512):
    """A world of waves and noise, seen all around."""
    rng = np.random.default_rng(seed)
    height = width // 2
    latitude = (0.5 - (np.arange(height) + 0.5) / height) * np.pi
    longitude = ((np.arange(width) + 0.5) / width * 2 - 1) * np.pi
    across, up = np.meshgrid(longitude, latitude)
    way = np.stack([np.cos(up) * np.sin(across), np.sin(up), np.cos(up) * np.cos(across)], axis=-1)
    waves = sum(np.sin(way @ rng.normal(0, 9, (3, 3)) + rng.uniform(0, 6, 3)) for _ in range(8))
    return np.clip(128 + 40 * waves, 0, 255).astype(np.uint8)


def photo(pixels, name="a.jpg"):
    return Photo(np.ascontiguousarray(pixels), name=name)


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 255, (height, width, 3), np.uint8)


@pytest.mark.parametrize("seed", range(5))
def test_a_panorama_is_recognised_sharp_small_or_packed(seed):
    whole = panorama(seed, 1024)
    assert is_panorama(photo(whole))
    assert is_panorama(photo(cv2.resize(whole, (512, 256), interpolation=cv2.INTER_AREA)))
    packed = cv2.imdecode(cv2.imencode(".jpg", whole, [cv2.IMWRITE_JPEG_QUALITY, 80])[1], cv2.IMREAD_COLOR)
    assert is_panorama(photo(packed))


def test_a_tripod_that_was_painted_over_is_no_obstacle():
    whole = panorama(1, 1024)
    whole[-60:] = 0
    assert is_panorama(photo(whole))


@pytest.mark.parametrize(
    "pixels",
    [
        noise(200, 400),
        np.full((200, 400, 3), 240, np.uint8),
        np.full((200, 400, 3), 240, np.uint8) - noise(200, 400) // 40,
        panorama(2)[:, :-128],
        panorama(2)[64:-64, :256],
        np.repeat(np.linspace(40, 220, 200)[:, None, None], 400, 1).repeat(3, 2).astype(np.uint8),
    ],
    ids=["noise", "white", "white with grain", "part of one", "middle of one", "gradient"],
)
def test_other_wide_pictures_are_photos(pixels):
    assert not is_panorama(photo(pixels))


def test_a_thing_on_a_table_before_a_plain_wall_is_a_photo():
    pixels = np.full((300, 600, 3), 200, np.uint8)
    pixels[180:] = noise(120, 600) // 8 + 90
    pixels[80:220, 250:350] = noise(140, 100)
    assert not is_panorama(photo(pixels))


def views(*pixels):
    return Views(tuple(View(photo(each, f"IMG_{index}.jpg")) for index, each in enumerate(pixels)))


def test_panoramas_alone_are_refused_with_advice_before_anything_runs():
    with pytest.raises(InputError) as error:
        StructureFromMotion()(views(panorama(0), panorama(1), panorama(2)), Context())
    assert error.value.code == "panoramas"
    assert "3 of 3" in error.value.message and "IMG_0.jpg" in error.value.message
    assert "six" in error.value.hint


def test_a_panorama_among_photos_is_left_out_with_its_name():
    said = []
    kept = without_panoramas(views(noise(200, 400), panorama(0), noise(200, 400, 1)), said.append)
    assert kept.names == ("IMG_0.jpg", "IMG_2.jpg")
    assert len(said) == 1 and "IMG_1.jpg" in said[0]
