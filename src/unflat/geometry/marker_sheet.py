"""Sheets to print: markers of an exact size, or a board with markers around its rim and fine texture inside."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from jaxtyping import Bool, Float64

from unflat.core import RecipeError
from unflat.geometry.markers import MarkerKind, marker_dictionary

Paper = Literal["a4", "letter"]
PAPERS_MM: dict[Paper, tuple[float, float]] = {"a4": (210.0, 297.0), "letter": (215.9, 279.4)}

RULER_MM = 100.0
_MARGIN_MM = 10.0
"""Printers leave the rim white."""
_FOOT_MM = 30.0
"""For the ruler and the advice."""
_CAPTION_MM = 5.0
_TEXT_MM = 3.1
_QUIET_MODULES = 2.0
"""White around a marker; detection needs one module."""
_GAP_MM = 6.0
_CELL_MM = 1.2
"""Smallest spot of the texture: some pixels in a photo of the whole board."""
_SPOTS_CELLS = (1, 2, 4, 8)
"""Spots of all these sizes, so that there is something to find from near and from far."""


@dataclass(frozen=True)
class Label:
    """A line of text."""

    text: str
    left_mm: float
    baseline_mm: float
    """From the top."""
    size_mm: float = _TEXT_MM


@dataclass(frozen=True, eq=False)
class PrintedSheet:
    """Black bars and text on white paper; millimetres from the top left."""

    width_mm: float
    height_mm: float
    bars: Float64[np.ndarray, "n 4"]
    """Left, top, width, height."""
    labels: tuple[Label, ...]


@dataclass(frozen=True)
class MarkerPrint:
    """Which markers, how large, on what."""

    side_mm: float
    """Of the black square."""
    kind: MarkerKind = "apriltag-36h11"
    first: int = 0
    """The first marker's number; each that lies in one scene must be another."""
    paper: Paper = "a4"

    @property
    def modules(self) -> int:
        """Black or white squares along a side, with the black rim."""
        return int(marker_dictionary(self.kind).markerSize) + 2

    @property
    def gap_mm(self) -> float:
        """White between two markers."""
        return max(_QUIET_MODULES * self.side_mm / self.modules, _GAP_MM)

    @property
    def room_mm(self) -> tuple[float, float]:
        """Width and height for markers."""
        width, height = PAPERS_MM[self.paper]
        return width - 2 * _MARGIN_MM, height - 2 * _MARGIN_MM - _FOOT_MM


