"""The letter F: a solid that looks different from every side, so that a mirror, a turn or a swapped axis shows."""

from __future__ import annotations

import manifold3d
import numpy as np

from unflat.core import Material, Mesh, Part

DIRECTION_COLORS: dict[str, tuple[int, int, int]] = {
    "+x": (220, 30, 30),
    "-x": (30, 200, 200),
    "+y": (40, 180, 50),
    "-y": (200, 40, 200),
    "+z": (40, 70, 220),
    "-z": (230, 210, 40),
}
"""sRGB of the sides that face each way: red +X, cyan -X, green +Y, magenta -Y, blue +Z (front), yellow -Z."""

DIRECTION_AXES: dict[str, tuple[int, int, int]] = {
    "+x": (1, 0, 0),
    "-x": (-1, 0, 0),
    "+y": (0, 1, 0),
    "-y": (0, -1, 0),
    "+z": (0, 0, 1),
    "-z": (0, 0, -1),
}
"""Outward unit normal of each side."""

_OUTLINE = np.array(
    [(0, 0), (0.22, 0), (0.22, 0.4), (0.52, 0.4), (0.52, 0.6), (0.22, 0.6), (0.22, 0.78), (0.7, 0.78), (0.7, 1), (0, 1)]
)
"""An F of height 1 seen from the front, counter-clockwise; x to the right, y up."""
_DEPTH = 0.25
_CELL_PX = 32
_COLUMNS = 4
_INSET = 0.15
"""Charts keep this share of their cell as padding."""


def letter_f(height: float = 1.0) -> Part:
    """A closed solid F (genus 0) whose six directions have six colours, in a small texture atlas with UV.

    It is readable from the front (+Z) and centred on the origin.
    """
    outline, count = _OUTLINE - [0.35, 0.5], len(_OUTLINE)
    ahead, behind = (np.column_stack([outline, np.full(count, z)]) for z in (_DEPTH / 2, -_DEPTH / 2))
    cap = manifold3d.triangulate([outline])
    charts = [(ahead, cap, "+z"), (behind, cap[:, ::-1], "-z")]
    for start in range(count):
        end = (start + 1) % count
        quad = np.array([behind[start], behind[end], ahead[end], ahead[start]])
        charts.append((quad, np.array([[0, 1, 2], [0, 2, 3]]), _direction(outline[end] - outline[start])))
    rows = -(-len(charts) // _COLUMNS)
    vertices: list[np.ndarray] = []
    faces, uv = [], []
    atlas = np.empty((rows * _CELL_PX, _COLUMNS * _CELL_PX, 3), np.uint8)
    for index, (points, triangles, direction) in enumerate(charts):
        row, column = divmod(index, _COLUMNS)
        faces.append(triangles + sum(len(chart) for chart in vertices))
        vertices.append(points)
        uv.append((_flattened(points, direction) * (1 - 2 * _INSET) + _INSET + [column, row]) / [_COLUMNS, rows])
        cell = (slice(row * _CELL_PX, (row + 1) * _CELL_PX), slice(column * _CELL_PX, (column + 1) * _CELL_PX))
        atlas[cell] = DIRECTION_COLORS[direction]
    mesh = Mesh(
        (np.concatenate(vertices) * height).astype(np.float32),
        np.concatenate(faces).astype(np.int32),
        uv=np.concatenate(uv).astype(np.float32),
    )
    return Part(mesh, Material(name="six directions", base_color=atlas, roughness_factor=0.9), name="letter F")


def _direction(along: np.ndarray) -> str:
    """Which way the side faces whose outline runs along this, the solid on its left."""
    x, y = along[1], -along[0]
    return ("+x" if x > 0 else "-x") if abs(x) > abs(y) else ("+y" if y > 0 else "-y")


def _flattened(points: np.ndarray, direction: str) -> np.ndarray:
    """Positions 0..1 on the side as it is seen from outside: right, and down."""
    right, up = {
        "+x": ((0, 0, -1), (0, 1, 0)),
        "-x": ((0, 0, 1), (0, 1, 0)),
        "+y": ((1, 0, 0), (0, 0, -1)),
        "-y": ((1, 0, 0), (0, 0, 1)),
        "+z": ((1, 0, 0), (0, 1, 0)),
        "-z": ((-1, 0, 0), (0, 1, 0)),
    }[direction]
    flat = np.column_stack([points @ right, -(points @ up)])
    span = np.ptp(flat, axis=0)
    return np.asarray((flat - flat.min(axis=0)) / span)
