"""Peak memory of one photo in its own process: ``python -m unflat.bench.single_view_memory PNG METHOD`` prints MB."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from unflat.bench.memory import peak_memory_mb
from unflat.bench.single_view_guess import PipelineMethod
from unflat.core import Mask, Photo, StageFailed, View


def measured_peak_mb(view: View, method: PipelineMethod) -> float:
    """Peak memory in MB of a fresh process that turns the photo and its mask into a mesh, imports included."""
    assert view.mask is not None
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / "photo.png"
        alpha = np.rint(255 * view.mask.alpha).astype(np.uint8)
        Image.fromarray(np.dstack([view.photo.pixels, alpha])).save(picture)
        command = [sys.executable, "-m", "unflat.bench.single_view_memory", str(picture), method.text]
        finished = subprocess.run(command, capture_output=True, text=True, check=False)
    if finished.returncode:
        raise StageFailed(f"A measured run failed: {finished.stderr.strip()[-400:]}", hint="Run it alone to see why.")
    return float(finished.stdout)


def _main() -> None:
    picture, method = sys.argv[1:]
    with Image.open(picture) as opened:
        pixels = np.asarray(opened)
    mask = Mask(pixels[..., 3].astype(np.float32) / np.float32(255), made_by="given")
    view = View(Photo(np.ascontiguousarray(pixels[..., :3])), mask)
    PipelineMethod.of(method, pictures=False).guess(view)
    sys.stdout.write(f"{peak_memory_mb():.1f}")


if __name__ == "__main__":
    _main()
