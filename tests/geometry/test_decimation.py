"""Fewer faces for the same shape."""

from dataclasses import replace

import numpy as np
import pytest

from unflat.core import Mesh
from unflat.geometry.decimation import decimated, levels_of_detail
from unflat.geometry.meshes import signed_volume
from unflat.geometry.topology import genus, is_closed, is_manifold
from unflat.synth import solids


@pytest.mark.parametrize("faces", [2000, 300])
def test_a_ring_keeps_its_hole_and_its_volume(faces):
    ring = solids.torus(1.0, 0.4, 96)
    coarse = decimated(ring, faces)
    assert faces * 0.95 <= len(coarse.faces) <= faces
    assert genus(coarse.faces) == 1
    assert is_manifold(coarse.faces)
    assert signed_volume(coarse) == pytest.approx(signed_volume(ring), rel=0.04)


def test_a_budget_that_no_ring_fits_gives_the_smallest_ring_found():
    coarse = decimated(solids.torus(1.0, 0.4, 96), 4)
    assert 14 <= len(coarse.faces) < 60
    assert genus(coarse.faces) == 1


def test_a_mesh_below_the_budget_comes_back_itself():
    box = solids.box()
    assert decimated(box, 12) is box


def test_a_finely_divided_box_becomes_a_plain_box_again():
    coarse = decimated(solids.refined(solids.box(), 0.05), 12)
    assert len(coarse.faces) <= 24
    assert signed_volume(coarse) == pytest.approx(1, abs=1e-3)


def test_each_vertex_keeps_the_confidence_of_its_place():
    ball = solids.sphere(1.0, 64)
    ball = replace(ball, confidence=(ball.vertices[:, 0] > 0).astype(np.float32))
    coarse = decimated(ball, 500)
    clear = np.abs(coarse.vertices[:, 0]) > 0.1
    assert np.array_equal(coarse.confidence[clear], (coarse.vertices[:, 0] > 0)[clear])


def test_an_open_sheet_stays_a_sheet():
    sheet = solids.refined(
        Mesh(np.float32([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]), np.int32([[0, 1, 2], [0, 2, 3]])), 0.1
    )
    coarse = decimated(sheet, 20)
    assert len(coarse.faces) <= 20
    assert np.allclose(coarse.extent, [1, 1, 0], atol=0.05)


def test_levels_are_ever_coarser_and_stay_closed():
    levels = levels_of_detail(solids.sphere(1.0, 64), (0.0625, 0.25))
    assert [len(level.faces) for level in levels] == sorted((len(level.faces) for level in levels), reverse=True)
    assert len(levels) == 2
    assert all(is_closed(level.faces) for level in levels)
    assert levels_of_detail(solids.box(), ()) == ()
