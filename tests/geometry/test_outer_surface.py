"""Only what can be seen from outside is sampled."""

import numpy as np

from unflat.core import Mesh
from unflat.geometry.outer_surface import outer_points, seen_from, spread_directions
from unflat.geometry.raycast import RayCaster
from unflat.synth.solids import box, merged, mug, sphere


def test_a_body_within_a_body_gets_no_point():
    nested = merged([sphere(1.0), sphere(0.6)])
    radius = np.linalg.norm(outer_points(nested, 3000).points, axis=1)
    assert radius.min() > 0.95


def test_the_inside_of_a_cup_counts():
    points = outer_points(mug(0.1), 5000).points
    on_inner_wall = (np.hypot(points[:, 0], points[:, 2]) < 0.0385) & (np.abs(points[:, 1]) < 0.04)
    assert on_inner_wall.mean() > 0.2


def test_normals_point_outwards_even_where_faces_are_wound_the_wrong_way():
    ball = sphere(1.0)
    turned = Mesh(ball.vertices, np.ascontiguousarray(ball.faces[:, ::-1]))
    sampled = outer_points(turned, 2000)
    assert np.einsum("ij,ij->i", sampled.normals, sampled.points).min() > 0.9


def test_points_are_as_many_as_wanted_and_spread_by_area():
    sampled = outer_points(box((1.0, 2.0, 1.0)), 4000)
    assert len(sampled) == 4000
    on_top = np.abs(np.abs(sampled.points[:, 1]) - 1.0) < 1e-5
    assert abs(on_top.mean() - 2 / 10) < 0.02


def test_half_of_a_ball_is_seen_from_one_side():
    ball = sphere(1.0)
    points = outer_points(ball, 2000).points
    seen = seen_from(RayCaster(ball), points, np.array([0.0, 0.0, 50.0]), 1e-3)
    assert (points[seen, 2] > -0.05).all()
    assert 0.45 < seen.mean() < 0.52


def test_directions_have_unit_length_and_no_preference():
    directions = spread_directions(64)
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1)
    assert np.abs(directions.mean(axis=0)).max() < 0.02
