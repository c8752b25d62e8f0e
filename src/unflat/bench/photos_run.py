"""One measured run in its own process: ``python -m unflat.bench.photos_run METHOD FOLDER`` prints JSON."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np

from unflat.bench.memory import peak_memory_mb
from unflat.bench.photos_cases import Photographed
from unflat.bench.photos_methods import method_of
from unflat.bench.photos_truth import PhotosTruth
from unflat.core import InputError, Mesh, Part, RecipeError, StageFailed
from unflat.core.material import Material

_NOTHING = Part(Mesh(np.eye(3, dtype=np.float32), np.array([[0, 1, 2]], np.int32)), Material())


def measure(name: str, folder: Path) -> dict[str, object]:
    """Seconds per stage, core-seconds and peak memory of one method on the photos in a folder."""
    paths = tuple(sorted(path for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".png")))
    try:
        outcome = method_of(name)(Photographed(paths, PhotosTruth("", _NOTHING, {})))
    except (InputError, RecipeError, StageFailed) as error:
        return {"failure": error.code}
    return {
        "seconds": {stage: round(seconds, 2) for stage, seconds in outcome.seconds.items()},
        "total_s": round(outcome.total_s, 2),
        "cpu_s": round(outcome.cpu_s, 2),
        "peak_mb": round(peak_memory_mb(), 1),
        "helper_peak_mb": _helper_peak_mb(),
    }


def _helper_peak_mb() -> float | None:
    """Largest resident size of any program that was started and waited for; None where none was, or it is not told."""
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return round(peak * (1 if sys.platform == "darwin" else 1024) / 1e6, 1) or None


if __name__ == "__main__":
    sys.stdout.write(json.dumps(measure(sys.argv[1], Path(sys.argv[2]))))
