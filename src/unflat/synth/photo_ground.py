"""Tables that a thing is photographed on: wood, a cloth, newspapers; never the same place twice, as in real rooms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8, UInt16

from unflat.core.color import linear_from_srgb
from unflat.synth.patterns import clouds, leaves, near_color, printed, random_color

_LEVELS = 6
_FULL = np.float32(65535)
_SIDE_PX = 4096
"""For photos of 1600 pixels; letters and marks have their sizes for it."""
_WOODS = np.array([(205, 170, 125), (176, 132, 88), (140, 95, 60), (98, 66, 46), (200, 190, 175)], np.float32)
"""sRGB of birch, oak, cherry, walnut, and lime-washed boards."""
_SHAPES, _SMALLEST_SHAPE = 9000, 1 / 700
"""How many shapes a cloth is printed with, and the radius of the smallest ones as a share of its side."""
_MOST_STRETCH = 6.0
"""A table seen edge-on is smoothed for the long side of its pixels only up to this ratio: beyond, it is far away."""


@dataclass(frozen=True, eq=False)
class Table:
    """A square table top on the plane y = 0 about the origin, as a pyramid of linear pictures side by side."""

    atlas: UInt16[np.ndarray, "h w 3"]
    """Level 0 on the left, the coarser ones above each other on its right; 65535 is white."""
    side_px: int
    half_side: float
    mean: Float32[np.ndarray, "3"]
    """Mean linear colour."""

    def color(
        self,
        x: Float32[np.ndarray, "h w"],
        z: Float32[np.ndarray, "h w"],
        footprint: Float32[np.ndarray, "h w"],
    ) -> tuple[Float32[np.ndarray, "h w 3"], Bool[np.ndarray, "h w"]]:
        """Linear colour at places of the plane, smoothed over `footprint` (metres), and whether the table is there."""
        there = (np.abs(x) <= self.half_side) & (np.abs(z) <= self.half_side)
        per_metre = np.float32(self.side_px / 2 / self.half_side)
        u, v = (np.clip((axis + np.float32(self.half_side)) * per_metre, 0, self.side_px) for axis in (x, z))
        level = np.clip(np.log2(np.maximum(footprint * per_metre, 1)), 0, _LEVELS - 1.001).astype(np.float32)
        low = np.floor(level)
        share = (level - low)[..., None]
        sharp, blunt = (self._at(u, v, low + np.float32(step)) for step in (0, 1))
        return (sharp + (blunt - sharp) * share) / _FULL, there

    def _at(self, u: np.ndarray, v: np.ndarray, level: np.ndarray) -> Float32[np.ndarray, "h w 3"]:
        scale = np.exp2(-level)
        side = np.float32(self.side_px) * scale
        left = np.where(level > 0, np.float32(self.side_px), np.float32(0))
        # levels 1, 2, … begin at rows 0, 1/2, 3/4, … of the side
        top = np.where(level > 0, np.float32(self.side_px) * (1 - 2 * scale), np.float32(0))
        column = np.clip(u * scale - np.float32(0.5), 0, side - 1) + left
        row = np.clip(v * scale - np.float32(0.5), 0, side - 1) + top
        return np.asarray(cv2.remap(self.atlas, column, row, cv2.INTER_LINEAR)).astype(np.float32)


def table_of(picture: UInt8[np.ndarray, "s s 3"], half_side: float) -> Table:
    """The table with this sRGB picture on it."""
    linear = linear_from_srgb(picture)
    side = len(linear)
    atlas = np.zeros((side, side + side // 2, 3), np.uint16)
    atlas[:, :side] = np.rint(linear * _FULL)
    top, level = 0, linear
    for _ in range(1, _LEVELS):
        level = cv2.resize(level, (len(level) // 2, len(level) // 2), interpolation=cv2.INTER_AREA)
        atlas[top : top + len(level), side : side + len(level)] = np.rint(level * _FULL)
        top += len(level)
    return Table(atlas, side, half_side, level.reshape(-1, 3).mean(axis=0).astype(np.float32))


def random_table(rng: np.random.Generator, half_side: float, photo_px: int) -> Table:
    """Wood, cloth or newspapers, as fine as photos of this width show them. 3 to 5 s for 1600 pixels."""
    side_px = min(_SIDE_PX, max(512, 1 << int(np.ceil(np.log2(photo_px * _SIDE_PX / 1600)))))
    painters: tuple[Callable[[np.random.Generator, int], UInt8[np.ndarray, "_ _ 3"]], ...] = (
        _wooden, _cloth, _papers,
    )  # fmt: skip
    picture = painters[int(rng.choice(3, p=[0.35, 0.3, 0.35]))](rng, side_px)
    return table_of(picture, half_side)


def stretched(along: Float32[np.ndarray, "h w"], across: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    """The footprint to smooth over where a pixel covers so much along and across the line of sight."""
    return np.asarray(np.minimum(along, across * np.float32(_MOST_STRETCH)), np.float32)


def _wooden(rng: np.random.Generator, side: int) -> UInt8[np.ndarray, "side side 3"]:
    """Boards of one wood, each with its own grain, knots and scratches."""
    tone = _WOODS[int(rng.integers(len(_WOODS)))] * np.float32(rng.uniform(0.8, 1.15))
    boards = int(rng.integers(4, 9))
    picture = np.empty((side, side, 3), np.float32)
    edges = np.linspace(0, side, boards + 1).astype(int)
    for left, right in pairwise(edges):
        wide = int(right - left)
        grain = cv2.resize(clouds(rng, 512, 3, 7), (2 * wide, 6 * side), interpolation=cv2.INTER_CUBIC)
        down = int(rng.integers(5 * side))
        piece = grain[down : down + side, :wide]
        rings = 0.5 + 0.5 * np.sin(piece * np.float32(rng.uniform(40, 120)))
        fibres = cv2.resize(rng.standard_normal((side // 24, wide), np.float32), (wide, side))
        pores = cv2.resize(rng.standard_normal((side // 6, wide // 2), np.float32), (wide, side)) < -1.9
        shade = 0.7 + 0.35 * piece + 0.16 * rings + 0.07 * fibres - 0.22 * pores
        picture[:, left:right] = (shade * rng.uniform(0.85, 1.1))[..., None] * tone
        picture[:, left : left + 3] *= 0.5
    return _worn(picture, rng)


def _cloth(rng: np.random.Generator, side: int) -> UInt8[np.ndarray, "side side 3"]:
    """A printed cloth: overlapping shapes of a few colours and all sizes, with a weave."""
    first = random_color(rng)
    colors = [first, *(near_color(first, rng) for _ in range(5)), random_color(rng)]
    picture = np.empty((side, side, 3), np.uint8)
    picture[:] = first.astype(np.uint8)
    radii = np.sort(_SMALLEST_SHAPE * side * rng.random(_SHAPES) ** -0.6)[::-1].clip(max=side / 10)
    for radius in radii:
        centre = rng.integers(0, side, 2).tolist()
        paint = np.clip(colors[int(rng.integers(len(colors)))] * rng.uniform(0.75, 1.25), 0, 255).tolist()
        axes = (int(radius) + 1, int(radius * rng.uniform(0.25, 1)) + 1)
        cv2.ellipse(picture, centre, axes, rng.uniform(0, 180), 0, rng.choice([360, 360, 200]), paint, -1, cv2.LINE_AA)
    threads = 1 + np.float32(0.05) * rng.standard_normal((2, side), np.float32)
    return _worn(picture * (threads[0][:, None] * threads[1][None, :])[..., None], rng)


def _papers(rng: np.random.Generator, side: int) -> UInt8[np.ndarray, "side side 3"]:
    """Newspapers and magazines that lie across each other on a wooden top."""
    picture = _wooden(rng, side)
    for _ in range(int(rng.integers(26, 40))):
        height, width = int(side * rng.uniform(0.18, 0.3)), int(side * rng.uniform(0.13, 0.22))
        page = _page(rng, height, width, side / _SIDE_PX)
        angle = rng.uniform(0, 360)
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), angle, 1.0)
        matrix[:, 2] += rng.uniform(-0.05, 1.05, 2) * side - [width / 2, height / 2]
        cv2.warpAffine(page, matrix, (side, side), dst=picture, flags=cv2.INTER_LINEAR,
                       borderMode=cv2.BORDER_TRANSPARENT)  # fmt: skip
    return _worn(picture.astype(np.float32), rng)


def _page(rng: np.random.Generator, height: int, width: int, scale: float) -> UInt8[np.ndarray, "h w 3"]:
    """A page of columns of text with pictures between, on off-white or coloured paper."""
    paper = rng.uniform(205, 245, 3) if rng.random() < 0.7 else random_color(rng)
    page = np.empty((height, width, 3), np.uint8)
    page[:] = np.asarray(paper, np.uint8)
    margin, columns = width // 14, int(rng.integers(2, 5))
    wide = (width - margin * (columns + 1)) // columns
    for column in range(columns):
        left, y = margin + column * (wide + margin), margin
        while y < height - margin:
            tall = min(int(wide * rng.uniform(0.4, 1.4)), height - margin - y)
            if rng.random() < 0.35 and tall > 40 and wide > 40:
                painter = leaves if rng.random() < 0.6 else printed
                page[y : y + tall, left : left + wide] = cv2.resize(painter(rng, 256), (wide, tall))
            else:
                _text(page, (left, y, wide, tall), rng, scale)
            y += tall + margin // 2
    return page


def _text(
    page: UInt8[np.ndarray, "h w 3"], box: tuple[int, int, int, int], rng: np.random.Generator, scale: float
) -> None:
    """Lines of words of random length, drawn into the page."""
    left, top, wide, tall = box
    line = max(int(rng.choice([9, 11, 13, 26]) * scale), 3)
    ink = tuple(int(value) for value in rng.uniform(10, 70, 3))
    for y in range(top + line, top + tall, line + line // 2):
        x = left
        while x < left + wide - line:
            word = int(line * rng.uniform(0.8, 4))
            end = min(x + word, left + wide)
            strokes = np.arange(x, end, max(line // 3, 3))
            heights = rng.uniform(0.35, 1.0, len(strokes)) * line
            for stroke, height in zip(strokes, heights, strict=True):
                cv2.line(page, (int(stroke), y), (int(stroke + rng.integers(-2, 3)), int(y - height)), ink,
                         max(1, line // 8), cv2.LINE_AA)  # fmt: skip
            x = end + line // 2


def _worn(picture: Float32[np.ndarray, "s s 3"], rng: np.random.Generator) -> UInt8[np.ndarray, "s s 3"]:
    """The same with stains, scratches and grain."""
    side = len(picture)
    stains = 0.88 + 0.24 * cv2.resize(clouds(rng, side // 4, 5, 8), (side, side), interpolation=cv2.INTER_LINEAR)
    picture = picture * stains[..., None]
    marks = np.zeros((side, side), np.uint8)
    for _ in range(250):
        start = rng.integers(0, side, 2)
        end = start + rng.normal(0, side / 30, 2).astype(int)
        cv2.line(marks, start.tolist(), end.tolist(), int(rng.integers(20, 60)), 1, cv2.LINE_AA)
    for _ in range(600):
        centre = rng.integers(0, side, 2).tolist()
        cv2.circle(marks, centre, int(rng.integers(1, 5)), int(rng.integers(20, 110)), -1, cv2.LINE_AA)
    grain = rng.standard_normal((side, side), np.float32) * np.float32(4)
    picture = picture - (marks.astype(np.float32) - grain)[..., None]
    return np.asarray(np.clip(picture, 6, 248), np.uint8)
