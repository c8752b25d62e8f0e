"""Fewer faces for the same shape: quadric edge collapse (Garland and Heckbert 1997) by fast-simplification."""

from __future__ import annotations

from collections.abc import Iterator

import fast_simplification
import numpy as np

from unflat.core.shape import Mesh
from unflat.geometry.carry import carried
from unflat.geometry.closing import repaired
from unflat.geometry.meshes import signed_volume, welded
from unflat.geometry.topology import compacted, is_closed, is_closed_manifold, is_manifold

_AGGRESSIVENESS = (7.0, 5.0, 3.0)
"""fast-simplification's own default first; lower ones collapse in a safer order, but may stop before the budget."""
_BUDGET_STEP = 1.5
"""Growth of the budget where no aggressiveness gives a valid mesh."""
_KEPT_VOLUME = 0.5
"""A closed mesh that lost more than this share of its volume has collapsed, not been simplified."""
_NEAR_ENOUGH = 1.005
"""Mending a few pinches may add a few faces: not worth another try."""
_RETRY_FACES = 4000
"""Further tries at a tiny budget start from a version this coarse, so that they take no time."""
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
    return mesh if closed is None else closed.mesh


def levels_of_detail(mesh: Mesh, ratios: tuple[float, ...]) -> tuple[Mesh, ...]:
    """Coarser versions with these shares of the faces, finest first; each is made from the one before."""
    levels: list[Mesh] = []
    for ratio in sorted(ratios, reverse=True):
        budget = max(int(len(mesh.faces) * ratio), _FEWEST_FACES)
        levels.append(decimated(levels[-1] if levels else mesh, budget))
    return tuple(levels)


def _candidates(mesh: Mesh, faces: int) -> Iterator[Mesh]:
    """Simplified meshes, the one asked for first, then safer ones."""
    budget, start = faces, mesh
    while budget < len(start.faces):
        for aggressiveness in _AGGRESSIVENESS:
            vertices, triangles = fast_simplification.simplify(
                np.array(start.vertices, np.float64), np.array(start.faces), target_count=budget, agg=aggressiveness
            )
            if len(triangles) > 0:
                used, source = compacted(np.asarray(triangles, np.int32), len(vertices))
                yield Mesh(vertices[source].astype(np.float32), used)
        if start is mesh and len(mesh.faces) > _RETRY_FACES and budget < _RETRY_FACES // 2:
            start = decimated(mesh, _RETRY_FACES)
        budget = int(budget * _BUDGET_STEP) + 1
