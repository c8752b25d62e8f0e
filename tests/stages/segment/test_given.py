"""The file's own transparency."""

import numpy as np
import pytest

from unflat.core import Context, InputError, Photo
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
