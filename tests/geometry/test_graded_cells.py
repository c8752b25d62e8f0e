"""Cells merged into growing squares."""

import numpy as np
import pytest

from unflat.geometry.graded_cells import graded_triangles
from unflat.geometry.topology import boundary_edges, is_manifold

RNG = np.random.default_rng(0)
REGIONS = {
    "square": np.ones((64, 64), bool),
    "odd size": np.ones((37, 91), bool),
    "one cell": np.ones((1, 1), bool),
    "strip": np.ones((1, 50), bool),
    "disc with a hole": (np.hypot(*(np.mgrid[0:90, 0:90] - 44.5)) < 44) & (np.hypot(*(np.mgrid[0:90, 0:90] - 40)) > 6),
    "specks left out": RNG.random((120, 150)) > 0.002,
    "noise": RNG.random((30, 30)) > 0.4,
}


def area(faces, columns):
    """Of each triangle in cells; positive where it is counter-clockwise as seen, rows pointing down."""
    points = np.stack([faces % columns, -(faces // columns)], axis=-1).astype(float)
    a, b, c = points[:, 0], points[:, 1], points[:, 2]
    return ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2


@pytest.mark.parametrize("name", REGIONS)
def test_the_region_is_tiled_once(name):
    region = REGIONS[name]
    areas = area(graded_triangles(region), region.shape[1] + 1)
    assert (areas > 0).all()
    assert areas.sum() == region.sum()


@pytest.mark.parametrize("name", REGIONS)
def test_every_side_on_the_border_stays_an_edge_and_no_other_is_open(name):
    region = REGIONS[name]
    faces = graded_triangles(region)
    padded = np.pad(region, 1).astype(int)
    sides = np.abs(np.diff(padded, axis=0)).sum() + np.abs(np.diff(padded, axis=1)).sum()
    assert len(boundary_edges(faces)) == sides


def test_the_inside_of_a_square_takes_few_well_shaped_triangles():
    faces = graded_triangles(REGIONS["square"])
    assert is_manifold(faces)
    assert len(faces) < 0.25 * 2 * 64 * 64
    points = np.stack([faces % 65, faces // 65], axis=-1).astype(float)
    lengths = np.linalg.norm(points - np.roll(points, 1, axis=1), axis=2)
    assert (area(faces, 65) / lengths.max(axis=1) ** 2).min() >= 0.2  # of a half square: 0.25


def test_nothing_gives_nothing():
    assert graded_triangles(np.zeros((5, 5), bool)).shape == (0, 3)
