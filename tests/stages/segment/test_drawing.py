"""Drawings on paper: true bodies of synthetic drawings, and four real ones."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from unflat.core import Cancelled, Context, Drawing, InputError, Photo, RecipeError
from unflat.geometry.masks import intersection_over_union
from unflat.stages.segment.drawing import PaperDrawing

_SPEC = importlib.util.spec_from_file_location("drawn", Path(__file__).with_name("drawn.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
drawn = importlib.util.module_from_spec(_SPEC)
sys.modules["drawn"] = drawn
_SPEC.loader.exec_module(drawn)


def taken_off(pixels: np.ndarray, **options: float) -> Drawing:
    return PaperDrawing(**options)(Photo(pixels, "drawn"), Context())


def overlap(drawing: Drawing, body: np.ndarray) -> float:
    return intersection_over_union(drawing.mask.solid, body)


@pytest.mark.parametrize("gap_deg", [0, 5, 14])
def test_an_outline_is_filled_although_it_has_a_gap(gap_deg: float) -> None:
    pixels, body = drawn.circle(gap_deg)
    drawing = taken_off(pixels)
    assert overlap(drawing, body) > 0.97
    assert drawing.ink is not None
    assert drawing.ink.solid.sum() < 0.1 * body.sum()


def test_a_gap_as_wide_as_the_shape_is_not_closed() -> None:
    pixels, body = drawn.circle(140)
    assert taken_off(pixels).mask.solid.sum() < 0.2 * body.sum()


def test_photo_noise_leaves_the_body_as_it_is() -> None:
    pixels, body = drawn.circle(5)
    assert overlap(taken_off(drawn.noisy(pixels, 6)), body) > 0.96


def test_a_shadow_gradient_and_a_hard_shadow_are_not_drawn() -> None:
    pixels, body = drawn.circle(5)
    light = np.linspace(1.0, 0.45, 640)[None, :, None] * np.ones((480, 1, 1))
    light[300:, 350:] *= 0.65
    drawing = taken_off(drawn.noisy(pixels * light, 2))
    assert overlap(drawing, body) > 0.95
    paper = drawing.photo.pixels[~drawing.mask.solid]
    assert np.abs(np.percentile(paper, [5, 95]) - 243).max() < 14


def test_a_ring_and_inner_loops_are_filled_body() -> None:
    pixels, body = drawn.circle()
    cv2.circle(pixels, (320, 240), 60, drawn.PEN, 4, cv2.LINE_AA)
    cv2.circle(pixels, (290, 150), 10, drawn.PEN, 3, cv2.LINE_AA)
    assert overlap(taken_off(pixels), body) > 0.97


def test_crayon_is_body_and_its_dark_lines_are_ink() -> None:
    pixels, body = drawn.circle()
    rng = np.random.default_rng(1)
    cover = cv2.GaussianBlur(rng.random((480, 640)), (0, 0), 1.5)[..., None]
    wax = np.where(cover < np.quantile(cover, 0.85), np.uint8([240, 150, 30]), np.uint8([245, 200, 120]))
    pixels = np.where(body[..., None], wax, pixels).astype(np.uint8)
    cv2.circle(pixels, (320, 240), 140, drawn.PEN, 4, cv2.LINE_AA)
    drawing = taken_off(drawn.noisy(pixels, 2))
    assert overlap(drawing, body) > 0.97
    assert drawing.ink is not None
    assert drawing.ink.solid.sum() < 0.35 * body.sum()


def test_pale_yellow_crayon_without_an_outline_is_body() -> None:
    _, body = drawn.circle()
    pixels = np.where(body[..., None], np.uint8([250, 235, 90]), drawn.sheet()).astype(np.uint8)
    assert overlap(taken_off(drawn.noisy(pixels, 2)), body) > 0.97


def on_a_table(pixels: np.ndarray) -> np.ndarray:
    """The sheet on a dark table, seen at an angle."""
    target = np.float32([[180, 90], [650, 60], [760, 520], [70, 560]])
    source = np.float32([[0, 0], [640, 0], [640, 480], [0, 480]])
    table = np.full((640, 860, 3), (62, 48, 40), np.uint8)
    matrix = cv2.getPerspectiveTransform(source, target)
    cv2.warpPerspective(pixels, matrix, (860, 640), dst=table, borderMode=cv2.BORDER_TRANSPARENT, flags=cv2.INTER_AREA)
    return drawn.noisy(cv2.GaussianBlur(table, (0, 0), 0.7), 2)


def test_a_sheet_seen_at_an_angle_is_straightened() -> None:
    pixels, body = drawn.circle(5)
    drawing = taken_off(on_a_table(pixels))
    height, width = drawing.mask.alpha.shape
    stretched = cv2.resize(body.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0
    assert overlap(drawing, stretched) > 0.95
    left, top, right, bottom = drawing.mask.box
    assert 0.8 < (right - left) / (bottom - top) * (480 / 640) / (height / width) < 1.25


def test_a_sheet_is_left_at_its_angle_on_request() -> None:
    pixels, _ = drawn.circle(5)
    drawing = taken_off(on_a_table(pixels), straighten=False)
    assert drawing.mask.alpha.shape == (640, 860)
    assert 0.08 < drawing.mask.solid.mean() < 0.2


def test_an_outline_that_the_frame_cuts_is_closed_along_it() -> None:
    pixels, body = drawn.sheet(), np.zeros((480, 640), np.uint8)
    cv2.ellipse(pixels, (320, 480), (150, 330), 0, 0, 360, drawn.PEN, 5, cv2.LINE_AA)
    cv2.ellipse(body, (320, 480), (152, 332), 0, 0, 360, 1, -1)
    assert overlap(taken_off(pixels), body > 0) > 0.97


def test_between_two_legs_that_the_frame_cuts_is_paper() -> None:
    pixels = drawn.sheet()
    outline = np.array([[200, 479], [200, 100], [440, 100], [440, 479]])
    cv2.polylines(pixels, [outline], False, drawn.PEN, 5)
    cv2.polylines(pixels, [np.array([[280, 479], [280, 260], [360, 260], [360, 479]])], False, drawn.PEN, 5)
    solid = taken_off(pixels).mask.solid
    assert solid[400, 240] and solid[400, 400] and solid[180, 320]
    assert not solid[400, 320]


def test_stick_limbs_stay_and_become_a_little_thicker() -> None:
    pixels, _ = drawn.circle(radius=80)
    cv2.line(pixels, (398, 240), (560, 180), drawn.PEN, 4, cv2.LINE_AA)
    thin, thick = (taken_off(pixels, thinnest_limb=share).mask.solid for share in (0.0, 0.04))
    assert 3 <= thin[:, 480].sum() <= 8
    assert thin[:, 480].sum() + 4 < thick[:, 480].sum() < 22
    assert abs(int(thick[:, 320].sum()) - int(thin[:, 320].sum())) <= 2


def test_stray_marks_are_left_out() -> None:
    pixels, body = drawn.circle()
    cv2.line(pixels, (20, 20), (60, 30), drawn.PEN, 3)
    cv2.circle(pixels, (600, 440), 4, drawn.PEN, -1)
    drawing = taken_off(pixels)
    assert overlap(drawing, body) > 0.97
    assert drawing.ink is not None
    assert not drawing.ink.solid[:100, :100].any()


@pytest.mark.parametrize("is_dark", [True, False])
def test_a_silhouette_keeps_its_holes_and_has_no_ink(is_dark: bool) -> None:
    _, body = drawn.circle()
    body[200:280, 280:360] = False
    tones = np.where(body == is_dark, np.uint8(0), np.uint8(255))
    drawing = taken_off(np.repeat(tones[..., None], 3, axis=2))
    assert overlap(drawing, body) > 0.98
    assert drawing.ink is None


def test_white_lines_on_black_are_lines() -> None:
    pixels = np.zeros((480, 640, 3), np.uint8)
    cv2.circle(pixels, (320, 240), 140, (255, 255, 255), 4)
    _, body = drawn.circle()
    assert overlap(taken_off(pixels), body) > 0.97


def test_a_cut_out_is_believed() -> None:
    pixels, body = drawn.circle()
    cv2.line(pixels, (280, 240), (360, 240), (10, 10, 10), 5)
    drawing = PaperDrawing()(Photo(pixels, alpha=body.astype(np.uint8) * np.uint8(255)), Context())
    np.testing.assert_array_equal(drawing.mask.solid, body)
    assert drawing.ink is not None
    assert drawing.ink.solid[240, 320]


def test_transparent_line_art_is_filled() -> None:
    pixels, body = drawn.circle()
    strokes = (pixels[..., 0] < 130).astype(np.uint8) * np.uint8(255)
    drawing = PaperDrawing()(Photo(np.zeros_like(pixels), alpha=strokes), Context())
    assert overlap(drawing, body) > 0.97


@pytest.mark.parametrize("sigma", [0, 5])
def test_blank_paper_is_refused_with_advice(sigma: float) -> None:
    with pytest.raises(InputError, match="no drawing") as refused:
        taken_off(drawn.noisy(drawn.sheet(), sigma))
    assert refused.value.code == "nothing-in-picture"
    assert "darker pen" in refused.value.hint


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (9, 300)])
def test_a_tiny_picture_is_refused_or_taken_but_does_not_break(size: tuple[int, int]) -> None:
    with pytest.raises(InputError):
        taken_off(np.full((*size, 3), 200, np.uint8))


def test_bad_options_are_refused() -> None:
    with pytest.raises(RecipeError, match="largest_gap"):
        PaperDrawing(largest_gap=0.9)
    with pytest.raises(RecipeError, match="thinnest_limb"):
        PaperDrawing(thinnest_limb=-0.1)


def test_it_can_be_cancelled() -> None:
    def stop(_: float) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        PaperDrawing()(Photo(drawn.circle()[0]), Context(progress=stop))


def test_the_edge_is_soft_and_the_same_picture_gives_the_same_mask() -> None:
    pixels, _ = drawn.circle()
    one, other = taken_off(pixels), taken_off(pixels)
    np.testing.assert_array_equal(one.mask.alpha, other.mask.alpha)
    soft = ((one.mask.alpha > 0.02) & (one.mask.alpha < 0.98)).sum()
    assert 300 < soft < 4000


@pytest.mark.parametrize(
    ("name", "area", "ink"),
    [
        ("garlic", (0.16, 0.20), (0.02, 0.07)),
        ("candycorn", (0.29, 0.34), (0.01, 0.10)),
        ("pig", (0.165, 0.19), (0.01, 0.035)),
        ("person", (0.45, 0.51), (0.16, 0.25)),
    ],
)
def test_a_real_drawing_is_taken_off_its_paper(name: str, area: tuple[float, float], ink: tuple[float, float]) -> None:
    path = drawn.DRAWINGS / f"{name}.png"
    if not path.exists():
        pytest.skip("the folder of sample drawings is not here")
    drawing = PaperDrawing()(drawn.read(path), Context())
    assert area[0] < drawing.mask.solid.mean() < area[1]
    assert drawing.ink is not None
    assert ink[0] < drawing.ink.solid.mean() < ink[1]
    pieces, _ = cv2.connectedComponents(drawing.mask.solid.astype(np.uint8))
    assert pieces == 2
    assert drawing.mask.confidence > 0.8
