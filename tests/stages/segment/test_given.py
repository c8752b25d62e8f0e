"""The file's own transparency."""

import numpy as np
import pytest

from unflat.core import Context, InputError, Photo
from unflat.stages.segment.auto import Auto
from unflat.stages.segment.given import Given

PIXELS = np.full((4, 6, 3), 90, np.uint8)


def test_the_alpha_of_the_file_is_the_mask_to_the_last_digit():
    alpha = np.zeros((4, 6), np.uint8)
    alpha[1:3, 1:5], alpha[3, 3] = 255, 51
    mask = Given()(Photo(PIXELS, alpha=alpha), Context()).mask
    np.testing.assert_allclose(mask.alpha, alpha / 255, atol=1e-7)
    assert (mask.made_by, mask.confidence) == ("given", 1.0)


@pytest.mark.parametrize(("alpha", "words"), [(None, "no alpha"), (np.full((4, 6), 255, np.uint8), "opaque")])
def test_a_file_without_transparency_is_refused_with_advice(alpha, words):
    with pytest.raises(InputError, match=words) as caught:
        Given()(Photo(PIXELS, alpha=alpha), Context())
    assert caught.value.code == "no-alpha"
    assert "--mask" in caught.value.hint


def test_an_all_transparent_file_has_nothing_in_it():
    with pytest.raises(InputError) as caught:
        Given()(Photo(PIXELS, alpha=np.zeros((4, 6), np.uint8)), Context())
    assert caught.value.code == "nothing-in-picture"


def two_pieces():
    """A cut-out picture of two pieces: the left one 10..30, the right one 60..90."""
    alpha = np.zeros((60, 100), np.uint8)
    alpha[20:40, 10:30], alpha[10:50, 60:90] = 255, 255
    return Photo(np.full((60, 100, 3), 90, np.uint8), alpha=alpha)


@pytest.mark.parametrize(
    ("marks", "boxes"),
    [
        ({"clicks": (15, 30)}, (10, 20, 30, 40)),
        ({"background_clicks": (15, 30)}, (60, 10, 90, 50)),
        ({"box": (50, 5, 95, 55)}, (60, 10, 90, 50)),
        ({"clicks": (15, 30, 70, 30)}, (10, 10, 90, 50)),
    ],
)
def test_marks_choose_among_the_pieces_that_are_cut_out(marks, boxes):
    assert Given(**marks)(two_pieces(), Context()).mask.box == boxes
    assert Auto(**marks)(two_pieces(), Context()).mask.made_by == "given"


@pytest.mark.parametrize(
    "marks", [{"clicks": (45, 30)}, {"box": (0, 0, 20, 60)}, {"clicks": (70, 30), "background_clicks": (75, 30)}]
)
def test_marks_that_mean_no_whole_piece_are_refused(marks):
    with pytest.raises(InputError) as caught:
        Given(**marks)(two_pieces(), Context())
    assert caught.value.code == "nothing-in-picture"
    assert "grabcut" in caught.value.hint


def test_a_mark_outside_the_picture_is_refused():
    with pytest.raises(InputError) as caught:
        Given(clicks=(100, 30))(two_pieces(), Context())
    assert caught.value.code == "mark-outside"
