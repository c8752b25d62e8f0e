"""Partners for stereo: pictures that share points, at angles from which depth can be told."""

import tracemalloc

import numpy as np
import pytest

from unflat.core import Camera, Tracks
from unflat.geometry import stereo_views as stereo_views_module
from unflat.geometry.cameras import look_at
from unflat.geometry.stereo_views import nearest_points_depth, stereo_views


def ring(count, step_deg=10.0, radius=4.0):
    cameras = []
    for index in range(count):
        angle = np.radians(step_deg * index)
        eye = radius * np.array([np.sin(angle), 0.0, -np.cos(angle)])
        pose = look_at(eye, np.zeros(3), np.array([0.0, -1, 0]))
        cameras.append(Camera(100, 80, 120.0, 120.0, 50.0, 40.0, pose))
    return tuple(cameras)


def tracks_seen_by(views_of_point, points):
    pairs = [(point, view) for point, views in enumerate(views_of_point) for view in views]
    point_idx, view_idx = np.array(pairs, np.int32).T
    count = len(points)
    return Tracks(points.astype(np.float32), np.zeros((count, 3), np.uint8), np.zeros(count, np.float32),
                  np.ascontiguousarray(point_idx), np.ascontiguousarray(view_idx))  # fmt: skip


@pytest.fixture
def points():
    return np.random.default_rng(0).uniform(-0.5, 0.5, (200, 3))


def test_neighbours_on_a_ring_are_the_best_partners(points):
    cameras = ring(8)
    tracks = tracks_seen_by([range(8)] * 200, points)
    found = stereo_views(cameras, tracks, 3)
    assert set(found) == set(range(8))
    assert set(found[4].sources[:2]) == {3, 5}


def test_two_pictures_from_one_place_are_no_partners(points):
    cameras = (*ring(3, step_deg=0.01), *ring(4)[1:2])
    tracks = tracks_seen_by([range(4)] * 200, points)
    assert stereo_views(cameras, tracks, 1)[0].sources == (3,)


def test_pictures_that_share_few_points_are_not_compared(points):
    tracks = tracks_seen_by([(0, 1)] * 195 + [(0, 2)] * 5, points)
    found = stereo_views(ring(3), tracks, 4)
    assert found[0].sources == (1,)
    assert 2 not in found


def test_the_depths_that_are_searched_hold_all_points(points):
    cameras = ring(4)
    view = stereo_views(cameras, tracks_seen_by([range(4)] * 200, points), 3)[0]
    depth = 4 + points[:, 2]
    assert view.least_inverse < 1 / depth.max()
    assert view.largest_inverse > 1 / depth.min()
    assert view.largest_inverse / view.least_inverse < 4


def test_the_first_guess_is_the_depth_of_the_nearest_point():
    camera = ring(1)[0]
    points = np.array([[-0.5, 0, 0], [0.5, 0, 1.0]], np.float32)
    inverse = nearest_points_depth(camera, points, 80, 100)
    assert inverse[40, 10] == pytest.approx(1 / 4, rel=1e-4)
    assert inverse[40, 90] == pytest.approx(1 / 5, rel=1e-4)


def test_without_points_there_is_no_first_guess():
    behind = np.array([[0, 0, -9.0]], np.float32)
    assert (nearest_points_depth(ring(1)[0], behind, 80, 100) == 0).all()


def test_pairs_of_pictures_that_share_a_point_are_counted_in_parts_with_the_same_outcome(points, monkeypatch):
    tracks = tracks_seen_by([range(point % 7, 8) for point in range(200)], points)
    whole = stereo_views(ring(8), tracks, 5)
    monkeypatch.setattr(stereo_views_module, "_PAIRS_AT_ONCE", 50)
    assert stereo_views(ring(8), tracks, 5) == whole


def test_points_that_many_photos_share_do_not_fill_the_memory():
    points = np.random.default_rng(0).uniform(-0.5, 0.5, (3000, 3))
    tracks = tracks_seen_by([range(60)] * 3000, points)  # five million pairs
    tracemalloc.start()
    try:
        stereo_views(ring(60), tracks, 5)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 400e6
