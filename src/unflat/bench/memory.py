"""Peak memory of this process."""

from __future__ import annotations

import sys


def peak_memory_mb() -> float:
    """Largest resident size so far, in MB; NaN on systems that do not tell (Windows)."""
    try:
        import resource
    except ImportError:
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    bytes_per_unit = 1 if sys.platform == "darwin" else 1024
    return peak * bytes_per_unit / 1e6
