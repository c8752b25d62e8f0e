"""A glTF document under construction: JSON lists beside one binary chunk."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from unflat.io.metadata import json_text
from unflat.io.textures import MIME_TYPES, ImageFormat

_COMPONENT_TYPES = {"float32": 5126, "uint32": 5125, "uint16": 5123, "uint8": 5121}
_ELEMENT_TYPES = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4"}
ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963
GLB_MAGIC, JSON_CHUNK, BINARY_CHUNK = 0x46546C67, 0x4E4F534A, 0x004E4942


class GltfDocument:
    """Collects accessors and images, then gives the bytes of a GLB. Indices are given out in order of adding."""

    def __init__(self) -> None:
        self.json: dict[str, Any] = {"asset": {"version": "2.0"}}
        self.binary = bytearray()

    def add(self, kind: str, item: dict[str, Any]) -> int:
        """Append to a top-level list ("meshes", "nodes", …) and give the index."""
        items = self.json.setdefault(kind, [])
        items.append(item)
        return len(items) - 1

    def use_extension(self, name: str, *, required: bool) -> None:
        """Declare an extension."""
        for key in ("extensionsUsed", "extensionsRequired")[: 1 + required]:
            names = self.json.setdefault(key, [])
            if name not in names:
                names.append(name)

    def add_bytes(self, content: bytes, target: int | None = None) -> int:
        """Append a buffer view, aligned to 4 bytes; give its index."""
        view: dict[str, Any] = {"buffer": 0, "byteOffset": self._append(content), "byteLength": len(content)}
        if target is not None:
            view["target"] = target
        return self.add("bufferViews", view)

    def add_attribute(self, values: np.ndarray, *, normalized: bool = False, bounds: bool = False) -> int:
        """Append a vertex attribute (v,) or (v, n), n bytes a vertex being a multiple of 4; give its accessor."""
        view = self.add_vertex_view(np.ascontiguousarray(values))
        accessor = _accessor(values, view)
        if normalized:
            accessor["normalized"] = True
        if bounds:
            accessor["min"], accessor["max"] = values.min(axis=0).tolist(), values.max(axis=0).tolist()
        return self.add("accessors", accessor)

    def add_indices(self, faces: np.ndarray, vertex_count: int) -> int:
        """Append triangle indices, 16 bits wide where that is enough; give their accessor."""
        # 65535 itself is forbidden: it restarts primitives.
        dtype = np.uint16 if vertex_count <= 65535 else np.uint32
        indices = np.ascontiguousarray(faces.ravel(), dtype)
        return self.add("accessors", _accessor(indices, self.add_index_view(indices)))

    def add_vertex_view(self, values: np.ndarray) -> int:
        """Append the bytes of an attribute; compressing documents do it in their way."""
        return self.add_bytes(values.tobytes(), ARRAY_BUFFER)

    def add_index_view(self, indices: np.ndarray) -> int:
        """Append the bytes of indices; compressing documents do it in their way."""
        return self.add_bytes(indices.tobytes(), ELEMENT_ARRAY_BUFFER)

    def add_texture(self, content: bytes, image_format: ImageFormat, name: str) -> int:
        """Append an embedded image and the texture that shows it; give the texture's index."""
        view = self.add_bytes(content)
        image = self.add("images", {"bufferView": view, "mimeType": MIME_TYPES[image_format], "name": name})
        if "samplers" not in self.json:
            # Linear with mipmaps, repeating: glTF's defaults, said aloud because viewers differ without it.
            self.add("samplers", {"magFilter": 9729, "minFilter": 9987, "wrapS": 10497, "wrapT": 10497})
        texture: dict[str, Any] = {"sampler": 0, "name": name}
        if image_format == "webp":
            self.use_extension("EXT_texture_webp", required=True)
            texture["extensions"] = {"EXT_texture_webp": {"source": image}}
        else:
            texture["source"] = image
        return self.add("textures", texture)

    def buffers(self) -> list[dict[str, Any]]:
        """The buffers that the views refer to; the first is the binary chunk."""
        return [{"byteLength": len(self.binary)}]

    def glb(self) -> bytes:
        """The whole file: header, JSON chunk, binary chunk."""
        text = json_text({**self.json, "buffers": self.buffers()}).encode()
        text += b" " * (-len(text) % 4)
        binary = bytes(self.binary) + b"\0" * (-len(self.binary) % 4)
        length = 12 + 8 + len(text) + 8 + len(binary)
        return b"".join(
            [
                struct.pack("<III", GLB_MAGIC, 2, length),
                struct.pack("<II", len(text), JSON_CHUNK),
                text,
                struct.pack("<II", len(binary), BINARY_CHUNK),
                binary,
            ]
        )

    def _append(self, content: bytes) -> int:
        self.binary += b"\0" * (-len(self.binary) % 4)
        offset = len(self.binary)
        self.binary += content
        return offset


def _accessor(values: np.ndarray, view: int) -> dict[str, Any]:
    return {
        "bufferView": view,
        "componentType": _COMPONENT_TYPES[str(values.dtype)],
        "count": len(values),
        "type": _ELEMENT_TYPES[1 if values.ndim == 1 else values.shape[1]],
    }
