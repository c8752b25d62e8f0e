"""Occlusion edges, holes, specks, noise and terraces of a depth grid."""

import numpy as np
import pytest

from unflat.core import Camera
from unflat.geometry.depth_fill import filled, noise_of, smoothed, specks, thin_or_small, without_terraces
from unflat.geometry.depth_grid import DepthGrid, resampled, tear_tolerance, whole_depth
from unflat.geometry.nearness import depth_of_nearness, depth_steps_to_nearness, nearness_of_depth
from unflat.geometry.occlusion_edges import find_cuts, label_parts, no_cuts, snapped_ramps


def camera(side=64, projection="perspective"):
    return Camera(side, side, 1.5 * side, 1.5 * side, side / 2, side / 2, np.eye(4), projection=projection)


def plane(side=64, across=0.0, down=0.0, middle=0.5):
    rows, columns = np.mgrid[0:side, 0:side].astype(np.float64)
    return middle + across * (columns - side / 2) + down * (rows - side / 2)


def two_planes(side=64):
    """A near plane on the left half, a far one on the right."""
    nearness = plane(side)
    nearness[:, side // 2 :] = 0.3
    return nearness


def tolerance_like(nearness, value=0.01):
    return np.full(nearness.shape, value)


def grid(nearness, coverage=None, half_level=0.0):
    side = len(nearness)
    coverage = np.ones((side, side), np.float32) if coverage is None else coverage
    return DepthGrid(camera(side), nearness, coverage, np.full((side, side), half_level))


@pytest.mark.parametrize("projection", ["perspective", "orthographic"])
def test_nearness_and_depth_invert_each_other_and_nearer_is_more(projection):
    depth = np.array([1.0, 2.0, 5.0])
    nearness = nearness_of_depth(camera(projection=projection), depth)
    assert np.allclose(depth_of_nearness(camera(projection=projection), nearness), depth)
    assert (np.diff(nearness) < 0).all()


@pytest.mark.parametrize("projection", ["perspective", "orthographic"])
def test_a_sample_wide_step_in_depth_is_what_it_says(projection):
    view = camera(projection=projection)
    width = 2.0 / view.fx if projection == "perspective" else 1 / view.fx
    change = nearness_of_depth(view, np.array([2.0])) - nearness_of_depth(view, np.array([2.0 + width]))
    step = depth_steps_to_nearness(view, nearness_of_depth(view, np.array([2.0])))
    assert np.allclose(change, step, rtol=0.02)


def test_a_jump_is_cut_and_only_there():
    nearness = two_planes()
    cuts = find_cuts(nearness, tolerance_like(nearness))
    assert np.isfinite(cuts.right[:, 31]).all()
    assert np.isfinite(cuts.right).sum() == 64
    assert not np.isfinite(cuts.down).any()
    assert np.allclose(cuts.right[:, 31], 0.5)


def test_a_grazing_surface_is_not_cut():
    nearness = plane(across=0.012)
    cuts = find_cuts(nearness, tolerance_like(nearness))
    assert not np.isfinite(cuts.right).any()


def test_the_rim_of_a_ball_is_not_cut():
    rows, columns = np.mgrid[0:128, 0:128] - 63.5
    height = np.sqrt(np.maximum(60.0**2 - rows**2 - columns**2, 0))
    nearness = np.where(height > 0, height / 128, np.nan)
    cuts = find_cuts(nearness, tolerance_like(nearness, 4 / 128))  # four samples
    assert np.isfinite(cuts.right).sum() + np.isfinite(cuts.down).sum() == 0


def test_unknown_samples_have_no_cuts():
    nearness = two_planes()
    nearness[:, 31] = np.nan
    assert not np.isfinite(find_cuts(nearness, tolerance_like(nearness)).right).any()


def test_a_slanting_edge_is_cut_in_a_straight_line():
    rows, columns = np.mgrid[0:64, 0:64]
    nearness = np.where(columns < 20 + 0.4 * rows, 0.5, 0.3)
    cuts = find_cuts(nearness, tolerance_like(nearness))
    row, column = np.nonzero(np.isfinite(cuts.right))
    inner = (row > 4) & (row < 60)
    position = (column + cuts.right[row, column] + 0.5)[inner]
    line = np.polynomial.Polynomial.fit(row[inner], position, 1)
    assert np.abs(position - line(row[inner])).max() < 0.35  # a staircase would leave half a sample
    assert abs(line.convert().coef[1] - 0.4) < 0.01


@pytest.mark.parametrize("width", [1, 2])
def test_a_smeared_jump_is_made_sharp(width):
    sharp = two_planes()
    smeared = sharp.copy()
    for step in range(width):
        smeared[:, 32 + step] = 0.5 - 0.2 * (step + 1) / (width + 1)
    snapped = snapped_ramps(smeared, tolerance_like(sharp))
    assert set(np.unique(snapped.round(6))) == {0.3, 0.5}


def test_sharpening_leaves_slopes_alone():
    nearness = plane(across=0.02, down=0.001)
    assert np.array_equal(snapped_ramps(nearness, tolerance_like(nearness)), nearness)


def test_parts_are_numbered_on_both_sides_of_a_cut():
    nearness = two_planes()
    inside = np.ones(nearness.shape, bool)
    inside[:3] = False
    parts, count = label_parts(inside, find_cuts(nearness, tolerance_like(nearness)))
    assert count == 2
    assert (parts[:3] == -1).all()
    assert len(np.unique(parts[3:, :32])) == len(np.unique(parts[3:, 32:])) == 1


def test_a_thin_sliver_is_a_speck_and_the_largest_part_never():
    nearness = two_planes()
    nearness[:, 32:34] = 0.4
    inside = np.ones(nearness.shape, bool)
    found = specks(inside, find_cuts(nearness, tolerance_like(nearness)), 3.0)
    assert found[:, 32:34].all()
    assert found.sum() == 2 * 64
    assert not specks(np.eye(5, dtype=bool), no_cuts(5, 5), 3.0).all()


def test_holes_are_told_by_their_width():
    region = np.zeros((40, 40), bool)
    region[5:35, 5:8] = region[10:30, 15:35] = True
    assert thin_or_small(region, 4).sum() == 30 * 3
    assert thin_or_small(region, 25).sum() == region.sum()
    assert not thin_or_small(region, 1).any()


def test_a_hole_in_a_plane_is_filled_with_the_plane():
    truth = plane(across=0.002, down=-0.001)
    holes = np.zeros(truth.shape, bool)
    holes[20:30, 25:45] = holes[50:53, 10] = True
    assert np.allclose(filled(np.where(holes, np.nan, truth), holes, 0.01), truth)


def test_the_shadow_of_a_near_surface_is_filled_from_the_far_one():
    truth = two_planes()
    holes = np.zeros(truth.shape, bool)
    holes[10:50, 32:40] = True
    found = filled(np.where(holes, np.nan, truth), holes, 0.01)
    assert np.allclose(found[10:50, 32:40], 0.3)


def test_a_hole_with_nothing_around_stays_unknown():
    holes = np.ones((8, 8), bool)
    assert np.isnan(filled(np.full((8, 8), np.nan), holes, 0.01)).all()


def test_noise_is_measured_within_a_tenth_and_not_across_cuts():
    nearness = two_planes() + np.random.default_rng(0).normal(0, 0.001, (64, 64))
    cuts = find_cuts(nearness, tolerance_like(nearness, 0.02))
    assert abs(noise_of(nearness, np.ones((64, 64), bool), cuts) - 0.001) < 1e-4


def test_smoothing_keeps_planes_edges_and_the_bound():
    sloped = two_planes() + plane(across=0.0005, middle=0)
    cuts = find_cuts(sloped, tolerance_like(sloped))
    inside, bound = np.ones((64, 64), bool), tolerance_like(sloped, 0.003)
    assert np.allclose(smoothed(sloped, inside, cuts, bound, 20), sloped)
    noisy = sloped + np.random.default_rng(0).normal(0, 0.001, sloped.shape)
    result = smoothed(noisy, inside, cuts, bound, 20)
    assert (result - sloped).std() < 0.35e-3
    assert np.abs(result - noisy).max() <= 0.003 + 1e-12
    assert np.abs(result[:, 31] - result[:, 32]).min() > 0.19


def test_terraces_become_a_slope():
    truth = plane(across=0.0004, down=0.0002)
    step = 0.004
    stepped = np.round(truth / step) * step
    inside = np.ones(truth.shape, bool)
    result = without_terraces(stepped, inside, tolerance_like(truth, step / 2))
    inner = np.s_[8:-8, 8:-8]
    assert np.abs(result - truth)[inner].mean() < 0.35 * np.abs(stepped - truth)[inner].mean()


def test_resampling_never_mixes_two_surfaces():
    reduced = resampled(grid(two_planes(100)), 37, 0.02)
    assert reduced.nearness.shape == (37, 37)
    assert reduced.camera.width_px == 37
    assert set(np.unique(reduced.nearness.round(6))) == {0.3, 0.5}


def test_resampling_keeps_a_plane_a_plane():
    reduced = resampled(grid(plane(100, across=0.001)), 37, 0.02)
    columns = (np.arange(37) + 0.5) * 100 / 37 - 0.5
    assert np.allclose(reduced.nearness, 0.5 + 0.001 * (columns - 50))


def test_a_grid_that_is_small_enough_is_left_as_it_is():
    small = grid(plane())
    assert resampled(small, 64, 0.02) is small


def test_the_tolerance_is_a_share_of_the_object_at_its_depth():
    near, far = (tear_tolerance(grid(plane()), np.array([[1 / depth]]), 0.1)[0, 0] for depth in (1.0, 2.0))
    # A tenth of 64 samples at depth 1 is 6.4 / 96 long; the nearness changes by that, times the nearness squared.
    assert np.isclose(near, 6.4 / 96)
    assert np.isclose(far, near / 2)


def test_a_hole_is_filled_and_a_large_one_left_out():
    nearness = plane(across=0.0005)
    nearness[30:33, 30:33] = np.nan
    nearness[5:25, 5:25] = np.nan
    whole = whole_depth(grid(nearness), cut=0.02, fill=0.06, denoise=1.0)
    assert np.allclose(whole.nearness[30:33, 30:33], plane(across=0.0005)[30:33, 30:33])
    assert not whole.seen[31, 31]
    assert whole.coverage[15, 15] < 0.5
    assert abs(whole.left_out - 400 / 64**2) < 1e-9
    assert np.isfinite(whole.nearness[whole.coverage > 0.5]).all()


def test_background_inside_the_outline_is_replaced_by_the_object():
    coverage = np.zeros((64, 64), np.float32)
    coverage[10:50, 10:50] = 1
    nearness = plane()
    nearness[:, 48:] = 0.2  # a mask two samples too wide
    whole = whole_depth(grid(nearness, coverage), cut=0.02, fill=0.06, denoise=1.0)
    assert np.allclose(whole.nearness[20:40, 48:50], 0.5)
    assert not whole.seen[20:40, 48:50].any()


def test_noise_is_smoothed_by_itself_and_not_when_told_so():
    truth = plane(across=0.0005)
    noisy = truth + np.random.default_rng(1).normal(0, 0.001, truth.shape)
    quiet = whole_depth(grid(noisy), cut=0.02, fill=0.06, denoise=1.0).nearness
    left = whole_depth(grid(noisy), cut=0.02, fill=0.06, denoise=0.0).nearness
    assert (quiet - truth).std() < 0.4e-3
    assert np.array_equal(left, noisy)


def test_clean_depth_is_not_touched():
    rows, columns = np.mgrid[0:64, 0:64] - 31.5
    nearness = 0.5 + 0.05 * np.sqrt(1 - (rows**2 + columns**2) / 64**2)
    assert np.array_equal(whole_depth(grid(nearness), cut=0.02, fill=0.06, denoise=1.0).nearness, nearness)
