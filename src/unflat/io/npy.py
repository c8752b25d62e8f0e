"""NumPy's own files, read without running what may be hidden in them, and measured before they are unpacked."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import numpy as np

from unflat.core.errors import InputError
from unflat.io.decoding import decoding
from unflat.io.limits import Limits

_NAMES = ("depth", "depth_map", "disparity", "arr_0")
"""Arrays that are taken first where an archive holds several."""


def is_numpy(data: bytes) -> bool:
    """Whether the bytes are a .npy file, or a ZIP archive, as .npz is."""
    return data.startswith((b"\x93NUMPY", b"PK\x03\x04"))


def read_numpy(data: bytes, name: str, limits: Limits) -> np.ndarray:
    """The array of a .npy file, or of a .npz archive: the one called depth, or else its only one.

    Raises `InputError`: ``damaged``, ``truncated``, ``too-many-pixels``, ``bad-samples`` or ``no-depth-array``.
    """
    with decoding(name):
        if data.startswith(b"\x93NUMPY"):
            return _read_array(io.BytesIO(data), name, limits)
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open(_member(archive, name)) as stream:
                return _read_array(stream, name, limits)
        except zipfile.BadZipFile as error:
            raise ValueError(f"damaged archive: {error}") from error


def _member(archive: zipfile.ZipFile, name: str) -> str:
    found = [entry for entry in archive.namelist() if entry.endswith(".npy")]
    wanted = [f"{known}.npy" for known in _NAMES if f"{known}.npy" in found] or found
    if len(wanted) == 1 or (wanted and wanted != found):
        return wanted[0]
    raise InputError(
        f"“{name}” holds {len(found)} arrays, none of them called depth.",
        code="no-depth-array",
        hint="Save one array: numpy.savez(path, depth=depth).",
    )


def _read_array(stream: Any, name: str, limits: Limits) -> np.ndarray:
    version = np.lib.format.read_magic(stream)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, column_order, dtype = read_header(stream)
    if dtype.hasobject or dtype.kind not in "fuib":
        raise InputError(
            f"“{name}” holds values of type {dtype}, expected numbers.",
            code="bad-samples",
            hint="Save it with numpy.save(path, depth.astype(numpy.float32)).",
        )
    count = int(np.prod([int(side) for side in shape], dtype=object))
    if count > limits.max_pixels:
        raise InputError(
            f"“{name}” has {count / 1e6:.0f} million values, at most {limits.max_pixels / 1e6:.0f} are read.",
            code="too-many-pixels",
            hint="Scale the depth map down first.",
        )
    content = stream.read(count * dtype.itemsize)
    if len(content) < count * dtype.itemsize:
        raise EOFError("truncated array")
    values = np.frombuffer(content, dtype, count)
    ordered = values.reshape(shape[::-1]).T if column_order else values.reshape(shape)
    return np.ascontiguousarray(ordered.astype(dtype.newbyteorder("=")))
