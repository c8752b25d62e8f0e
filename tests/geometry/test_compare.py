"""Distances between shapes."""

import numpy as np
import pytest

from unflat.core import Mesh
from unflat.geometry.compare import chamfer, f_score, sample_surface, silhouette_iou, surface_distance
from unflat.geometry.sampling import points_on_faces, sample_faces
from unflat.geometry.thickness import wall_thickness
from unflat.synth.solids import box, cylinder, merged, moved, mug, sphere, torus

N = 4000


def test_points_lie_on_the_surface_and_are_spread_by_area():
    mesh = box((1.0, 2.0, 3.0))
    points, normals = sample_surface(mesh, N)
    half = np.float32([0.5, 1.0, 1.5])
    assert np.allclose(np.abs(points / half).max(axis=1), 1, atol=1e-5)
    assert np.allclose(np.einsum("nc,nc->n", points, normals), np.abs(normals) @ half, atol=1e-5)
    share = np.abs(normals).round().mean(axis=0)
    assert np.allclose(share, np.array([6, 3, 2]) / 11, atol=0.01)


def test_samples_repeat_with_the_seed_and_have_weights_that_sum_to_one():
    faces, weights = sample_faces(torus(), N, seed=5)
    assert np.allclose(weights.sum(axis=1), 1)
    assert weights.min() >= 0
    again = sample_faces(torus(), N, seed=5)
    assert np.array_equal(faces, again[0])
    assert not np.array_equal(weights, sample_faces(torus(), N, seed=6)[1])
    assert points_on_faces(torus(), faces, weights).shape == (N, 3)


def test_a_shape_is_at_no_distance_from_itself():
    assert chamfer(torus(), torus(), N) < 1e-5  # the nearest samples may all lie on a neighbour of the right face
    assert f_score(torus(), torus(), 1e-3, N) > 0.998


@pytest.mark.parametrize("gap", [0.01, 0.1])
def test_concentric_balls_are_apart_by_their_radii(gap):
    a, b = sphere(0.5, 96), sphere(0.5 + gap, 96)
    assert chamfer(a, b, N) == pytest.approx(gap, rel=0.05)
    assert f_score(a, b, gap * 1.2, N) == 1.0
    assert f_score(a, b, gap * 0.8, N) == 0.0


def test_chamfer_is_symmetric():
    a, b = box(), moved(sphere(), (0.2, 0.0, 0.0))
    assert chamfer(a, b, N) == pytest.approx(chamfer(b, a, N), rel=0.05)


def test_f_score_takes_both_directions_into_account():
    whole, half = merged([box(), moved(box(), (5.0, 0.0, 0.0))]), box()
    assert f_score(half, whole, 0.01, N) == pytest.approx(2 / 3, abs=0.02)


def test_distance_to_a_box_is_that_of_the_formula():
    rng = np.random.default_rng(0)
    points = rng.uniform(-1.5, 1.5, (500, 3)).astype(np.float32)
    outside = np.maximum(np.abs(points) - 0.5, 0)
    inside = np.minimum((np.abs(points) - 0.5).max(axis=1), 0)
    truth = np.linalg.norm(outside, axis=1) - inside
    assert np.abs(surface_distance(points, box()) - truth).max() < 1e-3
    assert np.abs(surface_distance(points, box()) - truth).mean() < 1e-5


def test_distance_works_next_to_faces_without_area():
    flat = Mesh(np.float32([[0, 0, 0], [1, 0, 0], [0, 1, 0], [2, 0, 0]]), np.int32([[0, 1, 2], [0, 1, 3]]))
    found = surface_distance(np.float32([[0.2, 0.2, 0.7], [3, 0, 0]]), flat)
    assert np.allclose(found, [0.7, 2.0], atol=1e-2)


def test_silhouettes_overlap_as_their_pixels_do():
    a, b = np.zeros((4, 4), bool), np.zeros((4, 4), bool)
    a[:2], b[1:3] = True, True
    assert silhouette_iou(a, b) == pytest.approx(1 / 3)
    assert silhouette_iou(a, a) == 1.0
    assert np.isnan(silhouette_iou(a & False, a & False))


@pytest.mark.parametrize("thickness", [0.001, 0.02, 0.3])
def test_a_plate_is_as_thick_as_it_was_made(thickness):
    found = wall_thickness(box((1.0, thickness, 1.0)), 2000)
    assert np.median(found) == pytest.approx(thickness, rel=1e-3)
    assert np.percentile(found, 1) == pytest.approx(thickness, rel=1e-3)


def test_a_balls_thickness_is_its_diameter_and_a_tubes_its_wall():
    assert np.median(wall_thickness(sphere(0.5, 128), 2000)) == pytest.approx(1.0, rel=0.01)
    assert np.percentile(wall_thickness(mug(0.1), 4000), 1) == pytest.approx(0.005, rel=0.05)
    assert np.percentile(wall_thickness(cylinder(0.5, 2.0), 2000), 50) == pytest.approx(1.0, rel=0.02)


def test_an_inside_out_body_has_no_measured_walls():
    inside_out = Mesh(box().vertices, box().faces[:, ::-1].copy())
    assert len(wall_thickness(inside_out, 500)) == 0
