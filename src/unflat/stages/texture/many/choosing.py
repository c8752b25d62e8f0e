"""The whole way from many photos to the colour of each texel: each site from its best photo, seams levelled."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32

from unflat.core import Context, Mesh, View
from unflat.stages.texture.atlas import Atlas
from unflat.stages.texture.looking import camera_of
from unflat.stages.texture.many.agreement import agreement_of, tone_of
from unflat.stages.texture.many.candidates import Candidates, candidates_of
from unflat.stages.texture.many.gains import gains_of
from unflat.stages.texture.many.gloss import gloss_of
from unflat.stages.texture.many.labelling import labelled
from unflat.stages.texture.many.levelling import corrections_of
from unflat.stages.texture.many.painting import Brush, painted
from unflat.stages.texture.many.pairing import pairing_of
from unflat.stages.texture.many.shares import Shares, shares_of
from unflat.stages.texture.many.sites import Sites, sites_of
from unflat.stages.texture.maps.shininess import Shininess
from unflat.stages.texture.projection import Observed


@dataclass(frozen=True, eq=False)
class Chosen:
    """What many photos say together."""

    observed: Observed
    shininess: Shininess


def chosen(atlas: Atlas, mesh: Mesh, views: tuple[View, ...], edge_px: int, context: Context) -> Chosen:
    """Colour each texel from the best of the photos that see its site whole.

    As Waechter, Moehrle & Goesele 2014, "Let there be color! Large-scale texturing of 3D reconstructions", with tones
    drawn to what many photos agree on instead of to the neighbouring patch alone.
    """
    sites = sites_of(mesh)
    candidates = candidates_of(sites, mesh, views, edge_px, context.part(0, 0.5))
    gains = gains_of(candidates, len(views))
    context.progress(0.52)
    tones = tone_of(candidates.color * gains[candidates.view])
    agreement = agreement_of(candidates, tones, pairing_of(sites.pairs, candidates.view))
    context.progress(0.54)
    label = labelled(candidates.view, candidates.quality, agreement.inlier, candidates.sharpness, sites.pairs)
    context.progress(0.56)
    shares = shares_of(sites, candidates, agreement.inlier & candidates.whole, label)
    context.progress(0.58)
    corrections = corrections_of(sites, candidates, tones, agreement, shares)
    brush = Brush(sites, shares, gains, corrections, edge_px, _partly(candidates, shares))
    result = painted(atlas, mesh, views, brush, context.part(0.6, 1))
    seen = _seen(atlas, sites, candidates)
    seen *= result.share > 0
    shininess = gloss_of(sites, candidates, gains, agreement, tuple(camera_of(view) for view in views))
    return Chosen(Observed(result.color, result.share, seen), shininess)


def _partly(candidates: Candidates, shares: Shares) -> Bool[np.ndarray, "j"]:
    slot = np.argmax(candidates.view[shares.site] == shares.view[:, None], axis=1)
    return np.asarray(~candidates.whole[shares.site, slot])


def _seen(atlas: Atlas, sites: Sites, candidates: Candidates) -> Float32[np.ndarray, "n"]:
    """Confidence of each texel: that of its site."""
    seen = np.empty(len(atlas), np.float32)
    for run, piece in atlas.pieces():
        seen[run] = candidates.seen[sites.located(piece.face, piece.barycentric)[0]]
    return seen
