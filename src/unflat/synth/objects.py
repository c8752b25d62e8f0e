"""Objects to learn from and to measure on: a packed library with an index, or any folder of model files."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from PIL import Image

from unflat.core import InputError, Material, Mesh, Part
from unflat.io.load import load_mesh

_MODEL_SUFFIXES = (".glb", ".gltf", ".obj", ".ply", ".stl", ".off")


@dataclass(frozen=True)
class ObjectEntry:
    """What the index tells of an object."""

    id: str
    source: str
    licence: str
    attribution: str
    category: str
    file: str
    """Where its data lie: in the shard, or in the folder."""
    shard: str = ""
    split: Literal["train", "bench"] = "train"
    uniform_colour: bool = False
    """It is grey or of one colour: for training, give it a random texture."""
    textured: bool = False
    """It has a texture of its own, as scans and products have, not a colour a corner."""


@runtime_checkable
class ObjectLibrary(Protocol):
    """A set of objects that are read one at a time."""

    @property
    def entries(self) -> tuple[ObjectEntry, ...]:
        """All objects, always in the same order."""
        ...

    def part(self, entry: ObjectEntry) -> Part:
        """The object inside the unit sphere about the origin, Y up, as its maker left it: perhaps open."""
        ...


def open_library(folder: Path) -> ObjectLibrary:
    """The packed library whose ``index.jsonl`` lies in the folder, else every model file in and under the folder.

    Raises `InputError` (``no-objects``) where there is neither.
    """
    if (folder / "index.jsonl").is_file():
        return PackedLibrary(folder)
    return ModelFolder(folder)


class PackedLibrary:
    """``index.jsonl`` beside zip shards of npz files with vertices, faces and a texture or vertex colours."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._shards: dict[str, zipfile.ZipFile] = {}
        names = ObjectEntry.__dataclass_fields__
        rows = [json.loads(line) for line in (folder / "index.jsonl").read_text(encoding="utf-8").splitlines()]
        self.entries: tuple[ObjectEntry, ...] = tuple(
            ObjectEntry(**{key: value for key, value in row.items() if key in names}) for row in rows
        )

    def part(self, entry: ObjectEntry) -> Part:
        """The object, with its texture or its vertex colours."""
        if entry.shard not in self._shards:
            self._shards[entry.shard] = zipfile.ZipFile(self._folder / entry.shard)
        with np.load(io.BytesIO(self._shards[entry.shard].read(entry.file))) as data:
            vertices, faces = data["v"].astype(np.float32), data["f"].astype(np.int32)
            if "tex" not in data:
                return Part(Mesh(vertices, faces, colors=data["vc"]), Material(), name=entry.id)
            with Image.open(io.BytesIO(data["tex"].tobytes())) as picture:
                texture = np.asarray(picture.convert("RGB"))
            uv = data["uv"].astype(np.float32) * np.array([1, -1], np.float32) + np.array([0, 1], np.float32)
        return Part(Mesh(vertices, faces, uv=uv), Material(base_color=texture), name=entry.id)

    def close(self) -> None:
        """Close the shards."""
        for shard in self._shards.values():
            shard.close()
        self._shards.clear()


class ModelFolder:
    """Model files of the user's own; each file is an object, its folder's name the category."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in _MODEL_SUFFIXES)
        if not files:
            raise InputError(
                f"There are no objects in {folder}: neither an index.jsonl nor model files.",
                code="no-objects",
                hint=f"Name a folder with {', '.join(_MODEL_SUFFIXES)} files.",
            )
        self.entries: tuple[ObjectEntry, ...] = tuple(
            ObjectEntry(str(file.relative_to(folder)), "folder", "", "", file.parent.name, str(file)) for file in files
        )

    def part(self, entry: ObjectEntry) -> Part:
        """The object, all its parts in one mesh with vertex colours."""
        mesh = load_mesh(Path(entry.file))
        middle = (mesh.vertices.min(axis=0) + mesh.vertices.max(axis=0)) / 2
        radius = float(np.linalg.norm(mesh.vertices - middle, axis=1).max())
        return Part(mesh.with_vertices((mesh.vertices - middle) / np.float32(max(radius, 1e-12))), Material(), entry.id)
