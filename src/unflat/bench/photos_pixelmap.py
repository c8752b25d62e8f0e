"""pixelmap-multiview (MIT) as a method to compare with, where an interpreter that has it is named. Never a dependency.

``UNFLAT_PIXELMAP_PYTHON`` names that interpreter, of a virtual environment of its own into which
``pixelmap-multiview-python[images]`` was installed.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from unflat.bench.photos_truth import Outcome
from unflat.core import Asset, Camera, Material, Mesh, Part, SetupError, StageFailed

VARIABLE = "UNFLAT_PIXELMAP_PYTHON"
_WORKER = Path(__file__).with_name("photos_pixelmap_worker.py")


def pixelmap_python() -> str | None:
    """The interpreter that has the package, None where none is named."""
    return os.environ.get(VARIABLE) or None


def pixelmap_outcome(paths: Sequence[Path], quality: str = "medium") -> Outcome:
    """What it makes of the photos, which must lie in a folder of their own; quality is low, medium or high.

    Raises `SetupError` (``no-pixelmap``) where no interpreter is named, `StageFailed` with its own words where it
    fails.
    """
    python = pixelmap_python()
    if python is None:
        raise SetupError(
            "pixelmap-multiview is not set up.",
            code="no-pixelmap",
            hint=f"Install it into an environment of its own and name that one's python in {VARIABLE}.",
        )
    with tempfile.TemporaryDirectory(prefix="unflat-bench-") as folder:
        out = Path(folder) / "model.npz"
        command = [python, str(_WORKER), str(paths[0].parent), quality, str(out)]
        finished = subprocess.run(command, capture_output=True, text=True, check=False)
        if finished.returncode or not out.is_file():
            raise StageFailed(f"pixelmap-multiview failed: {finished.stderr.strip()[-400:]}", code="pixelmap-failed",
                              hint="Run its worker alone to see more.")  # fmt: skip
        with np.load(out, allow_pickle=False) as data:
            return outcome_of(data)


def outcome_of(data: Mapping[str, np.ndarray]) -> Outcome:
    """The worker's arrays as an outcome."""
    seconds = float(data["seconds"])
    asset = Asset((_part(data),), name="pixelmap")
    return Outcome(asset, _cameras(data), {"all": seconds}, seconds, float(data["cpu_s"]))


def _part(data: Mapping[str, np.ndarray]) -> Part:
    """Mesh and texture; vertices are doubled where the texture has a seam. Its v grows upwards, ours downwards."""
    corners = np.stack([data["triangles"], data["face_texcoords"]], axis=-1).reshape(-1, 2).astype(np.int64)
    pairs, faces = np.unique(corners, axis=0, return_inverse=True)
    upwards = data["texcoords"][pairs[:, 1]].astype(np.float32)
    uv = np.column_stack([upwards[:, 0], 1 - upwards[:, 1]])
    vertices = data["vertices"][pairs[:, 0]].astype(np.float32)
    mesh = Mesh(vertices, faces.reshape(-1, 3).astype(np.int32), uv=uv)
    return Part(mesh, Material(base_color=np.ascontiguousarray(data["atlas"][..., :3])), name="pixelmap")


def _cameras(data: Mapping[str, np.ndarray]) -> dict[str, Camera]:
    width, height = (int(side) for side in data["size_px"])
    fx, fy, cx, cy = (float(value) for value in data["intrinsics"])
    cameras = {}
    for name, pose in zip(data["names"], data["camera_from_world"], strict=True):
        whole = np.eye(4)
        whole[:3] = pose
        cameras[str(name)] = Camera(width, height, fx, fy, cx, cy, np.linalg.inv(whole))
    return cameras
