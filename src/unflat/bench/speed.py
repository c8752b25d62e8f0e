"""Speed: seconds and memory of each stage, at three sizes of each thing that cost should grow with."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from unflat.core import StageFailed

SIDES_PX = (512, 1024, 2048)
FACES = (5_000, 20_000, 80_000)
TEXTURES_PX = (1024, 2048, 4096)
REFERENCE = {"side_px": 1024, "faces": 20_000, "texture_px": 2048}
"""What the others stay at while one is varied."""

STAGES = ("segment", "reconstruct", "surface", "finish", "texture", "check", "write")


@dataclass(frozen=True)
class Row:
    """Medians of one setting."""

    recipe: str
    side_px: int
    faces: int
    texture_px: int
    seconds: dict[str, float]
    total_s: float
    peak_mb: float


def bench_speed(runs: int, tell: Callable[[str], None]) -> list[Row]:
    """Measure all settings, each run in a fresh process after its imports; tell a line of the table per row."""
    tell(_header())
    rows = []
    for recipe, setting in _settings():
        row = _row(recipe, setting, runs)
        rows.append(row)
        tell(_line(row))
    return rows


def import_seconds(runs: int) -> float:
    """Median seconds of `import unflat` in a fresh process, Python's own start taken off."""
    code = "import time; t = time.perf_counter(); import unflat; print(time.perf_counter() - t)"
    return statistics.median(float(_output([sys.executable, "-c", code])) for _ in range(runs))


def _settings() -> list[tuple[str, dict[str, int]]]:
    varied = [("side_px", SIDES_PX), ("faces", FACES), ("texture_px", TEXTURES_PX)]
    settings: list[tuple[str, dict[str, int]]] = []
    for name, values in varied:
        settings += [("photo", {**REFERENCE, name: value}) for value in values]
    settings += [(recipe, {**REFERENCE, "side_px": side}) for recipe in ("drawing", "relief") for side in SIDES_PX]
    return [pair for index, pair in enumerate(settings) if pair not in settings[:index]]


def _row(recipe: str, setting: dict[str, int], runs: int) -> Row:
    arguments = [recipe, *(str(setting[name]) for name in ("side_px", "faces", "texture_px"))]
    command = [sys.executable, "-m", "unflat.bench.speed_run", *arguments]
    results = [json.loads(_output(command)) for _ in range(runs)]
    seconds = {stage: statistics.median(result["seconds"][stage] for result in results) for stage in STAGES}
    total = statistics.median(result["total_s"] for result in results)
    peak = statistics.median(result["peak_mb"] for result in results)
    return Row(recipe, setting["side_px"], setting["faces"], setting["texture_px"], seconds, total, peak)


def _output(command: list[str]) -> str:
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise StageFailed(f"A measured run failed: {finished.stderr.strip()[-400:]}", hint="Run it alone to see why.")
    return finished.stdout


def _header() -> str:
    stages = "".join(f"{stage[:11]:>12}" for stage in STAGES)
    return f"{'recipe':<9}{'side px':>8}{'faces':>8}{'texture':>8}{stages}{'total s':>9}{'peak MB':>9}"


def _line(row: Row) -> str:
    stages = "".join(f"{row.seconds[stage]:>12.2f}" for stage in STAGES)
    sizes = f"{row.recipe:<9}{row.side_px:>8}{row.faces:>8}{row.texture_px:>8}"
    return f"{sizes}{stages}{row.total_s:>9.2f}{row.peak_mb:>9.0f}"
