"""What a user marks in a picture: a box around the object, points on it, points beside it."""

from __future__ import annotations

from unflat.core import InputError, Photo

Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels."""


def points_of(clicks: tuple[int, ...]) -> list[tuple[int, int]]:
    """Column and row of each point of x, y, x, y …"""
    return list(zip(clicks[::2], clicks[1::2], strict=True))


def refuse_marks_outside(photo: Photo, box: Box | None, clicks: tuple[int, ...]) -> None:
    """Raise `InputError` (``mark-outside``) for a box or a click outside the photo."""
    points = points_of(clicks)
    if box is not None:
        left, top, right, bottom = box
        points += [(left, top), (right - 1, bottom - 1)]
    for x, y in points:
        if not (0 <= x < photo.width and 0 <= y < photo.height):
            raise InputError(
                f"The mark at {x},{y} lies outside “{photo.name}”, which is {photo.width}x{photo.height} pixels.",
                code="mark-outside",
                hint="Give pixels of the picture upright, at the size that it is read (2048 px at most).",
            )
