"""Colours that the reconstruction itself brought, laid under what photos and symmetry give."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from unflat.core import Mesh
from unflat.core.color import linear_from_srgb
from unflat.stages.texture.atlas import Atlas
from unflat.stages.texture.mirror import Coverage

_SURE = 0.99
"""Texels covered this much show how the mesh's own colours compare with those of the photo."""
_FEWEST = 64
_TEXELS_AT_ONCE = 1 << 22
_GAIN_RANGE = (0.5, 2.0)
"""The photo loses its shading and the mesh's colours do not: they are made as light as it, within reason."""


def covered_by_mesh(atlas: Atlas, mesh: Mesh, known: Coverage) -> Coverage:
    """The coverage with the mesh's vertex colours under it everywhere; the same where the mesh has none."""
    if mesh.colors is None:
        return known
    vertex_colors = linear_from_srgb(mesh.colors) * _gain(atlas, mesh, known)
    colors, share = known.premultiplied.copy(), known.share
    for run, piece in atlas.pieces():
        colors[run] += (1 - share[run])[:, None] * piece.interpolated(mesh, vertex_colors)
    return Coverage(colors, np.ones_like(share))


def _gain(atlas: Atlas, mesh: Mesh, known: Coverage) -> Float32[np.ndarray, "3"]:
    """How much lighter the photo's colours are, per channel, where both are known."""
    both = np.flatnonzero(known.share > _SURE)
    if len(both) < _FEWEST:
        return np.ones(3, np.float32)
    assert mesh.colors is not None, "asked of a mesh with colours"
    own, sums = linear_from_srgb(mesh.colors), np.zeros((2, 3))
    for start in range(0, len(both), _TEXELS_AT_ONCE):
        some = both[start : start + _TEXELS_AT_ONCE]
        sums[0] += known.premultiplied[some].sum(axis=0, dtype=np.float64)
        sums[1] += atlas.at(some).interpolated(mesh, own).sum(axis=0, dtype=np.float64)
    ratio = sums[0] / np.maximum(sums[1], 1e-3 * len(both))
    return np.clip(ratio, *_GAIN_RANGE).astype(np.float32)
