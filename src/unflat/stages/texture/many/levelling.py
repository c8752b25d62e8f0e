"""Levelling: each photo's tones drawn towards what all photos agree on, softly, so that patches meet without a seam."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Float64, Int64
from scipy import sparse
from scipy.sparse import linalg

from unflat.stages.texture.many.agreement import Agreement
from unflat.stages.texture.many.candidates import Candidates
from unflat.stages.texture.many.shares import Shares
from unflat.stages.texture.many.sites import Sites

_REACH_SHARE = 0.01
"""Corrections change over about this length, as a share of the diagonal: below it, detail stays the photo's own."""
_SEAM = 4.0
"""How much more a step between two photos weighs at a border than a difference from what all agree on."""
_TOLERANCE = 1e-4
_MOST_STEPS = 500


@dataclass(frozen=True, eq=False)
class _Nodes:
    """Pairs of a vertex and a view that colours a site there: each gets a correction."""

    vertex: Int64[np.ndarray, "n"]
    view: Int64[np.ndarray, "n"]
    of_job: Int64[np.ndarray, "j 3"]
    """The nodes at the corners of each entry of the shares."""


def corrections_of(
    sites: Sites,
    candidates: Candidates,
    tones: Float32[np.ndarray, "s k 3"],
    agreement: Agreement,
    shares: Shares,
) -> Float32[np.ndarray, "j 3 3"]:
    """What to add to the tones (`tone_of`) of each entry of the shares, at each corner (second axis).

    One correction for each view at each vertex that it colours. Sparse least squares of three wishes: that the view's
    tone, averaged over the sites around, becomes the one agreed on; that where views meet the steps between them
    vanish; that corrections are smooth. The last two are Lempitsky & Ivanov 2007 ("Seamless mosaicing of image-based
    texture maps"); the first keeps all patches at the level of the many photos instead of that of a few, as the low
    band does in multi-band blending (Allene et al. 2008).
    """
    if len(shares) == 0:
        return np.zeros((0, 3, 3), np.float32)
    nodes = _nodes_of(sites, shares)
    wish, mass = _wishes(sites, candidates, tones, agreement, nodes)
    matrix, right = _smoothness(sites, shares, nodes) + sparse.diags(mass), mass[:, None] * wish
    one, other = _meeting(nodes)
    weight = _SEAM * np.minimum(mass[one], mass[other])
    difference = sparse.csr_matrix(
        (np.tile([1.0, -1.0], len(one)), np.column_stack([one, other]).ravel(), np.arange(0, 2 * len(one) + 1, 2)),
        shape=(len(one), len(nodes.vertex)),
    )
    matrix = matrix + difference.T @ sparse.diags(weight) @ difference
    right = right + difference.T @ (weight[:, None] * (wish[one] - wish[other]))
    return _solved(matrix.tocsr(), right, wish)[nodes.of_job]


def _nodes_of(sites: Sites, shares: Shares) -> _Nodes:
    views = int(shares.view.max(initial=0)) + 1
    key = sites.corners[shares.site].astype(np.int64) * views + shares.view[:, None]
    node, of_job = np.unique(key, return_inverse=True)
    return _Nodes(node // views, node % views, of_job.reshape(-1, 3))


def _wishes(
    sites: Sites,
    candidates: Candidates,
    tones: Float32[np.ndarray, "s k 3"],
    agreement: Agreement,
    nodes: _Nodes,
) -> tuple[Float64[np.ndarray, "n 3"], Float64[np.ndarray, "n"]]:
    """By how much the tone agreed on around each node differs from its view's, and over how much area it is known."""
    views = max(int(candidates.view.max()), int(nodes.view.max(initial=0))) + 1
    site, slot = np.nonzero(agreement.inlier)
    offset = agreement.tone[site] - tones[site, slot]
    key = nodes.vertex * views + nodes.view
    sums, mass = np.zeros((len(key), 3)), np.zeros(len(key))
    for corner in range(3):
        asked = sites.corners[site, corner].astype(np.int64) * views + candidates.view[site, slot]
        place = np.minimum(np.searchsorted(key, asked), len(key) - 1)
        found = key[place] == asked
        area = sites.area[site[found]] / 3
        mass += np.bincount(place[found], area, len(key))
        for channel in range(3):
            sums[:, channel] += np.bincount(place[found], area * offset[found, channel], len(key))
    return np.divide(sums, mass[:, None], out=np.zeros_like(sums), where=mass[:, None] > 0), mass


def _smoothness(sites: Sites, shares: Shares, nodes: _Nodes) -> sparse.csr_matrix:
    """Laplacian over the edges of the sites that a view colours, scaled so that corrections reach as far as wished."""
    corner = sites.vertices[sites.corners[shares.site]]
    area = sites.area[shares.site].astype(np.float64)
    here, there, weight = [], [], []
    for one, other in ((0, 1), (1, 2), (2, 0)):
        squared = ((corner[:, one] - corner[:, other]).astype(np.float64) ** 2).sum(axis=1)
        here.append(nodes.of_job[:, one])
        there.append(nodes.of_job[:, other])
        # What cotangents give in an equilateral triangle; never negative in others.
        weight.append(2 / 3 * area / np.maximum(squared, 1e-3 * area.mean()))
    count = len(nodes.vertex)
    graph = sparse.csr_matrix(
        (np.concatenate(weight), (np.concatenate(here), np.concatenate(there))), shape=(count, count)
    )
    graph = (graph + graph.T) * (_REACH_SHARE * sites.size) ** 2
    return sparse.diags(np.asarray(graph.sum(axis=1)).ravel()) - graph


def _meeting(nodes: _Nodes) -> tuple[Int64[np.ndarray, "m"], Int64[np.ndarray, "m"]]:
    """Pairs of nodes at the same vertex: each with the next, as they stand in order."""
    one = np.flatnonzero(nodes.vertex[1:] == nodes.vertex[:-1])
    return one, one + 1


def _solved(
    matrix: sparse.csr_matrix, right: Float64[np.ndarray, "n 3"], start: Float64[np.ndarray, "n 3"]
) -> Float32[np.ndarray, "n 3"]:
    """Conjugate gradients, preconditioned by the diagonal. Nodes that nothing is known of keep 0."""
    diagonal = matrix.diagonal()
    floor = 1e-9 * max(float(diagonal.mean()), 1e-30)
    matrix = matrix + floor * sparse.identity(len(diagonal), format="csr")
    inverse = sparse.diags(1 / (diagonal + floor))
    columns = [
        linalg.cg(matrix, column, x0=first, rtol=_TOLERANCE, maxiter=_MOST_STEPS, M=inverse)[0]
        for column, first in zip(right.T, start.T, strict=True)
    ]
    return np.column_stack(columns).astype(np.float32)
