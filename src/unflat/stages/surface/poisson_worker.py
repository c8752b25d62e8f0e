"""The program that runs screened Poisson reconstruction in a process of its own: with idle OpenMP threads spinning, it
would take five times as long, which only the environment of a new process can forbid.

``python -m unflat.stages.surface.poisson_worker IN.ply OUT.ply DEPTH WEIGHT``
"""

from __future__ import annotations

import os
import sys

import pycolmap


def main(source: str, output: str, depth: int, weight: float) -> None:
    """Reconstruct and write."""
    options = pycolmap.PoissonMeshingOptions()
    options.depth, options.point_weight, options.trim = depth, weight, 0.0
    options.color, options.num_threads = False, os.cpu_count() or 1
    pycolmap.poisson_meshing(source, output, options)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
