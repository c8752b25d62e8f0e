"""Procedural things of the household that are simple and exact: balls, cups and bowls, bricks and blocks."""

from __future__ import annotations

import numpy as np

from unflat.synth.blocks import Solid, box, prism, revolved, rounded_box, superquadric, torus

_AROUND = 48


def ball(rng: np.random.Generator) -> list[Solid]:
    """A ball; now and then not quite round, as eggs and rugby balls are."""
    solid = Solid.sphere(1.0, _AROUND)
    if rng.random() < 0.25:
        solid = solid.scale([1.0, float(rng.uniform(0.7, 1.5)), 1.0])
    return [solid.rotate(rng.uniform(-180, 180, 3).tolist())]


def open_ware(rng: np.random.Generator) -> list[Solid]:
    """A cup, mug, beaker, bucket or bowl: a thin wall, mostly with a lip and a foot, and one handle or none."""
    height = float(rng.uniform(0.9, 2.6))
    level = np.linspace(0, 1, 14)
    if rng.random() < 0.3:  # a bowl: round below
        height = float(rng.uniform(0.35, 1.1))
        foot = rng.uniform(0.3, 0.6)
        radius = foot + (1 - foot) * np.sin(level * np.pi / 2) ** rng.uniform(0.6, 1.2)
    else:
        foot = rng.uniform(0.6, 1.05)
        radius = foot + (1 - foot) * level + rng.normal(0, 0.06) * np.sin(np.pi * level)
    wall = float(rng.uniform(0.02, 0.08))
    profile = np.column_stack([radius, level * height])
    inside = np.column_stack([radius - wall, np.maximum(level * height, wall)])
    inside[-1, 1] += 0.1
    body = revolved(profile, _AROUND)
    solid = body - revolved(np.concatenate([[[inside[0, 0], wall]], inside[1:]]), _AROUND)
    if rng.random() < 0.5:  # a lip
        lip = torus(wall * rng.uniform(0.6, 1.8) / radius[-1]).scale([radius[-1]] * 3)
        solid = solid + lip.translate([0, height, 0])
    if rng.random() < 0.3:  # a step below the lip, as stacking cups have
        step, reach = rng.uniform(0.75, 0.92), rng.uniform(0.05, 0.12)
        band = prism(_AROUND).scale([1 + reach, (1 - step) * height / 2, 1 + reach])
        hollow = prism(_AROUND).scale([1.0, height, 1.0])
        solid = solid + (band - hollow).translate([0, (1 + step) * height / 2, 0])
    if rng.random() < 0.35:
        size = rng.uniform(0.22, 0.36) * height
        ear = torus(rng.uniform(0.14, 0.26), rng.uniform(0.3, 1)).rotate([90, 0, 0])
        ear = ear.scale([size * rng.uniform(0.7, 1.1), size * rng.uniform(0.9, 1.3), size])
        at = rng.uniform(0.45, 0.6)
        ear = ear.translate([float(np.interp(at, level, radius)), at * height, 0.0]) - body.scale([0.98, 1, 0.98])
        solid = solid + max(ear.decompose(), key=lambda piece: piece.volume(), default=ear)
    return [solid]


def brick(rng: np.random.Generator) -> list[Solid]:
    """A cube, a brick with holes, a toy brick with studs, a wedge of cake or foam, a stack of blocks."""
    kind = rng.random()
    if kind < 0.3:  # nearly a cube
        half = np.exp(rng.normal(0, 0.08, 3)) if rng.random() < 0.5 else np.ones(3)
        return [rounded_box(tuple(half.tolist()), float(rng.choice([0.02, 0.08, 0.2])), 2)]
    half = np.exp(rng.normal(-0.2, 0.4, 3))
    if kind < 0.55:
        solid = box(tuple(half.tolist()))
        bore = prism(20).scale([0.25 * half[0], 3 * half[1], 0.25 * half[0]])
        for place in np.linspace(-0.6, 0.6, int(rng.integers(1, 4))) * half[0]:
            solid = solid - bore.translate([float(place), 0.0, 0.0])
        return [solid.rotate([float(rng.choice([0, 90])), 0.0, 0.0])]
    if kind < 0.75:  # studs on top
        columns, rows = (int(count) for count in rng.integers(1, 5, 2))
        high = float(rng.choice([0.4, 1.2, 2.4]))
        solids = [box((columns / 2, high / 2, rows / 2))]
        stud = prism(16).scale([0.3, 0.12, 0.3])
        solids += [
            stud.translate([x + 0.5 - columns / 2, high / 2 + 0.1, z + 0.5 - rows / 2])
            for x in range(columns)
            for z in range(rows)
        ]
        return solids
    if kind < 0.85:
        return [superquadric(float(rng.uniform(0.1, 0.3)), float(rng.uniform(0.1, 0.3))).scale(half.tolist())]
    solids, level = [], 0.0
    for _ in range(int(rng.integers(2, 5))):
        half = np.exp(rng.normal(-0.4, 0.35, 3))
        shift = rng.normal(0, 0.15, 2)
        turned = box(tuple(half.tolist())).rotate([0.0, float(rng.normal(0, 20)), 0.0])
        solids.append(turned.translate([float(shift[0]), level + float(half[1]), float(shift[1])]))
        level += 2 * float(half[1]) * 0.995
    return solids