def marker_sheet(wanted: MarkerPrint, count: int) -> PrintedSheet:
    """`count` markers, spread over the sheet, each with its number.

    Raises `RecipeError`: ``sheet-full`` where they do not fit, ``bad-option`` where there are none of these numbers.
    """
    room = wanted.room_mm
    step = (wanted.side_mm + wanted.gap_mm, wanted.side_mm + wanted.gap_mm + _CAPTION_MM)
    most = tuple(int((room[axis] + wanted.gap_mm + 1e-6) // step[axis]) for axis in (0, 1))
    grids = [(columns, -(-count // columns)) for columns in range(1, most[0] + 1)]
    fitting = [grid for grid in grids if grid[1] <= most[1]]
    if count < 1 or not fitting:
        raise RecipeError(
            f"{count} markers of {wanted.side_mm:g} mm do not fit on {wanted.paper} paper, {most[0] * most[1]} do.",
            code="sheet-full",
            hint="Give a smaller --size or --count; print the rest with --first on another sheet.",
        )
    columns, rows = max(fitting, key=lambda grid: min(room[0] / grid[0], room[1] / grid[1]))
    bars, labels = [], []
    for index in range(count):
        row, column = divmod(index, columns)
        left = _MARGIN_MM + room[0] / columns * (column + 0.5) - wanted.side_mm / 2
        top = _MARGIN_MM + room[1] / rows * (row + 0.5) - (wanted.side_mm + _CAPTION_MM) / 2
        number = wanted.first + index
        bars.append(_marker_bars(wanted, number, (left, top)))
        caption = f"{wanted.kind} {number}, {wanted.side_mm:g} mm"
        labels.append(Label(caption, left, top + wanted.side_mm + _CAPTION_MM, min(_TEXT_MM, wanted.side_mm / 10)))
    return _sheet(wanted, bars, labels)


def marker_board(wanted: MarkerPrint, seed: int = 0) -> PrintedSheet:
    """Markers around the rim, and within it black spots of many sizes, no two places alike: plain things stand on it.

    Raises as `marker_sheet`.
    """
    room, step = wanted.room_mm, wanted.side_mm + wanted.gap_mm
    columns, rows = (int((room[axis] + wanted.gap_mm + 1e-6) // step) for axis in (0, 1))
    if columns < 3 or rows < 3:
        raise RecipeError(
            f"A board of {wanted.paper} paper has no room for texture between markers of {wanted.side_mm:g} mm.",
            code="sheet-full",
            hint="Give a smaller --size.",
        )
    pitch = [(room[0] - wanted.side_mm) / (columns - 1), (room[1] - wanted.side_mm) / (rows - 1)]
    rim = [(column, row) for row in range(rows) for column in range(columns)
           if row in (0, rows - 1) or column in (0, columns - 1)]  # fmt: skip
    bars = [
        _marker_bars(wanted, wanted.first + index, (_MARGIN_MM + pitch[0] * column, _MARGIN_MM + pitch[1] * row))
        for index, (column, row) in enumerate(rim)
    ]
    inset = _MARGIN_MM + step
    inside = (room[0] - 2 * step, room[1] - 2 * step)
    bars.append(_bars(_texture(inside, seed), inset, inset, _CELL_MM))
    last = wanted.first + len(rim) - 1
    caption = f"{wanted.kind} {wanted.first} to {last}, {wanted.side_mm:g} mm"
    return _sheet(wanted, bars, [Label(caption, _MARGIN_MM + RULER_MM + 8, _foot_mm(wanted) + 8.0)])


def _foot_mm(wanted: MarkerPrint) -> float:
    """Where the ruler's strip begins, from the top."""
    return PAPERS_MM[wanted.paper][1] - _MARGIN_MM - _FOOT_MM


def _sheet(wanted: MarkerPrint, bars: list[Float64[np.ndarray, "_ 4"]], labels: list[Label]) -> PrintedSheet:
    width, height = PAPERS_MM[wanted.paper]
    top = _foot_mm(wanted) + 8.0
    ticks = np.arange(0.0, RULER_MM + 0.5, 1.0)
    heights = np.where(ticks % 10 == 0, 4.0, np.where(ticks % 5 == 0, 2.8, 1.6))
    ruler = np.column_stack([_MARGIN_MM + ticks - 0.05, top - heights, np.full(len(ticks), 0.1), heights])
    line = np.array([[_MARGIN_MM - 0.05, top, RULER_MM + 0.1, 0.2]])
    advice = (
        f"Print at 100 %, not fitted to the page. This ruler is {RULER_MM:g} mm long; if not, measure the squares.",
        "Lay it flat beside the thing, with whole markers in several photos taken from different sides, and say",
        f"unflat photos/ --together --marker {wanted.side_mm:g}mm",
    )
    lines = [Label(text, _MARGIN_MM, top + 5.5 + 4.8 * index) for index, text in enumerate(advice)]
    return PrintedSheet(width, height, np.concatenate([*bars, ruler, line]), (*labels, *lines))


def _marker_bars(wanted: MarkerPrint, number: int, at_mm: tuple[float, float]) -> Float64[np.ndarray, "_ 4"]:
    dictionary = marker_dictionary(wanted.kind)
    if not 0 <= number < len(dictionary.bytesList):
        raise RecipeError(
            f"There is no marker {number} in {wanted.kind}.",
            code="bad-option",
            hint=f"Its markers are 0 to {len(dictionary.bytesList) - 1}.",
        )
    picture = cv2.aruco.generateImageMarker(dictionary, number, wanted.modules)
    return _bars(picture < 128, *at_mm, wanted.side_mm / wanted.modules)


def _texture(size_mm: tuple[float, float], seed: int) -> Bool[np.ndarray, "h w"]:
    """Spots of all sizes: the sign of noise of several grains."""
    rng = np.random.default_rng(seed)
    width, height = (int(side / _CELL_MM) for side in size_mm)
    total = np.zeros((height, width))
    for spot in _SPOTS_CELLS:
        grain = rng.normal(size=(-(-height // spot), -(-width // spot)))
        total += np.kron(grain, np.ones((spot, spot)))[:height, :width]
    return total > 0


def _bars(black: Bool[np.ndarray, "h w"], left_mm: float, top_mm: float, cell_mm: float) -> Float64[np.ndarray, "_ 4"]:
    """Runs of black cells in each row, as bars."""
    steps = np.diff(np.pad(black.astype(np.int8), ((0, 0), (1, 1))), axis=1)
    row, start = np.nonzero(steps == 1)
    _, end = np.nonzero(steps == -1)
    cells = np.column_stack([start, row, end - start, np.ones(len(row))]).astype(np.float64)
    return cells * cell_mm + [left_mm, top_mm, 0.0, 0.0]
