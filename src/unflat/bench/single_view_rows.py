"""The rows of the single-photo benchmark on disk: one JSON line a case, a file a method, so that a run goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from unflat.bench.single_view_score import Scores

PROTOCOL = 1
"""Grows with every change that makes figures incomparable; rows of another protocol are measured anew."""


@dataclass(frozen=True)
class CaseRow:
    """What a method did with one photo."""

    method: str
    object: str
    category: str
    view: int
    failure: str = ""
    """Code of the error; empty where there is none."""
    shape_s: float = 0.0
    shape_cpu_s: float | None = None
    """Processor seconds of all threads."""
    texture_s: float = 0.0
    scores: Scores = field(default_factory=dict)
    error_bins: list[list[float]] = field(default_factory=list)
    """Of our own network: `unflat.bench.single_view_uncertainty.Bins`."""
    protocol: int = PROTOCOL

    @property
    def key(self) -> tuple[str, int]:
        """What names the case."""
        return self.object, self.view


class RowFile:
    """The rows of one method in the results folder."""

    def __init__(self, folder: Path, method: str) -> None:
        safe = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in method)
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{safe}.jsonl"
        self.peak_path = folder / f"{safe}.peak-mb"
        self.rows = {row.key: row for row in _read(self.path)}

    def clear(self) -> None:
        """Forget what was measured."""
        for path in (self.path, self.peak_path):
            path.unlink(missing_ok=True)
        self.rows.clear()

    def add(self, row: CaseRow) -> None:
        """Append the row; it is on disk at once."""
        self.rows[row.key] = row
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(row)) + "\n")


def _read(path: Path) -> Iterator[CaseRow]:
    """The rows of this protocol; a half-written last line is left out."""
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            values = json.loads(line)
        except ValueError:
            continue
        if isinstance(values, dict) and values.get("protocol") == PROTOCOL:
            yield CaseRow(**values)


def all_rows(folder: Path) -> list[dict[str, object]]:
    """Every row in the results folder, for other programs."""
    return [asdict(row) for path in sorted(folder.glob("*.jsonl")) for row in _read(path)]
