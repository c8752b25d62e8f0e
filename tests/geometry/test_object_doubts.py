"""Signs that a cut-out is not one whole, opaque, coloured object."""

import numpy as np
import pytest

from unflat.core import Mask, Photo
from unflat.geometry.object_doubts import doubts_about

V, U = np.mgrid[:240, :240] + 0.5
RADIUS = np.hypot(U - 120, V - 120)


def told(pixels, inside):
    return " ".join(doubts_about(Photo(np.uint8(np.clip(pixels, 0, 255))), Mask(inside.astype(np.float32))))


def on_ground(colors, inside, ground=(90, 120, 70)):
    return np.where(inside[..., None], colors, np.array(ground, np.float64))


def shaded(color):
    """A matte ball."""
    light = np.clip(1 - ((U - 90) ** 2 + (V - 80) ** 2) / 30000, 0.2, 1)
    return light[..., None] * np.array(color, np.float64)


BALL = RADIUS < 80


@pytest.mark.parametrize("color", [(200, 60, 40), (180, 180, 175), (30, 30, 35)], ids=["red", "grey", "black"])
def test_an_ordinary_object_raises_no_doubt(color):
    assert told(on_ground(shaded(color), BALL), BALL) == ""


def test_bare_metal_is_noticed():
    bands = np.where((V // 12).astype(int) % 3 == 0, 245.0, np.where((U // 30).astype(int) % 2 == 0, 30.0, 120.0))
    spot = np.hypot(U - 95, V - 80) < 9
    chrome = np.where(spot, 255.0, np.minimum(bands, 225))
    assert "metal" in told(on_ground(np.dstack([chrome] * 3), BALL), BALL)


def test_glass_is_noticed():
    rim, spot = np.abs(RADIUS - 76) < 3, np.hypot(U - 95, V - 80) < 8
    glass = np.where(spot[..., None], 255.0, np.where(rim[..., None], 60.0, np.array([92.0, 122, 74])))
    assert "glass" in told(on_ground(glass, BALL), BALL)


def test_an_object_that_the_frame_cuts_is_noticed_on_its_sides():
    inside = (U < 100) & (np.abs(V - 120) < 60)
    assert "frame (left)" in told(on_ground(shaded((200, 60, 40)), inside), inside)


def test_an_object_that_only_touches_the_frame_is_whole():
    inside = np.hypot(U - 80, V - 120) < 80
    assert "frame" not in told(on_ground(shaded((200, 60, 40)), inside), inside)


def test_a_small_object_is_noticed():
    inside = RADIUS < 16
    assert "32x32" in told(on_ground(shaded((200, 60, 40)), inside), inside)


def test_a_photo_without_colour_is_noticed():
    assert "black and white" in told(np.dstack([U] * 3), BALL)
