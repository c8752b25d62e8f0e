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
_GAIN_RANGE = (0.5, 2.0)
"""The photo loses its shading and the mesh's colours do not: they are made as light as it, within reason."""


def covered_by_mesh(atlas: Atlas, mesh: Mesh, known: Coverage) -> Coverage:
    """The coverage with the mesh's vertex colours under it everywhere; the same where the mesh has none."""
    if mesh.colors is None:
        return known
    own = atlas.interpolated(mesh, linear_from_srgb(mesh.colors))
    texels = np.flatnonzero(known.share < 1)
    return known.with_more(texels, own[texels] * _gain(own, known), np.ones(len(texels), np.float32))


def _gain(own: Float32[np.ndarray, "n 3"], known: Coverage) -> Float32[np.ndarray, "3"]:
    """How much lighter the photo's colours are, per channel, where both are known."""
    both = known.share > _SURE
    if both.sum() < _FEWEST:
        return np.ones(3, np.float32)
    ratio = known.premultiplied[both].mean(axis=0) / np.maximum(own[both].mean(axis=0), 1e-3)
    return np.clip(ratio, *_GAIN_RANGE).astype(np.float32)
