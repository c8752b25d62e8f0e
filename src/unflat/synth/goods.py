"""Procedural things of daily life: packets, cans, bottles, tools, fruit, stones, shoes, houses."""

from __future__ import annotations

import numpy as np

from unflat.synth.blocks import (
    Solid,
    box,
    circle,
    lofted,
    prism,
    random_block,
    revolved,
    rounded_box,
    superquadric,
    wedge,
)
from unflat.synth.creatures import Limb, blended
from unflat.synth.shapes import swept

_AROUND = 32


def package(rng: np.random.Generator) -> list[Solid]:
    """A carton, can, jar, bottle, tube or book, as shops have them."""
    kind = rng.random()
    if kind < 0.45:
        half = np.exp(rng.normal(0, 0.5, 3))
        rim = rng.choice([0.0, 0.02, 0.08]) * half.min()
        return [box(tuple(half.tolist())) if rim == 0 else rounded_box(tuple(half.tolist()), float(rim), 2)]
    height = float(np.exp(rng.normal(0.6, 0.5)))
    if kind < 0.65:  # a can or a tin: a rim at both ends
        rim = rng.uniform(0.0, 0.06)
        radius = np.array([1 - 2 * rim, 1, 1, 1 - rim, 1 - rim, 1, 1, 1 - 2 * rim])
        level = np.array([0, 0.01, 0.03, 0.05, 0.95, 0.97, 0.99, 1.0])
        return [revolved(np.column_stack([radius, level * height]), _AROUND)]
    if kind < 0.9:  # a bottle or a jar with a cap
        shoulder, neck = rng.uniform(0.5, 0.85), rng.uniform(0.2, 0.8)
        turn = np.linspace(0, np.pi, 8)
        rounded = (1 + neck) / 2 + (1 - neck) / 2 * np.cos(turn)
        radius = np.concatenate([[0.92, 1.0], rounded, [neck]])
        level = np.concatenate([[0, 0.03], np.linspace(shoulder, min(shoulder + 0.2, 0.95), 8), [1.0]]) * 1.5 * height
        corners = int(rng.choice([_AROUND, _AROUND, 4, 8]))
        body = revolved(np.column_stack([radius, level]), corners).scale(
            [1, 1, rng.choice([1.0, rng.uniform(0.35, 1)])]
        )
        cap = prism(24).scale([neck * 1.08, rng.uniform(0.06, 0.2) * height, neck * 1.08]).translate([0, level[-1], 0])
        return [body, cap]
    # a tube: round at one end, flat at the other
    share = np.linspace(0, 1, 12)[:, None, None]
    section = circle(_AROUND)
    flat = np.column_stack([section[:, 0] * 1.3, section[:, 1] * 0.04])
    outline = section * (1 - share) + flat * share
    level = np.broadcast_to(share * 2 * height, (*outline.shape[:2], 1))
    body = lofted(np.concatenate([outline[..., :1], level, outline[..., 1:]], axis=2))
    return [body, prism(20).scale([0.6, 0.25, 0.6]).translate([0, -0.2, 0])]


def tool(rng: np.random.Generator) -> list[Solid]:
    """A long handle with a head: hammers, brushes, spoons, swords, rackets; standing or lying."""
    length, thick = rng.uniform(0.8, 2), rng.uniform(0.05, 0.12)
    level = np.linspace(0, 1, 14)
    grip = thick * (1 + rng.uniform(-0.3, 0.5) * np.sin(rng.uniform(2, 9) * level + rng.uniform(0, 6)))
    handle = revolved(np.column_stack([np.clip(grip, 0.03, None), level * length]), 20)
    handle = handle.scale([1, 1, rng.uniform(0.4, 1)])
    half = np.exp(rng.normal(-1.3, 0.5, 3))
    if rng.random() < 0.4:  # a blade, a paddle, a racket
        half *= [1.0, 2.5, 0.15]
    head = random_block(rng).scale(half.tolist()).translate([0, length + 0.6 * half[1], 0])
    solids = [handle, head]
    if rng.random() < 0.3:
        guard = rounded_box((rng.uniform(0.2, 0.5), 0.05, thick * 1.4), 0.03, 1)
        solids.append(guard.translate([0, length - 0.05, 0]))
    if rng.random() < 0.4:
        return solids
    angle = float(rng.choice([90.0, -90.0]))
    return [solid.rotate([angle, 0, 0]) for solid in solids]


