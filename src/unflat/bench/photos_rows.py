"""The rows of the photo-set benchmark on disk: one JSON line a case, a file a method, so that a run goes on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from unflat.bench.single_view_score import Scores

PROTOCOL = 1
"""Grows with every change that makes figures incomparable; rows of another protocol are measured anew."""


@dataclass(frozen=True)
class PhotosRow:
    """What a method did with one photo set."""

    method: str
    object: str
    category: str
    views: int
    width_px: int
    failure: str = ""
    """Code of the error; empty where there is none."""
    seconds: dict[str, float] = field(default_factory=dict)
    """Per stage."""
    total_s: float = 0.0
    cpu_s: float = 0.0
    peak_mb: float | None = None
    """Of a fresh process; only where speed is measured."""
    helper_peak_mb: float | None = None
    """Of the largest program that it started."""
    scores: Scores = field(default_factory=dict)
    protocol: int = PROTOCOL

    @property
    def key(self) -> tuple[str, int, int]:
        """What names the case."""
        return self.object, self.views, self.width_px


class PhotosRowFile:
    """The rows of one method in the results folder; `what` is truth or speed."""

    def __init__(self, folder: Path, what: str, method: str) -> None:
        safe = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in method)
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / f"{what}-{safe}.jsonl"
        self.rows = {row.key: row for row in _read(self.path)}

    def clear(self) -> None:
        """Forget what was measured."""
        self.path.unlink(missing_ok=True)
        self.rows.clear()

    def add(self, row: PhotosRow) -> None:
        """Append the row; it is on disk at once."""
        self.rows[row.key] = row
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(row)) + "\n")


def _read(path: Path) -> Iterator[PhotosRow]:
    """The rows of this protocol; a half-written last line is left out."""
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            values: Any = json.loads(line)
        except ValueError:
            continue
        if isinstance(values, dict) and values.get("protocol") == PROTOCOL:
            yield PhotosRow(**values)


def all_photos_rows(folder: Path) -> list[dict[str, object]]:
    """Every row in the results folder, for other programs."""
    return [asdict(row) for path in sorted(folder.glob("*.jsonl")) for row in _read(path)]
