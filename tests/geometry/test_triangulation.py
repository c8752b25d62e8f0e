"""Points from where cameras see them: exact through a bent lens, and none the worse for a camera that is wrong."""

import numpy as np
import pytest

from unflat.geometry.cameras import project
from unflat.geometry.triangulation import triangulated
from unflat.synth.printed_scene import ring_of_cameras

BENT = (-0.15, 0.04, 0.001, -0.0008, 0.01)
POINTS = np.array([[0.1, 0.05, -0.1], [-0.08, 0.0, 0.06]])


@pytest.fixture
def cameras():
    return ring_of_cameras(6, 1.0, (640, 480), BENT)


def seen(cameras):
    return np.stack([project(camera, POINTS)[0] for camera in cameras])


def test_points_are_found_exactly_through_a_bent_lens(cameras):
    found = triangulated(cameras, seen(cameras), 1.0)
    assert found.points == pytest.approx(POINTS, abs=1e-6)
    assert found.error_px < 1e-3
    assert found.agreeing.all()


def test_two_cameras_are_enough(cameras):
    found = triangulated(cameras[:2], seen(cameras[:2]), 1.0)
    assert found.points == pytest.approx(POINTS, abs=1e-6)


@pytest.mark.parametrize("wrong", [[0], [1, 4]])
def test_cameras_that_mistook_it_are_left_out(cameras, wrong):
    pixels = seen(cameras)
    pixels[wrong] += [40.0, -25.0]
    found = triangulated(cameras, pixels, 2.0)
    assert found.points == pytest.approx(POINTS, abs=1e-6)
    assert list(np.flatnonzero(~found.agreeing)) == wrong


def test_noise_averages_out(cameras):
    noise = np.random.default_rng(3).normal(0, 0.5, (6, 2, 2))
    found = triangulated(cameras, seen(cameras) + noise, 5.0)
    assert found.points == pytest.approx(POINTS, abs=0.002)
    assert 0.2 < found.error_px < 1.2


def test_one_place_to_look_from_tells_nothing(cameras):
    assert triangulated([cameras[0]] * 3, np.stack([seen(cameras)[0]] * 3), 1.0) is None


def test_cameras_that_do_not_agree_tell_nothing(cameras):
    pixels = np.random.default_rng(1).uniform(0, 480, (6, 2, 2))
    assert triangulated(cameras, pixels, 1.0) is None
