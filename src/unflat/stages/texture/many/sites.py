"""Sites: small pieces of surface, each of which will take its colour from one photo."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int32

from unflat.core import Mesh
from unflat.core.arrays import freeze_fields
from unflat.geometry.meshes import face_areas, vertex_normals, welded
from unflat.stages.texture.division import divided, located

_SIZE_SHARE = 1 / 60
"""Faces are divided while half of the surface lies in faces with edges longer than this share of the diagonal."""
_MOST_SITES = 300_000
"""Faces are not divided beyond about this many sites."""


@dataclass(frozen=True, eq=False)
class Sites:
    """The mesh's faces, each divided into ``4**divisions`` where they are large; vertices welded across UV seams.

    Sites ``4**divisions * f ...`` are those of face f.
    """

    vertices: Float32[np.ndarray, "w 3"]
    normals: Float32[np.ndarray, "w 3"]
    """Unit, smooth."""
    corners: Int32[np.ndarray, "s 3"]
    area: Float32[np.ndarray, "s"]
    """Square metres."""
    pairs: Int32[np.ndarray, "e 2"]
    """Sites that share an edge; each pair once."""
    divisions: int

    def __post_init__(self) -> None:
        freeze_fields(self, "vertices", "normals", "corners", "area", "pairs")

    def __len__(self) -> int:
        """Number of sites."""
        return len(self.corners)

    @property
    def size(self) -> float:
        """Diagonal of the surface's box in metres."""
        return float(np.linalg.norm(np.ptp(self.vertices, axis=0)))

    def located(
        self, face: Int32[np.ndarray, "n"], barycentric: Float32[np.ndarray, "n 3"]
    ) -> tuple[Int32[np.ndarray, "n"], Float32[np.ndarray, "n 3"]]:
        """The site of points on the mesh's faces, and their barycentric coordinates in it."""
        return located(face, barycentric, self.divisions)


def sites_of(mesh: Mesh) -> Sites:
    """The sites of a mesh. About linear in faces: 0.4 s for 80,000."""
    surface = welded(mesh)
    vertices, corners = surface.vertices, surface.faces
    area = face_areas(surface)
    order = np.argsort(area)
    middle = order[np.searchsorted(np.cumsum(area[order]), area.sum() / 2)]
    edge = np.sqrt(4 / np.sqrt(3) * area[middle])
    divisions = 0
    longest = _SIZE_SHARE * float(np.linalg.norm(mesh.extent))
    while edge > longest * 2**divisions and 4 * len(corners) <= _MOST_SITES:
        vertices, corners = divided(vertices, corners)
        divisions += 1
    fine = Mesh(vertices, corners)
    area = face_areas(fine).astype(np.float32)
    return Sites(vertices, vertex_normals(fine), corners, area, _pairs(corners), divisions)


def _pairs(corners: Int32[np.ndarray, "s 3"]) -> Int32[np.ndarray, "e 2"]:
    edges = np.sort(corners[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1).astype(np.int64)
    key = edges[:, 0] * (int(corners.max()) + 1) + edges[:, 1]
    order = np.argsort(key, kind="stable")
    same = np.flatnonzero(key[order[1:]] == key[order[:-1]])
    return (np.column_stack([order[same], order[same + 1]]) // 3).astype(np.int32)
