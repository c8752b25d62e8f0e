"""The tables of the single-photo benchmark: means and medians, the harder half, categories, calibration."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from unflat.bench.single_view_rows import CaseRow
from unflat.bench.single_view_uncertainty import EDGES, Bins

Rows = Mapping[str, Sequence[CaseRow]]
"""By method."""

FAILED = {"chamfer": 1.0, "surface_chamfer": 1.0, "claimed_chamfer": 1.0, "normals": 0.0, "silhouette_iou": 0.0}
"""What a failure scores; F-scores 0. Looks and calibration leave failures out."""
_SECONDS = ("shape_s", "shape_cpu_s", "texture_s")
REFERENCE = "inflate"
"""The method whose F-score tells which objects are hard."""


@dataclass(frozen=True)
class Column:
    """A column of a table: a title, the measure, how it is summed up and written."""

    title: str
    name: str
    digits: str = ".3f"
    sum_up: Callable[[np.ndarray], float] = lambda values: float(np.mean(values))


def _median(values: np.ndarray) -> float:
    return float(np.median(values))


SHAPE = (
    Column("Chamfer", "chamfer"),
    Column("median", "chamfer", sum_up=_median),
    *(Column(f"F@{threshold}", f"f_{threshold}") for threshold in ("0.02", "0.05", "0.1", "0.2")),
    Column("F@0.05 median", "f_0.05", sum_up=_median),
    Column("normals", "normals"),
    Column("outline IoU", "silhouette_iou"),
)
EXACT = (
    Column("Chamfer", "surface_chamfer"),
    *(Column(f"F@{threshold}", f"surface_f_{threshold}") for threshold in ("0.02", "0.05", "0.1", "0.2")),
    Column("accuracy", "accuracy"),
    Column("completeness", "completeness"),
    Column("Chamfer as claimed", "claimed_chamfer"),
)
LOOKS = (
    Column("PSNR dB", "psnr_db", ".2f"),
    Column("median", "psnr_db", ".2f", _median),
    Column("structure distance", "structure"),
    Column("median", "structure", sum_up=_median),
)
SEEN = (
    Column("called seen", "seen_share", ".2f"),
    *(Column(f"seen: within {threshold}", f"seen_within_{threshold}", ".2f") for threshold in ("0.02", "0.05", "0.1")),
    Column("truly visible", "seen_visible", ".2f"),
    *(Column(f"inferred: within {threshold}", f"inferred_within_{threshold}", ".2f")
      for threshold in ("0.02", "0.05", "0.1")),
    Column("truly visible", "inferred_visible", ".2f"),
)  # fmt: skip


def values_of(rows: Sequence[CaseRow], name: str) -> np.ndarray:
    """A measure over cases, failures counted as the worst where that means something."""
    worst = 0.0 if "f_" in name else FAILED.get(name)
    values = [worst if row.failure else row.scores.get(name) for row in rows]
    return np.array([value for value in values if value is not None], np.float64)


def table(rows: Rows, columns: Sequence[Column], chosen: Callable[[CaseRow], bool] = lambda _: True) -> str:
    """A Markdown table, a line a method; cells without a value are empty, lines without any are left out."""
    lines = []
    for method, own in rows.items():
        picked = [row for row in own if chosen(row)]
        cells = [_cell(column, picked) for column in columns]
        if any(cells):
            lines.append([method, str(len(picked)), *cells])
    return markdown(["method", "photos", *(column.title for column in columns)], lines)


def markdown(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    rule = ["---"] + ["---:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, rule, *lines))


def harder_half(rows: Rows) -> frozenset[str]:
    """The half of the objects that inflation rebuilds worst (mean F@0.05); empty where it was not measured."""
    by_object: dict[str, list[float]] = {}
    for row in rows.get(REFERENCE, ()):
        by_object.setdefault(row.object, []).append(0.0 if row.failure else float(row.scores["f_0.05"] or 0.0))
    ranked = sorted(by_object, key=lambda name: (float(np.mean(by_object[name])), name))
    return frozenset(ranked[: len(ranked) // 2])


def cost_table(rows: Rows, peaks_mb: Mapping[str, float]) -> str:
    """Seconds, memory and failures."""
    lines = []
    for method, own in rows.items():
        done = [row for row in own if not row.failure]
        codes = sorted({row.failure for row in own if row.failure})
        failures = ", ".join(f"{sum(row.failure == code for row in own)} × {code}" for code in codes) or "0"
        shape, texture = (
            f"{np.median([getattr(row, name) for row in done]):.2f}" if done else ""
            for name in ("shape_s", "texture_s")
        )
        lines.append([method, shape, texture, f"{peaks_mb[method]:.0f}" if method in peaks_mb else "", failures])
    return markdown(["method", "shape s", "texture s", "peak MB", "failures"], lines)


def category_table(rows: Rows, column: Column) -> str:
    """One measure, a line a category, a column a method."""
    categories = sorted({row.category for own in rows.values() for row in own})
    lines = []
    for category in categories:
        picked = {method: [row for row in own if row.category == category] for method, own in rows.items()}
        count = max(len({row.object for row in own}) for own in picked.values())
        lines.append([category, str(count), *(_cell(column, own) for own in picked.values())])
    return markdown(["category", "objects", *rows], lines)


def report(rows: Rows, peaks_mb: Mapping[str, float]) -> str:
    """All tables as one Markdown page."""
    hard = harder_half(rows)
    pieces = ["### Shape, points to points", table(rows, SHAPE)]
    if hard:
        pieces += ["### … the harder half of the objects", table(rows, SHAPE, lambda row: row.object in hard)]
    pieces += ["### Shape, points to surface", table(rows, EXACT), "### Looks", table(rows, LOOKS)]
    pieces += ["### Seen or inferred", table(rows, SEEN), "### Cost", cost_table(rows, peaks_mb)]
    uncertain = {method: [row.error_bins for row in own if row.error_bins] for method, own in rows.items()}
    for method, bins in uncertain.items():
        if bins:
            pieces += [f"### Expected and true depth error of {method}", calibration_table(bins)]
    pieces += ["### F@0.05 by category", category_table(rows, SHAPE[3])]
    return "\n\n".join(pieces) + "\n"


def calibration_table(all_bins: Sequence[Bins]) -> str:
    """Bins of the expected error: how many pixels lie there, and the mean expected and true errors."""
    total = np.sum(np.array(all_bins), axis=0)
    lines = []
    for low, high, (count, expected, true) in zip(EDGES, EDGES[1:], total, strict=False):
        if count:
            name = f"{low:g} to {high:g}" if np.isfinite(high) else f"above {low:g}"
            share = f"{count / total[:, 0].sum():.2f}"
            lines.append([name, share, f"{expected / count:.3f}", f"{true / count:.3f}"])
    return markdown(["expected error", "share of pixels", "mean expected", "mean true"], lines)


def _median_text(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{np.median(known):.2f}" if known else ""


def _cell(column: Column, rows: Sequence[CaseRow]) -> str:
    values = values_of(rows, column.name)
    return format(column.sum_up(values), column.digits) if len(values) else ""
