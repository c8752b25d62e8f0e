"""The program that remeshes in a process of its own: Instant Meshes prints a lot and may end its process.

``python -m unflat.geometry.quad_worker FOLDER VERTICES`` works on files in the folder.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pynanoinstantmeshes

_MOST_BYTES = 3 * 2**30
"""Half a million quads need about a third of it."""


def main(folder: Path, vertex_count: int) -> None:
    """Remesh ``vertices.npy`` and ``faces.npy`` into ``quad_vertices.npy`` and ``quad_faces.npy``."""
    vertices, faces = np.load(folder / "vertices.npy"), np.load(folder / "faces.npy")
    quad_vertices, quad_faces = pynanoinstantmeshes.remesh(vertices, faces, vertex_count, deterministic=True)
    np.save(folder / "quad_vertices.npy", quad_vertices)
    np.save(folder / "quad_faces.npy", quad_faces)


def _limit_memory() -> None:
    """Keep odd input, which the library may divide without end, from eating the machine. Not possible on Windows."""
    if importlib.util.find_spec("resource") is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MOST_BYTES, _MOST_BYTES))


if __name__ == "__main__":
    _limit_memory()
    main(Path(sys.argv[1]), int(sys.argv[2]))
