"""The hull that closes a cloud: over what no photo saw, not over a hollow that one looked into."""

import numpy as np
import pytest

from unflat.core import Camera, DepthMap, Photo, PointCloud, View
from unflat.geometry.cameras import look_at, project
from unflat.geometry.hull_closing import hull_closed

SIZE, SPACING = 120, 0.02


def bowl(opens):
    """Half a ball of points, seen from above: a dome (opens -1) or a bowl (opens 1), its colour red."""
    rng = np.random.default_rng(0)
    points = rng.normal(size=(8000, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    points[:, 1] = -opens * np.abs(points[:, 1])
    normals = -opens * points
    red = np.tile(np.array([[200, 0, 0]], np.uint8), (len(points), 1))
    return PointCloud(points.astype(np.float32), normals.astype(np.float32), red)


def seen_from_above(cloud):
    """The depth of the cloud's points in a camera right above."""
    pose = look_at(np.array([0.0, 4, 0]), np.zeros(3), np.array([0.0, 0, 1]))
    camera = Camera(SIZE, SIZE, 150.0, 150.0, SIZE / 2, SIZE / 2, pose)
    pixels, depth = project(camera, cloud.points.astype(np.float64))
    column, row = pixels.astype(int).T
    image = np.full((SIZE, SIZE), np.nan, np.float32)
    image[row, column] = depth
    known = np.argwhere(np.isfinite(image))
    for place in np.argwhere(np.isnan(image)):
        nearest = known[np.abs(known - place).sum(axis=1).argmin()]
        image[tuple(place)] = image[tuple(nearest)]
    return View(Photo(np.zeros((SIZE, SIZE, 3), np.uint8)), camera=camera, depth=DepthMap(image))


def test_a_dome_is_closed_by_a_flat_underside_in_its_own_colour():
    dome = bowl(-1)
    closed = hull_closed(dome, SPACING, [seen_from_above(dome)], 0)
    added = closed.points[len(dome.points) :]
    assert len(added) > 100
    assert np.abs(added[:, 1]).max() < 0.05
    radius = np.linalg.norm(added[:, [0, 2]], axis=1)
    assert radius.max() < 1.01 and np.median(radius) == pytest.approx(0.7, abs=0.1)
    assert (closed.normals[len(dome.points) :, 1] < -0.99).all()
    assert (closed.colors == [200, 0, 0]).all()


def test_a_bowl_that_a_photo_looks_into_stays_open():
    hollow = bowl(1)
    closed = hull_closed(hollow, SPACING, [seen_from_above(hollow)], 0)
    assert len(closed.points) < len(hollow.points) + 20
    assert len(hull_closed(hollow, SPACING, [], 0).points) > len(hollow.points) + 100


def test_a_stray_does_not_pull_the_hull_out():
    dome = bowl(-1)
    stray = np.full((5, 3), -3.0, np.float32)
    more = PointCloud(
        np.vstack([dome.points, stray]), np.vstack([dome.normals, stray]), np.vstack([dome.colors, dome.colors[:5]])
    )
    assert hull_closed(more, SPACING, [], 0).points.min() > -1.01


def test_points_in_a_plane_have_no_hull():
    rng = np.random.default_rng(0)
    flat = np.column_stack([rng.random((500, 2)), np.zeros(500)]).astype(np.float32)
    cloud = PointCloud(flat, np.tile(np.array([[0, 0, 1]], np.float32), (500, 1)), np.zeros((500, 3), np.uint8))
    assert hull_closed(cloud, SPACING, [], 0) is cloud
