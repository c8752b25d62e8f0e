"""Up, ground and object of a scene that has no frame of its own."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from unflat.core import Camera
from unflat.geometry.cameras import look_at, transform_camera
from unflat.geometry.floor import cut_at_floor
from unflat.geometry.meshes import signed_volume
from unflat.geometry.object_cloud import object_in_cloud
from unflat.geometry.scene_frame import ground_plane, looked_at, upright_frame
from unflat.geometry.topology import is_closed
from unflat.synth.solids import sphere


def ring(count=12, height=1.2, radius=2.0):
    cameras = []
    for angle in 2 * np.pi * np.arange(count) / count:
        eye = np.array([radius * np.sin(angle), height, radius * np.cos(angle)])
        pose = look_at(eye, np.array([0.0, 0.2, 0.0]), np.array([0.0, 1, 0]))
        cameras.append(Camera(100, 80, 120.0, 120.0, 50.0, 40.0, pose))
    return tuple(cameras)


def table_with_things(rng):
    """Ground at y = 0, a ball of radius .3 on it in the middle, a smaller one far from it."""
    ground = np.column_stack([rng.uniform(-2, 2, 6000), rng.normal(0, 0.001, 6000), rng.uniform(-2, 2, 6000)])
    sphere = rng.normal(size=(4000, 3))
    sphere /= np.linalg.norm(sphere, axis=1, keepdims=True)
    return (np.concatenate([ground, 0.3 * sphere + [0, 0.3, 0], 0.1 * sphere[:1500] + [1.4, 0.1, 0.3]])
            .astype(np.float32))  # fmt: skip


@pytest.fixture
def points():
    return table_with_things(np.random.default_rng(1))


def anyhow():
    """A similarity as structure from motion leaves the world in."""
    similarity = np.eye(4)
    similarity[:3, :3] = 3.7 * Rotation.from_euler("xyz", [70, 20, -130], degrees=True).as_matrix()
    similarity[:3, 3] = [4, -2, 1]
    return similarity


def test_a_turned_world_comes_back_upright_with_its_ground_level(points):
    turn = anyhow()
    cameras = tuple(transform_camera(camera, turn) for camera in ring())
    moved = (points @ turn[:3, :3].T + turn[:3, 3]).astype(np.float32)
    frame = upright_frame(cameras, moved, keep_scale=False, seed=0)
    again = moved @ frame.similarity[:3, :3].T + frame.similarity[:3, 3]
    ground = again[:6000]
    assert np.ptp(np.percentile(ground[:, 1], [1, 99])) < 0.01
    assert frame.ground == pytest.approx(float(np.median(ground[:, 1])), abs=0.005)
    assert again[6000:10000, 1].mean() > ground[:, 1].mean()


def test_what_the_cameras_look_at_becomes_the_origin_and_their_distance_one(points):
    frame = upright_frame(ring(), points, keep_scale=False, seed=0)
    assert np.allclose(frame.similarity[:3, :3] @ [0, 0.2, 0] + frame.similarity[:3, 3], 0, atol=1e-6)
    scale = np.cbrt(np.linalg.det(frame.similarity[:3, :3]))
    assert scale == pytest.approx(1 / np.hypot(2, 1.0), rel=1e-6)


def test_a_known_scale_is_kept(points):
    frame = upright_frame(ring(), points, keep_scale=True, seed=0)
    assert np.cbrt(np.linalg.det(frame.similarity[:3, :3])) == pytest.approx(1)


def test_a_wall_behind_the_scene_is_no_ground():
    rng = np.random.default_rng(0)
    wall = np.column_stack([rng.uniform(-1, 1, (500, 2)), np.full(500, -3.0)])
    assert ground_plane(wall, np.array([0, 1.0, 0]), 2.0, 0) is None


def test_cameras_that_look_away_from_each_other_look_at_the_points(points):
    outward = tuple(
        Camera(100, 80, 120.0, 120.0, 50.0, 40.0, look_at(np.zeros(3), camera.center, np.array([0.0, 1, 0])))
        for camera in ring()
    )
    assert np.allclose(looked_at(outward, points), np.median(points, axis=0), atol=0.2)


def test_the_object_is_the_thing_that_the_cameras_look_at(points):
    found = object_in_cloud(points, ring(), 0)
    assert found is not None
    assert found.kept[6000:10000].mean() > 0.95
    assert not found.kept[10000:].any()


def test_ground_is_kept_around_the_objects_foot_and_the_cut_lies_above_it(points):
    found = object_in_cloud(points, ring(), 0)
    assert found is not None and found.ground is not None
    kept_ground = points[:6000][found.kept[:6000]]
    assert 0.25 < np.linalg.norm(kept_ground[:, [0, 2]], axis=1).max() < 0.55
    a, b, c, height = found.ground
    assert b > 0.999
    assert 0.002 < height < 0.03
    assert (kept_ground @ [a, b, c] < height).mean() > 0.99


def test_without_ground_the_object_stands_free(points):
    found = object_in_cloud(points[6000:], ring(), 0)
    assert found is not None
    assert found.ground is None
    assert found.kept[:4000].mean() > 0.98


def test_scattered_points_are_no_object():
    rng = np.random.default_rng(0)
    assert object_in_cloud(rng.uniform(-2, 2, (300, 3)).astype(np.float32), ring(), 0) is None


def test_a_ball_that_is_cut_at_the_floor_is_closed_and_flat_below():
    mesh = sphere(1.0)
    cut = cut_at_floor(mesh, mesh.vertices, (0.0, 1.0, 0.0, -0.5))
    assert is_closed(cut.faces)
    assert cut.vertices[:, 1].min() == pytest.approx(-0.5, abs=1e-6)
    assert signed_volume(cut) == pytest.approx(np.pi * (2 / 3 + 0.5 - 0.5**3 / 3), rel=0.02)


def test_what_lies_above_the_floor_stays_as_it_is():
    mesh = sphere(1.0)
    assert cut_at_floor(mesh, mesh.vertices, (0.0, 1.0, 0.0, -2.0)) is mesh


def test_a_ground_of_few_points_is_found_whatever_the_seed():
    rng = np.random.default_rng(2)
    points = table_with_things(rng)
    things = points[6000:][points[6000:, 1] > 0.15]  # undersides are not seen from above
    points = np.concatenate([points[:6000][rng.random(6000) < 0.05], things])
    for seed in range(5):
        plane = ground_plane(points.astype(np.float64), np.array([0.0, 1, 0]), 2.0, seed)
        assert plane is not None
        assert plane[0] @ [0, 1, 0] > 0.999


def test_from_above_with_the_camera_turned_this_way_and_that_the_ground_tells_what_is_up(points):
    rolled = []
    for number, camera in enumerate(ring(height=3.0, radius=1.0)[:7]):
        pose = np.array(camera.world_from_camera)
        pose[:3, :3] = pose[:3, :3] @ Rotation.from_euler("z", 97 * number, degrees=True).as_matrix()
        rolled.append(Camera(100, 80, 120.0, 120.0, 50.0, 40.0, pose))
    turn = anyhow()
    moved = (points @ turn[:3, :3].T + turn[:3, 3]).astype(np.float32)
    frame = upright_frame(tuple(transform_camera(camera, turn) for camera in rolled), moved, keep_scale=False, seed=0)
    again = moved[:6000] @ frame.similarity[:3, :3].T + frame.similarity[:3, 3]
    assert frame.ground is not None
    assert np.ptp(np.percentile(again[:, 1], [1, 99])) < 0.01
