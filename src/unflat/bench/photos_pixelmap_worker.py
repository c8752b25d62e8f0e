"""Runs pixelmap-multiview in an interpreter that has it: ``python photos_pixelmap_worker.py FOLDER QUALITY OUT.npz``.

A file of its own that imports nothing of unflat: the package lives in another virtual environment.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import numpy as np
import pixelmap_multiview  # type: ignore[import-not-found, unused-ignore]


def main(folder: str, quality: str, out: str) -> None:
    """Reconstruct the photos of a folder; write mesh, texture, cameras, seconds and peak memory."""
    paths = sorted(path for path in Path(folder).iterdir() if path.suffix.lower() in (".jpg", ".png"))
    photos, focal = pixelmap_multiview.load_photos(paths)
    started = time.perf_counter()
    model = pixelmap_multiview.reconstruct(photos, quality=quality, focal_35mm=focal)
    seconds = time.perf_counter() - started
    poses = {path.name: pose.matrix for path, pose in zip(paths, model.cameras, strict=True) if pose is not None}
    lens = model.intrinsics
    times = os.times()
    np.savez(
        out,
        vertices=model.vertices,
        triangles=model.triangles,
        texcoords=model.texture.texcoords,
        face_texcoords=model.texture.face_texcoords,
        atlas=model.texture.atlas,
        names=np.array(list(poses)),
        camera_from_world=np.array(list(poses.values())).reshape(-1, 3, 4),
        intrinsics=np.array([lens.fx, lens.fy, lens.cx, lens.cy]),
        size_px=np.array([photos[0].shape[1], photos[0].shape[0]]),
        seconds=seconds,
        cpu_s=times.user + times.system,
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
