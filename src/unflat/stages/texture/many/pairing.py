"""Neighbouring sites and the photos that both have: what votes and labels travel along."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int16, Int32
from scipy import sparse

from unflat.core.arrays import freeze_fields


@dataclass(frozen=True, eq=False)
class Pairing:
    """Directed pairs of neighbouring sites, first all one way, then all the other."""

    source: Int32[np.ndarray, "d"]
    target: Int32[np.ndarray, "d"]
    match: Int32[np.ndarray, "d k"]
    """For each slot of the target, where in ``(d, k + 1)`` the source's slot with the same view is; else its last."""
    gather: sparse.csr_matrix
    """Sums values of pairs at their targets, (s, d)."""

    def __post_init__(self) -> None:
        freeze_fields(self, "source", "target", "match")

    def reversed(self, values: Float32[np.ndarray, "d k"]) -> Float32[np.ndarray, "d k"]:
        """Values of the pairs, each at its opposite."""
        half = len(values) // 2
        return np.concatenate([values[half:], values[:half]])

    def at_target(self, values: Float32[np.ndarray, "d k"], otherwise: float) -> Float32[np.ndarray, "d k"]:
        """Values in the source's slots, moved to the target's."""
        padded = np.empty((len(values), values.shape[1] + 1), np.float32)
        padded[:, :-1], padded[:, -1] = values, otherwise
        return np.asarray(np.take(padded.ravel(), self.match))


def pairing_of(pairs: Int32[np.ndarray, "e 2"], view: Int16[np.ndarray, "s k"]) -> Pairing:
    """The pairs in both directions; pairs of which one site has no candidate are left out."""
    some = np.asarray((view >= 0).any(axis=1))
    kept = pairs[some[pairs].all(axis=1)]
    both = np.vstack([kept, kept[:, ::-1]])
    source, target = np.ascontiguousarray(both.T)
    slots = view.shape[1]
    here, there = np.where(view >= 0, view, -2)[source], view[target]
    match = np.full((len(both), slots), slots, np.int32)
    for slot in range(slots):
        match[np.asarray(here[:, slot, None] == there)] = slot
    match += np.arange(0, len(both) * (slots + 1), slots + 1, dtype=np.int32)[:, None]
    ones = np.ones(len(both), np.float32)
    gather = sparse.csr_matrix((ones, (target, np.arange(len(both)))), shape=(len(view), len(both)))
    return Pairing(source, target, match, gather)
