"""The library call that the server is compared with, in a warm process of its own: it answers each line on stdin."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

_NICENESS = 5
"""That of the workers: both shall get as much of a busy processor."""


def seconds_of_one(picture: Path, quality: str) -> float:
    """How long the same work takes without a server: read, run with a run folder, write the same files."""
    from unflat.apps.outputs import Outputs, write_outputs
    from unflat.pipeline.request import Request, prepare
    from unflat.pipeline.run import run

    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        request = Request([picture], quality=quality, run_folder=Path(folder) / "run")  # type: ignore[arg-type]
        prepared = prepare(request)
        assets = run(prepared.plan, prepared.intake, prepared.options)
        for asset in assets:
            write_outputs(asset, prepared.intake.photos[0], [Path(folder) / "ball.glb"], Outputs(report=True))
        return time.perf_counter() - started


if __name__ == "__main__":
    os.nice(_NICENESS)
    for line in sys.stdin:
        sys.stdout.write(f"{seconds_of_one(Path(sys.argv[1]), line.strip()):.4f}\n")
        sys.stdout.flush()
