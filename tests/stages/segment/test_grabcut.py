"""GrabCut: alone, with a box, with clicks."""

import numpy as np
import pytest

from unflat.core import Cancelled, Context, InputError, Photo, RecipeError
from unflat.geometry.masks import intersection_over_union
from unflat.stages.segment.grabcut import GrabCut


@pytest.mark.parametrize(("kind", "least"), [("gradient", 0.95), ("busy", 0.9)])
def test_the_object_is_found_without_help(scene, kind, least):
    example = scene(kind)
    mask = GrabCut()(example.photo, Context()).mask
    assert example.overlap(mask) > least
    assert 0.6 < mask.confidence <= 1
    assert mask.made_by == "grabcut"


def test_the_hole_of_a_handle_stays_a_hole(scene):
    assert not GrabCut()(scene("busy").photo, Context()).mask.solid[120, 240]


def test_the_same_seed_gives_the_same_mask(scene):
    photo = scene("busy").photo
    one, other = (GrabCut()(photo, Context(seed=3)).mask.alpha for _ in range(2))
    np.testing.assert_array_equal(one, other)


def two_balls():
    """A red ball on the left, a green one on the right, before noise."""
    down, across = np.mgrid[0:200, 0:400]
    pixels = np.random.default_rng(0).normal(125, 12, (200, 400, 3))
    left, right = (np.hypot(down - 100, across - center) < 60 for center in (100, 300))
    pixels[left], pixels[right] = (200, 50, 40), (60, 170, 60)
    return Photo(np.clip(pixels, 0, 255).astype(np.uint8)), left, right


def test_a_box_chooses_the_object():
    photo, _, right = two_balls()
    mask = GrabCut(box=(230, 30, 370, 170))(photo, Context()).mask
    assert intersection_over_union(mask.solid, right) > 0.95


def test_a_click_chooses_the_object_and_a_background_click_refuses_the_other():
    photo, left, right = two_balls()
    mask = GrabCut(clicks=(100, 100), background_clicks=(300, 100))(photo, Context()).mask
    assert mask.solid[left].mean() > 0.95
    assert mask.solid[right].mean() < 0.05


@pytest.mark.parametrize(
    "marks", [{"box": (0, 0, 401, 10)}, {"box": (-1, 0, 5, 5)}, {"clicks": (5, 200)}, {"background_clicks": (-3, 1)}]
)
def test_marks_outside_the_photo_are_refused(marks):
    with pytest.raises(InputError, match="400x200") as caught:
        GrabCut(**marks)(two_balls()[0], Context())
    assert caught.value.code == "mark-outside"


@pytest.mark.parametrize("options", [{"clicks": (1, 2, 3)}, {"box": (5, 5, 5, 9)}, {"iterations": 0}, {"side_px": 10}])
def test_senseless_options_are_refused(options):
    with pytest.raises(RecipeError) as caught:
        GrabCut(**options)
    assert caught.value.code == "bad-option"


def test_a_blank_photo_is_refused_with_advice():
    with pytest.raises(InputError) as caught:
        GrabCut()(Photo(np.full((90, 120, 3), 77, np.uint8)), Context())
    assert caught.value.code == "nothing-in-picture"


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (5, 4)])
def test_tiny_and_thin_pictures_are_judged_or_refused_never_a_crash(size):
    pixels = np.random.default_rng(1).integers(0, 255, (*size, 3), dtype=np.uint8)
    try:
        assert GrabCut()(Photo(pixels), Context()).mask.alpha.shape == size
    except InputError as error:
        assert error.code == "nothing-in-picture"


def test_it_stops_when_it_is_cancelled(scene):
    def stop(fraction):
        raise Cancelled

    with pytest.raises(Cancelled):
        GrabCut()(scene("busy").photo, Context(progress=stop))
