"""Masks: objects, holes, specks."""

import numpy as np
import pytest

from unflat.core import Mask
from unflat.geometry.masks import (
    filled_pinholes,
    intersection_over_union,
    objects_of,
    reached_from_frame,
    without_specks,
)


def disc(center, radius, shape=(200, 300)):
    rows, columns = np.indices(shape)
    return np.hypot(rows - center[0], columns - center[1]) < radius


def mask_of(*regions):
    return Mask(np.logical_or.reduce(regions).astype(np.float32), made_by="plain", confidence=0.7)


def test_the_main_object_is_the_large_one_and_the_rest_is_left_out():
    large, small = disc((100, 90), 50), disc((100, 230), 30)
    (main,) = objects_of(mask_of(large, small))
    np.testing.assert_array_equal(main.solid, large)
    assert (main.made_by, main.confidence) == ("plain", 0.7)


def test_of_equal_objects_the_central_one_is_the_main_one():
    middle, aside = disc((100, 150), 30), disc((40, 40), 30)
    np.testing.assert_array_equal(objects_of(mask_of(aside, middle))[0].solid, middle)


def test_all_objects_come_in_order_and_make_up_the_mask_without_specks():
    regions = [disc((100, 80), 60), disc((100, 200), 40), disc((40, 270), 20)]
    speck = disc((180, 20), 3)
    objects = objects_of(mask_of(*regions, speck), keep="all")
    assert [int(item.solid.sum()) for item in objects] == [int(region.sum()) for region in regions]
    np.testing.assert_array_equal(np.logical_or.reduce([item.solid for item in objects]), np.logical_or.reduce(regions))


def test_a_hairline_gap_does_not_break_an_object():
    body = disc((100, 150), 60)
    body[:, 149:151] = False
    assert len(objects_of(mask_of(body), keep="all")) == 1


def test_soft_edges_go_with_their_object():
    alpha = np.zeros((200, 300), np.float32)
    for center in (80, 220):
        alpha = np.maximum(alpha, np.clip(41 - np.hypot(*np.ogrid[-100:100, -center : 300 - center]), 0, 1))
    left, right = objects_of(Mask(alpha.astype(np.float32)), keep="all")
    np.testing.assert_allclose(left.alpha + right.alpha, alpha, atol=1e-6)
    assert not (left.alpha * right.alpha).any()


def test_holes_are_kept():
    ring = disc((100, 150), 60) & ~disc((100, 150), 30)
    assert not objects_of(mask_of(ring))[0].solid[100, 150]


def test_overlap_of_masks():
    one, other = disc((100, 100), 40), disc((100, 100), 20)
    assert intersection_over_union(one, one) == 1
    assert intersection_over_union(one, other) == pytest.approx(0.25, abs=0.02)
    assert intersection_over_union(one, ~one) == 0
    assert intersection_over_union(one & ~one, other & ~other) == 1


def test_specks_go_and_pieces_stay():
    piece, speck = disc((100, 100), 20), disc((20, 20), 2)
    np.testing.assert_array_equal(without_specks(piece | speck, 50), piece)
    assert not without_specks(np.zeros((5, 5), bool), 1).any()


def test_what_is_enclosed_is_not_reached_from_the_frame():
    ring = disc((100, 150), 60) & ~disc((100, 150), 30)
    np.testing.assert_array_equal(reached_from_frame(~ring), ~disc((100, 150), 60))


def test_pinholes_are_filled_holes_and_bays_are_not():
    body = disc((100, 150), 60)
    holed = body & ~disc((100, 150), 25) & ~disc((60, 150), 2)
    filled = filled_pinholes(holed, 30)
    np.testing.assert_array_equal(filled, body & ~disc((100, 150), 25))
    corner = np.ones((10, 10), bool)
    corner[0, 0] = False
    assert not filled_pinholes(corner, 30)[0, 0]
