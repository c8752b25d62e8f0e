"""Cameras that frame an object."""

import numpy as np
import pytest

from unflat.geometry.cameras import project
from unflat.render.cameras import orbit_camera, orbit_cameras, turntable_cameras
from unflat.synth.solids import box, chair, cone


@pytest.mark.parametrize("azimuth", [0, 33, 180, 271])
@pytest.mark.parametrize("elevation", [-90, -20, 0, 45, 90])
@pytest.mark.parametrize("size_px", [128, (200, 100), (90, 160)])
def test_everything_fits_closely_and_is_centred(azimuth, elevation, size_px):
    points = chair().vertices
    camera = orbit_camera(points, azimuth, elevation, size_px=size_px)
    pixels, depth = project(camera, points.astype(np.float64))
    size = np.array([camera.width_px, camera.height_px])
    assert (depth > 0).all()
    assert (pixels > 0).all()
    assert (pixels < size).all()
    assert (np.ptp(pixels, axis=0) / size).max() > 0.85
    assert np.allclose((pixels.min(axis=0) + pixels.max(axis=0)) / 2, size / 2, atol=1.0)


@pytest.mark.parametrize(("azimuth", "axis"), [(0, (0, 0, 1)), (90, (1, 0, 0)), (180, (0, 0, -1)), (270, (-1, 0, 0))])
def test_azimuth_goes_from_the_front_to_the_right(azimuth, axis):
    camera = orbit_camera(box().vertices, azimuth, 0)
    assert np.allclose(-camera.forward, axis, atol=1e-6)


def test_elevation_looks_down_and_up_is_up():
    camera = orbit_camera(box().vertices, 20, 50)
    assert camera.forward[1] == pytest.approx(-np.sin(np.radians(50)))
    assert camera.world_from_camera[1, 1] < 0


def test_a_turntable_keeps_its_distance():
    cameras = turntable_cameras(cone().vertices, 8, 10.0, size_px=64)
    distances = [np.linalg.norm(camera.center) for camera in cameras]
    assert np.ptp(distances) < 1e-9
    assert len({camera.fx for camera in cameras}) == 1


def test_each_of_several_cameras_sees_everything():
    points = chair().vertices.astype(np.float64)
    for camera in orbit_cameras(chair().vertices, (0.0, 45.0, 100.0), 30.0, size_px=100):
        pixels, _ = project(camera, points)
        assert pixels.min() > 0
        assert pixels.max() < 100


def test_a_single_point_is_no_problem():
    camera = orbit_camera(np.zeros((1, 3), np.float32))
    assert np.isfinite(camera.world_from_camera).all()
