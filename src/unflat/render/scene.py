"""A scene: parts made ready for many pictures (rays, shading normals, textures), prepared once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int32

from unflat.core import Asset, Mesh, Part
from unflat.geometry.meshes import face_cross, vertex_normals, weld_map
from unflat.geometry.raycast import RayCaster
from unflat.geometry.tangents import vertex_tangents
from unflat.geometry.uv import uv_area_ratio
from unflat.render.textures import MaterialTextures

_CREASE_DEG = 40.0
"""Edges bent more than this are drawn sharp where a mesh has no normals of its own; the usual default is 30 to 45."""


@dataclass(frozen=True, eq=False)
class ScenePart:
    """A part with what shading needs of each face."""

    part: Part
    corner_normals: Float32[np.ndarray, "f 3 3"]
    """Unit shading normals of each face's corners."""
    tangents: Float32[np.ndarray, "v 4"] | None
    """`vertex_tangents`; None without a normal map."""
    texel_density: Float32[np.ndarray, "f"]
    """UV lengths per metre of surface, per face; 0 without UV."""
    textures: MaterialTextures


@dataclass(frozen=True, eq=False)
class Scene:
    """Parts in one ray caster. Faces are numbered through, part after part."""

    parts: tuple[ScenePart, ...]
    caster: RayCaster
    triangles: Float32[np.ndarray, "f 3 3"]
    normals: Float32[np.ndarray, "f 3"]
    """Unit geometric normal of each face."""
    corner_normals: Float32[np.ndarray, "f 3 3"]
    """Those of the parts, one after the other."""
    part_of_face: Int32[np.ndarray, "f"]
    first_face: tuple[int, ...]

    @property
    def points(self) -> Float32[np.ndarray, "n 3"]:
        """All vertices that a face uses: what a camera has to frame."""
        used = []
        for part in self.parts:
            mesh = part.part.mesh
            in_use = np.zeros(len(mesh.vertices), bool)
            in_use[mesh.faces] = True
            used.append(mesh.vertices[in_use])
        return np.concatenate(used)

    @property
    def size(self) -> float:
        """Diagonal of the bounding box in metres."""
        return float(np.linalg.norm(np.ptp(self.triangles.reshape(-1, 3).astype(np.float64), axis=0)))


def build_scene(parts: tuple[Part, ...] | Asset | Scene) -> Scene:
    """The scene of some parts or of an asset; a scene is given back as it is. About 0.1 s for 20k faces."""
    if isinstance(parts, Scene):
        return parts
    if isinstance(parts, Asset):
        parts = parts.parts
    prepared = tuple(_scene_part(part) for part in parts)
    counts = [len(part.mesh.faces) for part in parts]
    triangles = np.concatenate([part.mesh.triangles for part in parts])
    whole = Mesh(triangles.reshape(-1, 3), np.arange(3 * len(triangles), dtype=np.int32).reshape(-1, 3))
    cross = face_cross(whole)
    lengths = np.linalg.norm(cross, axis=1, keepdims=True)
    normals = np.divide(cross, lengths, out=np.zeros_like(cross), where=lengths > 0).astype(np.float32)
    return Scene(
        prepared,
        RayCaster(whole),
        triangles,
        normals,
        np.concatenate([part.corner_normals for part in prepared]),
        np.repeat(np.arange(len(parts), dtype=np.int32), counts),
        tuple(int(first) for first in np.cumsum([0, *counts[:-1]])),
    )


def corner_normals(mesh: Mesh, crease_deg: float = _CREASE_DEG) -> Float32[np.ndarray, "f 3 3"]:
    """Unit shading normal of each face's corners.

    The mesh's own vertex normals where it has them; else the area-weighted mean of the face normals around the corner
    that differ from this face's by less than the crease angle, UV seams ignored.
    """
    if mesh.normals is not None:
        return np.ascontiguousarray(mesh.normals[mesh.faces])
    cross = face_cross(mesh)
    unit = _normalized(cross)
    corner_of, other_face = _corner_neighbours(weld_map(mesh.vertices)[mesh.faces])
    own = unit[corner_of // 3]
    near = np.einsum("ij,ij->i", own, unit[other_face]) > np.cos(np.radians(crease_deg))
    sums = np.empty((3 * len(mesh.faces), 3))
    for axis in range(3):
        sums[:, axis] = np.bincount(corner_of[near], cross[other_face[near], axis], minlength=len(sums))
    return _normalized(sums).astype(np.float32).reshape(-1, 3, 3)


def _corner_neighbours(
    faces: Int32[np.ndarray, "f 3"],
) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of a corner (3 * face + k) and a face that meets it in the same vertex, the own face among them."""
    vertex = faces.ravel()
    order = np.argsort(vertex, kind="stable")
    counts = np.bincount(vertex)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    fans = counts[vertex[order]]
    corner_of = np.repeat(order, fans)
    within = np.arange(len(corner_of)) - np.repeat(np.cumsum(fans) - fans, fans)
    other = order[np.repeat(starts[vertex[order]], fans) + within]
    return corner_of, other // 3


def _scene_part(part: Part) -> ScenePart:
    mesh, relief = part.mesh, part.material.normal is not None
    textures = MaterialTextures(part.material)
    if mesh.uv is None:
        return ScenePart(part, corner_normals(mesh), None, np.zeros(len(mesh.faces), np.float32), textures)
    # a normal map is baked against smooth vertex normals, so it must be shaded with them, creases or not
    smooth = None if not relief else vertex_normals(mesh) if mesh.normals is None else mesh.normals
    return ScenePart(
        part,
        corner_normals(mesh) if smooth is None else smooth[mesh.faces],
        None if smooth is None else vertex_tangents(mesh, smooth),
        np.sqrt(uv_area_ratio(mesh)).astype(np.float32),
        textures,
    )


def _normalized(vectors: np.ndarray) -> np.ndarray:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.divide(vectors, lengths, out=np.zeros_like(vectors), where=lengths > 0)
