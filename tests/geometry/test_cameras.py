"""Cameras: poses are a group, projection and unprojection invert each other, conventions hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unflat.core import Camera
from unflat.core.camera import is_rigid
from unflat.geometry.cameras import (
    depth_points,
    directions_to_camera,
    front_camera,
    look_at,
    pixel_centers,
    pixel_rays,
    project,
    transform_camera,
    unproject,
)


def random_pose(seed):
    random = np.random.default_rng(seed)
    q, _ = np.linalg.qr(random.normal(size=(3, 3)))
    pose = np.eye(4)
    pose[:3, :3] = q * np.sign(np.linalg.det(q))
    pose[:3, 3] = random.normal(size=3)
    return pose


def camera(seed=0, distortion=(0.0,) * 5, projection="perspective"):
    return Camera(64, 48, 70.0, 72.0, 31.0, 25.0, random_pose(seed), projection, distortion)


@given(st.integers(0, 10_000), st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_poses_form_a_group(a, b):
    world_from_a, a_from_b = random_pose(a), random_pose(b)
    assert is_rigid(world_from_a @ a_from_b)
    with_pose = Camera(8, 8, 1.0, 1.0, 4.0, 4.0, world_from_a)
    assert np.allclose(with_pose.camera_from_world @ with_pose.world_from_camera, np.eye(4), atol=1e-9)


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_unproject_inverts_project(seed):
    for view in (
        camera(seed),
        camera(seed, projection="orthographic"),
        camera(seed, (0.1, -0.05, 0.001, -0.002, 0.01)),
    ):
        pixels = np.random.default_rng(seed).uniform(0, 48, (20, 2))
        depth = np.linspace(0.5, 4.0, 20)
        found, z = project(view, unproject(view, pixels, depth))
        assert np.allclose(found, pixels, atol=1e-4)
        assert np.allclose(z, depth)


def test_the_front_camera_sees_plus_x_on_the_right_and_plus_y_on_top():
    view = front_camera((10, 10, 90, 90), 100, 100)
    pixels, depth = project(view, np.array([[0.0, 0, 0], [0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]]))
    assert np.allclose(pixels, [[50, 50], [90, 50], [50, 10], [50, 50]])
    assert depth[3] < depth[0], "+Z is towards the viewer"


def test_the_first_pixel_has_its_centre_at_a_half():
    assert pixel_centers(front_camera((0, 0, 4, 4), 4, 4))[0].tolist() == [0.5, 0.5]


def test_points_behind_a_perspective_camera_have_no_pixel():
    view = Camera(8, 8, 5.0, 5.0, 4.0, 4.0, np.eye(4))
    pixels, depth = project(view, np.array([[0.0, 0.0, -1.0]]))
    assert np.isnan(pixels).all()
    assert depth[0] == -1


def test_rays_meet_their_points():
    view = camera(3)
    pixels = np.array([[5.0, 6.0], [60.0, 40.0]])
    origins, directions = pixel_rays(view, pixels)
    assert np.allclose(origins + 2.5 * directions, unproject(view, pixels, np.array([2.5, 2.5])))


def test_look_at_puts_the_target_in_the_middle_and_up_upwards():
    pose = look_at(np.array([0.0, 1.0, 3.0]), np.zeros(3), np.array([0.0, 1.0, 0.0]))
    view = Camera(100, 100, 90.0, 90.0, 50.0, 50.0, pose)
    pixels, _ = project(view, np.array([[0.0, 0, 0], [0, 0.2, 0]]))
    assert np.allclose(pixels[0], [50, 50])
    assert pixels[1, 1] < 50


@pytest.mark.parametrize("projection", ["perspective", "orthographic"])
def test_moving_world_and_camera_together_changes_no_pixel(projection):
    view, points = camera(1, projection=projection), np.random.default_rng(0).normal(size=(10, 3))
    similarity = random_pose(5)
    similarity[:3, :3] *= 2.5
    moved = transform_camera(view, similarity)
    before, _ = project(view, points)
    after, _ = project(moved, points @ similarity[:3, :3].T + similarity[:3, 3])
    assert np.allclose(before, after, equal_nan=True)


def test_resizing_and_cropping_keep_what_is_seen():
    view, point = camera(2), np.array([[0.1, 0.2, 0.3]])
    pixel, _ = project(view, point)
    assert np.allclose(project(view.resized(128, 96), point)[0], pixel * 2)
    assert np.allclose(project(view.cropped(3, 4, 40, 40), point)[0], pixel - [3, 4])


def test_depth_points_lie_at_their_depth_and_unknown_stays_unknown():
    view = Camera(4, 3, 5.0, 5.0, 2.0, 1.5, np.eye(4))
    depth = np.full((3, 4), 2.0, np.float32)
    depth[1, 1] = np.nan
    points = depth_points(view, depth)
    assert np.isnan(points[1, 1]).all()
    assert np.allclose(points[0, 0], [(0.5 - 2) / 5 * 2, (0.5 - 1.5) / 5 * 2, 2.0])


def test_directions_to_camera_are_unit_and_point_back():
    view = camera(4)
    points = unproject(view, np.array([[32.0, 24.0]]), np.array([2.0]))
    towards = directions_to_camera(view, points)
    assert np.allclose(np.linalg.norm(towards, axis=1), 1)
    assert float(towards[0] @ view.forward) < 0
