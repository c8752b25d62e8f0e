"""Planes that a surface mirrors itself in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int64
from scipy.spatial import cKDTree

from unflat.core import Mesh
from unflat.core.arrays import freeze_fields
from unflat.geometry.meshes import face_cross

_SAMPLES = 2000
"""Points that the surface is judged by."""
_TARGETS = 12000
"""Points that mirror images are compared with: about half the tolerance apart."""
_FEWEST_PAIRS = 10
"""Fewer pairs than this tell nothing about a plane."""
_TOLERANCE_SHARE = 0.02
"""How far off its mirror image a point may lie, as a share of the mesh's diagonal."""
_ALIKE_NORMALS = 0.7
"""Cosine from which two normals count as the same (45°)."""
_REFINEMENTS = 12
_LARGEST_LEAN = 0.3
"""Most that the normal turns in one step, in radians."""
_RIGID = 1e-3
"""Relative singular value below which a direction is left alone: a ball is symmetric however the plane leans."""
_DIFFERENT_NORMALS = 0.97
"""Cosine from which two refined planes are the same plane (14°)."""


@dataclass(frozen=True, eq=False)
class SymmetryPlane:
    """The plane ``normal . x = offset``."""

    normal: Float64[np.ndarray, "3"]
    """Unit."""
    offset: float
    overlap: float
    """Share of the surface's area whose mirror image lies on the surface, 0..1."""

    def __post_init__(self) -> None:
        freeze_fields(self, "normal")

    def mirrored(self, points: Float32[np.ndarray, "n 3"]) -> Float32[np.ndarray, "n 3"]:
        """The points on the other side."""
        distance = points @ self.normal.astype(np.float32) - np.float32(self.offset)
        return points - 2 * distance[:, None] * self.normal.astype(np.float32)

    def turned(self, directions: Float32[np.ndarray, "n 3"]) -> Float32[np.ndarray, "n 3"]:
        """Directions (normals) as the mirror shows them."""
        normal = self.normal.astype(np.float32)
        return directions - 2 * (directions @ normal)[:, None] * normal


def symmetry_planes(mesh: Mesh, min_overlap: float, seed: int) -> tuple[SymmetryPlane, ...]:
    """The planes that map at least `min_overlap` of the area onto itself, best first; at most six.

    Starts from the world's axes and the principal axes through the centre of area, and refines each so that mirror
    images lie on the nearest surface (point-to-plane ICP, Chen & Medioni 1992). A plane far from all six is not found.
    Constant cost: about 0.2 s.
    """
    points, normals = surface_samples(mesh, _SAMPLES, seed)
    targets, target_normals = surface_samples(mesh, _TARGETS, seed + 1)
    tolerance = _TOLERANCE_SHARE * float(np.linalg.norm(mesh.extent))
    cloud = _Cloud(points, normals, cKDTree(targets), target_normals, tolerance)
    center = points.mean(axis=0)
    _, principal = np.linalg.eigh(np.cov((points - center).T))
    found: list[SymmetryPlane] = []
    for start in np.vstack([np.eye(3), principal.T]):
        plane = _refined(SymmetryPlane(start, float(start @ center), 0.0), cloud)
        is_new = all(abs(plane.normal @ other.normal) < _DIFFERENT_NORMALS for other in found)
        if plane.overlap >= min_overlap and is_new:
            found.append(plane)
    return tuple(sorted(found, key=lambda plane: -plane.overlap))


def surface_samples(mesh: Mesh, count: int, seed: int) -> tuple[Float64[np.ndarray, "n 3"], Float64[np.ndarray, "n 3"]]:
    """Points spread evenly over the area (stratified), with the unit normals of their faces."""
    random = np.random.default_rng(seed)
    cross = face_cross(mesh)
    doubled_area = np.linalg.norm(cross, axis=1)
    steps = (np.arange(count) + random.random(count)) / count
    face = np.searchsorted(np.cumsum(doubled_area) / doubled_area.sum(), steps).clip(max=len(cross) - 1)
    root, along = np.sqrt(random.random(count)), random.random(count)
    weights = np.column_stack([1 - root, root * (1 - along), root * along])
    points = np.einsum("nk,nkc->nc", weights, mesh.triangles[face].astype(np.float64))
    return points, cross[face] / np.maximum(doubled_area[face], 1e-300)[:, None]


@dataclass(frozen=True, eq=False)
class _Cloud:
    """Surface samples, and the closer spaced ones that their mirror images are compared with."""

    points: Float64[np.ndarray, "n 3"]
    normals: Float64[np.ndarray, "n 3"]
    tree: cKDTree
    target_normals: Float64[np.ndarray, "m 3"]
    tolerance: float

    def partners(self, plane: SymmetryPlane, reach: float) -> tuple[Int64[np.ndarray, "n"], Bool[np.ndarray, "n"]]:
        """Number of the target nearest to each point's mirror image, and whether it is in reach and faces alike."""
        images = self.points - 2 * (self.points @ plane.normal - plane.offset)[:, None] * plane.normal
        turned = self.normals - 2 * (self.normals @ plane.normal)[:, None] * plane.normal
        distance, index = self.tree.query(images)
        alike = np.einsum("ni,ni->n", turned, self.target_normals[index]) > _ALIKE_NORMALS
        return index, np.asarray((distance < reach) & alike)


def _refined(plane: SymmetryPlane, cloud: _Cloud) -> SymmetryPlane:
    """The plane after fitting; every round looks for partners less far away."""
    for reach in np.geomspace(8, 1, _REFINEMENTS) * cloud.tolerance:
        partner, matched = cloud.partners(plane, float(reach))
        if matched.sum() < _FEWEST_PAIRS:
            return plane
        plane = _step(plane, cloud, matched, partner[matched])
    _, matched = cloud.partners(plane, cloud.tolerance)
    return SymmetryPlane(plane.normal, plane.offset, float(matched.mean()))


def _step(
    plane: SymmetryPlane, cloud: _Cloud, matched: Bool[np.ndarray, "n"], partner: Int64[np.ndarray, "m"]
) -> SymmetryPlane:
    """One Gauss-Newton step on the distances of the mirror images from their partners' tangent planes."""
    points, tangent_to = cloud.points[matched], cloud.target_normals[partner]
    normal, height = plane.normal, cloud.points[matched] @ plane.normal - plane.offset
    away = np.einsum("ni,ni->n", points - 2 * height[:, None] * normal - cloud.tree.data[partner], tangent_to)
    # The image of p is p - 2 (n.p - d) n: how it moves as n leans along either tangent, and as d grows.
    across, _, _ = np.linalg.svd(normal[:, None])
    leaning = across[:, 1:]
    facing = tangent_to @ normal
    slopes = -2 * (facing[:, None] * (points @ leaning) + height[:, None] * (tangent_to @ leaning))
    # The offset counts in units of the size, so that the three unknowns weigh alike at any size.
    size = cloud.tolerance / _TOLERANCE_SHARE
    change, *_ = np.linalg.lstsq(np.column_stack([slopes / size, 2 * facing]), -away / size, rcond=_RIGID)
    turned = normal + leaning @ np.clip(change[:2], -_LARGEST_LEAN, _LARGEST_LEAN)
    length = float(np.linalg.norm(turned))
    return SymmetryPlane(turned / length, (plane.offset + size * float(change[2])) / length, 0.0)
