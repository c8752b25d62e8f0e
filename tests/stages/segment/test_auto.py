"""The right backend by itself."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import skimage
from PIL import Image

from unflat.core import Context, InputError, Photo, RecipeError
from unflat.stages.segment.auto import Auto

SAMPLES = Path(skimage.__file__).parent / "data"


def sample(name):
    with Image.open(SAMPLES / name) as image:
        return Photo(np.ascontiguousarray(np.asarray(image.convert("RGB"))), name)


@pytest.mark.parametrize(
    ("kind", "backend", "least"), [("white", "plain", 0.9), ("gradient", "network", 0.9), ("busy", "network", 0.7)]
)
def test_the_background_decides_who_cuts(scene, listener, kind, backend, least):
    context, heard = listener
    example = scene(kind)
    mask = Auto()(example.photo, context).mask
    assert mask.made_by == backend
    assert example.overlap(mask) > least
    assert not heard


def test_a_files_own_alpha_comes_first(scene):
    example = scene("busy")
    alpha = np.rint(example.truth * 255).astype(np.uint8)
    assert Auto()(dataclasses.replace(example.photo, alpha=alpha), Context()).mask.made_by == "given"


@pytest.mark.parametrize("value", [0, 230, 255])
def test_an_alpha_that_says_nothing_is_passed_over(scene, value):
    photo = scene("white").photo
    alpha = np.full(photo.pixels.shape[:2], value, np.uint8)
    assert Auto()(dataclasses.replace(photo, alpha=alpha), Context()).mask.made_by == "plain"


def test_marks_of_the_user_go_to_the_backend_that_understands_them(scene):
    example = scene("gradient")
    mask = Auto(box=(90, 50, 285, 200))(example.photo, Context()).mask
    assert mask.made_by == "grabcut"
    assert example.overlap(mask) > 0.9


def test_the_order_is_the_users(scene):
    assert Auto(order=("grabcut", "plain"))(scene("white").photo, Context()).mask.made_by == "grabcut"


def test_an_uncertain_mask_is_said_to_be_one(scene, listener):
    context, heard = listener
    mask = Auto(threshold=1.0)(scene("busy").photo, context).mask
    assert mask.confidence < 1
    assert heard == ["The mask is uncertain; check it or give --box/--mask."]


def test_a_cup_on_a_table_is_cut_out():
    mask = Auto()(sample("coffee.png"), Context()).mask
    left, top, right, bottom = mask.box
    assert mask.solid[200, 300]
    assert not mask.solid[390, 20]
    assert (right - left, bottom - top) == (pytest.approx(400, abs=50), pytest.approx(370, abs=40))


@pytest.mark.parametrize("name", ["grass.png", "gravel.png"])
def test_a_texture_with_nothing_in_it_is_refused_with_advice(name):
    with pytest.raises(InputError) as caught:
        Auto()(sample(name), Context())
    assert caught.value.code == "nothing-in-picture"
    assert "--box" in caught.value.hint


def test_a_blank_photo_is_refused_with_advice():
    with pytest.raises(InputError) as caught:
        Auto()(Photo(np.full((64, 64, 3), 255, np.uint8), "blank.png"), Context())
    assert caught.value.code == "nothing-in-picture"
    assert "blank.png" in caught.value.message


@pytest.mark.parametrize("options", [{"order": ()}, {"order": ("auto",)}, {"order": ("grabcat",)}, {"threshold": 2}])
def test_senseless_options_are_refused(options):
    with pytest.raises(RecipeError):
        Auto(**options)


def test_a_box_that_no_listed_backend_takes_is_refused(scene):
    with pytest.raises(RecipeError, match="takes a box"):
        Auto(order=("plain",), box=(1, 1, 9, 9))(scene("white").photo, Context())


def test_progress_rises_over_all_the_backends_tried(scene):
    seen: list[float] = []
    Auto()(scene("busy").photo, Context(progress=seen.append))
    assert seen == sorted(seen)
    assert 0 <= seen[0] <= seen[-1] <= 1
