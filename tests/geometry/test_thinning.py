"""Fewer triangles where it is flat."""

from dataclasses import replace

import numpy as np

from unflat.core import Mesh
from unflat.geometry.compare import surface_distance
from unflat.geometry.thinning import thinned
from unflat.geometry.topology import is_closed, is_manifold
from unflat.synth.solids import box, refined, sphere


def test_a_finely_cut_box_becomes_a_box_again():
    fine = refined(box((1.0, 2.0, 3.0)), 0.1)
    thin = thinned(fine, 0.001)
    assert len(fine.faces) > 2000
    assert len(thin.faces) == 12
    assert np.allclose(thin.extent, [1, 2, 3])


def test_a_ball_stays_within_the_tolerance_closed_and_manifold():
    ball = sphere(0.5, 128)
    thin = thinned(ball, 0.002)
    assert len(thin.faces) < 0.5 * len(ball.faces)
    assert is_closed(thin.faces)
    assert is_manifold(thin.faces)
    assert surface_distance(ball.vertices, thin).max() < 0.004


def test_vertices_keep_their_confidence():
    ball = sphere(0.5, 64)
    marked = replace(ball, confidence=(ball.vertices[:, 2] > 0).astype(np.float32))
    thin = thinned(marked, 0.002)
    assert np.array_equal(thin.confidence == 1, thin.vertices[:, 2] > 0)
    assert thinned(ball, 0.002).confidence is None


def test_an_open_mesh_and_no_tolerance_change_nothing():
    open_mesh = Mesh(np.eye(3, dtype=np.float32), np.array([[0, 1, 2]], np.int32))
    assert thinned(open_mesh, 0.1) is open_mesh
    ball = sphere(0.5)
    assert thinned(ball, 0.0) is ball
