"""Point clouds as PLY: positions, normals and colours, read from any program's file and written."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from unflat.core.errors import InputError
from unflat.core.shape import PointCloud
from unflat.io.atomic import write_atomically
from unflat.io.limits import Limits
from unflat.io.metadata import GENERATOR
from unflat.io.source import read_file

_LIMITS = Limits(max_bytes=8 * 2**30)
"""Some hundred million points."""
_HEADER_BYTES = 64 * 1024
_BYTE_ORDERS = {"ascii": "=", "binary_little_endian": "<", "binary_big_endian": ">"}
_TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2", "ushort": "u2",
    "uint16": "u2", "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4", "float": "f4", "float32": "f4",
    "double": "f8", "float64": "f8",
}  # fmt: skip
_POSITION, _NORMAL, _COLOR = ("x", "y", "z"), ("nx", "ny", "nz"), ("red", "green", "blue")


def write_point_cloud(path: str | Path, cloud: PointCloud) -> Path:
    """Write a cloud as little-endian binary PLY, whole or not at all; normals and colours where it has them.

    Raises `SetupError` as the disk does.
    """
    columns = [(name, "<f4") for name in _POSITION]
    columns += [(name, "<f4") for name in _NORMAL if cloud.normals is not None]
    columns += [(name, "u1") for name in _COLOR if cloud.colors is not None]
    rows = np.empty(len(cloud.points), columns)
    for names, values in ((_POSITION, cloud.points), (_NORMAL, cloud.normals), (_COLOR, cloud.colors)):
        for axis, name in enumerate(names if values is not None else ()):
            rows[name] = values[:, axis] if values is not None else 0
    header = [
        "ply",
        "format binary_little_endian 1.0",
        f"comment {GENERATOR}",
        f"element vertex {len(rows)}",
        *(f"property {'float' if kind == '<f4' else 'uchar'} {name}" for name, kind in columns),
        "end_header\n",
    ]
    return write_atomically(path, "\n".join(header).encode() + rows.tobytes())


def read_point_cloud(path: str | Path) -> PointCloud:
    """The vertices of a PLY file, text or binary, with unit normals and colours where there are some.

    Other columns and faces are left out. Colours that are floats count from 0 to 1. Points that are not finite are
    dropped; normals of length 0 become NaN. Raises `InputError` with code ``corrupt-model``, or as `read_photo` for
    the file itself.
    """
    path = Path(path)
    rows = _vertices(path, read_file(path, _LIMITS))
    names = rows.dtype.names or ()
    if not set(_POSITION) <= set(names):
        raise _corrupt(path, "its vertices have no x, y and z")
    points = _columns(rows, _POSITION)
    finite = np.isfinite(points).all(axis=1)
    normals = colors = None
    if set(_NORMAL) <= set(names):
        given = _columns(rows, _NORMAL)[finite]
        length = np.linalg.norm(given, axis=1, keepdims=True)
        normals = np.divide(given, length, out=np.full_like(given, np.nan), where=length > 0)
    if set(_COLOR) <= set(names):
        factor = 255 if rows.dtype[names.index("red")].kind == "f" else 1
        colors = np.clip(np.rint(_columns(rows, _COLOR)[finite] * factor), 0, 255).astype(np.uint8)
    return PointCloud(points[finite], normals, colors)


def _columns(rows: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    with np.errstate(over="ignore"):  # what is too large for us is infinite
        return np.column_stack([rows[name].astype(np.float32) for name in names])


def _vertices(path: Path, data: bytes) -> np.ndarray:
    """The rows of the element “vertex”, as a table with named columns."""
    end = re.search(rb"\nend_header\r?\n", data[:_HEADER_BYTES])
    if not data.startswith(b"ply") or end is None:
        raise _corrupt(path, "it does not begin with a PLY header")
    lines = [line.split() for line in data[: end.start()].decode("ascii", "replace").splitlines()]
    form = next((line[1] for line in lines if line[:1] == ["format"] and len(line) > 1), "")
    elements = [line[1] for line in lines if line[:1] == ["element"] and len(line) > 2]
    if form not in _BYTE_ORDERS or elements[:1] != ["vertex"]:
        raise _corrupt(path, "its vertices do not come first, or its format is unknown")
    count, layout = _layout(path, lines, _BYTE_ORDERS[form])
    body = data[end.end() :]
    if form == "ascii":
        return _text_rows(path, body, count, layout)
    if len(body) < count * layout.itemsize:
        raise _corrupt(path, f"it ends before its {count} vertices do")
    return np.frombuffer(body, layout, count)


def _layout(path: Path, lines: list[list[str]], byte_order: str) -> tuple[int, np.dtype]:
    """Number and columns of the first element."""
    first = next(idx for idx, line in enumerate(lines) if line[:1] == ["element"])
    columns: list[tuple[str, str]] = []
    for line in lines[first + 1 :]:
        if line[:1] == ["element"]:
            break
        if line[:1] != ["property"]:
            continue
        if len(line) != 3 or line[1] not in _TYPES:
            raise _corrupt(path, f"its vertices have the column “{' '.join(line[1:])}”")
        columns.append((line[2], byte_order + _TYPES[line[1]]))
    try:
        return int(lines[first][2]), np.dtype(columns)
    except ValueError as error:
        raise _corrupt(path, str(error)) from error


def _text_rows(path: Path, body: bytes, count: int, layout: np.dtype) -> np.ndarray:
    names = layout.names or ()
    try:
        lines = body.split(b"\n", count)[:count]
        table = np.array([line.split() for line in lines], np.float64).reshape(count, len(names))
    except ValueError as error:
        raise _corrupt(path, str(error)) from error
    rows = np.empty(count, layout)
    for idx, name in enumerate(names):
        rows[name] = table[:, idx]
    return rows


def _corrupt(path: Path, what: str) -> InputError:
    return InputError(
        f"“{path.name}” can't be read as a point cloud: {what}.",
        code="corrupt-model",
        hint="Export the points again as PLY.",
    )
