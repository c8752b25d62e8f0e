"""Binary PLY: positions, normals, UV, colours and confidence at the vertices."""

from __future__ import annotations

import numpy as np

from unflat.core.asset import Asset, Part
from unflat.io.glb import unit_normals
from unflat.io.metadata import GENERATOR
from unflat.io.textures import vertex_colors

_TYPES = {"f4": "float", "u1": "uchar"}
_FACE = np.dtype([("count", "u1"), ("corners", "<i4", 3)])


def ply_bytes(asset: Asset) -> bytes:
    """All parts as one little-endian binary PLY, in metres, Y up; colours are sRGB.

    Vertices are those of `Mesh`, so they stand twice along UV seams and nothing is lost (``s t`` is UV with v up).
    Colours are looked up in the texture at the vertices. Where only some parts have UV, colours or confidence, the
    others get 0, white or NaN.
    """
    wanted = {
        "uv": any(part.mesh.uv is not None for part in asset.parts),
        "colors": any(vertex_colors(part.mesh, part.material) is not None for part in asset.parts),
        "confidence": any(part.mesh.confidence is not None for part in asset.parts),
    }
    names = ["x", "y", "z", "nx", "ny", "nz"] + ["s", "t"] * wanted["uv"] + ["confidence"] * wanted["confidence"]
    layout = [(name, "<f4") for name in names] + [(c, "u1") for c in ("red", "green", "blue") if wanted["colors"]]
    vertices = np.concatenate([_vertices(part, np.dtype(layout)) for part in asset.parts])
    counts = [len(part.mesh.vertices) for part in asset.parts]
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    corners = np.concatenate([part.mesh.faces + start for part, start in zip(asset.parts, starts, strict=True)])
    faces = np.empty(len(corners), _FACE)
    faces["count"], faces["corners"] = 3, corners
    header = [
        "ply",
        "format binary_little_endian 1.0",
        f"comment {GENERATOR} unit=m up=y scale={asset.scale.value}",
        f"element vertex {len(vertices)}",
        *(f"property {_TYPES[kind[-2:]]} {name}" for name, kind in layout),
        f"element face {len(faces)}",
        "property list uchar int vertex_indices",
        "end_header\n",
    ]
    return "\n".join(header).encode() + vertices.tobytes() + faces.tobytes()


def _vertices(part: Part, layout: np.dtype) -> np.ndarray:
    mesh, names = part.mesh, layout.names or ()
    rows = np.zeros(len(mesh.vertices), layout)
    rows["x"], rows["y"], rows["z"] = mesh.vertices.T
    rows["nx"], rows["ny"], rows["nz"] = unit_normals(mesh).T
    if mesh.uv is not None:
        rows["s"], rows["t"] = mesh.uv[:, 0], 1 - mesh.uv[:, 1]
    if "confidence" in names:
        rows["confidence"] = np.nan if mesh.confidence is None else mesh.confidence
    if "red" in names:
        colors = vertex_colors(mesh, part.material)
        rows["red"], rows["green"], rows["blue"] = (255, 255, 255) if colors is None else colors.T
    return rows
