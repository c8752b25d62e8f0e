"""What a method that only remembers has: every training shape's outline and normals from many sides, and their mean.

Made once from the training objects of a library and kept in the user's cache (about 100 MB for 5,000 objects).
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from jaxtyping import Bool, Float32, Float64, Int8, UInt8

from unflat.bench.single_view_cases import bench_entries
from unflat.core import InputError, Mesh
from unflat.geometry.meshes import face_normals
from unflat.geometry.object_frame import FILL
from unflat.geometry.raycast import RayCaster
from unflat.geometry.solid import seen_from_outside
from unflat.io.atomic import write_atomically
from unflat.render.cameras import orbit_camera
from unflat.synth.objects import ObjectEntry, ObjectLibrary

SIDE = 24
"""Samples along the square in which an outline is remembered."""
NORMAL_STEP = 2
"""Normals are remembered at every second of them."""
AZIMUTHS_DEG = tuple(30.0 * step for step in range(12))
ELEVATIONS_DEG = (0.0, 20.0, 45.0)
SIDES = tuple((azimuth, elevation) for elevation in ELEVATIONS_DEG for azimuth in AZIMUTHS_DEG)
"""Azimuth and elevation of the sides from which a shape is remembered."""
MEAN_GRID = 32
"""Voxels along the cube of two half extents in which the mean shape is taken."""
_VERSION = "1"
_TELL_EVERY = 250


@dataclass(frozen=True, eq=False)
class TrainingShapes:
    """All training shapes; row ``36 * object + side`` of the pictures."""

    ids: tuple[str, ...]
    outlines: UInt8[np.ndarray, "n b"]
    """Bits of the `SIDE` x `SIDE` outline, packed."""
    normals: Int8[np.ndarray, "n r r 3"]
    """Unit normals in the side's camera frame, times 127; 0 outside."""
    mean_filled: Float32[np.ndarray, "g g g"]
    """Share of the objects that fill each voxel (x, y, z) of the cube -1..1 half extents."""
    mean_volume: float
    """Mean share of the cube that an object fills."""


def training_shapes(library: ObjectLibrary, tell: Callable[[str], None] = lambda _: None) -> TrainingShapes:
    """The shapes of the library's training objects, from the cache where they are there. Else 40 ms an object.

    Raises `InputError` (``no-training-objects``) where the library has none.
    """
    measured = {entry.id for entry in bench_entries(library)}
    entries = tuple(entry for entry in library.entries if entry.id not in measured)
    if not entries:
        raise InputError(
            "The library has no training objects, so there is nothing to remember.",
            code="no-training-objects",
            hint="Name a packed library, or leave out mean-shape and retrieval with --method.",
        )
    path = _cache_file(entries)
    if not path.is_file():
        remembered: dict[str, Any] = _remembered(library, entries, tell)
        path.parent.mkdir(parents=True, exist_ok=True)
        stream = io.BytesIO()
        np.savez(stream, **remembered)
        write_atomically(path, stream.getvalue())
    with np.load(path, allow_pickle=False) as stored:
        kept = {name: stored[name] for name in stored.files}
    ids = tuple(entry.id for entry in entries)
    return TrainingShapes(ids, kept["outlines"], kept["normals"], kept["mean_filled"], float(kept["mean_volume"]))


def _cache_file(entries: tuple[ObjectEntry, ...]) -> Path:
    names = "\n".join((_VERSION, *(entry.id for entry in entries)))
    root = Path(os.environ.get("UNFLAT_CACHE", platformdirs.user_cache_dir("unflat")))
    return root / "bench" / f"training-shapes-{hashlib.sha256(names.encode()).hexdigest()[:16]}.npz"


def _remembered(
    library: ObjectLibrary, entries: tuple[ObjectEntry, ...], tell: Callable[[str], None]
) -> dict[str, np.ndarray]:
    outlines = np.zeros((len(entries), len(SIDES), SIDE * SIDE // 8), np.uint8)
    normals = np.zeros((len(entries), len(SIDES), *(SIDE // NORMAL_STEP,) * 2, 3), np.int8)
    filled = np.zeros((MEAN_GRID,) * 3, np.float64)
    for number, entry in enumerate(entries):
        mesh = library.part(entry).mesh
        caster, facing = RayCaster(mesh), face_normals(mesh)
        for side in range(len(SIDES)):
            outline, normal = seen_side(mesh, caster, facing, side)
            outlines[number, side] = np.packbits(outline)
            normals[number, side] = np.rint(127 * normal[::NORMAL_STEP, ::NORMAL_STEP])
        filled += _filled(mesh)
        if number % _TELL_EVERY == 0:
            tell(f"remembering training shapes: {number} of {len(entries)}")
    mean = (filled / len(entries)).astype(np.float32)
    return {
        "outlines": outlines.reshape(-1, outlines.shape[-1]),
        "normals": normals.reshape(-1, *normals.shape[2:]),
        "mean_filled": mean,
        "mean_volume": np.array(mean.mean()),
    }


@lru_cache(maxsize=len(SIDES))
def side_rotation(side: int) -> Float64[np.ndarray, "3 3"]:
    """Rotation part of ``world_from_camera`` of a side."""
    azimuth, elevation = SIDES[side]
    return orbit_camera(np.eye(3, dtype=np.float32), azimuth, elevation, size_px=8).world_from_camera[:3, :3]


def seen_side(
    mesh: Mesh, caster: RayCaster, facing: Float32[np.ndarray, "f 3"], side: int
) -> tuple[Bool[np.ndarray, "s s"], Float32[np.ndarray, "s s 3"]]:
    """Outline and normals (camera frame, towards the viewer) from a side, by parallel rays, in the square around it."""
    rotation = side_rotation(side)
    local = mesh.vertices @ rotation.astype(np.float32)
    low, high = local.min(axis=0), local.max(axis=0)
    half = float((high - low)[:2].max()) / 2 / FILL
    steps = ((np.arange(SIDE) + 0.5) / SIDE * 2 - 1) * half
    x, y = np.meshgrid((low[0] + high[0]) / 2 + steps, (low[1] + high[1]) / 2 + steps)
    start = np.column_stack([x.ravel(), y.ravel(), np.full(x.size, low[2] - 1)])
    origins = (start @ rotation.T).astype(np.float32)
    directions = np.broadcast_to(rotation[:, 2].astype(np.float32), origins.shape)
    hits = caster.cast(origins, directions)
    normal = facing[hits.face] @ rotation.astype(np.float32)
    normal *= np.where(normal[:, 2:] > 0, np.float32(-1), np.float32(1)) * hits.hit[:, None]
    return hits.hit.reshape(SIDE, SIDE), normal.reshape(SIDE, SIDE, 3)


def _filled(mesh: Mesh) -> Bool[np.ndarray, "g g g"]:
    """Voxels that no straight view from outside reaches, and those with surface in them."""
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    voxel = float((high - low).max()) / MEAN_GRID
    on_grid = (mesh.vertices - (low + high) / 2) / np.float32(voxel) + np.float32((MEAN_GRID - 1) / 2)
    filled = ~seen_from_outside(Mesh(on_grid.astype(np.float32), mesh.faces), (MEAN_GRID,) * 3)
    cell = np.clip(np.rint(on_grid), 0, MEAN_GRID - 1).astype(int)
    filled[tuple(cell.T)] = True
    return filled
