"""The program that runs screened Poisson reconstruction in a process of its own: it may take long, and can be ended.

``python -m unflat.stages.surface.poisson_worker IN.ply OUT.ply DEPTH WEIGHT``
"""

from __future__ import annotations

import sys

import pycolmap


def main(source: str, output: str, depth: int, weight: float) -> None:
    """Reconstruct and write."""
    options = pycolmap.PoissonMeshingOptions()
    options.depth, options.point_weight, options.trim = depth, weight, 0.0
    # one thread: more are no faster, and would add up in another order each time
    options.color, options.num_threads = False, 1
    pycolmap.poisson_meshing(source, output, options)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
