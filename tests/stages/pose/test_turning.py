"""A camera that turns on the spot is told from one that walks along a flat thing."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from unflat.stages.pose.turning import PicturePair, only_turned

SIZE, FOCAL = (640, 480), 600.0


def intrinsics(focal, size=SIZE):
    return np.array([[focal, 0, size[0] / 2], [0, focal, size[1] / 2], [0, 0, 1]])


def pair(turn_deg=(0.0, 0.0, 0.0), walked=(0.0, 0.0, 0.0), *, focal=FOCAL, told=None, matches=100):
    """What a camera that turned and walked sees of a wall 2 m away."""
    rotation = Rotation.from_euler("xyz", turn_deg, degrees=True).as_matrix()
    plane = np.outer(walked, [0, 0, 1]) / 2.0
    homography = intrinsics(focal) @ (rotation + plane) @ np.linalg.inv(intrinsics(focal))
    return PicturePair(homography * -3.7, (SIZE, SIZE), (told, told), matches)


TURNS = [(2.0, 9.0, 1.0), (-3.0, -12.0, 4.0), (6.0, 3.0, -2.0)]
WALKS = [(0.4, 0.1, 0.2), (-0.5, 0.2, -0.3), (0.3, -0.4, 0.4)]


@pytest.mark.parametrize(
    ("focal", "wide"), [(300.0, 1.0), (300.0, 4.0), (555.0, 1.0), (555.0, 3.0), (777.0, 2.0), (1500.0, 1.0)]
)
def test_photos_from_one_place_are_a_turn_whatever_the_lens(focal, wide):
    assert only_turned([pair(tuple(wide * np.array(turn)), focal=focal) for turn in TURNS])


def test_photos_of_a_camera_that_did_not_move_at_all_are_one_too():
    assert only_turned([pair(), pair()])


@pytest.mark.parametrize("told", [None, FOCAL])
def test_walking_along_a_wall_is_no_turn(told):
    pairs = [pair(turn, walk, told=told) for turn, walk in zip(TURNS, WALKS, strict=True)]
    assert not only_turned(pairs)


def test_sliding_along_a_wall_is_told_apart_where_the_lens_is_known():
    assert not only_turned([pair(walked=(0.3, 0.0, 0.0), told=FOCAL), pair(walked=(0.6, 0.1, 0.0), told=FOCAL)])


def test_a_focal_length_that_exif_rounds_is_no_obstacle():
    assert only_turned([pair(turn, told=1.08 * FOCAL) for turn in TURNS])


def test_noise_of_a_pixel_is_no_obstacle():
    rng = np.random.default_rng(0)
    shaken = []
    for one in (pair(turn) for turn in TURNS):
        shift = np.eye(3)
        shift[:2, 2] = rng.normal(0, 1, 2)
        shaken.append(replace(one, homography=shift @ one.homography))
    assert only_turned(shaken)


def test_a_few_pairs_that_match_by_mistake_do_not_count_much():
    wrong = pair((40.0, 0.0, 0.0), (1.0, -1.0, 0.5), matches=20)
    assert only_turned([*(pair(turn, matches=300) for turn in TURNS), wrong])


def test_no_pair_is_no_turn():
    assert not only_turned([])
