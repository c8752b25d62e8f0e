"""Drawn versions keep what is drawn in its place, put it on pale paper, and are the same again for the same seed."""

import numpy as np
import pytest

from unflat.synth.drawn import drawn_version
from unflat.synth.pen_lines import inner_pixels, outline_pixels, strokes

SIZE = 96


def ball_view(size: int = SIZE):
    """Colour, coverage, depth and normals of a red ball that fills two thirds of the frame."""
    at = (np.arange(size, dtype=np.float32) + 0.5) / size * 2 - 1
    x, y = np.meshgrid(at, at)
    inside = x**2 + y**2 < 0.44
    z = -np.sqrt(np.maximum(0.44 - x**2 - y**2, 0)).astype(np.float32)
    normals = np.stack([x, y, z], axis=-1).astype(np.float32) / np.float32(0.44**0.5)
    normals[~inside] = np.nan
    color = np.full((size, size, 3), (190, 60, 50), np.uint8)
    return color, inside.astype(np.float32), np.where(inside, z, np.nan).astype(np.float32), normals


@pytest.mark.parametrize("seed", range(24))
def test_the_paper_is_pale_and_the_object_leaves_marks_only_near_itself(seed):
    drawing = drawn_version(*ball_view(), np.random.default_rng(seed)).astype(np.float32)
    border = np.concatenate([drawing[:4].reshape(-1, 3), drawing[-4:].reshape(-1, 3)])
    inside = ball_view()[1] > 0.5
    assert drawing.shape == (SIZE, SIZE, 3)
    assert np.median(border) > 100
    # something was drawn: the object's pixels differ more from the paper than the paper from itself
    away = np.abs(drawing - np.median(border, axis=0)).max(axis=2)
    assert np.quantile(away[inside], 0.98) > np.quantile(away[:4], 0.5) + 12


def test_the_same_generator_gives_the_same_drawing_and_others_differ():
    first, again, other = (drawn_version(*ball_view(), np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_an_empty_view_gives_bare_paper():
    color, coverage, depth, normals = ball_view()
    for seed in range(8):
        drawing = drawn_version(color, coverage * 0, depth * np.nan, normals, np.random.default_rng(seed))
        assert drawing.min() > 90


def test_views_that_are_not_square_and_pieces_are_drawn_too():
    color, coverage, depth, normals = (array[:64].copy() for array in ball_view())
    pieces = (np.arange(64 * SIZE).reshape(64, SIZE) % SIZE > SIZE // 2).astype(np.int32)
    for seed in range(8):
        drawing = drawn_version(color, coverage, depth, normals, np.random.default_rng(seed), pieces=pieces)
        assert drawing.shape == (64, SIZE, 3)


def test_nothing_that_comes_in_is_changed():
    arrays = ball_view()
    before = [array.copy() for array in arrays]
    for seed in range(6):
        drawn_version(*arrays, np.random.default_rng(seed))
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(arrays, before, strict=True))


def test_a_smooth_ball_has_an_outline_and_no_inner_lines():
    _, coverage, depth, normals = ball_view(128)
    inside = coverage > 0.5
    outline = outline_pixels(inside)
    assert 0.02 < outline.mean() < 0.05
    core = inside & (normals[..., 2] < -0.6)
    assert not inner_pixels(inside, depth, normals)[core].any()


def test_creases_steps_and_borders_of_pieces_are_inner_lines():
    inside = np.ones((40, 40), bool)
    depth = np.zeros((40, 40), np.float32)
    normals = np.zeros((40, 40, 3), np.float32)
    normals[..., 2] = -1
    assert not inner_pixels(inside, depth, normals).any()
    stepped, creased = depth.copy(), normals.copy()
    stepped[:, 20:] = 0.2
    creased[20:] = (0, -1, 0)
    pieces = (np.arange(1600).reshape(40, 40) // 40 > 9).astype(np.int32)
    assert inner_pixels(inside, stepped, normals)[:, 18:22].any(axis=1).all()
    assert inner_pixels(inside, depth, creased)[18:22].any(axis=0).all()
    assert inner_pixels(inside, depth, normals, pieces)[8:11].any(axis=0).all()


def test_broken_lines_have_less_ink_and_wider_ones_more():
    pixels = np.zeros((80, 80), bool)
    pixels[40] = True
    whole, wide, broken = (
        strokes(pixels, width, np.random.default_rng(0), wobble_px=0.5, broken=share)
        for width, share in ((3.0, 0.0), (6.0, 0.0), (3.0, 0.5))
    )
    assert broken.sum() < 0.8 * whole.sum()
    assert wide.sum() > 1.5 * whole.sum()
    assert whole.max() <= 1
    assert strokes(pixels & False, 3.0, np.random.default_rng(0), wobble_px=0.5, broken=0.0).sum() == 0
