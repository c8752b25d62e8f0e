"""Nouns to bytes and back: one uncompressed .npz of arrays and a JSON tree. No pickle, so a file can't run code.

An array that is itself mapped from an .npy file is stored as that file's name, and mapped again when it is read:
hundreds of photos go through all stages without being copied or held in memory.
"""

from __future__ import annotations

import dataclasses
import io
import json
import zipfile
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np

from unflat import core
from unflat.core import Scale
from unflat.io.mapped import let_go, mapped_file, open_mapped

_NOUNS: dict[str, type[Any]] = {
    name: getattr(core, name)
    for name in (
        "Camera", "DepthMap", "Drawing", "Field", "Mask", "Material", "Mesh", "Part", "Photo", "PointCloud",
        "Reconstruction", "Tracks", "View", "Views",
    )
}  # fmt: skip
"""What crosses a stage, and so what a stored file may hold."""

_ENUMS = {Scale.__name__: Scale}


class Unreadable(ValueError):
    """The bytes are not a stored noun, or only half of one."""


def encode(noun: Any) -> bytes:
    """The noun as bytes. Linear in its arrays."""
    arrays: list[np.ndarray] = []
    tree = _tree_of(noun, arrays)
    buffer = io.BytesIO()
    named: dict[str, Any] = {f"a{index}": array for index, array in enumerate(arrays)}
    np.savez(buffer, tree=np.frombuffer(json.dumps(tree).encode(), np.uint8), **named)
    return buffer.getvalue()


def decode(data: bytes) -> Any:
    """The noun that `encode` was given. Raises `Unreadable` for anything else."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as stored:
            return _noun_of(json.loads(stored["tree"].tobytes()), stored)
    except (ValueError, KeyError, TypeError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise Unreadable(str(error)) from error


def _tree_of(value: Any, arrays: list[np.ndarray]) -> Any:
    if isinstance(value, np.ndarray):
        return _array_tree(value, arrays)
    if isinstance(value, Enum):
        return {"enum": type(value).__name__, "value": value.value}
    if dataclasses.is_dataclass(value) and type(value).__name__ in _NOUNS:
        fields = {field.name: _tree_of(getattr(value, field.name), arrays) for field in dataclasses.fields(value)}
        return {"noun": type(value).__name__, "fields": fields}
    if isinstance(value, tuple):
        return {"tuple": [_tree_of(item, arrays) for item in value]}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"can't store a {type(value).__name__}")


def _array_tree(value: np.ndarray, arrays: list[np.ndarray]) -> dict[str, str]:
    if (file := mapped_file(value)) is not None:
        return {"mapped": str(file)}
    arrays.append(value)
    return {"array": f"a{len(arrays) - 1}"}


def _noun_of(tree: Any, stored: Any) -> Any:
    if not isinstance(tree, dict):
        return tree
    if "mapped" in tree:
        return open_mapped(Path(tree["mapped"]))
    if "array" in tree:
        return stored[tree["array"]]
    if "enum" in tree:
        return _ENUMS[tree["enum"]](tree["value"])
    if "tuple" in tree:
        return tuple(_noun_of(item, stored) for item in tree["tuple"])
    fields = {name: _noun_of(value, stored) for name, value in tree["fields"].items()}
    noun = _NOUNS[tree["noun"]](**fields)
    let_go(*(value for value in fields.values() if isinstance(value, np.memmap)))  # nouns look at what they are given
    return noun
