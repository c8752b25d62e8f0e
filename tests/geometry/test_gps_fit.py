"""Cameras fitted to where GPS says they were: scale and north from noise, and no fit where there is none."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from unflat.geometry.gps_fit import extent_m, fitted_to_gps

UNIT_M = 3.7


def capture(positions, turn_deg=70.0, tilt_deg=0.0):
    """Where cameras at these places (east, north, up) are in a world of their own."""
    turn = Rotation.from_euler("yx", [turn_deg, tilt_deg], degrees=True).as_matrix()
    level = np.column_stack([positions[:, 0], positions[:, 2], -positions[:, 1]])
    return level @ turn.T / UNIT_M + [0.3, 0.2, 0.1], turn


def ring(count, across_m, up_m=2.0):
    angles = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return across_m / 2 * np.column_stack([np.cos(angles), np.sin(angles), np.full(count, 2 * up_m / across_m)])


def judged(fit, turn):
    """Relative error of the scale, degrees from true up, degrees from true north."""
    unit_m = float(np.cbrt(np.linalg.det(fit.similarity[:3, :3])))
    left = fit.similarity[:3, :3] / unit_m @ turn  # the identity, if all is right
    return (
        unit_m / UNIT_M - 1,
        np.degrees(np.arccos(min(left[1, 1], 1))),
        np.degrees(np.arctan2(left[0, 2], left[0, 0])),
    )


def test_exact_positions_give_the_exact_place_on_earth():
    positions = ring(8, 40.0)
    centers, turn = capture(positions)
    fit = fitted_to_gps(centers, positions)
    moved = centers @ fit.similarity[:3, :3].T + fit.similarity[:3, 3]
    assert moved == pytest.approx(np.column_stack([positions[:, 0], positions[:, 2], -positions[:, 1]]), abs=1e-6)
    assert judged(fit, turn) == pytest.approx((0, 0, 0), abs=1e-4)


@pytest.mark.parametrize("heights", [True, False])
def test_a_phone_round_a_statue_knows_scale_and_north_to_some_percent(heights):
    off, claimed = [], []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        positions = ring(24, 30.0)
        centers, turn = capture(positions)
        said = positions + rng.normal(0, 1, positions.shape) * [2.0, 2.0, 5.0]
        if not heights:
            said[:, 2] = np.nan
        fit = fitted_to_gps(centers, said, seed)
        scale, up, north = judged(fit, turn)
        assert up < 0.01  # up is known better than GPS knows heights
        assert abs(north) < 6
        off.append(scale)
        claimed.append(fit.error)
    rms = float(np.sqrt(np.mean(np.square(off))))
    assert rms < 0.05
    assert 0.5 < np.mean(claimed) / rms < 2.0


def test_a_drone_that_looks_down_gets_its_way_up_from_heights():
    rng = np.random.default_rng(0)
    north, east = np.mgrid[0:100:20, 0:100:15].reshape(2, -1)
    positions = np.column_stack([east, north, 40 + rng.normal(0, 0.5, len(east))])
    centers, turn = capture(positions, tilt_deg=85.0)
    fit = fitted_to_gps(centers, positions + rng.normal(0, 1, positions.shape))
    scale, up, turned = judged(fit, turn)
    assert abs(scale) < 0.01
    assert up < 1.5
    assert abs(turned) < 1.5


def test_wrong_positions_are_left_out():
    rng = np.random.default_rng(0)
    positions = ring(20, 40.0)
    centers, turn = capture(positions)
    said = positions + rng.normal(0, 1, positions.shape)
    said[:5, 0] += 90.0
    fit = fitted_to_gps(centers, said)
    assert not fit.agreeing[:5].any()
    assert fit.agreeing[5:].all()
    assert abs(judged(fit, turn)[0]) < 0.05


def test_a_walk_along_a_straight_line_is_enough_for_cameras_that_are_upright():
    positions = np.column_stack([np.linspace(0, 40, 9), np.linspace(0, 10, 9), np.full(9, 1.6)])
    centers, turn = capture(positions)
    assert judged(fitted_to_gps(centers, positions), turn) == pytest.approx((0, 0, 0), abs=1e-4)


def test_positions_of_something_else_do_not_fit():
    rng = np.random.default_rng(0)
    centers, _ = capture(ring(12, 60.0))
    assert fitted_to_gps(centers, rng.uniform(-300, 300, (12, 3))) is None


def test_the_extent_is_that_on_the_map():
    assert extent_m(np.array([[0.0, 0, 0], [3, 4, 100], [1, 1, 0]])) == pytest.approx(5.0)
