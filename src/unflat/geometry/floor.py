"""The flat underside of what stood on the ground: nobody saw it, and reconstruction lets it bulge."""

from __future__ import annotations

import manifold3d
import numpy as np
from jaxtyping import Float32

from unflat.core import Mesh
from unflat.geometry.carry import picked_faces

_LOWEST_PERCENT = 0.2
"""Share of the points, in percent, that may lie below the floor by mistake."""


def cut_at_floor(
    mesh: Mesh, points: Float32[np.ndarray, "n 3"], floor: tuple[float, float, float, float] | None = None
) -> Mesh:
    """The closed mesh without what lies below the floor, closed there by a flat face; +Y is up.

    The floor is the plane a x + b y + c z = d, else that through the lowest points of the cloud. A mesh that is not
    closed and manifold loses its lower faces and stays open. Colours and confidence are not carried.
    """
    a, b, c, height = floor or (0.0, 1.0, 0.0, float(np.percentile(points[:, 1], _LOWEST_PERCENT)))
    heights = mesh.vertices @ np.array([a, b, c])
    if heights.min() >= height:
        return mesh
    # copies, since manifold3d refuses read-only arrays
    solid = manifold3d.Manifold(manifold3d.Mesh(np.array(mesh.vertices), np.array(mesh.faces, np.uint32)))
    if solid.status() != manifold3d.Error.NoError or solid.is_empty():
        above = (heights[mesh.faces] >= height).any(axis=1)
        return picked_faces(mesh, above) if above.any() else mesh
    kept = solid.trim_by_plane([a, b, c], height)
    if kept.is_empty():
        return mesh
    made = kept.to_mesh()
    vertices = np.ascontiguousarray(made.vert_properties[:, :3], np.float32)
    return Mesh(vertices, np.ascontiguousarray(made.tri_verts).astype(np.int32))
