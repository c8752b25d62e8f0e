"""Sheets of paper, their light, and the ink on them."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from unflat.geometry.ink import filled, grown, opened, stroke_width_px, strokes_of
from unflat.geometry.paper import find_sheet, rectified
from unflat.geometry.paper_light import PAPER_BYTE, distance_from_white, flattened
from unflat.geometry.tones import background_is_dark, is_two_tone, two_tones

CORNERS = np.array([[120, 60], [520, 90], [560, 420], [60, 380]], np.float32)


def table_with_sheet(table: tuple[int, int, int] = (60, 50, 40)) -> np.ndarray:
    pixels = np.full((480, 640, 3), table, np.uint8)
    fixed = np.rint((CORNERS - 0.5) * 16).astype(np.int32)
    cv2.fillConvexPoly(pixels, fixed, (235, 232, 225), cv2.LINE_AA, shift=4)
    return pixels


@pytest.mark.parametrize("table", [(60, 50, 40), (150, 110, 70), (10, 10, 10)])
def test_corners_of_a_sheet_are_found_to_about_a_pixel(table: tuple[int, int, int]) -> None:
    corners = find_sheet(table_with_sheet(table)).corners
    assert corners is not None
    assert np.abs(corners - CORNERS).max() < 3.0


def test_a_picture_without_a_table_is_all_sheet() -> None:
    shadow = np.full((480, 640, 3), 230, np.uint8)
    shadow[:, 300:] = 130
    sheet = find_sheet(shadow)
    assert sheet.region.all()
    assert sheet.corners is None


def test_a_dark_table_at_one_side_is_no_sheet() -> None:
    pixels = np.full((480, 640, 3), 230, np.uint8)
    pixels[:60] = 50
    sheet = find_sheet(pixels)
    assert sheet.corners is None
    assert not sheet.region[:50].any()
    assert sheet.region[70:].all()


def test_a_rectified_sheet_shows_what_is_near_its_corners_there() -> None:
    pixels, size = table_with_sheet(), np.array([300, 230])
    straight = np.float32([[15, 15], [285, 15], [285, 215], [15, 215]])
    back = cv2.getPerspectiveTransform(np.float32([[0, 0], [300, 0], [300, 230], [0, 230]]), CORNERS)
    for spot, color in zip(
        cv2.perspectiveTransform(straight[None], back)[0],
        ((250, 0, 0), (0, 250, 0), (0, 0, 250), (9, 9, 9)),
        strict=True,
    ):
        cv2.circle(pixels, tuple(np.rint(spot).astype(int).tolist()), 6, color, -1)
    seen = rectified(pixels, CORNERS, 300)
    assert max(seen.shape[:2]) == 300
    across, down = np.rint(straight * (np.array(seen.shape[1::-1]) / size)).astype(int).T
    found = seen[down, across]
    np.testing.assert_array_equal(found[:3].argmax(axis=1), [0, 1, 2])
    assert found[3].max() < 60


def test_flattened_paper_is_white_under_uneven_coloured_light() -> None:
    light = np.linspace(1.0, 0.5, 400)[None, :, None] * np.array([1.0, 0.9, 0.75])
    pixels = np.repeat((230 * light).astype(np.uint8), 300, axis=0)
    cv2.line(pixels, (50, 150), (350, 150), (20, 20, 60), 5)
    even = flattened(pixels, np.ones((300, 400), bool))
    assert np.abs(even[:120, 12:-12].astype(int) - int(PAPER_BYTE)).max() <= 6
    assert np.abs(even[:120].astype(int) - int(PAPER_BYTE)).max() <= 15
    distance = distance_from_white(even)
    assert distance[150, 60:340].min() > 30
    ink = strokes_of(distance)
    assert ink[150, 60:340].all()
    assert not ink[:130].any()


def test_flattening_paints_what_is_beside_the_sheet_white() -> None:
    pixels = np.full((100, 120, 3), 200, np.uint8)
    region = np.ones((100, 120), bool)
    region[:20] = False
    pixels[:20] = 30
    even = flattened(pixels, region)
    assert (even[:20] == PAPER_BYTE).all()
    assert np.abs(even[30:].astype(int) - int(PAPER_BYTE)).max() <= 4


def test_stroke_width_of_a_line() -> None:
    ink = np.zeros((100, 200), np.uint8)
    cv2.line(ink, (20, 50), (180, 50), 1, 9)
    assert 7 <= stroke_width_px(ink > 0) <= 11
    assert stroke_width_px(np.zeros((5, 5), bool)) == 0


def test_opening_and_growing_by_discs() -> None:
    region = np.zeros((60, 60), bool)
    region[30, 30] = True
    disc = grown(region, 10)
    assert abs(disc.sum() - np.pi * 100) < 25
    disc[30] = True
    kept = opened(disc, 4)
    assert kept[30, 30]
    assert not kept[30, 5]
    assert (kept <= disc).all()


def test_filling_keeps_ink_and_never_touches_what_is_open() -> None:
    ink = np.zeros((120, 120), bool)
    ink[60, 10:110] = True
    np.testing.assert_array_equal(filled(ink, 10.0), ink)
    np.testing.assert_array_equal(filled(np.zeros((20, 30), bool), 5.0), np.zeros((20, 30), bool))


def test_filling_grows_with_the_largest_gap() -> None:
    ink = np.zeros((200, 200), np.uint8)
    cv2.rectangle(ink, (40, 40), (160, 160), 1, 3)
    ink[95:107, 150:] = 0
    few, many = filled(ink > 0, 4.0), filled(ink > 0, 20.0)
    assert few.sum() < 0.3 * 120**2
    assert many.sum() > 0.95 * 120**2
    assert (few <= many).all()


@pytest.mark.parametrize("turns", range(4))
def test_a_shape_cropped_at_any_side_is_closed_along_the_frame(turns: int) -> None:
    ink = np.zeros((160, 200), np.uint8)
    cv2.circle(ink, (100, 160), 70, 1, 3)
    body = filled(np.ascontiguousarray(np.rot90(ink > 0, turns)), 8.0)
    assert np.rot90(body, -turns)[158, 100]
    assert not np.rot90(body, -turns)[80, 20]


def test_two_tones() -> None:
    pixels = np.full((50, 50, 3), 250, np.uint8)
    pixels[10:30, 10:30] = 5
    assert is_two_tone(pixels)
    assert two_tones(pixels).sum() == 400
    assert not background_is_dark(pixels)
    assert background_is_dark(255 - pixels)
    assert not is_two_tone(np.full((9, 9, 3), 77, np.uint8))
    ramp = np.repeat(np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 9, 0), 3, 2)
    assert not is_two_tone(np.ascontiguousarray(ramp))
