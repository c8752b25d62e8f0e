"""Creature-like bodies: tapered limbs that flow into each other, mirrored left to right."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from unflat.core.shape import Field
from unflat.geometry.isosurface import isosurface
from unflat.synth.blocks import Solid, solid_of

_CELLS = 44
"""Grid cells along the longest side: limbs of a fifteenth of the body are still three cells thick."""
_MARGIN = 2.5


@dataclass(frozen=True, eq=False)
class Limb:
    """A cone with round ends between two joints."""

    start: Float32[np.ndarray, "3"]
    end: Float32[np.ndarray, "3"]
    start_radius: float
    end_radius: float


def creature(rng: np.random.Generator) -> list[Solid]:
    """A walking, sitting or standing body with a head, limbs, perhaps ears and a tail; it looks towards +Z."""
    limbs = _two_legged(rng) if rng.random() < 0.4 else _four_legged(rng)
    mirrored = [Limb(_flipped(limb.start), _flipped(limb.end), limb.start_radius, limb.end_radius)
                for limb in limbs if abs(limb.start[0]) + abs(limb.end[0]) > 0]  # fmt: skip
    return [blended(limbs + mirrored, rng.uniform(0.03, 0.12))]


def blended(limbs: list[Limb], softness: float) -> Solid:
    """The limbs in one smooth solid: their distances under a polynomial smooth minimum (Quilez 2013)."""
    ends = np.stack([point for limb in limbs for point in (limb.start, limb.end)])
    radius = np.repeat([max(limb.start_radius, limb.end_radius) for limb in limbs], 2)[:, None]
    low, high = (ends - radius).min(axis=0), (ends + radius).max(axis=0)
    voxel = float((high - low).max()) / _CELLS
    origin = low - _MARGIN * voxel
    shape = np.ceil((high - low) / voxel + 2 * _MARGIN).astype(int) + 1
    axes = [(origin[axis] + voxel * np.arange(shape[axis])).astype(np.float32) for axis in range(3)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    distance = np.full(len(grid), 1.0, np.float32)
    for limb in limbs:
        distance = _smooth_minimum(distance, _limb_distance(grid, limb), np.float32(softness))
    mesh = isosurface(Field(distance.reshape(shape), np.asarray(origin, np.float64), voxel))
    return solid_of(mesh.vertices.astype(np.float64), mesh.faces)


def _limb_distance(points: Float32[np.ndarray, "n 3"], limb: Limb) -> Float32[np.ndarray, "n"]:
    """About the distance to the limb: its radius runs linearly along the bone."""
    bone = (limb.end - limb.start).astype(np.float32)
    local = points - limb.start.astype(np.float32)
    share = np.clip(local @ bone / np.float32(max(float(bone @ bone), 1e-9)), 0, 1)
    away = local - share[:, None] * bone
    radius = np.float32(limb.start_radius) + share * np.float32(limb.end_radius - limb.start_radius)
    return np.asarray(np.sqrt(np.einsum("ni,ni->n", away, away)) - radius, np.float32)


def _smooth_minimum(
    first: Float32[np.ndarray, "n"], second: Float32[np.ndarray, "n"], softness: np.float32
) -> Float32[np.ndarray, "n"]:
    near = np.maximum(softness - np.abs(first - second), 0) / softness
    return np.asarray(np.minimum(first, second) - near * near * softness * np.float32(0.25), np.float32)


def _four_legged(rng: np.random.Generator) -> list[Limb]:
    length, girth, leg = rng.uniform(0.4, 1.0), rng.uniform(0.18, 0.5), rng.uniform(0.1, 0.9)
    back, foot = leg + girth * 0.8, rng.uniform(0.06, 0.14)
    limbs = [_limb((0, back, -length), (0, back + rng.normal(0, 0.08), length), girth * rng.uniform(0.7, 1.1), girth)]
    spread = girth * rng.uniform(0.5, 0.9)
    for place in (-length * 0.9, length * 0.9):
        limbs.append(_limb((spread, back, place), (spread, foot, place + rng.normal(0, 0.1)), foot * 1.6, foot))
    limbs += _head(rng, np.array([0, back + girth * 0.4, length]), girth)
    if rng.random() < 0.7:
        tail = np.array([0, back + rng.uniform(-0.3, 0.6), -length - rng.uniform(0.2, 0.9)])
        limbs.append(
            _limb((0, back + girth * 0.3, -length), tuple(tail), rng.uniform(0.05, 0.15), rng.uniform(0.03, 0.12))
        )
    return limbs


def _two_legged(rng: np.random.Generator) -> list[Limb]:
    leg, girth, tall = rng.uniform(0.15, 0.9), rng.uniform(0.18, 0.5), rng.uniform(0.3, 0.8)
    foot = rng.uniform(0.07, 0.14)
    hip, shoulder = leg + girth * 0.6, leg + girth * 0.6 + tall
    limbs = [_limb((0, hip, 0), (0, shoulder, 0), girth, girth * rng.uniform(0.6, 1.1))]
    stance = girth * rng.uniform(0.45, 0.9)
    limbs.append(_limb((stance, hip, 0), (stance * 1.1, foot, 0), foot * 1.5, foot))
    limbs.append(_limb((stance * 1.1, foot, 0), (stance * 1.2, foot, rng.uniform(0.1, 0.3)), foot, foot))
    reach = rng.normal((0.5, -0.2, 0.1), 0.5)
    hand = np.array([girth * 0.8, shoulder, 0]) + reach * [1, 1, 0.6]
    hand[0] = max(hand[0], girth * 0.7)
    limbs.append(_limb((girth * 0.7, shoulder, 0), tuple(hand), foot * 1.2, foot * 0.9))
    return limbs + _head(rng, np.array([0, shoulder + girth * 0.5, 0]), girth)


def _head(rng: np.random.Generator, neck: np.ndarray, girth: float) -> list[Limb]:
    size = girth * rng.uniform(0.5, 1.2)
    middle = neck + np.array([0, rng.uniform(0.3, 1.0) * size + 0.5 * size, rng.uniform(0, 0.8) * size])
    nose = middle + np.array([0, -0.2 * size, rng.uniform(0.2, 1.2) * size])
    limbs = [
        _limb(tuple(neck), tuple(middle), girth * 0.5, size * 0.6),
        _limb(tuple(middle), tuple(nose), size, size * rng.uniform(0.4, 0.8)),
    ]
    if rng.random() < 0.7:
        ear = middle + np.array([0.6 * size, 0.75 * size, -0.1 * size])
        tip = ear + np.array([rng.uniform(-0.1, 0.5), rng.uniform(0.1, 0.9), -0.1]) * size
        limbs.append(_limb(tuple(ear), tuple(tip), size * 0.3, size * rng.uniform(0.1, 0.3)))
    return limbs


def _limb(start: tuple[float, float, float], end: tuple[float, float, float], first: float, last: float) -> Limb:
    return Limb(np.array(start, np.float32), np.array(end, np.float32), float(first), float(last))


def _flipped(point: Float32[np.ndarray, "3"]) -> Float32[np.ndarray, "3"]:
    return np.asarray(point * np.array([-1, 1, 1], np.float32))
