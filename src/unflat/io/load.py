"""Any model from anywhere as an asset: GLB, glTF, OBJ, PLY, STL, OFF, 3MF, USDZ."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from unflat.core.asset import Asset
from unflat.core.context import Context
from unflat.core.errors import InputError
from unflat.core.shape import Mesh

READABLE = ("glb", "gltf", "obj", "ply", "stl", "off", "3mf", "usdz", "usda", "usdc", "usd")
"""Endings of the model files that can be read."""

_MAX_FILE_BYTES = 2_000_000_000
_BEGINNINGS = {
    b"glTF": "glb",
    b"ply": "ply",
    b"solid": "stl",
    b"OFF": "off",
    b"#usda": "usda",
    b"PXR-USDC": "usdc",
}


def load_asset(source: Path | str | bytes, file_type: str | None = None, context: Context | None = None) -> Asset:
    """The model as an asset in metres, Y up, with all transforms applied; materials and provenance as far as known.

    ``file_type`` is the ending without dot; without it, the path's ending counts, or what bytes begin with. Scale is
    METRIC where the file has units (glTF, 3MF, USD, files of ours), else UP_TO_SCALE with the numbers as they stand.
    What the nouns can't hold (animation, emission, ...) is left out; ``context.warn`` hears of what changes the shape.

    Raises `InputError`: ``no-such-file``, ``empty-file``, ``unknown-format``, ``corrupt-model``, ``empty-mesh``,
    ``mesh-not-finite``, ``missing-side-file``, ``compressed-draco``; `SetupError` ``missing-extra`` for USD without
    usd-core.
    """
    context = context or Context()
    path = None if isinstance(source, bytes) else Path(source)
    content = source if isinstance(source, bytes) else read_file(Path(source))
    if not content:
        raise InputError(
            f"{_called(path)} is empty: it has 0 bytes.", hint="Export or download it again.", code="empty-file"
        )
    kind = _kind(path, content, file_type)
    name = "asset" if path is None else path.stem
    folder = None if path is None else path.parent
    if kind in ("glb", "gltf"):
        from unflat.io.gltf_read import read_gltf

        return read_gltf(content, name, folder, context)
    if kind == "3mf":
        from unflat.io.threemf_read import read_threemf

        return read_threemf(content, name)
    if kind.startswith("usd"):
        from unflat.io.usd_read import read_usd

        return read_usd(content, kind, name, path)
    from unflat.io.plain_read import read_plain

    return read_plain(content, kind, name, folder, context)


def load_mesh(source: Path | str | bytes, file_type: str | None = None, context: Context | None = None) -> Mesh:
    """As `load_asset`, all parts as one mesh; UV, normals, colours and confidence stay where every part has them."""
    return merged_mesh(load_asset(source, file_type, context))


def merged_mesh(asset: Asset) -> Mesh:
    """All parts as one mesh; UV, normals, colours and confidence stay where every part has them."""
    meshes = [part.mesh for part in asset.parts]
    if len(meshes) == 1:
        return meshes[0]
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes[:-1])])
    faces = [mesh.faces + np.int32(start) for mesh, start in zip(meshes, starts, strict=True)]
    merged = Mesh(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate(faces).astype(np.int32),
        quads=all(mesh.quads for mesh in meshes),
    )
    shared: dict[str, Any] = {}
    for field in ("uv", "normals", "colors", "confidence"):
        values = [getattr(mesh, field) for mesh in meshes]
        if all(value is not None for value in values):
            shared[field] = np.concatenate(values)
    return replace(merged, **shared)


def read_file(path: Path) -> bytes:
    """The bytes of a file that a user named. Raises `InputError`: ``no-such-file``, ``not-a-file``, ``unreadable``."""
    try:
        if path.stat().st_size > _MAX_FILE_BYTES:
            raise InputError(f"“{path}” is larger than 2 GB.", hint="Decimate the model first.", code="file-too-large")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"There is no file “{path}”.", hint="Check the path.", code="no-such-file") from error
    except IsADirectoryError as error:
        raise InputError(f"“{path}” is a folder.", hint="Name a file in it.", code="not-a-file") from error
    except OSError as error:
        raise InputError(
            f"“{path}” can't be read: {error.strerror or error}.", hint="Check its permissions.", code="unreadable"
        ) from error


def _kind(path: Path | None, content: bytes, file_type: str | None) -> str:
    ending = (file_type or ("" if path is None else path.suffix)).lower().lstrip(".")
    begun = next((kind for beginning, kind in _BEGINNINGS.items() if content.startswith(beginning)), None)
    if ending in READABLE:
        # A GLB under another name is common, and nothing else begins so.
        return "glb" if begun == "glb" else ending
    if begun is not None and not ending:
        return begun
    found = f"the ending “{ending}”" if ending else "no ending"
    raise InputError(
        f"{_called(path)} has {found}, which is no model format that unflat reads.",
        hint=f"Give one of {', '.join(READABLE)}.",
        code="unknown-format",
    )


def _called(path: Path | None) -> str:
    return "The model" if path is None else f"“{path}”"
