"""Lanes do what NumPy does to arrays of their length."""

import numpy as np
import pytest
from numba import njit

from unflat.geometry import lanes
from unflat.geometry.lanes import LANES, load, load_whole, store

ONE, TWO = np.random.default_rng(0).normal(0, 3, (2, LANES)).astype(np.float32)


def made(compute, *arrays):
    """What a function of vectors gives for arrays; compiled as a kernel would be."""
    compiled = njit(compute)

    @njit
    def kernel(one, two, out):
        store(out, 0, compiled(load(one, 0), load(two, 0)))

    out = np.empty(LANES, np.float32)
    kernel(*arrays, out)
    return out


@njit
def kept(marks):
    return lanes.where(marks, np.float32(1), np.float32(0))


@pytest.mark.parametrize(
    ("vectors", "arrays"),
    [
        (lambda a, b: a + b, lambda a, b: a + b),
        (lambda a, b: a - b, lambda a, b: a - b),
        (lambda a, b: a * b, lambda a, b: a * b),
        (lambda a, b: a / b, lambda a, b: a / b),
        (lambda a, b: np.float32(2) * a - 1, lambda a, b: np.float32(2) * a - 1),
        (lambda a, b: kept(a < b), lambda a, b: a < b),
        (lambda a, b: kept((a <= b) & (a > 0)), lambda a, b: (a <= b) & (a > 0)),
        (lambda a, b: kept(a >= a), lambda a, b: np.ones(LANES)),
        (lambda a, b: lanes.where(a > b, a, 0.5), lambda a, b: np.where(a > b, a, 0.5)),
        (lambda a, b: lanes.least_of(b, a), np.minimum),
        (lambda a, b: lanes.most_of(a, 0.0), lambda a, b: np.maximum(a, 0)),
        (lambda a, b: lanes.root(lanes.absolute(a)), lambda a, b: np.sqrt(np.abs(a))),
        (lambda a, b: lanes.real(lanes.whole(a)), lambda a, b: np.trunc(a)),
        (lambda a, b: lanes.real(lanes.times(lanes.whole(a), 3)), lambda a, b: np.trunc(a) * 3),
        (lambda a, b: lanes.real(lanes.moved(lanes.whole(a), lanes.whole(b))), lambda a, b: np.trunc(a) + np.trunc(b)),
    ],
)
def test_each_lane_is_computed_as_numpy_would(vectors, arrays):
    assert np.array_equal(made(vectors, ONE, TWO), np.asarray(arrays(ONE, TWO), np.float32))


def test_lanes_are_brought_together():
    @njit
    def kernel(one):
        vector = load(one, 0)
        marks = vector < np.float32(0)
        found = lanes.total_of(vector), lanes.smallest_of(vector), lanes.number_of(marks), lanes.first_of(marks)
        return *found, lanes.first_of(vector > np.float32(99))

    total, smallest, number, first, nowhere = kernel(ONE)
    assert total == pytest.approx(ONE.sum(), rel=1e-5) and smallest == ONE.min()
    assert number == (ONE < 0).sum() and first == np.argmax(ONE < 0) and nowhere == LANES


def test_exponentials_are_right_to_a_millionth_and_small_ones_vanish():
    far = np.linspace(0, -20, LANES, dtype=np.float32)
    assert made(lambda a, b: lanes.exponential(a), far, far) == pytest.approx(np.exp(far), rel=3e-6)
    endless = np.full(LANES, -1e6, np.float32)
    assert (made(lambda a, b: lanes.exponential(a), endless, endless) < 1e-30).all()


def test_what_lies_at_indices_is_looked_up():
    rng = np.random.default_rng(1)
    table, places = rng.random((9, 11)).astype(np.float32), rng.integers(0, 99, LANES).astype(np.int32)
    colours = rng.integers(0, 256, (9, 11, 4), dtype=np.uint8)

    @njit
    def kernel(table, packed, places, out):
        store(out, 0, lanes.looked_up(table, load_whole(places, 0)))
        a, b, c, d = lanes.bytes_looked_up(packed, load_whole(places, 0))
        store(out, LANES, a)
        store(out, 2 * LANES, b)
        store(out, 3 * LANES, c)
        store(out, 4 * LANES, d)

    out = np.empty((5, LANES), np.float32)
    kernel(table, colours.view("<u4")[..., 0], places, out)
    assert np.array_equal(out[0], table.ravel()[places])
    assert np.array_equal(out[1:].T, colours.reshape(-1, 4)[places])
