"""Fewer faces for the same shape: quadric edge collapse (Garland and Heckbert 1997) by fast-simplification."""

from __future__ import annotations

from collections.abc import Iterator

import fast_simplification
import numpy as np
from scipy.sparse import coo_matrix

from unflat.core.shape import Mesh
from unflat.geometry.carry import carried
from unflat.geometry.closing import repaired
from unflat.geometry.meshes import signed_volume, weld_map, welded
from unflat.geometry.topology import compacted, edge_table, is_closed, is_closed_manifold, is_manifold

_AGGRESSIVENESS = (7.0, 5.0, 3.0)
"""fast-simplification's own default first; lower ones collapse in a safer order, but may stop before the budget."""
_BUDGET_STEP = 1.5
"""Growth of the budget where no aggressiveness gives a valid mesh."""
_KEPT_VOLUME = 0.5
"""A closed mesh that lost more than this share of its volume has collapsed, not been simplified."""
_NEAR_ENOUGH = 1.005
"""Mending a few pinches may add a few faces: not worth another try."""
_STUCK = 1.2
"""With this many times the budget left, nothing more could be collapsed: something else is in the way."""
_RETRY_FACES = 4000
"""Further tries at a tiny budget start from a version this coarse, so that they take no time."""
_PARTING = 0.1
"""How far the halves of a split pinch are moved, as a share of the way to the middle between place and neighbours."""
_FEWEST_FACES = 4
"""A tetrahedron."""


def decimated(mesh: Mesh, faces: int) -> Mesh:
    """The mesh with at most that many faces, or with as few above as stay valid; never with more than before.

    A closed mesh stays closed and a manifold one manifold. Colours and confidence are those of the nearest vertex
    before; UV and normals are dropped. Sharp edges stay in place. 400,000 faces take about a second.
    """
    bare = mesh if mesh.uv is None else welded(mesh)
    if faces >= len(bare.faces):
        return mesh
    must_close, must_be_manifold = is_closed(bare.faces), is_manifold(bare.faces)
    volume = signed_volume(bare) if must_close else 0.0
    best: Mesh | None = None
    for rough in _candidates(bare, max(faces, _FEWEST_FACES)):
        pinched = must_close and must_be_manifold and not is_closed_manifold(rough.faces)
        candidate = _mended(rough) if pinched else rough
        if must_close and not (is_closed(candidate.faces) and signed_volume(candidate) >= _KEPT_VOLUME * volume):
            continue
        if must_be_manifold and not is_manifold(candidate.faces):
            continue
        if best is None or len(candidate.faces) < len(best.faces):
            best = candidate
        if len(best.faces) <= faces * _NEAR_ENOUGH:
            break
    if best is None or len(best.faces) >= len(bare.faces):
        return mesh
    return carried(mesh, best)


def _mended(mesh: Mesh) -> Mesh:
    """The mesh after small repairs: around handles a simplifier pinches a few edges, which need not cost the rest."""
    closed = repaired(mesh)
    return mesh if closed is None else _parted(closed.mesh)


def _parted(mesh: Mesh) -> Mesh:
    """Vertices at the same place, where a pinch was split, each a little towards its own neighbours.

    Else whoever merges equal positions, as many programs do, would pinch the surface again.
    """
    place = weld_map(mesh.vertices)
    alike = np.bincount(place, minlength=len(mesh.vertices))[place] > 1
    if not alike.any():
        return mesh
    relaxed = _relaxed(mesh).vertices
    shift = np.float32(_PARTING) * (relaxed - mesh.vertices)
    return mesh.with_vertices(mesh.vertices + np.where(alike[:, None], shift, np.float32(0)))


def levels_of_detail(mesh: Mesh, ratios: tuple[float, ...]) -> tuple[Mesh, ...]:
    """Coarser versions with these shares of the faces, finest first."""
    budgets = (max(int(len(mesh.faces) * ratio), _FEWEST_FACES) for ratio in sorted(ratios, reverse=True))
    return tuple(decimated(mesh, budget) for budget in budgets)


def _candidates(mesh: Mesh, faces: int) -> Iterator[Mesh]:
    """Simplified meshes, the one asked for first, then safer ones."""
    budget, start = faces, mesh
    while budget < len(start.faces):
        fewest = len(start.faces)
        for aggressiveness in _AGGRESSIVENESS:
            simpler = _simplified(start, budget, aggressiveness)
            if len(simpler.faces) > 0:
                fewest = min(fewest, len(simpler.faces))
                yield simpler
        if fewest > _STUCK * budget:
            relaxed = _relaxed(start)
            yield from (_simplified(relaxed, budget, aggressiveness) for aggressiveness in _AGGRESSIVENESS)
        if start is mesh and len(mesh.faces) > _RETRY_FACES and budget < _RETRY_FACES // 2:
            start = decimated(mesh, _RETRY_FACES)
        budget = int(budget * _BUDGET_STEP) + 1


def _simplified(mesh: Mesh, budget: int, aggressiveness: float) -> Mesh:
    vertices, triangles = fast_simplification.simplify(
        np.array(mesh.vertices, np.float64), np.array(mesh.faces), target_count=budget, agg=aggressiveness
    )
    used, source = compacted(np.asarray(triangles, np.int32).reshape(-1, 3), len(vertices))
    return Mesh(vertices[source].astype(np.float32), used)


def _relaxed(mesh: Mesh) -> Mesh:
    """Each vertex halfway to the middle of its neighbours: ridges like stairs, which block collapses, are gone."""
    one, other = edge_table(mesh.faces).edges.T
    ones, count = np.ones(len(one)), len(mesh.vertices)
    around = coo_matrix((ones, (one, other)), shape=(count, count)).tocsr()
    around = around + around.T
    middle = (around @ mesh.vertices) / np.maximum(around.sum(axis=1), 1)
    return mesh.with_vertices(np.asarray((mesh.vertices + middle) / 2, np.float32))
