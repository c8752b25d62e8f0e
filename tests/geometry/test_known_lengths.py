"""Lengths that people mark in photos: written plainly, measured in the world, believed where they agree."""

import numpy as np
import pytest

from unflat.core import RecipeError
from unflat.geometry.cameras import project
from unflat.geometry.known_lengths import MeasuredLength, agreed_scale, measured_length, parse_known_length
from unflat.synth.printed_scene import ring_of_cameras

CAMERAS = ring_of_cameras(4, 1.0, (640, 480), (-0.12, 0.03, 0.0005, -0.0004, 0.0))
ENDS = np.array([[0.1, 0.0, -0.1], [-0.1, 0.05, 0.1]])
SEEN = np.stack([project(camera, ENDS)[0] for camera in CAMERAS])
LENGTH = float(np.linalg.norm(ENDS[0] - ENDS[1]))


@pytest.mark.parametrize(
    "text",
    [
        "12cm = my cup.jpg 812,400 1510,420.5; IMG_2.jpg 640,380 1402,410",
        "0.12 m=my cup.jpg 812 400 1510 420.5;IMG_2.jpg 640 380 1402 410",
        " 120 mm =  my cup.jpg 812, 400 1510, 420.5 ; IMG_2.jpg 640, 380 1402, 410 ; ",
    ],
)
def test_a_length_and_its_marks_are_read(text):
    found = parse_known_length(text)
    assert found.metres == pytest.approx(0.12)
    assert found.marks == (
        ("my cup.jpg", (812.0, 400.0, 1510.0, 420.5)),
        ("IMG_2.jpg", (640.0, 380.0, 1402.0, 410.0)),
    )


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "bad-known-length"),
        ("12cm", "bad-known-length"),
        ("12cm = ", "bad-known-length"),
        ("12cm = a.jpg 1,2 3,4", "bad-known-length"),
        ("12cm = a.jpg 1,2 3,4; a.jpg 5,6 7,8", "bad-known-length"),
        ("12cm = a.jpg 1,2 3; b.jpg 5,6 7,8", "bad-known-length"),
        ("12cm = a.jpg 1,2 1,2; b.jpg 5,6 7,8", "bad-known-length"),
        ("12cm = a.jpg -1,2 3,4; b.jpg 5,6 7,8", "bad-known-length"),
        ("12 = a.jpg 1,2 3,4; b.jpg 5,6 7,8", "bad-length"),
        ("twelve = a.jpg 1,2 3,4; b.jpg 5,6 7,8", "bad-length"),
    ],
)
def test_anything_else_is_refused_with_an_example(text, code):
    with pytest.raises(RecipeError) as caught:
        parse_known_length(text)
    assert caught.value.code == code
    assert "12cm" in caught.value.hint


def test_two_marked_photos_measure_a_length():
    found = measured_length(0.12, CAMERAS[:2], SEEN[:2], 3.0)
    assert found.found == pytest.approx(LENGTH, rel=1e-6)
    assert agreed_scale([found]).factor == pytest.approx(0.12 / LENGTH, rel=1e-6)


def test_clicks_that_are_a_pixel_off_cost_little_and_it_is_said_how_much():
    rng = np.random.default_rng(0)
    scales = []
    for _ in range(20):
        clicked = SEEN + rng.normal(0, 1.0, SEEN.shape)
        scales.append(agreed_scale([measured_length(LENGTH, CAMERAS, clicked, 5.0)]))
    off = np.sqrt(np.mean([(scale.factor - 1) ** 2 for scale in scales]))
    assert off < 0.01
    assert 0.4 < np.mean([scale.error for scale in scales]) / off < 2.5


def test_a_wrong_click_in_one_photo_of_three_is_left_out_and_in_one_of_two_told():
    clicked = SEEN.copy()
    clicked[0, 0] += [60.0, 40.0]
    assert measured_length(LENGTH, CAMERAS[:3], clicked[:3], 3.0).found == pytest.approx(LENGTH, rel=1e-6)
    assert measured_length(LENGTH, CAMERAS[:2], clicked[:2], 3.0) is None


def test_lengths_that_agree_give_their_median_and_those_that_contradict_nothing():
    lengths = [MeasuredLength(0.1, 0.201, 0.01), MeasuredLength(0.2, 0.398, 0.01), MeasuredLength(0.3, 0.6, 0.01)]
    scale = agreed_scale(lengths)
    assert scale.factor == pytest.approx(0.5)
    assert 0.001 < scale.error < 0.01
    assert agreed_scale([*lengths, MeasuredLength(0.1, 0.22, 0.01)]) is None
    assert agreed_scale([]) is None
