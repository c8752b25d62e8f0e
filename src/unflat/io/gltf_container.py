"""The outside of a glTF file: container, JSON, buffers and accessors as arrays."""

from __future__ import annotations

import base64
import binascii
import json
import struct
import urllib.parse
from pathlib import Path
from typing import Any

import numpy as np

from unflat.core.errors import InputError
from unflat.io.gltf_document import BINARY_CHUNK, GLB_MAGIC, JSON_CHUNK

_DTYPES: dict[int, np.dtype] = {
    number: np.dtype(kind)
    for number, kind in {
        5120: np.int8,
        5121: np.uint8,
        5122: np.int16,
        5123: np.uint16,
        5125: np.uint32,
        5126: np.float32,
    }.items()
}
_WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT2": 4, "MAT3": 9, "MAT4": 16}
_MAX_ELEMENTS = 200_000_000
"""More values than this in one accessor is no model but a trap for memory."""


def corrupt(why: str) -> InputError:
    """The error for a glTF file that breaks its own rules."""
    return InputError(
        f"The glTF model is damaged: {why}.", hint="Export the model again, or repair it.", code="corrupt-model"
    )


class GltfContainer:
    """A parsed glTF: ``json`` as written, buffers and accessors on demand. ``folder`` is where its side files lie."""

    def __init__(self, content: bytes, folder: Path | None) -> None:
        self._folder = folder
        self._buffers: dict[int, bytes] = {}
        text = content
        if content[:4] == struct.pack("<I", GLB_MAGIC):
            text = self._split_glb(content)
        try:
            self.json: dict[str, Any] = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise corrupt("its JSON can't be parsed") from error
        about = self.json.get("asset") if isinstance(self.json, dict) else None
        version = about.get("version") if isinstance(about, dict) else None
        if not str(version).startswith("2"):
            raise corrupt(f"expected glTF version 2, found “{version or 'none'}”")

    def item(self, kind: str, index: Any) -> dict[str, Any]:
        """One entry of a top-level list."""
        items = self.json.get(kind, [])
        if not isinstance(index, int) or not 0 <= index < len(items):
            raise corrupt(f"it refers to {kind}[{index}], which is not there")
        found: dict[str, Any] = items[index]
        return found

    def accessor(self, index: int) -> np.ndarray:
        """Values of an accessor: (count,) or (count, width), in the stored type, normalised integers as float32."""
        described = self.item("accessors", index)
        dtype, width, count = self._layout(described)
        if "bufferView" in described:
            values = self._strided(described, dtype, width, count)
        else:
            values = np.zeros((count, width), dtype)
        if "sparse" in described:
            values = self._with_sparse(values.copy(), described["sparse"], dtype)
        if described.get("normalized") and dtype != np.float32:
            values = np.maximum(values / np.float32(np.iinfo(dtype).max), np.float32(-1.0)).astype(np.float32)
        return values[:, 0] if width == 1 else values

    def view(self, index: int) -> bytes:
        """The plain bytes of a buffer view, decompressed."""
        described = self.item("bufferViews", index)
        compressed = described.get("extensions", {}).get("EXT_meshopt_compression")
        if compressed is not None:
            from unflat.io.meshopt import decoded_view

            return decoded_view(self._slice(compressed), compressed)
        return self._slice(described)

    def side_file(self, uri: str) -> bytes:
        """The bytes of a data URI or of a file in the model's folder; never of anything outside of it."""
        if uri.startswith("data:"):
            try:
                return base64.b64decode(uri.partition(",")[2], validate=True)
            except binascii.Error as error:
                raise corrupt("an embedded file is not valid base64") from error
        name = urllib.parse.unquote(uri)
        path = None if self._folder is None else (self._folder / name).resolve()
        if path is None or self._folder is None or not path.is_relative_to(self._folder.resolve()):
            raise InputError(
                f"The model needs the file “{name}”, which is not in its folder.",
                hint="Save the model as one GLB file, or put its files beside it and give the path.",
                code="missing-side-file",
            )
        try:
            return path.read_bytes()
        except OSError as error:
            raise InputError(
                f"The model needs the file “{name}”, which can't be read: {error.strerror}.",
                hint="Put the file beside the model, or save the model as one GLB file.",
                code="missing-side-file",
            ) from error

    def _split_glb(self, content: bytes) -> bytes:
        if len(content) < 20:
            raise corrupt(f"the file ends after {len(content)} bytes, within its header")
        _, version, length = struct.unpack_from("<III", content)
        if version != 2 or length > len(content):
            raise corrupt(f"its header promises version 2 and {length} bytes, the file has {len(content)}")
        offset, text = 12, b""
        while offset + 8 <= length:
            size, kind = struct.unpack_from("<II", content, offset)
            chunk = content[offset + 8 : offset + 8 + size]
            if len(chunk) < size:
                raise corrupt("a chunk ends too early")
            if kind == JSON_CHUNK and not text:
                text = chunk
            elif kind == BINARY_CHUNK and 0 not in self._buffers:
                self._buffers[0] = chunk
            offset += 8 + size
        return text

    def _buffer(self, index: int) -> bytes:
        if index not in self._buffers:
            uri = self.item("buffers", index).get("uri")
            if not isinstance(uri, str):
                raise corrupt(f"buffer {index} has no data")
            self._buffers[index] = self.side_file(uri)
        return self._buffers[index]

    def _slice(self, described: dict[str, Any]) -> bytes:
        start, length = described.get("byteOffset", 0), described["byteLength"]
        buffer = self._buffer(described["buffer"])
        if not 0 <= start <= start + length <= len(buffer):
            raise corrupt(f"a buffer view ends at byte {start + length} of {len(buffer)}")
        return buffer[start : start + length]

    def _layout(self, described: dict[str, Any]) -> tuple[np.dtype, int, int]:
        try:
            dtype, width = _DTYPES[described["componentType"]], _WIDTHS[described["type"]]
            count = int(described["count"])
        except (KeyError, TypeError, ValueError) as error:
            raise corrupt("an accessor has an unknown type") from error
        if not 0 < count * width <= _MAX_ELEMENTS:
            raise corrupt(f"an accessor has {count} elements")
        return dtype, width, count

    def _strided(self, described: dict[str, Any], dtype: np.dtype, width: int, count: int) -> np.ndarray:
        content = self.view(described["bufferView"])
        view = self.item("bufferViews", described["bufferView"])
        itemsize = dtype.itemsize
        stride = view.get("byteStride", itemsize * width)
        start = described.get("byteOffset", 0)
        end = start + stride * (count - 1) + itemsize * width
        if start < 0 or stride < itemsize * width or end > len(content):
            raise corrupt(f"an accessor ends at byte {end} of {len(content)}")
        shape, strides = (count, width), (stride, itemsize)
        return np.ndarray(shape, dtype.newbyteorder("<"), content, start, strides).astype(dtype)

    def _with_sparse(self, values: np.ndarray, sparse: dict[str, Any], dtype: np.dtype) -> np.ndarray:
        count, width = int(sparse["count"]), values.shape[1]
        index_type = _DTYPES[sparse["indices"]["componentType"]]
        rows = self._strided(sparse["indices"], index_type, 1, count)[:, 0].astype(np.int64)
        if count and int(rows.max()) >= len(values):
            raise corrupt("a sparse accessor points beyond its end")
        values[rows] = self._strided(sparse["values"], dtype, width, count)
        return values
