"""Connected parts of a mesh, by size."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64, Int32

from unflat.core.shape import Mesh
from unflat.geometry.meshes import face_areas, weld_map
from unflat.geometry.repair import part_volumes
from unflat.geometry.topology import compacted, connected_parts, is_closed


def parts_of(mesh: Mesh) -> tuple[Int32[np.ndarray, "f"], Float64[np.ndarray, "p"]]:
    """For each face the number of its part, and each part's size: volume if the whole mesh is closed, else area.

    Vertices at the same place count as one, so that UV seams do not part anything.
    """
    place = weld_map(mesh.vertices)
    faces = place[mesh.faces]
    part = connected_parts(faces, int(place.max()) + 1)
    count = int(part.max()) + 1
    if count > 1 and is_closed(faces):
        return part, np.abs(part_volumes(mesh, part))
    return part, np.bincount(part, face_areas(mesh), minlength=count)


def largest_parts(mesh: Mesh, min_share: float = 1.0) -> Mesh:
    """The largest part, with those at least `min_share` times as large. All vertex data stay."""
    part, size = parts_of(mesh)
    keep_part = size >= min_share * size.max()
    keep_part[size.argmax()] = True
    if min_share >= 1.0:
        keep_part[np.arange(len(size)) != size.argmax()] = False
    if keep_part.all():
        return mesh
    keep = keep_part[part]
    faces, used = compacted(mesh.faces[keep], len(mesh.vertices))
    return Mesh(
        mesh.vertices[used],
        faces,
        uv=None if mesh.uv is None else mesh.uv[used],
        normals=None if mesh.normals is None else mesh.normals[used],
        colors=None if mesh.colors is None else mesh.colors[used],
        confidence=None if mesh.confidence is None else mesh.confidence[used],
        quads=mesh.quads,
    )
