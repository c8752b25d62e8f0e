"""Sheets to print: whole markers with white around them, inside the paper, as many as fit."""

import numpy as np
import pytest

from unflat.core import RecipeError
from unflat.geometry.marker_sheet import PAPERS_MM, RULER_MM, MarkerPrint, marker_board, marker_sheet


@pytest.mark.parametrize("paper", ["a4", "letter"])
@pytest.mark.parametrize(("side_mm", "count"), [(50.0, 4), (20.0, 30), (150.0, 1), (12.5, 5)])
def test_everything_is_black_inside_the_margins_and_nowhere_twice(paper, side_mm, count):
    sheet = marker_sheet(MarkerPrint(side_mm, paper=paper), count)
    assert (sheet.width_mm, sheet.height_mm) == PAPERS_MM[paper]
    left, top, width, height = sheet.bars.T
    assert min(left.min(), top.min()) > 9.9
    assert (left + width).max() < sheet.width_mm - 9.9
    assert (top + height).max() < sheet.height_mm - 9.9
    area = np.zeros((round(sheet.height_mm * 4) + 1, round(sheet.width_mm * 4) + 1))
    for x, y, wide, high in sheet.bars[:-102] * 4:  # without the ruler and its line
        area[round(y) : round(y + high), round(x) : round(x + wide)] += 1
    assert area.max() == 1


def test_the_ruler_is_as_long_as_it_says():
    bars = marker_sheet(MarkerPrint(50.0), 1).bars
    ticks = bars[-102:-1]
    assert ticks[-1, 0] - ticks[0, 0] == pytest.approx(RULER_MM)
    assert f"{RULER_MM:g} mm" in marker_sheet(MarkerPrint(50.0), 1).labels[1].text


def test_more_markers_than_fit_are_refused_with_their_number():
    with pytest.raises(RecipeError, match="9 do") as caught:
        marker_sheet(MarkerPrint(50.0), 10)
    assert caught.value.code == "sheet-full"
    assert len(marker_sheet(MarkerPrint(50.0), 9).labels) == 9 + 3


@pytest.mark.parametrize(("side_mm", "count"), [(50.0, 0), (50.0, -1), (400.0, 1)])
def test_no_marker_at_all_is_refused(side_mm, count):
    with pytest.raises(RecipeError) as caught:
        marker_sheet(MarkerPrint(side_mm), count)
    assert caught.value.code == "sheet-full"


def test_numbers_that_a_family_does_not_have_are_refused():
    with pytest.raises(RecipeError, match="no marker 587") as caught:
        marker_sheet(MarkerPrint(50.0, first=586), 2)
    assert caught.value.code == "bad-option"


def test_a_board_has_markers_around_fine_texture_and_is_the_same_every_time():
    board = marker_board(MarkerPrint(25.0))
    assert len(board.bars) > 3000
    assert np.array_equal(board.bars, marker_board(MarkerPrint(25.0)).bars)
    assert board.labels[0].text == "apriltag-36h11 0 to 23, 25 mm"
    with pytest.raises(RecipeError) as caught:
        marker_board(MarkerPrint(80.0))
    assert caught.value.code == "sheet-full"
