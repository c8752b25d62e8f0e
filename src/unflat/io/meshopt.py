"""EXT_meshopt_compression: vertices and faces, compressed without loss, through the optional package meshoptimizer."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from unflat.core.errors import InputError, SetupError
from unflat.io.gltf_document import ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER, GltfDocument

EXTENSION = "EXT_meshopt_compression"


def _library(part: str) -> Any:
    try:
        return importlib.import_module(f"meshoptimizer.{part}")
    except ImportError as error:
        raise SetupError(
            "Meshopt compression needs the package meshoptimizer, which is not installed.",
            hint="pip install 'unflat[meshopt]' (it is built from source and needs a C++ compiler), or go without it.",
            code="missing-extra",
        ) from error


class MeshoptDocument(GltfDocument):
    """A glTF document whose vertex attributes and faces are compressed; images are left as they are."""

    def __init__(self) -> None:
        super().__init__()
        self._encoder = _library("encoder")
        # The extension is defined on version 0 of the vertex codec and version 1 of the index codec.
        self._encoder.encode_vertex_version(0)
        self._encoder.encode_index_version(1)
        self._fallback_bytes = 0
        self.use_extension(EXTENSION, required=True)

    def add_vertex_view(self, values: np.ndarray) -> int:
        """Append an attribute, compressed."""
        rows = np.ascontiguousarray(values).reshape(len(values), -1)
        stride = rows.dtype.itemsize * rows.shape[1]
        encoded = self._encoder.encode_vertex_buffer(rows, len(rows), stride)
        return self._add_view(encoded, len(rows), stride, ARRAY_BUFFER)

    def add_index_view(self, indices: np.ndarray) -> int:
        """Append triangles, compressed; a triangle's corners may be turned round, its side stays."""
        encoded = self._encoder.encode_index_buffer(indices.astype(np.uint32), len(indices), int(indices.max()) + 1)
        return self._add_view(encoded, len(indices), indices.dtype.itemsize, ELEMENT_ARRAY_BUFFER)

    def buffers(self) -> list[dict[str, Any]]:
        """The binary chunk, and the buffer that decoders fill, which is not in the file."""
        fallback = {"byteLength": self._fallback_bytes, "extensions": {EXTENSION: {"fallback": True}}}
        return [*super().buffers(), fallback]

    def _add_view(self, encoded: bytes, count: int, stride: int, target: int) -> int:
        length = count * stride
        compressed: dict[str, Any] = {
            "buffer": 0,
            "byteOffset": self._append(encoded),
            "byteLength": len(encoded),
            "byteStride": stride,
            "count": count,
            "mode": "ATTRIBUTES" if target == ARRAY_BUFFER else "TRIANGLES",
        }
        view: dict[str, Any] = {"buffer": 1, "byteOffset": self._fallback_bytes, "byteLength": length, "target": target}
        if target == ARRAY_BUFFER:
            view["byteStride"] = stride
        view["extensions"] = {EXTENSION: compressed}
        self._fallback_bytes += length + -length % 4
        return self.add("bufferViews", view)


def decoded_view(content: bytes, described: dict[str, Any]) -> bytes:
    """The plain bytes of a compressed buffer view. Raises `SetupError` without the package."""
    decoder = _library("decoder")
    count, stride, mode = described["count"], described["byteStride"], described["mode"]
    if described.get("filter", "NONE") != "NONE":
        raise InputError(
            f"The model is compressed with meshopt's filter {described['filter']}, which unflat does not decode.",
            hint="Save it without compression: gltfpack without -c, or gltf-transform copy.",
            code="compressed-filter",
        )
    try:
        if mode == "ATTRIBUTES":
            # Asked for as rows of bytes, so that the package need not know the component type.
            return bytes(decoder.decode_vertex_buffer(count, stride, content).tobytes())
        kind = np.uint16 if stride == 2 else np.uint32
        decode = decoder.decode_index_buffer if mode == "TRIANGLES" else decoder.decode_index_sequence
        return bytes(np.asarray(decode(count, 4, content)).astype(kind).tobytes())
    except (RuntimeError, ValueError) as error:
        raise InputError(
            "The model's meshopt-compressed data is damaged.", hint="Save the model again.", code="corrupt-model"
        ) from error
