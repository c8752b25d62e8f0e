"""Tiles with captions on one sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

PAPER = (255, 255, 255)
_INK = (52, 56, 62)
_PALE_INK = (122, 127, 135)
_GAP = 0.045
"""Space between tiles, as share of a tile's side."""
_CAPTION = 0.115
"""Height of a caption, as share of a tile's side."""
_SMALLEST_TEXT_PX = 11
_ROUNDING = 0.03
"""Radius of a tile's corners, as share of its side."""


@dataclass(frozen=True, eq=False)
class Tile:
    """A picture with a caption and, behind it, colour chips that explain its colours."""

    picture: UInt8[np.ndarray, "h w 3"]
    caption: str = ""
    legend: tuple[tuple[tuple[int, int, int], str], ...] = ()


def lay_out(
    rows: Sequence[Sequence[Tile]], tile_px: int, title: str = "", note: str = ""
) -> UInt8[np.ndarray, "h w 3"]:
    """One sheet of rows of tiles; pictures are fitted into squares of `tile_px`, on a colour of their own edge."""
    gap, caption = round(tile_px * _GAP), max(round(tile_px * _CAPTION), _SMALLEST_TEXT_PX + 8)
    columns = max(len(row) for row in rows)
    head = round(caption * 1.25) if title or note else 0
    width = columns * (tile_px + gap) + gap
    height = head + len(rows) * (tile_px + caption) + gap * 2
    sheet = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    if head:
        _write(draw, (gap, gap), title, round(caption * 0.52), _INK)
        _write(draw, (width - gap, gap), note, round(caption * 0.38), _PALE_INK, anchor="ra")
    for row_idx, row in enumerate(rows):
        for column_idx, tile in enumerate(row):
            left, top = gap + column_idx * (tile_px + gap), head + gap + row_idx * (tile_px + caption)
            square = fit_square(tile.picture, tile_px)
            sheet.paste(Image.fromarray(square), (left, top), _rounded_mask(tile_px))
            _write_caption(draw, tile, (left, top + tile_px + caption // 2), tile_px, round(caption * 0.40))
    return np.asarray(sheet).copy()


def fit_square(picture: UInt8[np.ndarray, "h w 3"], side_px: int) -> UInt8[np.ndarray, "side_px side_px 3"]:
    """The whole picture inside a square, centred; the bands beside it take the mean colour of the picture's border."""
    height, width = picture.shape[:2]
    scale = side_px / max(height, width)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    border = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])
    square = np.empty((side_px, side_px, 3), np.uint8)
    square[:] = np.rint(border.mean(axis=0)).astype(np.uint8)
    left, top = (side_px - size[0]) // 2, (side_px - size[1]) // 2
    square[top : top + size[1], left : left + size[0]] = small
    return square


def _write_caption(draw: ImageDraw.ImageDraw, tile: Tile, middle_left: tuple[int, int], tile_px: int, px: int) -> None:
    left, middle = middle_left
    _write(draw, (left + 2, middle), tile.caption, px, _INK, anchor="lm", width=tile_px)
    font = _font(px)
    right = left + tile_px - 2
    for color, meaning in reversed(tile.legend):
        right -= round(draw.textlength(meaning, font=font))
        _write(draw, (right, middle), meaning, px, _PALE_INK, anchor="lm")
        chip = max(_SMALLEST_TEXT_PX, px) * 0.75
        right -= round(chip * 1.6)
        draw.ellipse((right, middle - chip / 2, right + chip, middle + chip / 2), fill=color)
        right -= round(chip * 0.9)


def _write(
    draw: ImageDraw.ImageDraw,
    position: tuple[int, int],
    text: str,
    px: int,
    color: tuple[int, int, int],
    *,
    anchor: str = "la",
    width: int | None = None,
) -> None:
    """Text in the default font, shortened with an ellipsis where it would be wider than `width`."""
    font = _font(px)
    while width is not None and len(text) > 1 and draw.textlength(text, font=font) > width:
        text = text[:-2].rstrip() + "…"
    draw.text(position, text, fill=color, font=font, anchor=anchor)


def _font(px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=max(px, _SMALLEST_TEXT_PX))


def _rounded_mask(side_px: int) -> Image.Image:
    large = Image.new("L", (side_px * 4, side_px * 4), 0)
    ImageDraw.Draw(large).rounded_rectangle(
        (0, 0, side_px * 4 - 1, side_px * 4 - 1), radius=side_px * 4 * _ROUNDING, fill=255
    )
    return large.resize((side_px, side_px), Image.Resampling.BOX)
