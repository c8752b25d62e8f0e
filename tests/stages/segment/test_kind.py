"""Drawing or photo."""

from __future__ import annotations

import importlib.util
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from unflat.core import Photo
from unflat.stages.segment.kind import kind_of_picture

_SPEC = importlib.util.spec_from_file_location("drawn", Path(__file__).with_name("drawn.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
drawn = importlib.util.module_from_spec(_SPEC)
sys.modules["drawn"] = drawn
_SPEC.loader.exec_module(drawn)


def pictures_in(folder: Path) -> list[Path]:
    found = [path for path in sorted(folder.glob("*")) if path.suffix in (".png", ".jpg")]
    if not found:
        pytest.skip("the folder of sample pictures is not here")
    return found


def test_sample_photos_are_photos() -> None:
    wrong = [path.name for path in pictures_in(drawn.PHOTOS) if kind_of_picture(drawn.read(path)) != "photo"]
    assert wrong == []


def test_sample_drawings_are_drawings() -> None:
    wrong = [path.name for path in pictures_in(drawn.DRAWINGS) if kind_of_picture(drawn.read(path)) != "drawing"]
    assert wrong == []


@pytest.mark.parametrize(
    ("name", "kind"),
    [("horse", "drawing"), ("coffee", "photo"), ("chelsea", "photo"), ("astronaut", "photo"), ("rocket", "photo")],
)
def test_well_known_pictures(name: str, kind: str) -> None:
    data = pytest.importorskip("skimage.data")
    found = [path for path in Path(data.__file__).parent.glob(f"{name}.*") if path.suffix in (".png", ".jpg")]
    if not found:
        pytest.skip(f"{name} is not in this build of scikit-image")
    pixels = cv2.imread(str(found[0]), cv2.IMREAD_COLOR)
    assert kind_of_picture(Photo(np.ascontiguousarray(pixels[..., ::-1]))) == kind


def test_a_pen_line_on_shaded_paper_is_a_drawing() -> None:
    pixels, _ = drawn.circle(5)
    shaded = drawn.noisy(pixels * np.linspace(1.0, 0.6, 640)[None, :, None], 3)
    assert kind_of_picture(Photo(shaded)) == "drawing"


def test_a_shaded_ball_before_white_is_a_photo() -> None:
    down, across = np.mgrid[-1.5:1.5:300j, -1.5:1.5:300j]
    inside = down**2 + across**2 < 1
    light = 60 + 160 * np.clip(np.sqrt(np.maximum(0, 1 - down**2 - across**2)) - 0.3 * down - 0.3 * across, 0, 1)
    ball = np.where(inside[..., None], light[..., None] * [1.0, 0.3, 0.2], 255).astype(np.uint8)
    assert kind_of_picture(Photo(ball)) == "photo"
    alpha = inside.astype(np.uint8) * np.uint8(255)
    assert kind_of_picture(Photo(ball, alpha=alpha)) == "photo"
    assert kind_of_picture(Photo(np.zeros_like(ball), alpha=alpha)) == "drawing"


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (40, 40)])
def test_a_blank_picture_is_no_drawing(shape: tuple[int, int]) -> None:
    assert kind_of_picture(Photo(np.full((*shape, 3), 128, np.uint8))) == "photo"


def test_noise_is_a_photo() -> None:
    assert kind_of_picture(Photo(drawn.noisy(np.full((200, 300, 3), 128), 60))) == "photo"


def test_it_is_quick_on_a_large_picture() -> None:
    large = Photo(np.ascontiguousarray(np.kron(drawn.circle()[0], np.ones((6, 6, 1), np.uint8))))
    kind_of_picture(large)
    start = time.process_time()
    kind_of_picture(large)
    assert time.process_time() - start < 0.5
