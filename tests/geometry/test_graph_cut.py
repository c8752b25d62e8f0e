"""Saliency and graph cuts on arrays."""

import cv2
import numpy as np
import pytest

from unflat.geometry.graph_cut import (
    BACKGROUND,
    MAYBE_BACKGROUND,
    MAYBE_OBJECT,
    OBJECT,
    cut_apart,
    refined_cut,
    stability,
    trimap_of_guess,
)
from unflat.geometry.masks import intersection_over_union
from unflat.geometry.saliency import saliency


def ball(size=160):
    """A warm ball before cold clutter, and its mask."""
    random = np.random.default_rng(0)
    rows, columns = np.indices((size, size))
    solid = np.hypot(rows - size * 0.5, columns - size * 0.45) < size * 0.25
    pixels = 110 + 30 * cv2.GaussianBlur(random.normal(0, 6, (size, size, 3)), (0, 0), 3) * [0.3, 0.6, 1]
    pixels[solid] = random.normal([210, 120, 50], 8, (int(solid.sum()), 3))
    return np.clip(pixels, 0, 255).astype(np.uint8), solid


def test_what_stands_out_in_the_middle_is_salient():
    pixels, solid = ball()
    value = saliency(pixels)
    assert value[solid].mean() > 1.5 * value[~solid].mean()
    assert 0 <= value.min() <= value.max() <= 1


@pytest.mark.parametrize("size", [(40, 60), (1, 1), (1, 200)])
def test_nothing_is_salient_in_a_blank_picture(size):
    assert not saliency(np.full((*size, 3), 200, np.uint8)).any()


def test_a_cut_finds_the_outline_and_repeats_with_its_seed():
    pixels, solid = ball()
    trimap = trimap_of_guess(saliency(pixels), 0.5)
    first, second = cut_apart(pixels, trimap, 3, seed=5), cut_apart(pixels, trimap, 3, seed=5)
    assert intersection_over_union(first, solid) > 0.95
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(("kind", "expected"), [(OBJECT, True), (MAYBE_OBJECT, True), (MAYBE_BACKGROUND, False)])
def test_a_trimap_of_one_side_needs_no_cut(kind, expected):
    pixels, _ = ball(40)
    assert (cut_apart(pixels, np.full((40, 40), kind, np.uint8), 1, 0) == expected).all()


def test_a_trimap_respects_where_the_object_may_be():
    guess = np.ones((20, 30), np.float32)
    allowed = np.zeros((20, 30), bool)
    allowed[5:9, 5:9] = True
    trimap = trimap_of_guess(guess, 0.5, allowed)
    assert (trimap[~allowed] == BACKGROUND).all()
    assert (trimap[allowed] == MAYBE_OBJECT).all()


def test_refinement_sharpens_a_coarse_mask():
    pixels, solid = ball(320)
    coarse = cv2.resize(solid.astype(np.float32), (60, 60), interpolation=cv2.INTER_AREA) > 0.5
    blunt = cv2.resize(coarse.astype(np.uint8), (320, 320), interpolation=cv2.INTER_NEAREST) > 0
    assert intersection_over_union(refined_cut(pixels, coarse, 0), solid) > intersection_over_union(blunt, solid)


def test_a_clear_object_is_stable_and_noise_is_not():
    pixels, solid = ball()
    noise = np.random.default_rng(1).integers(0, 255, pixels.shape, dtype=np.uint8)
    assert stability(pixels, solid, saliency(pixels), 0.5, 0) > 0.7
    assert stability(noise, solid, saliency(noise), 0.5, 0) < 0.5
