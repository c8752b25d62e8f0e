"""The photo-set benchmark: cameras, shape and looks of every method on rendered photo sets, and what they cost.

The protocol is written down in `docs/photos-benchmark.md`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from unflat.bench.photos_cases import (
    VIEWS,
    WIDTH_PX,
    Photographed,
    PhotosCase,
    forget,
    photographed,
    photos_cases,
    speed_case,
)
from unflat.bench.photos_methods import default_methods, method_of
from unflat.bench.photos_rows import PhotosRow, PhotosRowFile
from unflat.bench.photos_score import scores_of
from unflat.bench.photos_table import speed_report, truth_report
from unflat.core import InputError, RecipeError, StageFailed
from unflat.synth.objects import open_library

SPEED_VIEWS = (8, 16, 32, 64)


@dataclass(frozen=True)
class PhotosBench:
    """What to measure and where to keep it."""

    objects: Path
    """A library with an index, or any folder of models."""
    results: Path
    """Rows are kept here; what is there already is not measured again."""
    methods: tuple[str, ...] = ()
    """Names as `method_of` knows them; empty: our pipeline, and the bound."""
    views: tuple[int, ...] = ()
    """Photos a set; empty: 24 and 48 for accuracy, 8 to 64 for speed."""
    limit: int | None = None
    """So many objects, spread over the list."""
    width_px: int = WIDTH_PX
    again: bool = False
    """Forget the named methods' rows first."""

    def truth(self, tell: Callable[[str], None]) -> str:
        """Measure what is missing against the truth, tell a line a case, give the tables as Markdown."""
        library = open_library(self.objects)
        files = self._files("truth", self.methods or default_methods())
        wanted = list(photos_cases(library, self.views or VIEWS, self.limit, self.width_px))
        for case in wanted:
            missing = [name for name, file in files.items() if case.key not in file.rows]
            if not missing:
                continue
            taken = photographed(case, library, self.results)
            for name in missing:
                row = _measured(name, case, taken)
                files[name].add(row)
                tell(_line(row))
            forget(case, self.results)
        keys = [case.key for case in wanted]
        return truth_report({name: [file.rows[key] for key in keys] for name, file in files.items()})

    def speed(self, tell: Callable[[str], None]) -> str:
        """Measure what is missing, each run in a fresh process, and give the table as Markdown."""
        library = open_library(self.objects)
        files = self._files("speed", self.methods or ("unflat",))
        wanted = [speed_case(library, views, self.width_px) for views in self.views or SPEED_VIEWS]
        for case in wanted:
            missing = [name for name, file in files.items() if case.key not in file.rows]
            if not missing:
                continue
            taken = photographed(case, library, self.results)
            for name in missing:
                row = _timed(name, case, taken)
                files[name].add(row)
                tell(_line(row))
            forget(case, self.results)
        keys = [case.key for case in wanted]
        return speed_report({name: [file.rows[key] for key in keys] for name, file in files.items()})

    def _files(self, what: str, methods: Sequence[str]) -> dict[str, PhotosRowFile]:
        for name in methods:
            method_of(name)
        files = {name: PhotosRowFile(self.results, what, name) for name in methods}
        if self.again:
            for file in files.values():
                file.clear()
        return files


def _measured(name: str, case: PhotosCase, taken: Photographed) -> PhotosRow:
    """One method on one set, judged."""
    try:
        outcome = method_of(name)(taken)
    except (InputError, RecipeError, StageFailed) as error:
        return PhotosRow(name, case.entry.id, case.entry.category, case.views, case.width_px, failure=error.code)
    scores = scores_of(taken.truth, outcome)
    return PhotosRow(
        name, case.entry.id, case.entry.category, case.views, case.width_px,
        seconds={stage: round(seconds, 2) for stage, seconds in outcome.seconds.items()},
        total_s=round(outcome.total_s, 2),
        cpu_s=round(outcome.cpu_s, 2),
        scores={key: value if value is None else round(value, 5) for key, value in scores.items()},
    )  # fmt: skip


def _timed(name: str, case: PhotosCase, taken: Photographed) -> PhotosRow:
    """One method on one set in a process of its own."""
    command = [sys.executable, "-m", "unflat.bench.photos_run", name, str(taken.paths[0].parent)]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise StageFailed(f"A measured run failed: {finished.stderr.strip()[-400:]}", hint="Run it alone to see why.")
    return PhotosRow(name, case.entry.id, case.entry.category, case.views, case.width_px, **json.loads(finished.stdout))


def _line(row: PhotosRow) -> str:
    head = f"{row.method:<16}{row.object:<44}{row.views:>4}"
    if row.failure:
        return f"{head}  {row.failure}"
    figures = [("F@1 %", "f_1", ".3f"), ("right", "right", ".2f"), ("PSNR", "psnr_db", ".1f")]
    known = [(title, row.scores.get(name), digits) for title, name, digits in figures]
    told = [f"{title} {value:{digits}}" for title, value, digits in known if value is not None]
    return f"{head}  " + "  ".join([*told, f"{row.total_s:.0f} s"])
