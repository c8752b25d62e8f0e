"""Features that survive a turn of 60 degrees, and the chance of finding a pair in noise."""

import cv2
import numpy as np
import pytest

from unflat.stages.pose.affine_features import affine_features, affine_matches, log10_false_alarms


def wall(side=480, seed=3):
    """A wall with a pattern of all sizes."""
    rng = np.random.default_rng(seed)
    layers = [
        cv2.resize(rng.normal(size=(count, count)), (side, side), interpolation=cv2.INTER_CUBIC)
        for count in (15, 30, 60, 120, 240)
    ]
    pattern = sum(layers)
    return np.uint8(np.clip(128 + 40 * pattern, 0, 255))


def seen_from(picture, turn_deg):
    """The wall as a camera sees it that stands `turn_deg` to the side, and the homography that maps pixels."""
    height, width = picture.shape
    angle, focal = np.radians(turn_deg), 900.0
    camera = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    centred = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1.0]])
    plane = np.column_stack([turn[:, 0], turn[:, 1], [0, 0, focal]])
    there = camera @ plane @ centred
    to_whole = np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]])
    homography = np.linalg.inv(to_whole) @ there @ to_whole
    return cv2.warpPerspective(picture, homography, (width, height), flags=cv2.INTER_AREA), there


def right_matches(first, second, there):
    """Matches, and those of them that are within three pixels of the truth."""
    pairs = affine_matches(first, second)
    points = np.column_stack([first.points[pairs[:, 0]], np.ones(len(pairs))]) @ there.T
    errors = np.linalg.norm(points[:, :2] / points[:, 2:] - second.points[pairs[:, 1]], axis=1)
    return len(pairs), errors[errors < 3]


def test_a_wall_is_recognized_from_68_degrees_where_plain_sift_is_lost(monkeypatch):
    picture = wall()
    turned, there = seen_from(picture, 68)
    count, right = right_matches(affine_features(picture), affine_features(turned), there)
    assert len(right) > 150
    assert len(right) > 0.9 * count
    monkeypatch.setattr("unflat.stages.pose.affine_features._TILTS", ())
    _, plain = right_matches(affine_features(picture), affine_features(turned), there)
    assert len(plain) < 20


def test_places_come_back_to_the_pixels_of_the_full_picture():
    picture = wall(side=1200)
    moved, there = seen_from(picture, 25)
    _, errors = right_matches(affine_features(picture), affine_features(moved), there)
    assert len(errors) > 100
    assert np.median(errors) < 0.8


def test_no_feature_lies_where_the_mask_is_black():
    mask = np.zeros((480, 480), np.uint8)
    mask[:, :200] = 255
    points = affine_features(wall(), mask).points
    assert len(points) > 100
    assert points[:, 0].max() <= 201


def test_an_empty_picture_has_no_features_and_no_matches():
    nothing = affine_features(np.full((200, 300), 90, np.uint8))
    assert len(nothing.points) == 0
    assert affine_matches(nothing, affine_features(wall())).shape == (0, 2)


@pytest.mark.parametrize("count", [60, 200, 500])
def test_what_chance_finds_in_noise_counts_as_chance(count):
    rng = np.random.default_rng(count)
    size = (1600, 1067)
    one, other = rng.uniform((0, 0), size, (count, 2)), rng.uniform((0, 0), size, (count, 2))
    cv2.setRNGSeed(0)
    _, agree = cv2.findFundamentalMat(one, other, cv2.FM_RANSAC, 4.0, 0.9999, 3000)
    inliers = 0 if agree is None else int(agree.sum())
    assert log10_false_alarms(count, inliers, size, 4.0) > -2
    assert log10_false_alarms(count, max(inliers, count // 2), size, 4.0) < -2


def test_few_inliers_are_never_enough():
    assert log10_false_alarms(7, 7, (1600, 1067), 4.0) == np.inf
