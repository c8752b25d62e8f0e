"""Bends, twists, tapers and dents of solids, so that procedural objects are not all straight."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float64

from unflat.synth.blocks import Solid

_EDGE_SHARE = 0.09
"""Edges are cut to this share of the longest side first: flat faces need vertices to bend."""
_MOST_FACES = 6000
"""Solids that have more already are not cut finer."""

Warp = Callable[[Float64[np.ndarray, "n 3"]], Float64[np.ndarray, "n 3"]]


def random_warp(solid: Solid, rng: np.random.Generator) -> Solid:
    """The solid, bent, twisted, tapered, dented or roughened; symmetry is kept only by chance."""
    low, high = np.reshape(solid.bounding_box(), (2, 3))
    middle, half = (low + high) / 2, float((high - low).max()) / 2
    if half <= 0:
        return solid
    if solid.num_tri() < _MOST_FACES:
        solid = solid.refine_to_length(2 * half * _EDGE_SHARE)
    warps = [_dented(rng), _twisted(rng), _bent(rng), _tapered(rng)]
    chosen = rng.choice(4, int(rng.choice([1, 1, 2])), replace=False, p=[0.4, 0.2, 0.2, 0.2])

    def moved(points: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 3"]:
        local = (np.asarray(points) - middle) / half
        for index in chosen:
            local = warps[int(index)](local)
        return local * half + middle

    return solid.warp_batch(moved)


def _dented(rng: np.random.Generator) -> Warp:
    """Smooth displacement: a few long waves in all directions, or many short ones."""
    short = rng.random() < 0.4
    waves = rng.normal(0, 9.0 if short else 3.0, (6, 3))
    push = rng.normal(0, 0.012 if short else 0.05, (6, 3))
    phase = rng.uniform(0, 2 * np.pi, 6)
    return lambda points: points + np.sin(points @ waves.T + phase) @ push


def _twisted(rng: np.random.Generator) -> Warp:
    turn = rng.uniform(-1.4, 1.4)

    def warp(points: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 3"]:
        x, y, z = points.T
        cosine, sine = np.cos(turn * y), np.sin(turn * y)
        return np.column_stack([cosine * x + sine * z, y, cosine * z - sine * x])

    return warp


def _bent(rng: np.random.Generator) -> Warp:
    """The y axis becomes an arc that leans towards a random side."""
    curve, side = rng.uniform(0.2, 0.9), rng.uniform(0, 2 * np.pi)
    across = np.array([np.cos(side), 0, np.sin(side)])

    def warp(points: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 3"]:
        out, angle = points @ across, curve * points[:, 1]
        radius = 1 / curve - out
        moved = points - out[:, None] * across
        moved[:, 1] = radius * np.sin(angle)
        return moved + (1 / curve - radius * np.cos(angle))[:, None] * across

    return warp


def _tapered(rng: np.random.Generator) -> Warp:
    low, high, bulge = *rng.uniform(0.5, 1.2, 2), rng.uniform(-0.3, 0.3)

    def warp(points: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 3"]:
        share = np.clip(points[:, 1:2] / 2 + 0.5, 0, 1)
        width = low + (high - low) * share + bulge * np.sin(np.pi * share)
        return points * np.concatenate([width, np.ones_like(width), width], axis=1)

    return warp
