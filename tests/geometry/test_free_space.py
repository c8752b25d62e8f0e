"""Free space: a place that photos look through to a wall behind it is air; one on, behind or beside the wall is not."""

import numpy as np
import pytest

from unflat.core import Camera, DepthMap, Photo, View
from unflat.geometry.cameras import look_at
from unflat.geometry.free_space import looked_through

SIZE = 40


def view_of_wall(x, hole=False):
    """The wall z = 0 as a camera at (x, 0, 4) sees it that looks straight at it; perhaps unknown in the middle."""
    pose = look_at(np.array([x, 0.0, 4.0]), np.array([x, 0.0, 0.0]), np.array([0.0, 1, 0]))
    depth = np.full((SIZE, SIZE), 4, np.float32)
    if hole:
        depth[18:22, 18:22] = np.nan
    photo = Photo(np.zeros((SIZE, SIZE, 3), np.uint8))
    return View(photo, camera=Camera(SIZE, SIZE, 40.0, 40.0, SIZE / 2, SIZE / 2, pose), depth=DepthMap(depth))


@pytest.mark.parametrize(("z", "count"), [(1.0, 2), (0.02, 0), (0.0, 0), (-1.0, 0), (5.0, 0)])
def test_only_what_lies_before_the_wall_and_behind_the_camera_is_looked_through(z, count):
    point = np.array([[0.1, 0.1, z]], np.float32)
    assert looked_through(point, [view_of_wall(0.0), view_of_wall(0.3)], slack=0.01).tolist() == [count]


def test_the_slack_says_how_near_the_wall_may_be():
    point = np.array([[0, 0, 0.3]], np.float32)
    assert looked_through(point, [view_of_wall(0.0)], slack=0.1).tolist() == [1]
    assert looked_through(point, [view_of_wall(0.0)], slack=0.4).tolist() == [0]


def test_who_does_not_know_what_lies_behind_says_nothing():
    points = np.array([[0, 0, 1.0], [0, 9, 1.0]], np.float32)
    unknown = View(Photo(np.zeros((SIZE, SIZE, 3), np.uint8)))
    assert looked_through(points, [view_of_wall(0.0, hole=True), unknown], slack=0.01).tolist() == [0, 0]
