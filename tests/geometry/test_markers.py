"""Printed markers are found through a bent lens and measured in the world, truer than their corners' blur."""

import numpy as np
import pytest

from unflat.geometry.cameras import project
from unflat.geometry.known_lengths import agreed_scale
from unflat.geometry.marker_sheet import MarkerPrint, marker_sheet
from unflat.geometry.markers import MarkerName, find_markers, measured_sides
from unflat.synth.printed_scene import ring_of_cameras, sheet_photo

SIDE_MM, UNIT_M = 50.0, 0.4
CAMERAS = ring_of_cameras(4, 1.0, (480, 360), (-0.12, 0.03, 0.0005, -0.0004, 0.0))
SHEET = marker_sheet(MarkerPrint(SIDE_MM), 4)


@pytest.fixture(scope="module")
def photos():
    rng = np.random.default_rng(0)
    return [sheet_photo(SHEET, camera, UNIT_M, rng) for camera in CAMERAS]


@pytest.fixture(scope="module")
def sightings(photos):
    seen = {}
    for camera, photo in zip(CAMERAS, photos, strict=True):
        for marker in find_markers(photo, camera):
            seen.setdefault(marker.name, []).append((camera, marker))
    return seen


def scale_of(sightings, side_m):
    return agreed_scale([side for sides in measured_sides(sightings, side_m).values() for side in sides])


def test_all_markers_are_found_in_all_photos(sightings):
    assert set(sightings) == {MarkerName("apriltag-36h11", number) for number in range(4)}
    assert all(len(seen) == len(CAMERAS) for seen in sightings.values())


def test_corners_are_where_they_project_to_a_fifth_of_a_pixel(sightings):
    # the first bar of the sheet is the first row of marker 0: its top left is the marker's first corner
    left, top = SHEET.bars[0, :2]
    corner = np.array([[left - SHEET.width_mm / 2, 0.0, top - SHEET.height_mm / 2]]) / 1000 / UNIT_M
    for camera, marker in sightings[MarkerName("apriltag-36h11", 0)]:
        assert np.linalg.norm(project(camera, corner)[0][0] - marker.corners[0]) < 0.2


def test_the_scale_is_true_to_a_part_in_five_hundred(sightings):
    scale = scale_of(sightings, SIDE_MM / 1000)
    assert scale.factor == pytest.approx(UNIT_M, rel=0.002)
    assert scale.error < 0.002


def test_a_wrong_size_of_the_markers_makes_the_world_as_much_too_large(sightings):
    assert scale_of(sightings, 2 * SIDE_MM / 1000).factor == pytest.approx(2 * UNIT_M, rel=0.002)


def test_a_soft_photo_moves_corners_but_not_the_scale():
    rng = np.random.default_rng(1)
    seen = {}
    for camera in CAMERAS[:2]:
        for marker in find_markers(sheet_photo(SHEET, camera, UNIT_M, rng, blur_px=1.3), camera):
            seen.setdefault(marker.name, []).append((camera, marker))
    assert scale_of(seen, SIDE_MM / 1000).factor == pytest.approx(UNIT_M, rel=0.005)


def test_markers_seen_in_one_photo_alone_are_not_measured(sightings):
    assert measured_sides({name: seen[:1] for name, seen in sightings.items()}, 0.05) == {}


def test_a_marker_that_is_no_square_in_the_world_is_not_measured(sightings):
    # another marker's place in half of the photos, as where the same number lies in the scene twice
    first, second = (sightings[MarkerName("apriltag-36h11", number)] for number in (0, 1))
    mixed = {MarkerName("apriltag-36h11", 0): [first[0], second[1]]}
    assert measured_sides(mixed, 0.05) == {}


def test_a_number_that_is_in_a_photo_twice_is_left_out(photos):
    twice = np.concatenate([photos[0], photos[0]], axis=1)
    assert find_markers(twice, CAMERAS[0]) == ()


def test_nothing_is_found_where_nothing_is(photos):
    assert find_markers(np.full_like(photos[0], 128), CAMERAS[0]) == ()
    noise = np.random.default_rng(0).integers(0, 255, photos[0].shape, dtype=np.uint8)
    assert find_markers(noise, CAMERAS[0]) == ()


@pytest.mark.parametrize("kind", ["aruco-4x4", "aruco-5x5", "aruco-6x6", "aruco-original"])
def test_other_families_are_told_apart_by_themselves(kind):
    sheet = marker_sheet(MarkerPrint(SIDE_MM, kind, first=7), 1)
    found = find_markers(sheet_photo(sheet, CAMERAS[0], UNIT_M, np.random.default_rng(0)), CAMERAS[0])
    assert MarkerName(kind, 7) in {marker.name for marker in found}
