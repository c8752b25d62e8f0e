"""Cells of a grid merged into squares that grow with the distance from the region's border, and their triangles."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, Int32

_SIDES = ((0, 0, 1, 0), (1, 0, 1, 1), (1, 1, 0, 1), (0, 1, 0, 0))
"""Corners of a square (row, column, row, column) at both ends of each side, counter-clockwise as seen."""
_BEYOND = ((0, -1), (1, 0), (0, 1), (-1, 0))
"""Where the neighbour of each side lies: left, below, right, above."""


def graded_triangles(region: Bool[np.ndarray, "h w"]) -> Int32[np.ndarray, "f 3"]:
    """Triangles that tile the cells of a region; every side of a cell on the region's border stays an edge.

    Corner (row, column) of the grid has number ``row * (w + 1) + column``. A balanced quadtree (as in Bern and Eppstein
    1992): a square of 2**n cells is at least as far from the border as it is large, so neighbours differ by one level
    and no triangle is thin. As many triangles as the border has cells, times a small number, instead of the area.
    """
    level = _levels(region)
    width = region.shape[1] + 1
    faces = [np.zeros((0, 3), np.int64)]
    rows, columns = np.nonzero(level == 0)
    a, b, c, d = ((rows + row) * width + columns + column for row, column in ((0, 0), (1, 0), (1, 1), (0, 1)))
    faces += [np.column_stack([a, b, c]), np.column_stack([a, c, d])]
    for power in range(1, int(level.max(initial=0)) + 1):
        size = 1 << power
        inside = level[: level.shape[0] // size * size : size, : level.shape[1] // size * size : size] == power
        rows, columns = (index * size for index in np.nonzero(inside))
        faces += _fans(level, rows, columns, power)
    return np.concatenate(faces).astype(np.int32)


def _levels(region: np.ndarray) -> np.ndarray:
    """The power of two of the square that each cell belongs to; -1 outside."""
    padded = np.pad(region, 1).astype(np.uint8)
    distance = cv2.distanceTransform(padded, cv2.DIST_C, 3)[1:-1, 1:-1]
    level = np.where(region, 0, -1)
    height, width = region.shape
    power = 1
    while (size := 1 << power) < min(height, width):
        rows, columns = height // size, width // size
        blocks = distance[: rows * size, : columns * size].reshape(rows, size, columns, size)
        whole = np.repeat(np.repeat(blocks.min(axis=(1, 3)) > size, size, axis=0), size, axis=1)
        if not whole.any():
            break
        level[: rows * size, : columns * size][whole] = power
        power += 1
    return level


def _fans(level: np.ndarray, rows: np.ndarray, columns: np.ndarray, power: int) -> list[np.ndarray]:
    """Each square's triangles around its middle; a side with smaller neighbours has a vertex halfway."""
    size, width = 1 << power, level.shape[1] + 1
    middle = (rows + size // 2) * width + columns + size // 2
    faces = []
    for (r0, c0, r1, c1), (down, right) in zip(_SIDES, _BEYOND, strict=True):
        start = (rows + r0 * size) * width + columns + c0 * size
        end = (rows + r1 * size) * width + columns + c1 * size
        outside_row = rows + (-1 if down < 0 else size if down > 0 else 0)
        outside_column = columns + (-1 if right < 0 else size if right > 0 else 0)
        split = level[outside_row, outside_column] < power
        halfway = (start + end) // 2
        faces.append(np.column_stack([middle, start, end])[~split])
        faces.append(np.column_stack([middle, start, halfway])[split])
        faces.append(np.column_stack([middle, halfway, end])[split])
    return faces
