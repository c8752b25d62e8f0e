"""Silhouette distances, the sparse field and the hull's box, held to formulas, laws and a dense twin."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from unflat.core import Camera, InputError
from unflat.geometry.cameras import look_at, pixel_centers
from unflat.geometry.hull import hull_box, hull_field
from unflat.geometry.silhouettes import cone_distance, hull_distance, outline_distance, silhouette_of
from unflat.geometry.sparse_field import field_shape, sample_near_surface

RADIUS = 0.5


def camera_at(azimuth_deg, elevation_deg=0.0, side=96, distance=3.0, projection="perspective"):
    azimuth, elevation = np.radians([azimuth_deg, elevation_deg])
    eye = distance * np.array(
        [np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)]
    )
    focal = 2.0 * side if projection == "perspective" else 0.6 * side
    pose = look_at(eye, np.zeros(3), np.array([0.0, 1.0, 0.0]))
    return Camera(side, side, focal, focal, side / 2, side / 2, pose, projection=projection)


def disc_radius_px(camera):
    """Of the ball around the origin, seen from a camera that looks at it: its outline is a circle."""
    if camera.projection == "orthographic":
        return RADIUS * camera.fx
    distance = np.linalg.norm(camera.center)
    return camera.fx * RADIUS / np.sqrt(distance**2 - RADIUS**2)


def ball_alpha(camera, hard=False):
    pixels = pixel_centers(camera) - [camera.cx, camera.cy]
    inside = disc_radius_px(camera) - np.hypot(*pixels.T)
    alpha = (inside > 0) if hard else np.clip(inside + 0.5, 0, 1)
    return alpha.reshape(camera.height_px, camera.width_px).astype(np.float32)


def ring(count, **options):
    return tuple(camera_at(360 * index / count, (20, -20, 50)[index % 3], **options) for index in range(count))


def silhouettes(cameras, scale=1.0):
    return tuple(silhouette_of(camera, ball_alpha(camera), scale) for camera in cameras)


@pytest.mark.parametrize(("hard", "near"), [(False, 0.12), (True, 0.6)])
def test_the_outline_distance_is_that_of_a_disc(hard, near):
    camera = camera_at(0)
    distance = outline_distance(ball_alpha(camera, hard))
    true = np.hypot(*(pixel_centers(camera) - 48).T).reshape(96, 96) - disc_radius_px(camera)
    error = np.abs(distance - true)
    assert error[np.abs(true) < 1].max() < near
    assert error.max() < 0.8
    assert ((distance < 0) == (true < 0))[np.abs(true) > near].all()


def test_a_line_one_pixel_wide_survives():
    alpha = np.zeros((20, 20), np.float32)
    alpha[10] = 1
    assert (outline_distance(alpha)[10] < 0).all()


@pytest.mark.parametrize("projection", ["perspective", "orthographic"])
def test_the_cone_distance_is_metric_across_the_view(projection):
    camera = camera_at(0, projection=projection)
    (silhouette,) = silhouettes([camera])
    points = np.array([[x, 0, 0] for x in (0.2, 0.3, 0.5, 0.7)], np.float32)
    edge = disc_radius_px(camera) / camera.fx * (3.0 if projection == "perspective" else 1.0)
    assert np.allclose(cone_distance(silhouette, points), points[:, 0] - edge, atol=0.01)


def test_points_behind_the_camera_are_not_carved():
    (silhouette,) = silhouettes([camera_at(0)])
    behind = cone_distance(silhouette, np.array([[0, 0, 5], [0, 0, 3]], np.float32))
    assert np.isneginf(behind).all()
    assert np.isposinf(hull_distance((silhouette,), np.array([[0, 0, 5]], np.float32))).all()


def test_outside_the_frame_a_whole_outline_carves_and_a_cut_one_does_not():
    camera = camera_at(0)
    right = np.array([[2.0, 0, 0]], np.float32)
    assert cone_distance(silhouettes([camera])[0], right)[0] > 0
    cut_off = silhouette_of(camera, np.ones((96, 96), np.float32), 1.0)
    assert cone_distance(cut_off, right)[0] < 0


def test_distortion_is_taken_out():
    camera = replace(camera_at(0, side=192), distortion=(-0.25, 0.05, 0.0, 0.0, 0.0))
    radius = disc_radius_px(camera) / camera.fx
    bent = camera.fx * radius * (1 - 0.25 * radius**2 + 0.05 * radius**4)
    pixels = np.hypot(*(pixel_centers(camera) - 96).T).reshape(192, 192)
    silhouette = silhouette_of(camera, np.clip(bent - pixels + 0.5, 0, 1).astype(np.float32), 1.0)
    true = pixels - disc_radius_px(camera)
    assert not any(silhouette.camera.distortion)
    assert np.abs(silhouette.distance_px - true)[np.abs(true) < 1].max() < 0.25


def test_a_reduced_picture_gives_the_same_cone():
    camera = camera_at(0, side=200)
    points = np.random.default_rng(0).uniform(-0.6, 0.6, (500, 3)).astype(np.float32)
    full, half = (cone_distance(silhouettes([camera], scale)[0], points) for scale in (1.0, 0.5))
    assert np.abs(full - half)[np.abs(full) < 0.02].max() < 0.003


def test_another_view_never_makes_the_hull_bigger():
    points = np.random.default_rng(0).uniform(-1, 1, (4000, 3)).astype(np.float32)
    views = silhouettes(ring(9))
    distances = [hull_distance(views[:count], points) for count in range(1, 10)]
    assert all((later >= earlier).all() for earlier, later in pairwise(distances))


def test_the_hull_holds_the_solid():
    inside = np.random.default_rng(0).normal(size=(3000, 3))
    inside *= RADIUS * 0.995 / np.linalg.norm(inside, axis=1, keepdims=True)
    assert hull_distance(silhouettes(ring(12)), inside.astype(np.float32)).max() < 0.001


def test_the_order_of_views_does_not_matter():
    points = np.random.default_rng(0).uniform(-1, 1, (1000, 3)).astype(np.float32)
    views = silhouettes(ring(6))
    for misses in (0, 2):
        assert np.array_equal(hull_distance(views, points, misses), hull_distance(views[::-1], points, misses))


def test_allowed_misses_take_the_next_greatest_distance():
    points = np.random.default_rng(0).uniform(-1, 1, (500, 3)).astype(np.float32)
    views = silhouettes(ring(6))
    each = np.sort([cone_distance(view, points) for view in views], axis=0)
    for misses in (0, 1, 3):
        assert np.array_equal(hull_distance(views, points, misses), each[-1 - misses])


def test_stopping_early_changes_no_value_below_the_limit():
    points = np.random.default_rng(0).uniform(-2, 2, (3000, 3)).astype(np.float32)
    views = silhouettes(ring(8))
    for misses in (0, 1):
        full, early = hull_distance(views, points, misses), hull_distance(views, points, misses, 0.1)
        below = full <= 0.1
        assert np.array_equal(full[below], early[below])
        assert (early[~below] > 0.1).all()


def thin_ring(points, enough=np.inf):
    """A ring with a tube a fifth of the first level's spacing thick."""
    around = np.hypot(points[:, 0], points[:, 2]) - 0.7
    return (np.hypot(around, points[:, 1]) - 0.02).astype(np.float32)


