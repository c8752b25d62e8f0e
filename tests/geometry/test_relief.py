"""The pure parts of a relief."""

import numpy as np
import pytest

from unflat.core import Camera
from unflat.geometry.depth_grid import DepthGrid, WholeDepth, whole_depth
from unflat.geometry.nearness import depth_of_nearness
from unflat.geometry.relief import (
    assumed_camera,
    back_plate,
    centring_similarity,
    depth_of_map,
    focal_of_field_of_view,
    level_step,
    longer_side,
    mirrored_back,
    shell_back,
    width_of_sample,
)


def whole(depth, coverage=None) -> WholeDepth:
    side = len(depth)
    camera = Camera(side, side, 2.0 * side, 2.0 * side, side / 2, side / 2, np.eye(4))
    coverage = np.ones((side, side), np.float32) if coverage is None else coverage
    return whole_depth(DepthGrid(camera, 1 / depth, coverage, np.zeros((side, side))), cut=0.02, fill=0.05, denoise=0.0)


def test_the_focal_length_sees_the_given_field():
    focal = focal_of_field_of_view(300, 400, 90.0)
    assert np.isclose(focal, 250)  # half the diagonal, at 45 degrees
    camera = assumed_camera(300, 400, focal)
    assert (camera.cx, camera.cy) == (150, 200)
    assert np.allclose(camera.forward, [0, 0, -1])


def test_depth_is_taken_as_it_is():
    values = np.array([1.0, np.nan, 3.0])
    assert np.array_equal(depth_of_map(values, "depth", far_over_near=2, object_values=values), values, equal_nan=True)


def test_disparity_keeps_all_ratios():
    values = np.array([4.0, 2.0, 1.0])
    depth = depth_of_map(values, "disparity", far_over_near=9, object_values=values)
    assert np.allclose(depth, [0.5, 1, 2])


@pytest.mark.parametrize(("factor", "offset"), [(1.0, 0.0), (250.0, 3.0), (1e-3, 10.0)])
def test_relative_depth_does_not_mind_factor_and_offset(factor, offset):
    inverse = np.linspace(0.5, 1.0, 201)
    values = factor * inverse + offset
    depth = depth_of_map(values, "relative", far_over_near=2.0, object_values=values)
    inner = slice(4, -4)
    assert np.allclose((1 / depth)[inner], inverse[inner], atol=0.01)
    assert (depth > 0).all()


def test_constant_relative_depth_is_flat():
    values = np.full(5, 7.0)
    assert np.allclose(depth_of_map(values, "relative", far_over_near=3.0, object_values=values), 1.0)


def test_unknown_stays_unknown():
    values = np.array([np.nan, 1.0, 2.0])
    for kind in ("depth", "disparity", "relative"):
        depth = depth_of_map(values, kind, far_over_near=2.0, object_values=values[1:])
        assert np.isnan(depth).tolist() == [True, False, False]


def test_an_eight_bit_map_has_steps_and_a_fine_one_none():
    rng = np.random.default_rng(0)
    fine = rng.random(20000)
    assert level_step(fine) == 0
    assert np.isclose(level_step(np.round(fine * 255) / 255), 1 / 255)
    assert level_step(np.repeat([1.0, 2.0], 5000)) == 0  # two walls, no terraces
    assert level_step(np.ones(100)) == 0


def test_the_plate_stands_behind_the_deepest_point():
    depth = np.full((16, 16), 2.0)
    depth[4:9, 4:9] = 3.0
    assert np.isclose(back_plate(whole(depth), 0.25), 3.25)


def test_the_mirror_of_a_ball_is_the_other_half():
    side = 64
    rows, columns = (np.mgrid[0:side, 0:side] + 0.5 - side / 2) / (2.0 * side)
    # The ray (x, y, 1) meets the ball of radius 0.6 around depth 4 where z solves a quadratic.
    a, b, c = rows**2 + columns**2 + 1, -2 * 4.0, 4.0**2 - 0.6**2
    root = b * b - 4 * a * c
    depth = np.where(root > 0, (-b - np.sqrt(np.maximum(root, 0))) / (2 * a), np.nan)
    far = (-b + np.sqrt(np.maximum(root, 0))) / (2 * a)
    layer = whole(depth, np.isfinite(depth).astype(np.float32))
    inside = layer.coverage > 0.5
    # Of the ball, 1.2 deep, perspective shows less than half.
    assert np.abs(mirrored_back(layer) - far)[inside].mean() < 0.12


def test_the_mirror_follows_a_tilted_outline():
    rows, _ = np.mgrid[0:32, 0:32]
    nearness = 0.5 + 0.002 * rows
    layer = whole(1 / nearness)
    assert np.allclose(mirrored_back(layer), 1 / nearness, atol=0.03)  # of a range of 0.25


def test_a_shell_has_its_thickness():
    depth = 2 + np.random.default_rng(0).random((8, 8)) * 0.01
    layer = whole(depth)
    assert np.allclose(shell_back(layer, 0.1) - depth_of_nearness(layer.camera, layer.nearness), 0.1, atol=1e-6)


def test_the_long_side_is_counted_in_samples_and_a_sample_is_in_metres():
    coverage = np.zeros((40, 40), np.float32)
    coverage[5:15, 4:34] = 1
    layer = whole(np.full((40, 40), 2.0), coverage)
    assert longer_side(layer) == 30
    assert np.isclose(width_of_sample(layer), 2 / 80)


def test_the_similarity_centres_and_scales():
    vertices = np.array([[1, 2, 3], [5, 4, 9], [2, 2, 2]], np.float32)
    similarity = centring_similarity(vertices, vertices, unit_size=True)
    moved = vertices @ similarity[:3, :3].T + similarity[:3, 3]
    assert np.allclose(moved.max(axis=0) + moved.min(axis=0), 0)
    assert np.isclose(np.ptp(moved[:, :2], axis=0).max(), 1)
    assert np.isclose(np.linalg.det(centring_similarity(vertices, vertices, unit_size=False)[:3, :3]), 1)
