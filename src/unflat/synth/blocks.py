"""Building blocks of procedural objects: closed solids of about unit half-size, about the origin, Y up."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import manifold3d
import numpy as np
from jaxtyping import Float64, Int32

Solid: TypeAlias = manifold3d.Manifold
"""A closed solid, ready for booleans."""

_ROUND = 28
"""Corners of a round section: within half a percent of a circle, and few enough for many blocks in one object."""


def lofted(rings: Float64[np.ndarray, "n m 3"], *, endless: bool = False) -> Solid:
    """The solid whose skin runs along rings of points; its ends are closed by fans, or joined if `endless`."""
    count, around = rings.shape[:2]
    here = np.arange(around)
    there = (here + 1) % around
    steps = count if endless else count - 1
    low = (np.arange(steps) * around)[:, None]
    high = (np.arange(1, steps + 1) % count * around)[:, None]
    first = np.stack([low + here, low + there, high + there], axis=2).reshape(-1, 3)
    second = np.stack([low + here, high + there, high + here], axis=2).reshape(-1, 3)
    points, faces = rings.reshape(-1, 3), [first, second]
    if not endless:
        bottom, top, last = count * around, count * around + 1, (count - 1) * around
        points = np.concatenate([points, rings[[0, -1]].mean(axis=1)])
        faces.append(np.column_stack([np.full(around, bottom), there, here]))
        faces.append(np.column_stack([np.full(around, top), last + here, last + there]))
    return solid_of(points, np.concatenate(faces).astype(np.int32))


def solid_of(points: Float64[np.ndarray, "v 3"], faces: Int32[np.ndarray, "f 3"]) -> Solid:
    """A closed mesh as a solid, turned the right way out."""
    a, b, c = (points[faces[:, corner]] for corner in range(3))
    if np.einsum("fi,fi->", a, np.cross(b, c)) < 0:
        faces = faces[:, ::-1]
    mesh = manifold3d.Mesh(np.ascontiguousarray(points, np.float32), np.ascontiguousarray(faces, np.uint32))
    return Solid(mesh)


def circle(count: int = _ROUND, power: float = 1.0) -> Float64[np.ndarray, "count 2"]:
    """Points of a superellipse |x|^(2/p) + |y|^(2/p) = 1: p = 1 a circle, below it squarer, 2 a diamond."""
    angle = 2 * np.pi * np.arange(count) / count
    return np.column_stack([_power(np.cos(angle), power), _power(np.sin(angle), power)])


def superquadric(upright: float = 1.0, around: float = 1.0) -> Solid:
    """Barr's superquadric (1981): 1, 1 a ball; small exponents a rounded box; 0.2, 1 a rounded cylinder."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, _ROUND // 2 + 1)
    angle[[0, -1]] *= 0.98  # a tiny cap instead of a pole
    radius, height = _power(np.cos(angle), upright), _power(np.sin(angle), upright)
    section = circle(power=around)
    rings = np.stack([np.column_stack([r * section[:, 0], np.full(len(section), y), r * section[:, 1]])
                      for r, y in zip(radius, height, strict=True)])  # fmt: skip
    return lofted(rings)


def box(half: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Solid:
    """A box of these half-sizes."""
    return Solid.cube((2 * half[0], 2 * half[1], 2 * half[2]), True)


def rounded_box(half: tuple[float, float, float], radius: float, steps: int = 3) -> Solid:
    """A box with round edges; one step gives plain bevels."""
    radius = min(radius, 0.95 * min(half))
    angle = np.linspace(0, np.pi / 2, steps + 1)
    u, v = np.meshgrid(angle, angle)
    octant = np.stack([np.cos(u) * np.cos(v), np.sin(u), np.cos(u) * np.sin(v)], axis=-1).reshape(-1, 3)
    signs = np.array(np.meshgrid([-1, 1], [-1, 1], [-1, 1])).reshape(3, -1).T
    corner = (np.array(half) - radius + radius * octant)[None] * signs[:, None, :]
    return Solid.hull_points(corner.reshape(-1, 3))


def prism(corners: int = _ROUND, top: float = 1.0) -> Solid:
    """An upright prism, cylinder, frustum or (top 0) cone of radius 1 from -1 to 1."""
    section = circle(corners)
    rings = np.stack([np.column_stack([r * section[:, 0], np.full(corners, y), r * section[:, 1]])
                      for r, y in ((1.0, -1.0), (max(top, 1e-3), 1.0))])  # fmt: skip
    return lofted(rings)


def capsule(half_length: float) -> Solid:
    """An upright capsule of radius 1."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, 14)
    angle = angle[1:-1]
    height = np.sin(angle) + np.where(angle < 0, -half_length, half_length)
    return revolved(np.column_stack([np.cos(angle), height]))


def revolved(profile: Float64[np.ndarray, "p 2"], corners: int = _ROUND) -> Solid:
    """What a profile of (radius, y) sweeps about the y axis."""
    section = circle(corners)
    rings = np.stack([np.column_stack([r * section[:, 0], np.full(corners, y), r * section[:, 1]]) for r, y in profile])
    return lofted(rings)


def torus(tube: float, section_power: float = 1.0, flat: float = 1.0) -> Solid:
    """A ring of outer radius 1 lying on the ground plane; `flat` stretches its section upwards."""
    section = circle(16, section_power) * tube
    turn = 2 * np.pi * np.arange(_ROUND) / _ROUND
    radius = 1 - tube + section[:, 0]
    rings = np.stack([np.column_stack([radius * np.cos(t), section[:, 1] * flat, radius * np.sin(t)]) for t in turn])
    return lofted(rings, endless=True)


def wedge(shift: float, top: float) -> Solid:
    """A block whose upper side is narrower and shifted: roofs, ramps, keels."""
    low = [(x, -1.0, z) for x in (-1, 1) for z in (-1, 1)]
    high = [(shift + top * x, 1.0, z) for x in (-1, 1) for z in (-1, 1)]
    return Solid.hull_points(np.array(low + high, np.float64))


def random_block(rng: np.random.Generator) -> Solid:
    """One of the blocks, of half-size about 1."""
    makers: list[tuple[float, Callable[[], Solid]]] = [
        (2.0, box),
        (1.5, lambda: rounded_box((1, 1, 1), rng.uniform(0.05, 0.5), int(rng.integers(1, 4)))),
        (2.0, superquadric),
        (1.5, lambda: superquadric(*rng.uniform(0.25, 1.6, 2))),
        (2.0, prism),
        (1.0, lambda: prism(int(rng.integers(3, 9)), rng.uniform(0.3, 1))),
        (1.0, lambda: prism(top=rng.choice([0.0, rng.uniform(0.2, 0.8)]))),
        (1.0, lambda: torus(rng.uniform(0.1, 0.4), rng.uniform(0.3, 1.2), rng.uniform(0.5, 2))),
        (1.0, lambda: capsule(rng.uniform(0.3, 2)).scale([0.6, 0.5, 0.6])),
        (0.7, lambda: wedge(rng.uniform(-0.6, 0.6), rng.uniform(0.0, 0.9))),
    ]
    weights = np.array([weight for weight, _ in makers])
    return makers[int(rng.choice(len(makers), p=weights / weights.sum()))][1]()


def union(solids: list[Solid]) -> Solid:
    """All of them in one."""
    return Solid.batch_boolean(solids, manifold3d.OpType.Add)


def _power(value: Float64[np.ndarray, "n"], power: float) -> Float64[np.ndarray, "n"]:
    return np.asarray(np.sign(value) * np.abs(value) ** power)
