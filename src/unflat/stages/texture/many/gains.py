"""Exposure and white balance evened out: by how much each photo is lighter than the others, channel by channel."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int64
from scipy import sparse

from unflat.stages.texture.many.candidates import Candidates

_DARKEST, _LIGHTEST = 0.01, 0.9
"""Linear light between which a photo tells its exposure: below is noise, above the sensor clips."""
_AGREEING = 0.1
"""Differences of logarithms up to which observations of a place count fully; larger ones lose weight (Cauchy)."""
_ROUNDS = 10
_MOST_SITES = 30_000
"""Sites that are asked at most, evenly chosen."""
_PULL = 1e-3
"""Pull towards a gain of 1, as a share of an average photo's evidence: decides only what photos leave open."""


@dataclass(frozen=True, eq=False)
class _Observations:
    """Which view sees which site, and how surely."""

    site: Int64[np.ndarray, "m"]
    view: Int64[np.ndarray, "m"]
    weight: Float64[np.ndarray, "m"]
    sites: int
    views: int


def gains_of(candidates: Candidates, views: int) -> Float32[np.ndarray, "v 3"]:
    """By what to multiply the linear colours of each view, so that all agree; geometric mean 1 per channel.

    Robust least squares on logarithms: each site has one true brightness, each view one gain. The sites are eliminated,
    which leaves one equation per view. After Brown & Lowe 2007, "Automatic panoramic image stitching using invariant
    features", section 6, who compare pictures in pairs. Views that share no site with others keep about 1.
    """
    usable = (candidates.view >= 0) & candidates.whole
    shared = np.flatnonzero(usable.sum(axis=1) > 1)
    shared = shared[:: max(len(shared) // _MOST_SITES, 1)]
    site, slot = np.nonzero(usable[shared])
    site = shared[site]
    color = candidates.color[site, slot].astype(np.float64)
    told = ((color > _DARKEST) & (color < _LIGHTEST)).all(axis=1)
    site, slot, log = site[told], slot[told], np.log(color[told])
    if len(site) == 0:
        return np.ones((views, 3), np.float32)
    weight = np.sqrt(candidates.quality[site, slot].astype(np.float64))
    observations = _Observations(
        site, candidates.view[site, slot].astype(np.int64), weight / weight.mean(), len(candidates.view), views
    )
    return np.exp(np.column_stack([_fitted(observations, channel) for channel in log.T])).astype(np.float32)


def _fitted(seen: _Observations, log: Float64[np.ndarray, "m"]) -> Float64[np.ndarray, "v"]:
    """The logarithms of the gains of one channel, by iteratively reweighted least squares."""
    gain, weight = np.zeros(seen.views), seen.weight
    for _ in range(_ROUNDS):
        matrix = sparse.csr_matrix((weight, (seen.site, seen.view)), shape=(seen.sites, seen.views))
        total = np.bincount(seen.site, weight, seen.sites)
        mean = _share(np.bincount(seen.site, weight * log, seen.sites), total)
        inverse = sparse.diags(_share(np.ones_like(total), total))
        evidence = np.bincount(seen.view, weight, seen.views)
        system = np.diag(evidence) - (matrix.T @ inverse @ matrix).toarray()
        right = np.bincount(seen.view, weight * (mean[seen.site] - log), seen.views)
        gain = np.linalg.solve(system + _PULL * evidence.mean() * np.eye(seen.views), right)
        gain -= gain.mean()
        level = _share(np.bincount(seen.site, weight * (log + gain[seen.view]), seen.sites), total)
        residual = log + gain[seen.view] - level[seen.site]
        weight = seen.weight / (1 + (residual / _AGREEING) ** 2)
    return gain


def _share(part: Float64[np.ndarray, "s"], whole: Float64[np.ndarray, "s"]) -> Float64[np.ndarray, "s"]:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
