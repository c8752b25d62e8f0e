"""USDZ for Apple's AR Quick Look: a text layer and textures in a stored, 64-byte-aligned zip. Needs no USD library."""

from __future__ import annotations

import io
import struct
import zipfile
from pathlib import Path

from unflat.core.asset import Asset
from unflat.io.atomic import write_atomically
from unflat.io.textures import encode_image, packed_orm
from unflat.io.usda import MaterialFiles, usda_text

_ALIGNMENT_BYTES = 64
"""So that readers can map the files of a package into memory (USDZ specification, layout)."""
_PADDING_ID = 0x1986
"""Header of the zip extra field that USD itself pads with."""
_JPEG_QUALITY = 92


def usdz_bytes(asset: Asset) -> bytes:
    """The parts as one USDZ package: metres, Y up, UsdPreviewSurface. The same bytes for the same asset.

    The layer is text (.usda), which Quick Look and USD's package rules accept; base colour is JPEG, data maps are PNG,
    quads stay quads. Confidence travels as the primvar ``confidence``, what the asset remembers in ``customLayerData``.
    """
    materials = {id(part.material): part.material for part in asset.parts}
    textures: dict[str, bytes] = {}
    files: dict[int, MaterialFiles] = {}
    for number, (key, material) in enumerate(materials.items()):
        orm = packed_orm(material)
        files[key] = MaterialFiles(
            base_color=None if material.base_color is None else f"textures/base_color_{number}.jpg",
            orm=None if orm is None else f"textures/orm_{number}.png",
            normal=None if material.normal is None else f"textures/normal_{number}.png",
        )
        if material.base_color is not None:
            textures[str(files[key].base_color)] = encode_image(material.base_color, "jpeg", _JPEG_QUALITY)
        if orm is not None:
            textures[str(files[key].orm)] = encode_image(orm, "png")
        if material.normal is not None:
            textures[str(files[key].normal)] = encode_image(material.normal, "png")
    return _package({"model.usda": usda_text(asset, files).encode(), **textures})


def write_usdz(asset: Asset, path: Path | str) -> Path:
    """Write `usdz_bytes` to a file, whole or not at all."""
    return write_atomically(path, usdz_bytes(asset))


def _package(files: dict[str, bytes]) -> bytes:
    """A zip without compression whose files begin at multiples of 64 bytes; the first is the root layer."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_STORED) as package:
        for name, data in files.items():
            # A fixed date, so that the same asset gives the same bytes.
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            local_header = 30 + len(name.encode()) + 4
            padding = -(content.tell() + local_header) % _ALIGNMENT_BYTES
            entry.extra = struct.pack("<HH", _PADDING_ID, padding) + bytes(padding)
            package.writestr(entry, data)
    return content.getvalue()
