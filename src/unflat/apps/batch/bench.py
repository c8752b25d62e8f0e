"""What batch reaches: photos per hour with one and two workers, how far that scales, and how quick a resume is."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from unflat.apps.processes import thread_limits
from unflat.bench.pictures import photographed_mug
from unflat.core import StageFailed
from unflat.io.movie import write_png

_SIDE_PX = 512
WISHES = ("--quality", "draft", "--texture", "1024")


@dataclass(frozen=True)
class BatchRow:
    """One run of the command."""

    workers: int
    photos: int
    seconds: float
    photos_per_hour: float
    cpu_s: float
    """user + sys of all its processes."""
    resume_s: float
    """The same command once more, with nothing to do."""


def bench_batch(photos: int, tell: Callable[[str], None]) -> list[BatchRow]:
    """Measure through the real command line into empty folders: one worker on one core, two on two."""
    told = f"{os.cpu_count()} hardware threads, cores as the system tells: {_cores()}"
    tell(f"{photos} photos of {_SIDE_PX} px, {' '.join(WISHES)}; {told}")
    tell(f"{'workers':>8}{'seconds':>9}{'photos/h':>10}{'user+sys s':>12}{'s/photo':>9}{'resume s':>10}")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        _make_pictures(Path(folder) / "in", photos)
        for workers in (1, 2):
            row = _row(Path(folder), workers, photos)
            rows.append(row)
            tell(f"{workers:>8}{row.seconds:>9.1f}{row.photos_per_hour:>10.0f}{row.cpu_s:>12.1f}"
                 f"{row.seconds * workers / photos:>9.2f}{row.resume_s:>10.2f}")  # fmt: skip
    one, two = rows
    tell(f"scaling from 1 to 2 workers: {scaling(rows):.2f} (1 is twice the photos); "
         f"work per photo: {two.cpu_s / one.cpu_s:.2f} times the user+sys of one worker")  # fmt: skip
    return rows


def scaling(rows: list[BatchRow]) -> float:
    """Photos per hour of two workers over twice those of one."""
    return rows[1].photos_per_hour / (2 * rows[0].photos_per_hour)


def _row(folder: Path, workers: int, photos: int) -> BatchRow:
    command = [sys.executable, "-m", "unflat.apps.cli.main", "batch", str(folder / "in"), "-o",
               str(folder / f"out{workers}"), *WISHES, "--workers", str(workers), "--json"]  # fmt: skip
    before = _cpu_seconds()
    seconds = _seconds(command, workers)
    cpu = _cpu_seconds() - before
    return BatchRow(workers, photos, seconds, photos / seconds * 3600, cpu, _seconds(command, workers))


def _seconds(command: list[str], workers: int) -> float:
    started = perf_counter()
    environment = {**os.environ, **thread_limits(workers)}
    finished = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if finished.returncode:
        raise StageFailed(f"A measured run failed: {finished.stderr[-400:]}", hint="Run the command alone to see why.")
    return perf_counter() - started


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _make_pictures(folder: Path, photos: int) -> None:
    folder.mkdir()
    pixels, _ = photographed_mug(_SIDE_PX)
    for number in range(photos):
        # Each a little different, so that nothing could be taken over from another.
        write_png(pixels[: _SIDE_PX - number % 16], folder / f"mug{number:04d}.png")


def _cores() -> int | str:
    """Physical cores, where the system tells: two threads of one core are no two cores."""
    siblings = Path("/sys/devices/system/cpu").glob("cpu[0-9]*/topology/thread_siblings_list")
    return len({path.read_text() for path in siblings}) or "unknown"
