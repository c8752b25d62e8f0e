"""A world that is moved, turned and scaled: whatever was true in it still is."""

import numpy as np
import pytest
import trimesh

from unflat.core import (
    Camera,
    Context,
    DepthMap,
    Mesh,
    Photo,
    PointCloud,
    Reconstruction,
    Scale,
    Tracks,
    View,
    Views,
)
from unflat.geometry.cameras import depth_points, look_at, project
from unflat.geometry.meshes import transformed_reconstruction
from unflat.geometry.moving import in_metres, transformed_cloud, transformed_plane, transformed_points
from unflat.geometry.similarities import rotation_deg, scaling, shift, turning
from unflat.stages.finish.scale import Scale as ScaleStep

MOVE = shift(np.array([0.4, -1.2, 2.0])) @ turning(rotation_deg(20, -70, 130)) @ scaling(2.5)
OTHER = scaling(0.3) @ turning(rotation_deg(-5, 40, 10)) @ shift(np.array([1.0, 2.0, 3.0]))
UP = np.array([0.6, 0.8, 0.0])
GROUND = (0.6, 0.8, 0.0, -0.7)


def view(name="a.jpg", lowest=2.0):
    pose = look_at(np.array([0.5, 1.0, 3.0]), np.zeros(3), np.array([0.0, 1.0, 0.0]))
    depth = np.linspace(lowest, lowest + 1, 12, dtype=np.float32).reshape(3, 4)
    depth[0, 0] = np.nan
    normals = np.broadcast_to(UP.astype(np.float32), (3, 4, 3))
    return View(
        Photo(np.zeros((3, 4, 3), np.uint8), name=name),
        camera=Camera(4, 3, 5.0, 5.0, 2.0, 1.5, pose),
        depth=DepthMap(depth, confidence=np.full((3, 4), 0.5, np.float32)),
        normals=normals,
    )


def reconstruction():
    solid = trimesh.creation.icosphere(1)
    mesh = Mesh(solid.vertices.astype(np.float32), solid.faces.astype(np.int32))
    points = np.array([[0.1, 0.2, 0.3], [-0.4, 0.1, 0.0]], np.float32)
    tracks = Tracks(
        points, np.zeros((2, 3), np.uint8), np.zeros(2, np.float32), np.array([0, 1], np.int32), np.zeros(2, np.int32)
    )
    return Reconstruction(
        mesh, Views((view(),), tracks), detail=mesh, dense=Views((view("small.jpg", 1.0),)), ground=GROUND
    )


def on_ground(count=50):
    """Points of the plane."""
    across = np.linalg.svd(UP[None])[2][1:]
    places = np.random.default_rng(0).normal(size=(count, 2)) @ across + GROUND[3] * UP
    return places.astype(np.float32)


def height(plane, points):
    return points @ np.array(plane[:3]) - plane[3]


@pytest.mark.parametrize("move", [MOVE, OTHER, np.eye(4)])
def test_the_moved_plane_holds_the_moved_points_and_keeps_its_upper_side(move):
    plane = transformed_plane(GROUND, move)
    assert np.allclose(height(GROUND, on_ground()), 0, atol=1e-6)
    assert np.allclose(height(plane, transformed_points(on_ground(), move)), 0, atol=1e-5)
    assert np.linalg.norm(plane[:3]) == pytest.approx(1)
    above = transformed_points((on_ground() + 0.2 * UP).astype(np.float32), move)
    assert np.allclose(height(plane, above), 0.2 * np.cbrt(np.linalg.det(move[:3, :3])), atol=1e-5)


