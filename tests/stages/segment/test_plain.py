"""Objects before plain backgrounds."""

import cv2
import numpy as np
import pytest

from unflat.core import Context, InputError, Photo, RecipeError
from unflat.stages.segment.plain import Plain


@pytest.mark.parametrize("kind", ["white", "gradient", "shadow"])
def test_the_mask_of_an_object_before_a_plain_background_is_true(scene, kind):
    example = scene(kind)
    mask = Plain()(example.photo, Context()).mask
    assert example.overlap(mask) > 0.97
    assert mask.confidence > 0.9
    assert mask.made_by == "plain"


@pytest.mark.parametrize("kind", ["white", "gradient", "shadow"])
def test_the_hole_of_a_handle_stays_a_hole(scene, kind):
    mask = Plain()(scene(kind).photo, Context()).mask
    assert mask.alpha[120, 240] < 0.05
    assert mask.alpha[120, 160] > 0.95


def test_a_white_object_before_white_is_kept_whole_by_its_shading(scene):
    example = scene("white", tone=(244, 244, 244))
    assert example.overlap(Plain()(example.photo, Context()).mask) > 0.95


def test_a_highlight_of_the_backgrounds_colour_is_no_hole():
    down, across = np.mgrid[0:200, 0:200]
    disc = np.hypot(down - 100, across - 100) < 70
    glare = np.exp(-(((down - 80) ** 2 + (across - 80) ** 2) / 300.0))
    pixels = np.full((200, 200, 3), 255.0)
    pixels[disc] = (np.array([40, 90, 160]) * (1 - glare[..., None]) + 255 * glare[..., None])[disc]
    mask = Plain()(Photo(pixels.astype(np.uint8)), Context()).mask
    assert mask.solid[80, 80]
    assert mask.solid[disc].mean() > 0.99


def test_a_soft_shadow_goes_only_if_it_shall(scene):
    example = scene("shadow")
    without = Plain()(example.photo, Context()).mask
    with_shadow = Plain(remove_shadow=False)(example.photo, Context()).mask
    assert example.overlap(without) > example.overlap(with_shadow) + 0.02


def test_edges_are_as_soft_as_the_picture_has_them(scene):
    example = scene("white")
    mask = Plain()(example.photo, Context()).mask
    mixed = (example.truth > 0.2) & (example.truth < 0.8)
    assert np.abs(mask.alpha - example.truth)[mixed].mean() < 0.15


def test_compression_rings_are_no_part_of_the_object(scene):
    example = scene("gradient")
    _, coded = cv2.imencode(".jpg", example.photo.pixels, [cv2.IMWRITE_JPEG_QUALITY, 75])
    photo = Photo(cv2.imdecode(coded, cv2.IMREAD_COLOR))
    assert example.overlap(Plain()(photo, Context()).mask) > 0.96


def test_a_busy_background_gets_a_low_confidence(scene):
    try:
        confidence = Plain()(scene("busy").photo, Context()).mask.confidence
    except InputError:
        confidence = 0.0
    assert confidence < 0.3


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_blank_photo_is_refused_with_advice(value):
    with pytest.raises(InputError) as caught:
        Plain()(Photo(np.full((64, 80, 3), value, np.uint8)), Context())
    assert caught.value.code == "nothing-in-picture"
    assert "--box" in caught.value.hint


@pytest.mark.parametrize("size", [(1, 1), (1, 400), (300, 2), (3, 3)])
def test_tiny_and_thin_pictures_are_judged_or_refused_never_a_crash(size):
    pixels = np.full((*size, 3), 255, np.uint8)
    pixels[size[0] // 2, size[1] // 2] = 0
    try:
        mask = Plain()(Photo(pixels), Context()).mask
        assert mask.alpha.shape == size
    except InputError as error:
        assert error.code == "nothing-in-picture"


@pytest.mark.parametrize("threshold", [0, -1, 101])
def test_a_senseless_threshold_is_refused(threshold):
    with pytest.raises(RecipeError) as caught:
        Plain(threshold_lab=threshold)
    assert caught.value.code == "bad-option"