def test_the_sparse_field_equals_the_dense_one_near_the_surface():
    voxel, origin = 0.0125, np.array([-0.8, -0.2, -0.8])
    shape = field_shape(np.array([1.6, 0.4, 1.6]), voxel)
    calls, told = [], []

    def counted(points, enough):
        calls.append(len(points))
        return thin_ring(points)

    values = sample_near_surface(counted, origin, voxel, shape, told.append)
    assert values.shape == shape
    axes = [start + voxel * np.arange(side) for start, side in zip(origin, shape, strict=True)]
    dense = thin_ring(np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)).reshape(shape)
    near = np.abs(dense) < 1.5 * voxel
    assert np.allclose(values[near], dense[near], atol=1e-6)
    assert ((values < 0) == (dense < 0)).all()
    assert sum(calls) < 0.4 * dense.size
    assert told == sorted(told)
    assert told[-1] == 1.0


def test_the_field_covers_its_box():
    shape = field_shape(np.array([1.0, 0.31, 0.001]), 0.1)
    assert shape == (17, 9, 9)


@pytest.mark.parametrize("projection", ["perspective", "orthographic"])
def test_the_box_holds_the_ball_and_little_more(projection):
    low, high = hull_box(silhouettes(ring(12, projection=projection)))
    assert (low < -0.5).all()
    assert (high > 0.5).all()
    assert (high - low).max() < 1.35


def test_the_box_is_found_far_from_the_origin():
    offset = np.array([100.0, -20.0, 5.0])
    moved = []
    for camera in ring(8):
        pose = camera.world_from_camera.copy()
        pose[:3, 3] += offset
        moved.append(replace(camera, world_from_camera=pose))
    views = tuple(silhouette_of(camera, ball_alpha(ring(1)[0]), 1.0) for camera in moved)
    low, high = hull_box(views)
    assert np.allclose((low + high) / 2, offset, atol=0.1)
    assert (high - low).max() < 1.4


def test_views_from_one_direction_do_not_bound_a_body():
    for cameras in ((camera_at(0), camera_at(0.01)), (camera_at(0), camera_at(3))):
        try:
            low, high = hull_box(silhouettes(cameras))
        except InputError as error:
            assert error.code == "views-too-alike"
        else:
            assert np.ptp([low[2], high[2]]) > 3  # three degrees bound it, far away


def test_silhouettes_that_do_not_meet_are_refused_with_advice():
    camera = camera_at(0)
    left, right = np.zeros((2, 96, 96), np.float32)
    left[40:56, 2:10], right[2:6, 80:90] = 1, 1
    cameras = (camera, camera_at(90), camera_at(45))
    with pytest.raises(InputError) as caught:
        hull_field(cameras, (left, right, left[:, ::-1].copy()), 32, 0, lambda _: None)
    assert caught.value.code == "silhouettes-disagree"
    assert "agree" in caught.value.hint


def test_the_field_has_the_asked_resolution_and_a_positive_border():
    cameras = ring(8)
    field = hull_field(cameras, tuple(ball_alpha(camera) for camera in cameras), 48, 0, lambda _: None)
    assert 1.0 / 48 < field.voxel < 1.4 / 48
    border = field.distance.copy()
    border[1:-1, 1:-1, 1:-1] = 1
    assert (border > 0).all()