def fruit(rng: np.random.Generator) -> list[Solid]:
    """Apples, pumpkins, pears, bananas, loaves, buns and eggs, perhaps with a stem and a leaf."""
    if rng.random() < 0.2:
        turn = np.linspace(-1, 1, 24) * rng.uniform(0.3, 1.1)
        path = np.column_stack([np.sin(turn), 1 - np.cos(turn), np.zeros(24)])
        width = rng.uniform(0.12, 0.35) * np.clip(np.cos(np.linspace(-1.45, 1.45, 24)), 0.12, 1) ** 0.5
        return [swept(path, width, circle(16, rng.uniform(0.8, 1.2)))]
    angle = np.linspace(0.06, np.pi - 0.06, 22)
    dent = rng.choice([0.0, rng.uniform(0, 0.35)])
    pear = rng.choice([0.0, rng.uniform(0, 0.4)])
    radius = np.sin(angle) * (1 + pear * np.cos(angle))
    height = -np.cos(angle) * (
        1 - dent * np.exp(-((angle - np.pi) ** 2) / 0.15) - 0.6 * dent * np.exp(-(angle**2) / 0.15)
    )
    ribs = rng.choice([0.0, 0.0, rng.uniform(0.03, 0.12)])
    around = 2 * np.pi * np.arange(48) / 48
    swell = 1 + ribs * np.abs(np.cos(around * int(rng.integers(2, 6))))
    rings = np.stack([np.column_stack([r * swell * np.cos(around), np.full(48, y), r * swell * np.sin(around)])
                      for r, y in zip(radius, height, strict=True)])  # fmt: skip
    stretch = np.exp(rng.normal(0, 0.3, 3))
    solids = [lofted(rings).scale(stretch.tolist())]
    if rng.random() < 0.5:
        top = float(height[-1] * stretch[1])
        knots = np.linspace(0, 1, 8)[:, None] * [rng.normal(0, 0.15), rng.uniform(0.15, 0.5), 0] + [0, top - 0.05, 0]
        solids.append(swept(knots, np.full(8, rng.uniform(0.03, 0.1)), circle(8)))
    return solids


def stone(rng: np.random.Generator) -> list[Solid]:
    """The hull of random points: stones, gems, lumps, slabs; one or a few."""
    solids = []
    for index in range(int(rng.choice([1, 1, 1, 2, 4]))):
        points = rng.normal(size=(int(rng.integers(8, 60)), 3))
        points *= rng.uniform(0.8, 1, (len(points), 1)) / np.linalg.norm(points, axis=1, keepdims=True)
        place = [0.0, 0.0, 0.0] if index == 0 else (rng.normal(0, 0.7, 3) * [1, 0.2, 1]).tolist()
        solids.append(Solid.hull_points(points * np.exp(rng.normal(-0.1, 0.4, 3))).translate(place))
    return solids


def footwear(rng: np.random.Generator) -> list[Solid]:
    """A shoe or a boot with its opening, on a sole; toes towards +Z."""
    wide, toe, shaft = rng.uniform(0.22, 0.34), rng.uniform(0.14, 0.24), rng.uniform(0.35, 1.2)
    ankle = np.array([0, shaft, -0.62], np.float32)
    heel, ball, tip = (np.array(point, np.float32) for point in ((0, wide, -0.65), (0, wide, 0.35), (0, toe, 0.8)))
    body = blended(
        [Limb(heel, ball, wide * 0.9, wide), Limb(ball, tip, wide, toe), Limb(heel, ankle, wide, wide * 0.95)], 0.3
    )
    body = body.trim_by_plane([0.0, 1.0, 0.0], 0.04).trim_by_plane([0.0, -1.0, 0.0], -float(shaft))
    inside = superquadric(0.6, 1.0).scale([wide * 0.78, shaft * 0.9, wide * 0.8]).translate([0, shaft * 1.15, -0.62])
    sole = superquadric(0.15, 0.8).scale([wide * 1.1, rng.uniform(0.03, 0.09), 0.95]).translate([0, 0.04, 0.05])
    return [body - inside, sole]


def house(rng: np.random.Generator) -> list[Solid]:
    """Walls with windows and a door, under a roof; perhaps a chimney, a tower or a porch."""
    half = np.array([rng.uniform(0.5, 1.2), rng.uniform(0.4, 1.2), rng.uniform(0.5, 1.2)])
    walls = box(tuple(half.tolist())).translate([0, float(half[1]), 0])
    columns, rows = int(rng.integers(1, 5)), int(rng.integers(1, 4))
    pane = box((0.5 * half[0] / columns, 0.5 * half[1] / rows, 0.06))
    holes = [pane.translate([half[0] * (2 * (i + 0.5) / columns - 1), 2 * half[1] * (j + 0.5) / rows, z])
             for i in range(columns) for j in range(rows) for z in (-half[2], half[2])]  # fmt: skip
    for hole in holes:
        walls = walls - hole
    solids = [walls]
    rise = rng.uniform(0.2, 0.8)
    kind = rng.random()
    if kind < 0.35:  # a gable along x
        roof = prism(3).rotate([0, 0, 90]).rotate([-90, 0, 0])
        low, high = np.reshape(roof.bounding_box(), (2, 3))
        roof = roof.translate((-(low + high) / 2).tolist()).scale(
            (2.2 * half / (high - low) * [1, 0, 1] + [0, 0.5 * rise, 0]).tolist()
        )
    else:  # a hipped or a flat one
        roof = wedge(0.0, rng.choice([0.02, 0.4, 0.9])).scale([half[0] * 1.1, rise / 2, half[2] * 1.1])
    solids.append(roof.translate([0, 2 * float(half[1]) - float(roof.bounding_box()[1]) - 0.01, 0]))
    if rng.random() < 0.5:
        stack = box((0.09, 0.4, 0.09)).translate([0.5 * half[0], 2 * half[1] + 0.3, 0.3 * half[2]])
        solids.append(stack)
    if rng.random() < 0.3:
        tower = prism(int(rng.choice([4, 8, 24]))).scale([0.3, half[1] * 1.4, 0.3])
        tip = prism(24, 0.0).scale([0.38, 0.3, 0.38]).translate([0, 2 * half[1] * 1.4 + 0.28, 0])
        solids += [solid.translate([half[0], 0, half[2]]) for solid in (tower.translate([0, half[1] * 1.4, 0]), tip)]
    return solids
