"""Labelling: one photo for each site, good ones, with few borders between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int16, Int32, Int64

from unflat.stages.texture.many.pairing import Pairing, pairing_of

_BORDER = 1.0
"""Mean cost of two neighbours with different photos, where 1 is the cost of a photo half as good as the best."""
_BORDER_IN_PLAIN = 0.3
"""Share of it that is due where there is no detail at all."""
_MOST = 8
"""Photos of a site that are weighed up, the best; further ones are never chosen."""
_STEPS = 40
_DAMPING = 0.3
"""Share of the old message that stays: without, messages swing on a surface's many small loops."""
_CHECKED = 5
"""Steps between two looks at whether labels still change."""
_SETTLED = 1e-4
"""Share of sites that may still change."""
_NEVER = 1e3
_DESCENTS = 30


def labelled(
    view: Int16[np.ndarray, "s k"],
    quality: Float32[np.ndarray, "s k"],
    usable: Bool[np.ndarray, "s k"],
    detail: Float32[np.ndarray, "s"],
    pairs: Int32[np.ndarray, "e 2"],
) -> Int16[np.ndarray, "s"]:
    """The view that each site takes; -1 where none is usable.

    `detail` says where a border would show. The labels of least cost: how many times the quality is half of the site's
    best, plus a cost for each pair of neighbours with different views (Potts), after Lempitsky & Ivanov 2007; by belief
    propagation (min-sum; Felzenszwalb & Huttenlocher 2006), then descent site by site. Linear in sites and candidates.
    """
    worth = np.where(usable, quality, -1)
    best = np.argsort(-worth, axis=1, kind="stable")[:, :_MOST]
    worth = np.take_along_axis(worth, best, axis=1)
    view = np.where(worth > 0, np.take_along_axis(view, best, axis=1), -1).astype(np.int16)
    doublings = np.log2(np.maximum(worth, np.finfo(np.float32).tiny))
    cost = np.where(worth > 0, doublings[:, :1] - doublings, np.float32(_NEVER)).astype(np.float32)
    pairing = pairing_of(pairs, view)
    problem = _Problem(cost, _borders(detail, pairing), pairing)
    slot = _descended(_believed(problem), problem)
    return np.asarray(np.take_along_axis(view, slot[:, None], axis=1)[:, 0])


@dataclass(frozen=True, eq=False)
class _Problem:
    """What costs how much."""

    cost: Float32[np.ndarray, "s k"]
    """Of each photo of each site; `_NEVER` where there is none."""
    border: Float32[np.ndarray, "d 1"]
    """Of different photos on both sides of each pair."""
    pairing: Pairing


def _borders(detail: Float32[np.ndarray, "s"], pairing: Pairing) -> Float32[np.ndarray, "d 1"]:
    """Costs of borders: more where they would cut through detail, which then may be a pixel off on the other side."""
    both = detail[pairing.source] + detail[pairing.target]
    share = both / max(float(both.mean()) if len(both) else 1.0, np.finfo(np.float32).tiny)
    return (_BORDER * (_BORDER_IN_PLAIN + (1 - _BORDER_IN_PLAIN) * share))[:, None].astype(np.float32)


def _believed(problem: _Problem) -> Int64[np.ndarray, "s"]:
    """The labels after belief propagation."""
    cost, border, pairing = problem.cost, problem.border, problem.pairing
    message, belief = np.zeros(pairing.match.shape, np.float32), cost
    slot = np.argmin(cost, axis=1)
    for step in range(1, _STEPS + 1):
        without = belief[pairing.source] - pairing.reversed(message)
        without -= without.min(axis=1, keepdims=True)
        new = np.minimum(pairing.at_target(without, np.inf), border, out=without)
        message *= np.float32(_DAMPING)
        message += np.multiply(new, np.float32(1 - _DAMPING), out=new)
        belief = cost + pairing.gather @ message
        if step % _CHECKED == 0:
            before, slot = slot, np.argmin(belief, axis=1)
            if (before != slot).mean() < _SETTLED:
                break
    return slot


def _descended(slot: Int64[np.ndarray, "s"], problem: _Problem) -> Int64[np.ndarray, "s"]:
    """The labels after sites changed theirs wherever that costs less, never two neighbours at once."""
    cost, border, pairing = problem.cost, problem.border, problem.pairing
    rows = np.arange(len(cost))
    for _ in range(_DESCENTS):
        label = np.zeros(cost.shape, np.float32)
        label[rows, slot] = 1
        total = cost - pairing.gather @ (border * pairing.at_target(label[pairing.source], 0))
        new = np.argmin(total, axis=1)
        gain = total[rows, slot] - total[rows, new]
        # Of two neighbours that gain, the one that gains more moves (of equal ones, the first).
        here, there = gain[pairing.target], gain[pairing.source]
        first = (there > here) | ((there == here) & (pairing.source < pairing.target))
        beaten = pairing.gather @ (first & (there > 0)).astype(np.float32)
        moves = (gain > 1e-6) & (beaten == 0)
        if not moves.any():
            break
        slot = np.where(moves, new, slot)
    return slot
