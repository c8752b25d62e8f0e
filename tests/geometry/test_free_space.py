"""Free space: a place that photos look through to a wall behind it is air; one on, behind or beside the wall is not.

Nor is anything known behind a place before a plain backdrop, but that it is air.
"""

from dataclasses import replace

import numpy as np
import pytest

from unflat.core import Camera, DepthMap, Photo, View
from unflat.geometry.cameras import look_at
from unflat.geometry.free_space import in_the_air, looked_through

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


def view_of_backdrop(x, middle):
    """What a camera at (x, 0, 4) sees: a dark room, and before it something 16 pixels wide, 4 of them with depth."""
    view = view_of_wall(x)
    pixels, depth = np.full((SIZE, SIZE, 3), 9, np.uint8), np.full((SIZE, SIZE), np.nan, np.float32)
    pixels[12:28, 12:28] = middle
    depth[18:22, 18:22] = 4
    return View(Photo(pixels), camera=view.camera, depth=DepthMap(depth))


def test_what_has_a_plain_backdrop_behind_it_is_air_where_two_photos_say_so():
    places = np.array([[1.5, 0, 0], [0, 0, 0], [0.4, 0, 0], [0, 0, 5]], np.float32)  # beside, on it twice, behind us
    bright = [view_of_backdrop(x, 200) for x in (0.0, 0.1)]
    assert in_the_air(places, bright, slack=0.01).tolist() == [True, False, False, False]
    assert not in_the_air(places, bright[:1], slack=0.01).any()


def test_a_wall_with_a_pattern_is_no_backdrop():
    rng = np.random.default_rng(0)
    noise = Photo(rng.integers(0, 255, (SIZE, SIZE, 3)).astype(np.uint8))
    noisy = [replace(view_of_backdrop(x, 200), photo=noise) for x in (0.0, 0.1)]
    assert not in_the_air(np.array([[1.5, 0, 0]], np.float32), noisy, slack=0.01).any()


def test_who_looks_through_needs_no_second_photo_to_know_the_air():
    points = np.array([[0.1, 0.1, 1.0], [0.1, 0.1, 0.0]], np.float32)
    assert in_the_air(points, [view_of_wall(0.0)], slack=0.01).tolist() == [True, False]
