"""Points are found again over a surface from 50 degrees to the side, given nothing but its rough depth."""

import cv2
import numpy as np
import pytest

from unflat.core import Camera
from unflat.geometry.cameras import look_at, pixel_centers, pixel_rays, project
from unflat.geometry.depth_tracking import DepthView, found_again, shared_share, some_points

SIDE, FOCAL, AWAY = 320, 420.0, 3.0
UP = np.array([0.0, 1.0, 0.0])


def pattern(seed=5):
    """A wall of two by two metres with a pattern of all sizes, 1024 pixels a side."""
    rng = np.random.default_rng(seed)
    layers = [
        cv2.resize(rng.normal(size=(count, count)), (1024, 1024), interpolation=cv2.INTER_CUBIC)
        for count in (16, 32, 64, 128)
    ]
    return np.clip(0.5 + 0.15 * sum(layers), 0, 1).astype(np.float32)


def seen_from(turn_deg, light=1.0, depth_error=0.0):
    """The wall z = 0 from `turn_deg` beside its normal, with its depth, wrong by a share."""
    angle = np.radians(turn_deg)
    eye = AWAY * np.array([np.sin(angle), 0.0, np.cos(angle)])
    camera = Camera(SIDE, SIDE, FOCAL, FOCAL, SIDE / 2, SIDE / 2, look_at(eye, np.zeros(3), UP))
    origins, directions = pixel_rays(camera, pixel_centers(camera))
    depth = -origins[:, 2] / directions[:, 2]
    wall = origins + depth[:, None] * directions
    places = ((wall[:, :2] + 1) * 512 - 0.5).astype(np.float32).reshape(SIDE, SIDE, 2)
    grey = cv2.remap(pattern(), places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT) * np.float32(light)
    shown = np.where((np.abs(wall[:, :2]) < 1).all(axis=1), depth * (1 + depth_error), np.nan)
    return DepthView(grey.astype(np.float32), camera, shown.reshape(SIDE, SIDE).astype(np.float32))


def points_of(view):
    """Pixels well inside the wall, and where on the wall they are."""
    u, v = np.meshgrid(np.arange(60.5, 260, 7), np.arange(60.5, 260, 7))
    pixels = np.column_stack([u.ravel(), v.ravel()])
    origins, directions = pixel_rays(view.camera, pixels)
    return pixels.astype(np.float32), origins - origins[:, 2:] / directions[:, 2:] * directions


@pytest.mark.parametrize(("turn_deg", "depth_error"), [(30, 0.0), (50, 0.0), (50, 0.02)])
def test_points_are_found_from_the_side_even_where_depth_is_rough(turn_deg, depth_error):
    first, second = seen_from(0, depth_error=depth_error), seen_from(turn_deg, light=0.7)
    pixels, places = points_of(first)
    which, found = found_again(first, second, pixels)
    errors = np.linalg.norm(found - project(second.camera, places[which])[0], axis=1)
    assert len(which) > 0.6 * len(pixels)
    assert np.median(errors) < 0.2
    assert np.quantile(errors, 0.95) < 1


def test_nothing_is_found_where_the_other_picture_shows_something_else():
    first, second = seen_from(0), seen_from(40)
    other = DepthView(np.ascontiguousarray(second.grey[::-1, ::-1]), second.camera, second.depth)
    which, _ = found_again(first, other, points_of(first)[0])
    assert len(which) < 0.02 * len(points_of(first)[0])


def test_what_lies_at_another_depth_is_hidden():
    first, second = seen_from(0), seen_from(40, depth_error=-0.3)
    assert shared_share(first, some_points(first), second) == 0
    assert len(found_again(first, second, points_of(first)[0])[0]) == 0


def test_the_share_falls_with_the_angle_and_ends_at_60_degrees():
    first = seen_from(0)
    shares = [shared_share(first, some_points(first), seen_from(turn)) for turn in (10, 40, 75)]
    assert shares[0] >= shares[1] > 0.5
    assert shares[2] < 0.1


def test_a_picture_without_depth_leads_nowhere():
    first = seen_from(0)
    blind = DepthView(first.grey, first.camera, np.full_like(first.depth, np.nan))
    assert shared_share(blind, some_points(blind), seen_from(20)) == 0
    which, found = found_again(blind, seen_from(20), points_of(first)[0])
    assert len(which) == len(found) == 0


def test_a_plain_picture_shows_no_point_again():
    first, second = seen_from(0), seen_from(20)
    plain = DepthView(np.full_like(second.grey, 0.5), second.camera, second.depth)
    which, found = found_again(first, plain, points_of(first)[0])
    assert len(which) == len(found) == 0


@pytest.mark.parametrize("width", [1, 3, 6])
def test_gaps_in_the_depth_lead_nowhere_else(width):
    first, second = seen_from(0), seen_from(35)
    depth = first.depth.copy()
    for left in range(20, SIDE, 40):
        depth[:, left : left + width] = np.nan
    pixels, places = points_of(first)
    which, found = found_again(DepthView(first.grey, first.camera, depth), second, pixels)
    errors = np.linalg.norm(found - project(second.camera, places[which])[0], axis=1)
    assert len(which) > 0.3 * len(pixels)
    assert errors.max() < 3
