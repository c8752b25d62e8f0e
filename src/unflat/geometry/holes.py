"""Holes closed so that the new surface meets the old one smoothly (after Liepa 2003, "Filling Holes in Meshes")."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float64, Int32
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import spsolve

from unflat.core.shape import Mesh
from unflat.geometry.laplacian import umbrella, vertex_adjacency
from unflat.geometry.patches import Patch, flat_patch, plane_frame, smallest_patch
from unflat.geometry.repair import fans_split
from unflat.geometry.topology import boundary_loops, edge_table

_SMOOTHLY_UP_TO = 0.2
"""Holes up to this share of the object's diagonal go on with the curvature around them; larger ones are spanned flat,
since a missing base or back should not bulge."""


@dataclass(frozen=True, eq=False)
class Filling:
    """A mesh after its holes were closed."""

    mesh: Mesh
    filled: int
    """Holes closed."""
    left: int
    """Holes left open because they are larger than asked for."""
    area_m2: float
    """Area of the new surface."""


def holes_filled(mesh: Mesh, largest_m: float = np.inf) -> Filling:
    """The mesh with every hole closed whose rim is at most that wide (diagonal of its box), neighbours turned alike.

    The mesh must be welded and consistently turned. New vertices have confidence 0 where the mesh has confidence, and
    the mean colour of the rim. Vertices where surfaces only touch are split. Linear in the faces, apart from
    holes of thousands of sides. Closed meshes come back as they are.
    """
    bare = fans_split(mesh)
    loops = [loop[::-1] for loop in boundary_loops(bare.faces)]
    extent = np.array([np.linalg.norm(np.ptp(bare.vertices[loop], axis=0)) for loop in loops])
    chosen = [loop for loop, width in zip(loops, extent, strict=True) if width <= largest_m and len(loop) >= 3]
    if not chosen:
        return Filling(mesh, 0, len(loops), 0.0)
    edges = edge_table(bare.faces).edges
    neighbors = vertex_adjacency(edges, len(bare.vertices))
    smooth_below = _SMOOTHLY_UP_TO * float(np.linalg.norm(bare.extent))
    patches = []
    for loop in chosen:
        patch = _patch_for(bare, loop, neighbors)
        width = float(np.linalg.norm(np.ptp(bare.vertices[loop], axis=0)))
        patches.append(_lifted(bare, loop, patch, neighbors if width <= smooth_below else None))
    result, area_m2 = _joined(bare, chosen, patches)
    return Filling(result, len(chosen), len(loops) - len(chosen), area_m2)


def _patch_for(mesh: Mesh, loop: Int32[np.ndarray, "n"], neighbors: csr_matrix) -> Patch:
    points = mesh.vertices[loop].astype(np.float64)
    forbidden = _existing_chords(loop, neighbors)
    return flat_patch(points, forbidden) or smallest_patch(points, forbidden)


def _existing_chords(loop: Int32[np.ndarray, "n"], neighbors: csr_matrix) -> Bool[np.ndarray, "n n"]:
    """Pairs of the loop's points that the mesh joins already by an edge off the loop: a second one is not allowed."""
    chords = np.asarray(neighbors[loop][:, loop].toarray() > 0)
    ring = np.arange(len(loop))
    chords[ring, np.roll(ring, -1)] = chords[np.roll(ring, -1), ring] = False
    return chords


def _lifted(mesh: Mesh, loop: Int32[np.ndarray, "n"], patch: Patch, neighbors: csr_matrix | None) -> Patch:
    """The patch with its new points raised over the loop's plane: smoothly with neighbours, else as a soap film."""
    rim, new = len(loop), len(patch.new_points)
    if new == 0:
        return patch
    points = mesh.vertices[loop].astype(np.float64)
    normal = plane_frame(points)[2]
    around = loop[:0]
    if neighbors is not None:
        around = np.setdiff1d(np.unique(neighbors[loop].indices), loop).astype(np.int32)
    patch_edges = edge_table(patch.faces).edges
    edges = [patch_edges]
    if len(around):
        local = np.concatenate([loop, around])
        old = neighbors[loop][:, local].tocoo()  # type: ignore[index]
        columns = np.where(old.col >= rim, old.col + new, old.col)
        edges.append(np.column_stack([old.row, columns])[old.col >= rim])
    laplacian = umbrella(vertex_adjacency(np.concatenate(edges), rim + new + len(around)))
    known = np.concatenate([np.arange(rim), np.arange(rim + new, rim + new + len(around))])
    free = np.arange(rim, rim + new)
    rows = laplacian[np.arange(rim + new) if len(around) else free]
    height = (mesh.vertices[np.concatenate([loop, around])].astype(np.float64) - points.mean(axis=0)) @ normal
    matrix, target = rows[:, free], -(rows[:, known] @ height)
    raised = spsolve((matrix.T @ matrix).tocsc(), matrix.T @ target)
    flat = patch.new_points - np.outer((patch.new_points - points.mean(axis=0)) @ normal, normal)
    return replace(patch, new_points=flat + np.outer(raised, normal))


def _joined(mesh: Mesh, loops: list[Int32[np.ndarray, "_k"]], patches: list[Patch]) -> tuple[Mesh, float]:
    vertices, faces, colors, confidence = [mesh.vertices], [mesh.faces], [mesh.colors], [mesh.confidence]
    count, area_m2 = len(mesh.vertices), 0.0
    for loop, patch in zip(loops, patches, strict=True):
        new = len(patch.new_points)
        numbers = np.concatenate([loop, np.arange(count, count + new, dtype=np.int32)])
        corners = np.concatenate([mesh.vertices[loop], patch.new_points])[patch.faces]
        area_m2 += _area(corners)
        vertices.append(patch.new_points.astype(np.float32))
        faces.append(numbers[patch.faces])
        if mesh.colors is not None:
            colors.append(np.tile(mesh.colors[loop].mean(axis=0).astype(np.uint8), (new, 1)))
        if mesh.confidence is not None:
            confidence.append(np.zeros(new, np.float32))
        count += new
    result = Mesh(
        np.concatenate(vertices),
        np.concatenate(faces),
        colors=None if mesh.colors is None else np.concatenate([part for part in colors if part is not None]),
        confidence=None
        if mesh.confidence is None
        else np.concatenate([part for part in confidence if part is not None]),
    )
    return result, area_m2


def _area(corners: Float64[np.ndarray, "f 3 3"]) -> float:
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return float(np.linalg.norm(cross, axis=1).sum() / 2)
