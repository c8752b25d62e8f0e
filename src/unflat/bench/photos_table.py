"""The tables of the photo-set benchmark as Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from unflat.bench.photos_engine import STAGES
from unflat.bench.photos_rows import PhotosRow
from unflat.bench.single_view_table import markdown

Rows = Mapping[str, Sequence[PhotosRow]]
"""By method."""
_FAILED_AS_ZERO = ("registered", "right", "f_", "accurate_", "complete_")
"""Measures in which a failure counts as 0; the others leave failures out."""


@dataclass(frozen=True)
class Column:
    """A column of a table: a title, the measure, how it is written and summed up."""

    title: str
    name: str
    digits: str = ".2f"
    sum_up: Callable[[Sequence[float]], float] = statistics.fmean


CAMERAS = (
    Column("registered", "registered"),
    Column("right", "right"),
    Column("rotation °, median", "rotation_deg", ".3f", statistics.median),
    Column("largest, median", "rotation_max_deg", ".3f", statistics.median),
    Column("position % of size, median", "position_of_side", ".3f", statistics.median),
    Column("% of distance, median", "position_of_distance", ".3f", statistics.median),
    Column("focal %, median", "focal", ".2f", statistics.median),
)
SHAPE = (
    Column("F@0.5 %", "f_0.5", ".3f"),
    Column("F@1 %", "f_1", ".3f"),
    Column("F@1 % median", "f_1", ".3f", statistics.median),
    Column("F@1 % by cameras", "f_1_by_cameras", ".3f"),
    Column("accurate 0.5 %", "accurate_0.5", ".3f"),
    Column("accurate 1 %", "accurate_1", ".3f"),
    Column("complete 0.5 %", "complete_0.5", ".3f"),
    Column("complete 1 %", "complete_1", ".3f"),
)
SEEN = (
    Column("called seen", "seen_share"),
    Column("seen: accurate 0.5 %", "seen_accurate_0.5", ".3f"),
    Column("seen: accurate 1 %", "seen_accurate_1", ".3f"),
    Column("inferred: accurate 0.5 %", "inferred_accurate_0.5", ".3f"),
    Column("inferred: accurate 1 %", "inferred_accurate_1", ".3f"),
    Column("accuracy %, median", "accuracy_median", ".3f", statistics.median),
    Column("completeness %, median", "completeness_median", ".3f", statistics.median),
)
LOOKS = (
    Column("PSNR dB", "psnr_db", ".2f"),
    Column("median", "psnr_db", ".2f", statistics.median),
    Column("structure distance", "structure", ".3f"),
    Column("covered", "covered", ".3f"),
)


def truth_report(rows: Rows) -> str:
    """All tables of the accuracy, and the failures."""
    parts = [
        "## Cameras", _table(rows, CAMERAS), "## Shape", _table(rows, SHAPE), "## Seen and inferred",
        _table(rows, SEEN), "## Looks from left-out places", _table(rows, LOOKS), "## Seconds", _seconds(rows),
        "## By object: F@1 %", _by_object(rows),
    ]  # fmt: skip
    failures = _failures(rows)
    if failures:
        parts += ["## Failures", failures]
    return "\n\n".join(parts) + "\n"


def speed_report(rows: Rows) -> str:
    """Seconds per stage, for each number of photos."""
    head = ["method", "photos", *(f"{stage} s" for stage in STAGES), "total s", "s a photo", "core-seconds", "peak MB",
            "helper's peak MB"]  # fmt: skip
    lines = []
    for method, own in rows.items():
        for row in sorted(own, key=lambda row: row.views):
            if row.failure:
                lines.append([method, str(row.views), row.failure] + [""] * (len(head) - 3))
                continue
            stages = [_number(row.seconds.get(stage), ".1f") for stage in STAGES]
            times = [f"{row.total_s:.1f}", f"{row.total_s / row.views:.2f}", f"{row.cpu_s:.1f}"]
            peaks = [_number(row.peak_mb, ".0f"), _number(row.helper_peak_mb, ".0f")]
            lines.append([method, str(row.views), *stages, *times, *peaks])
    return markdown(head, lines) + "\n"


def values_of(rows: Sequence[PhotosRow], name: str) -> list[float]:
    """A measure over cases, failures as 0 where that is the worst."""
    zero = name.startswith(_FAILED_AS_ZERO)
    values = [(0.0 if zero else None) if row.failure else row.scores.get(name) for row in rows]
    return [value for value in values if value is not None]


def _table(rows: Rows, columns: Sequence[Column]) -> str:
    """A line for each method and number of photos."""
    lines = []
    for method, own in rows.items():
        for views in sorted({row.views for row in own}):
            picked = [row for row in own if row.views == views]
            cells = [_cell(column, picked) for column in columns]
            if any(cells):
                lines.append([method, str(views), str(len(picked)), *cells])
    return markdown(["method", "photos", "sets", *(column.title for column in columns)], lines)


def _cell(column: Column, rows: Sequence[PhotosRow]) -> str:
    values = values_of(rows, column.name)
    return format(column.sum_up(values), column.digits) if values else ""


def _seconds(rows: Rows) -> str:
    """Medians over the sets that did not fail."""
    names = ("total_s", "cpu_s")
    lines = []
    for method, own in rows.items():
        for views in sorted({row.views for row in own}):
            picked = [row for row in own if row.views == views and not row.failure]
            if picked:
                stages = [[row.seconds.get(stage, 0.0) for row in picked] for stage in STAGES]
                cells = [f"{statistics.median(values):.1f}" for values in stages]
                cells += [f"{statistics.median(getattr(row, name) for row in picked):.1f}" for name in names]
                lines.append([method, str(views), *cells])
    return markdown(["method", "photos", *STAGES, "total", "core-seconds"], lines)


def _by_object(rows: Rows) -> str:
    """F-scores of each object, a column for each method and number of photos."""
    columns = [(method, views) for method, own in rows.items() for views in sorted({row.views for row in own})]
    names = sorted({row.object for own in rows.values() for row in own})
    lines = []
    for name in names:
        cells = []
        for method, views in columns:
            picked = [row for row in rows[method] if row.object == name and row.views == views]
            cells.append(_cell(SHAPE[1], picked))
        lines.append([name, *cells])
    return markdown(["object", *(f"{method}, {views}" for method, views in columns)], lines)


def _failures(rows: Rows) -> str:
    failed = [row for own in rows.values() for row in own if row.failure]
    lines = [[row.method, row.object, str(row.views), row.failure] for row in failed]
    return markdown(["method", "object", "photos", "code"], lines) if lines else ""


def _number(value: float | None, digits: str) -> str:
    return "" if value is None else format(value, digits)
