"""Inner strokes that cut out a limb split the body; those that decorate do not."""

import cv2
import numpy as np

from unflat.geometry.drawn_parts import drawn_parts

SIDE = 240


def body_with(*lines, head=False):
    """An ellipse, with a head circle beside it if wanted: what is solid, and the ink of its outline and more lines."""
    solid = np.zeros((SIDE, SIDE), np.uint8)
    cv2.ellipse(solid, (105, 120), (80, 55), 0, 0, 360, 1, -1)
    if head:
        cv2.circle(solid, (185, 95), 38, 1, -1)
    ink = cv2.morphologyEx(solid, cv2.MORPH_GRADIENT, np.ones((4, 4), np.uint8))
    for line in lines:
        cv2.polylines(ink, [np.array(line, np.int32)], False, 1, 3)
    return solid > 0, (ink & solid) > 0


def head_line(start_deg=100, end_deg=260):
    angle = np.radians(np.arange(start_deg, end_deg, 5))
    return np.stack([185 + 38 * np.cos(angle), 95 + 38 * np.sin(angle)], axis=1)


def test_a_body_without_inner_lines_is_one_part():
    assert drawn_parts(*body_with()).max() == 1


def test_a_head_whose_circle_is_drawn_through_is_a_part():
    labels = drawn_parts(*body_with(head_line(), head=True))
    assert labels.max() == 2
    assert labels[95, 195] == 2
    assert labels[120, 60] == 1


def test_a_line_with_open_ends_is_closed_to_the_outline():
    labels = drawn_parts(*body_with(head_line(115, 245), head=True))
    assert labels.max() == 2


def test_eyes_mouth_and_buttons_split_nothing():
    eye = [(80, 100), (88, 96), (96, 100), (88, 104), (80, 100)]
    mouth = [(90, 140), (110, 148), (130, 140)]
    assert drawn_parts(*body_with(eye, mouth)).max() == 1


def test_stripes_on_a_limb_leave_it_one_limb():
    labels = drawn_parts(*body_with(head_line(), [(190, 58), (190, 132)], head=True))
    assert labels.max() == 2


def test_labels_cover_the_body_and_nothing_else():
    solid, ink = body_with(head_line(), head=True)
    assert np.array_equal(drawn_parts(solid, ink) > 0, solid)
