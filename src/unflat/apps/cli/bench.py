"""`unflat bench`: measurements that anyone can repeat."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path


def run(arguments: Sequence[str]) -> int:
    """Print a table, and the same as JSON if asked."""
    parser = argparse.ArgumentParser(prog="unflat bench", description="Measure speed, or distance to known truth.")
    parser.add_argument("suite", choices=("speed", "truth"))
    parser.add_argument("--runs", type=int, default=3, help="speed: runs per row; medians are shown")
    parser.add_argument("--json", metavar="FILE", help="also write the rows here")
    options = parser.parse_args(arguments)
    rows = _speed(options.runs) if options.suite == "speed" else _truth()
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=2), encoding="utf-8")
    return 0


def _speed(runs: int) -> list[dict[str, object]]:
    from unflat.bench.speed import bench_speed, import_seconds

    print(f"import unflat: {import_seconds(runs):.3f} s")
    return [asdict(row) for row in bench_speed(runs, lambda line: print(line, flush=True))]


def _truth() -> list[dict[str, object]]:
    from unflat.bench.truth import bench_truth

    return [asdict(row) for row in bench_truth(lambda line: print(line, flush=True))]
