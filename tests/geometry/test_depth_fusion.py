"""Fusion: what several depth maps agree on is kept once, what one of them says alone is not.

Nor is what others see through to the surface behind.
"""

import numpy as np
import pytest

from unflat.core import Camera, DepthMap, Photo, View
from unflat.geometry.cameras import look_at, pixel_centers, pixel_rays
from unflat.geometry.depth_fusion import Agreement, DepthPicture, agreeing_counts, fused, outvoted

SIZE = 48


def picture_of_ball(x, partners):
    """Depth and normals of the unit ball as a camera at (x, 0, -4) sees it."""
    pose = look_at(np.array([x, 0.0, -4.0]), np.zeros(3), np.array([0.0, -1, 0]))
    camera = Camera(SIZE, SIZE, 80.0, 80.0, SIZE / 2, SIZE / 2, pose)
    origins, directions = pixel_rays(camera, pixel_centers(camera))
    a, b = (directions**2).sum(axis=1), (origins * directions).sum(axis=1)
    discriminant = b * b - a * ((origins**2).sum(axis=1) - 1)
    along = np.where(discriminant > 0, (-b - np.sqrt(np.maximum(discriminant, 0))) / a, np.nan)
    normals = origins + along[:, None] * directions
    shape = (SIZE, SIZE)
    return DepthPicture(
        camera, along.reshape(shape).astype(np.float32), normals.reshape(*shape, 3).astype(np.float32), partners
    )


@pytest.fixture
def pictures():
    places = (-0.4, 0.0, 0.4, 0.8)
    return {i: picture_of_ball(x, tuple(j for j in range(4) if j != i)) for i, x in enumerate(places)}


@pytest.fixture
def colors():
    return {i: np.full((SIZE, SIZE, 3), 60 * i, np.uint8) for i in range(4)}


def test_points_of_the_ball_lie_on_it_with_its_normals(pictures, colors):
    cloud = fused(pictures, colors)
    assert len(cloud.points) > 500
    assert np.abs(np.linalg.norm(cloud.points, axis=1) - 1).max() < 0.01
    assert ((cloud.normals * cloud.points).sum(axis=1) > 0.98).all()


def test_each_place_is_kept_once(pictures, colors):
    """Four pictures of the same ball give little more points than one picture has pixels on it."""
    seen = int(np.isfinite(pictures[0].depth).sum())
    assert len(fused(pictures, colors).points) < 1.6 * seen


def test_a_cloud_above_its_limit_is_thinned_evenly(pictures, colors):
    whole = fused(pictures, colors)
    thin = fused(pictures, colors, most=len(whole.points) // 3)
    assert len(whole.points) / 6 < len(thin.points) <= len(whole.points) / 3
    assert np.allclose(thin.points.mean(axis=0), whole.points.mean(axis=0), atol=0.05)
    assert np.isin(thin.points[:, 0], whole.points[:, 0]).all()


def test_colors_are_the_mean_of_the_pictures_that_agree(pictures, colors):
    cloud = fused(pictures, colors)
    everywhere = cloud.pictures == 4
    assert everywhere.any()
    assert np.abs(cloud.colors[everywhere].astype(int) - 90).max() <= 1


def test_what_one_picture_says_alone_is_dropped(pictures, colors):
    depth = pictures[1].depth.copy()
    depth[20:28, 20:28] *= 0.8
    odd = DepthPicture(pictures[1].camera, depth, pictures[1].normals, pictures[1].partners)
    cloud = fused({**pictures, 1: odd}, colors)
    assert np.abs(np.linalg.norm(cloud.points, axis=1) - 1).max() < 0.02


def test_a_surface_seen_from_its_back_does_not_agree(pictures):
    turned = DepthPicture(pictures[0].camera, pictures[0].depth, -pictures[0].normals, pictures[0].partners)
    counts = agreeing_counts(0, {**pictures, 0: turned})
    assert counts.max() == 0


def test_more_agreement_leaves_fewer_points(pictures, colors):
    few, many = (len(fused(pictures, colors, Agreement(fewest=n)).points) for n in (3, 1))
    assert 0 < few < many


def test_unknown_depth_agrees_with_nothing(pictures):
    counts = agreeing_counts(0, pictures)
    assert (counts[~np.isfinite(pictures[0].depth)] == 0).all()
    assert np.median(counts[np.isfinite(pictures[0].depth)]) >= 2


def views_of(pictures, wall=np.nan):
    """The same as views; beside the ball is a wall at this depth, or nothing known."""
    for at in pictures.values():
        depth = np.where(np.isfinite(at.depth), at.depth, np.float32(wall))
        yield View(Photo(np.zeros((SIZE, SIZE, 3), np.uint8)), camera=at.camera, depth=DepthMap(depth))


def test_no_point_of_a_surface_is_outvoted_up_to_its_outline(pictures, colors):
    cloud = fused(pictures, colors)
    assert not outvoted(cloud.points, cloud.normals, views_of(pictures, wall=8.0)).any()


@pytest.mark.parametrize(("before", "gone"), [(0.3, True), (0.02, False), (-0.3, False)])
def test_what_is_seen_through_is_outvoted_by_the_surface_behind(pictures, before, gone):
    """Three pixels are 0.11 wide there; what lies behind the surface is hidden, not wrong."""
    point, normal = np.array([[0, 0, -1 - before]], np.float32), np.array([[0, 0, -1]], np.float32)
    assert outvoted(point, normal, views_of(pictures)).tolist() == [gone]


def test_one_view_that_sees_through_is_not_heard_against_three_that_see(pictures):
    point, normal = np.array([[0, 0, -1]], np.float32), np.array([[0, 0, -1]], np.float32)
    seen = list(views_of(pictures))
    through = View(seen[1].photo, camera=seen[1].camera, depth=DepthMap(np.full((SIZE, SIZE), 8, np.float32)))
    assert not outvoted(point, normal, [seen[0], seen[2], seen[3], through]).any()
    assert outvoted(point, normal, [seen[0], seen[2], through]).all()
    assert outvoted(point, -normal, [seen[0], seen[2], seen[3], through]).all(), "its back is not what they see"


def test_who_has_no_depth_there_has_no_vote(pictures):
    beside, normal = np.array([[0, 0.84, -1]], np.float32), np.array([[0, 0, -1]], np.float32)
    assert not outvoted(beside, normal, views_of(pictures)).any()
    assert outvoted(beside, normal, views_of(pictures, wall=8.0)).all()
    bare = [View(Photo(np.zeros((SIZE, SIZE, 3), np.uint8)), camera=at.camera) for at in pictures.values()]
    assert not outvoted(beside, normal, bare).any()