def same(one, other):
    """Two reconstructions, to rounding."""
    assert np.allclose(one.mesh.vertices, other.mesh.vertices, atol=1e-5)
    assert np.allclose(one.detail.vertices, other.detail.vertices, atol=1e-5)
    assert np.allclose(one.ground, other.ground, atol=1e-6)
    assert np.allclose(one.views.tracks.points, other.views.tracks.points, atol=1e-5)
    for mine, its in zip((*one.views.items, *one.dense.items), (*other.views.items, *other.dense.items), strict=True):
        assert np.allclose(mine.camera.world_from_camera, its.camera.world_from_camera, atol=1e-9)
        assert np.allclose(mine.depth.depth, its.depth.depth, equal_nan=True, rtol=1e-5)
        assert np.allclose(mine.depth.confidence, its.depth.confidence)
        assert np.allclose(mine.normals, its.normals, atol=1e-5)


def test_moving_by_nothing_changes_nothing():
    same(transformed_reconstruction(reconstruction(), np.eye(4)), reconstruction())


def test_moving_twice_is_moving_by_both():
    twice = transformed_reconstruction(transformed_reconstruction(reconstruction(), MOVE), OTHER)
    same(twice, transformed_reconstruction(reconstruction(), OTHER @ MOVE))


def test_there_and_back_is_as_before():
    same(
        transformed_reconstruction(transformed_reconstruction(reconstruction(), MOVE), np.linalg.inv(MOVE)),
        reconstruction(),
    )


def test_depth_maps_still_lead_to_the_same_places_of_the_world():
    before, after = reconstruction(), transformed_reconstruction(reconstruction(), MOVE)
    for old, new in zip(
        (*before.views.items, *before.dense.items), (*after.views.items, *after.dense.items), strict=True
    ):
        places = depth_points(old.camera, old.depth.depth).reshape(-1, 3)
        known = np.isfinite(places[:, 0])
        there = depth_points(new.camera, new.depth.depth).reshape(-1, 3)
        assert np.array_equal(known, np.isfinite(there[:, 0]))
        assert np.allclose(transformed_points(places[known], MOVE), there[known], atol=1e-4)
        turned = MOVE[:3, :3] / np.linalg.norm(MOVE[:3, 0])
        assert np.allclose(new.normals, old.normals @ turned.T, atol=1e-5)


def test_tracks_stay_where_the_cameras_see_them():
    before, after = reconstruction(), transformed_reconstruction(reconstruction(), MOVE)
    for points, views in ((before.views.tracks.points, before.views), (after.views.tracks.points, after.views)):
        assert np.allclose(
            project(views.items[0].camera, points.astype(np.float64))[0],
            project(before.views.items[0].camera, before.views.tracks.points.astype(np.float64))[0],
            atol=1e-4,
        )


def test_a_cloud_keeps_its_normals_unit_and_its_colours():
    cloud = PointCloud(on_ground(), np.tile(UP.astype(np.float32), (50, 1)), np.full((50, 3), 7, np.uint8))
    moved = transformed_cloud(cloud, MOVE)
    assert np.allclose(moved.normals, np.array(transformed_plane(GROUND, MOVE)[:3]), atol=1e-6)
    assert np.array_equal(moved.colors, cloud.colors)


def test_a_turn_without_scale_leaves_depth_maps_in_their_files():
    turned = transformed_reconstruction(reconstruction(), turning(rotation_deg(10, 20, 30)))
    before = reconstruction()
    kept = transformed_reconstruction(before, shift(np.array([0.0, 1.0, 0.0])))
    assert np.shares_memory(kept.dense.items[0].depth.depth, before.dense.items[0].depth.depth)
    assert np.shares_memory(kept.dense.items[0].normals, before.dense.items[0].normals)
    assert np.array_equal(turned.dense.items[0].depth.depth, before.dense.items[0].depth.depth, equal_nan=True)


def test_a_real_height_makes_everything_metric():
    made = ScaleStep(height="12cm")(reconstruction(), Context())
    assert made.scale is Scale.METRIC
    assert made.views.tracks.scale is Scale.METRIC
    for item in (*made.views.items, *made.dense.items):
        assert item.depth.scale is Scale.METRIC
    factor = 0.12 / reconstruction().mesh.extent[1]
    assert made.ground[3] == pytest.approx(factor * GROUND[3], rel=1e-5)
    assert in_metres(made).scale is Scale.METRIC
