"""The curve of a training, as SVG: what a column of its log did over the hours."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from unflat.core import InputError

_WIDTH, _HEIGHT, _MARGIN = 720, 320, 48
_SMOOTH_ROWS = 9
"""Rows of the log that a point of the thick line is the mean of."""


def training_curve(log: Path, column: str) -> str:
    """The column over the hours: each row of the log as a dot, a running mean as a line.

    Raises `InputError` (``no-log``, ``unknown-column``).
    """
    hours, values, steps = _read(log, column)
    low, high = float(values.min()), float(values.max())
    right = (_WIDTH - 2 * _MARGIN) / max(float(hours[-1]), 1e-9)
    up = (_HEIGHT - 2 * _MARGIN) / max(high - low, 1e-9)
    x, y = _MARGIN + hours * right, _HEIGHT - _MARGIN - (values - low) * up
    kernel = np.ones(min(_SMOOTH_ROWS, len(y))) / min(_SMOOTH_ROWS, len(y))
    line = np.column_stack([np.convolve(axis, kernel, mode="valid") for axis in (x, y)])
    dots = "".join(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="1"/>' for a, b in zip(x, y, strict=True))
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in line)
    labels = [
        (_MARGIN, _MARGIN - 16, "start", f"{column}, from {high:.3g} to {_end(values):.3g}"),
        (_WIDTH - _MARGIN, _HEIGHT - 16, "end", f"{hours[-1]:.1f} hours, {steps[-1]:,.0f} steps"),
        (_MARGIN, _HEIGHT - 16, "start", "0"),
        (_MARGIN - 6, _MARGIN + 4, "end", f"{high:.2g}"),
        (_MARGIN - 6, _HEIGHT - _MARGIN + 4, "end", f"{low:.2g}"),
    ]
    texts = "".join(f'<text x="{a}" y="{b}" text-anchor="{anchor}">{text}</text>' for a, b, anchor, text in labels)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        'font-family="sans-serif" font-size="13">'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/><g fill="#9bb">{dots}</g>'
        f'<polyline points="{points}" fill="none" stroke="#0a7a5a" stroke-width="2"/><g fill="#333">{texts}</g></svg>\n'
    )


def _end(values: Float64[np.ndarray, "n"]) -> float:
    return float(values[-_SMOOTH_ROWS:].mean())


def _read(log: Path, column: str) -> Float64[np.ndarray, "3 n"]:
    """Hours, values and steps; of a stretch that was trained twice, after a kill, the second time counts."""
    try:
        with log.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise InputError(f"There is no log {log}.", code="no-log", hint="Name the log.csv of a training.") from error
    if not rows or column not in rows[0]:
        known = ", ".join(rows[0]) if rows else "none: it is empty"
        raise InputError(f"The log has no “{column}”.", code="unknown-column", hint=f"Its columns: {known}.")
    kept: list[dict[str, str]] = []
    for row in rows:
        while kept and float(kept[-1]["step"]) >= float(row["step"]):
            kept.pop()
        kept.append(row)
    return np.array([[float(row[name]) for row in kept] for name in ("hours", column, "step")])
