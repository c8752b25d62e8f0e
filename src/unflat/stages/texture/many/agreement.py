"""Agreement: passers-by, highlights and what the mesh got wrong, voted out by the other photos of the same place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32

from unflat.core.arrays import freeze_fields
from unflat.stages.texture.many.candidates import Candidates
from unflat.stages.texture.many.pairing import Pairing

DARK = 0.02
"""Linear light added before the logarithm: tones are compared as shares, near black as differences."""
_FEWEST = 2
"""Views that stay at least: two against one can be told apart, one against one can't."""
_SOFTENINGS = 1
"""Rings of neighbours over which tones are averaged before the vote."""
_ROUNDS = 4
_LIMIT = 7.8
"""Squared distance beyond which a view is out: 95% of a normal distribution of three channels lie within."""
_LEAST_SPREAD = 0.06
"""Standard deviation of tones that is always allowed: grain and rounding."""
_PRIOR_VIEWS = 3.0
"""The spread of a site's first guess counts as much as this many views."""
_MEDIAN_TO_SPREAD = 1.4826
"""Median absolute deviation to standard deviation, for a normal distribution."""
_FOLLOWING_ROUNDS = 3
_MAJORITY = 0.6
"""Share of the neighbours that must have voted a view out for a site to follow them."""


@dataclass(frozen=True, eq=False)
class Agreement:
    """Which candidates of each site agree, and on what."""

    inlier: Bool[np.ndarray, "s k"]
    tone: Float32[np.ndarray, "s 3"]
    """`tone_of` the colour agreed on; NaN where there is no candidate."""

    def __post_init__(self) -> None:
        freeze_fields(self, "inlier", "tone")


def tone_of(linear: Float32[np.ndarray, "*n 3"]) -> Float32[np.ndarray, "*n 3"]:
    """Natural logarithm of linear colour plus `DARK`."""
    return np.asarray(np.log(linear + np.float32(DARK)))


def agreement_of(candidates: Candidates, tones: Float32[np.ndarray, "s k 3"], pairing: Pairing) -> Agreement:
    """Vote: views whose tone at a site is far from what most say are out; so are those that most neighbours voted out.

    A normal distribution is fitted to the tones of each site and refitted without those that lie far outside (the
    photo-consistency check of Waechter et al. 2014, section 3.2, begun from the median, so that one of three can be
    outvoted). At least two views stay where there were as many. Linear in sites times candidates.
    """
    present = np.asarray(candidates.view >= 0)
    inlier = _voted(_softened(tones, present, pairing), present)
    for _ in range(_FOLLOWING_ROUNDS):
        inlier = _followed(inlier, present, pairing)
    weight = np.sqrt(candidates.quality) * inlier
    total = np.maximum(weight.sum(axis=1), np.finfo(np.float32).tiny)
    mean = np.einsum("sk,skc->sc", weight, np.nan_to_num(tones)) / total[:, None]
    return Agreement(inlier, np.where(present.any(axis=1, keepdims=True), mean, np.float32(np.nan)))


def _softened(
    tones: Float32[np.ndarray, "s k 3"], present: Bool[np.ndarray, "s k"], pairing: Pairing
) -> Float32[np.ndarray, "s k 3"]:
    """Tones averaged with those of the same view around: detail that is a pixel off must not count as disagreement."""
    asked = 1 + pairing.gather @ pairing.at_target(present[pairing.source].astype(np.float32), 0)
    for _ in range(_SOFTENINGS):
        known = np.nan_to_num(tones)
        around = [
            pairing.gather @ pairing.at_target(channel[pairing.source], 0) for channel in np.moveaxis(known, 2, 0)
        ]
        mean = (known + np.stack(around, axis=2)) / asked[..., None]
        tones = np.where(np.asarray(present)[..., None], mean, np.float32(np.nan))
    return tones


def _voted(tones: Float32[np.ndarray, "s k 3"], present: Bool[np.ndarray, "s k"]) -> Bool[np.ndarray, "s k"]:
    """The views that agree, site by site."""
    known = np.where(present[..., None], tones, np.float32(np.nan))
    # Where two stand against two, the darker are believed, as highlights are never darker, but nobody is voted out.
    center = _median(known)
    offset = np.nan_to_num(known - center[:, None])
    deviation = np.where(present, np.sqrt((offset**2).mean(axis=2)), np.float32(np.nan))
    spread = np.maximum(_MEDIAN_TO_SPREAD * _median(deviation[..., None], upper=True)[:, 0], _LEAST_SPREAD)
    prior = (_PRIOR_VIEWS * np.minimum(spread, 2 * _LEAST_SPREAD) ** 2)[:, None, None] * np.eye(3, dtype=np.float32)
    inverse = np.eye(3, dtype=np.float32) / (spread**2)[:, None, None]
    inlier = present
    for _ in range(_ROUNDS):
        distance = np.einsum("skc,skc->sk", offset @ inverse, offset)
        distance[~present] = np.inf
        nearest = distance <= np.sort(distance, axis=1)[:, :_FEWEST][:, -1:]
        inlier = present & ((distance < _LIMIT) | nearest)
        kept = offset * inlier[..., None]
        count = np.maximum(inlier.sum(axis=1), 1).astype(np.float32)[:, None]
        shift = kept.sum(axis=1) / count
        offset -= shift[:, None] * present[..., None]
        kept = offset * inlier[..., None]
        inverse = np.linalg.inv((kept.transpose(0, 2, 1) @ kept + prior) / (count + _PRIOR_VIEWS)[..., None])
    return inlier


def _followed(
    inlier: Bool[np.ndarray, "s k"], present: Bool[np.ndarray, "s k"], pairing: Pairing
) -> Bool[np.ndarray, "s k"]:
    """Votes after each site took over what most of its neighbours say of a view, while a view stays."""
    out = (present & ~inlier).astype(np.float32)
    against = pairing.gather @ pairing.at_target(out[pairing.source], 0)
    asked = pairing.gather @ pairing.at_target(np.ones_like(out)[pairing.source], 0)
    followed = inlier & (against < _MAJORITY * np.maximum(asked, 1))
    return np.where(followed.any(axis=1, keepdims=True), followed, inlier)


def _median(values: Float32[np.ndarray, "s k c"], upper: bool = False) -> Float32[np.ndarray, "s c"]:
    """Median over the second axis without the NaNs, of two middle ones the lower or the upper; 0 of nothing."""
    middle = np.maximum(np.isfinite(values).sum(axis=1) - (not upper), 0) // 2
    return np.nan_to_num(np.take_along_axis(np.sort(values, axis=1), middle[:, None], axis=1)[:, 0])
