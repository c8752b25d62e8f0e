"""Binary STL for printing: millimetres, Z up, welded; no colours, no UV, one solid."""

from __future__ import annotations

import numpy as np

from unflat.core.asset import Asset
from unflat.geometry.meshes import face_normals, welded
from unflat.io.metadata import GENERATOR
from unflat.io.printing import printing_from_world

_RECORD = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])


def stl_bytes(asset: Asset) -> bytes:
    """All parts as one binary STL. STL has no units: slicers take millimetres and Z up, so that is what it holds.

    The 80-byte header says so ("unit=mm up=z scale=metric"), and `load_asset` turns our own files back into metres.
    """
    records = []
    for part in asset.parts:
        surface = welded(part.mesh)
        turned = surface.with_vertices(printing_from_world(surface.vertices))
        one = np.zeros(len(turned.faces), _RECORD)
        one["normal"], one["corners"] = face_normals(turned), turned.triangles
        records.append(one)
    faces = np.concatenate(records)
    header = f"{GENERATOR} unit=mm up=z scale={asset.scale.value}".encode()[:80].ljust(80)
    return header + np.uint32(len(faces)).tobytes() + faces.tobytes()
