"""Shares: photos cross-fade over the sites on both sides of a border, and detail that is a pixel off shows no cut."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int16, Int32, Int64

from unflat.core.arrays import freeze_fields
from unflat.stages.texture.many.candidates import Candidates
from unflat.stages.texture.many.sites import Sites

_NONE = np.iinfo(np.int32).min


@dataclass(frozen=True, eq=False)
class Shares:
    """Which views colour which sites, and how much at each corner; in the order of the views.

    At a corner that several sites have in common each view has the same share in all of them.
    """

    site: Int32[np.ndarray, "j"]
    view: Int16[np.ndarray, "j"]
    weight: Float32[np.ndarray, "j 3"]

    def __post_init__(self) -> None:
        freeze_fields(self, "site", "view", "weight")

    def __len__(self) -> int:
        """Number of pairs of a site and a view."""
        return len(self.site)


def shares_of(
    sites: Sites, candidates: Candidates, usable: Bool[np.ndarray, "s k"], label: Int16[np.ndarray, "s"]
) -> Shares:
    """Each view's share at a vertex is that of the sites around it that chose it; sites without a view don't count.

    Only views that are usable on all sites around a vertex have a share in it; if that is none of those chosen, the
    best other has all; and if there is no other, each site keeps to its own. Linear in sites.
    """
    site = np.repeat(np.flatnonzero(label >= 0), 3)
    corner = np.tile(np.arange(3), len(site) // 3)
    vertex, views = sites.corners[site, corner].astype(np.int64), int(candidates.view.max(initial=0)) + 1
    touching = _Touching.of(vertex, site, np.where(usable, candidates.view, np.int16(-1)))
    pair, chosen_by = np.unique(vertex * views + label[site], return_inverse=True)
    count = np.bincount(chosen_by, minlength=len(pair)).astype(np.float32)
    count[~touching.usable(pair // views, pair % views)] = 0
    total = np.bincount(pair // views, count, len(sites.vertices))
    stuck = np.unique(vertex[total[vertex] == 0])
    extra = touching.best(stuck, candidates.quality) + stuck * views
    extra = extra[extra >= stuck * views]
    total[extra // views] = 1
    pair, count = np.concatenate([pair[count > 0], extra]), np.concatenate([count[count > 0], np.ones(len(extra))])
    order = np.argsort(pair)
    pair, count = pair[order], count[order]
    # Every corner of every site takes all shares of its vertex, or its own view where that has none.
    which, entry = _expanded(vertex, pair // views)
    alone = np.flatnonzero(total[vertex] == 0)
    key = np.concatenate([site[which] * views + pair[entry] % views, site[alone] * views + label[site[alone]]])
    share = np.concatenate([count[entry] / total[vertex[which]], np.ones(len(alone))])
    job, index = np.unique(key, return_inverse=True)
    weight = np.zeros((len(job), 3), np.float32)
    weight[index, np.concatenate([corner[which], corner[alone]])] = share
    order = np.argsort(job % views, kind="stable")
    return Shares((job // views)[order].astype(np.int32), (job % views)[order].astype(np.int16), weight[order])


@dataclass(frozen=True, eq=False)
class _Touching:
    """Which sites touch which vertices, in the order of the vertices, and which views are usable on them."""

    vertex: Int64[np.ndarray, "i"]
    site: Int64[np.ndarray, "i"]
    known: Int16[np.ndarray, "s k"]
    """-1 where there is no usable view."""

    @staticmethod
    def of(vertex: Int64[np.ndarray, "i"], site: Int64[np.ndarray, "i"], known: Int16[np.ndarray, "s k"]) -> _Touching:
        order = np.argsort(vertex, kind="stable")
        return _Touching(vertex[order], site[order], known)

    def usable(self, vertex: Int64[np.ndarray, "p"], view: Int64[np.ndarray, "p"]) -> Bool[np.ndarray, "p"]:
        """Whether views are usable on all sites around vertices."""
        which, entry = _expanded(vertex, self.vertex)
        there = (self.known[self.site[entry]] == view[which, None]).any(axis=1)
        return np.asarray(np.bincount(which, ~there, len(vertex)) == 0)

    def best(self, vertex: Int64[np.ndarray, "p"], quality: Float32[np.ndarray, "s k"]) -> Int64[np.ndarray, "p"]:
        """Of the views that are usable on all sites around each vertex the best; a large negative number for none."""
        site = self.site[np.searchsorted(self.vertex, vertex)]
        slots = self.known.shape[1]
        view = self.known[site].astype(np.int64)
        usable = self.usable(np.repeat(vertex, slots), view.ravel()).reshape(-1, slots) & (view >= 0)
        slot = np.argmax(np.where(usable, quality[site], -1), axis=1)[:, None]
        found = np.take_along_axis(view, slot, axis=1)[:, 0]
        return np.where(usable.any(axis=1), found, _NONE)


def _expanded(
    asked: Int64[np.ndarray, "a"], ordered: Int64[np.ndarray, "b"]
) -> tuple[Int64[np.ndarray, "n"], Int64[np.ndarray, "n"]]:
    """All pairs of equal numbers of the two lists, as indices; the second list is in order."""
    first, end = np.searchsorted(ordered, asked), np.searchsorted(ordered, asked, side="right")
    which = np.repeat(np.arange(len(asked)), end - first)
    within = np.arange(len(which)) - np.repeat(np.cumsum(end - first) - (end - first), end - first)
    return which, first[which] + within
