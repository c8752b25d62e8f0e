"""Procedural assemblies that stand on legs, wheels or feet: furniture, vehicles, lamps, plants, lattices."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64

from unflat.synth.blocks import Solid, box, circle, prism, random_block, revolved, rounded_box, superquadric, torus
from unflat.synth.shapes import swept


def furniture(rng: np.random.Generator) -> list[Solid]:
    """Chair, table, stool, bench, shelf or bed: a slab on legs, perhaps with a back, arms and boards."""
    half_x, half_z = np.exp(rng.normal(-0.5, 0.35, 2))
    height = float(np.exp(rng.normal(-0.2, 0.45)))
    slab = rng.uniform(0.03, 0.14)
    thick = rng.uniform(0.03, 0.1)
    angular = rng.random() < 0.7
    seat = _slab(rng, half_x, slab, half_z) if angular else _disc(rng, half_x, slab, half_z)
    # legs and backs stand where the slab is
    x, z = np.array([half_x, half_z]) * (1.0 if angular else 0.66)
    solids = [seat.translate([0, height + slab, 0]), *_legs(rng, (x, height, z), thick)]
    if rng.random() < 0.5:
        solids += _back(rng, (x, height + slab, z), thick)
    for _ in range(int(rng.choice([0, 0, 1, 2]))):
        level = rng.uniform(0.15, 0.8) * height
        solids.append(box((x * 0.95, rng.uniform(0.02, 0.05), z * 0.95)).translate([0, level, 0]))
    return solids


def _slab(rng: np.random.Generator, x: float, y: float, z: float) -> Solid:
    if rng.random() < 0.6:
        return box((x, y, z))
    return rounded_box((x, y, z), rng.uniform(0.2, 0.9) * y, 2)


def _disc(rng: np.random.Generator, x: float, y: float, z: float) -> Solid:
    if rng.random() < 0.66:
        return prism(32).scale([x, y, z])
    return superquadric(0.4, rng.uniform(0.3, 1)).scale([x, y, z])


def _legs(rng: np.random.Generator, size: tuple[float, float, float], thick: float) -> list[Solid]:
    x, height, z = size
    splay = rng.uniform(0, 0.25) if rng.random() < 0.4 else 0.0
    kind = rng.random()
    if kind < 0.12:  # one foot in the middle
        foot = prism(28, rng.uniform(0.2, 1)).scale([x * 0.6, 0.05, z * 0.6]).translate([0, 0.05, 0])
        stem = prism(20, rng.uniform(0.5, 1)).scale([2 * thick, height / 2, 2 * thick]).translate([0, height / 2, 0])
        return [foot, stem]
    if kind < 0.24:  # side boards
        board = box((thick / 2, height / 2 + 0.02, z * rng.uniform(0.6, 1))).translate([x * 0.85, height / 2, 0])
        return [board, board.mirror([1.0, 0, 0])]
    corners = 4 if rng.random() < 0.4 else 12
    leg = prism(corners, rng.uniform(0.8, 1.8)).rotate([0, 45.0, 0]).scale([thick, height / 2 + 0.02, thick])
    leg = leg.translate([0, height / 2, 0])
    lean = np.array([[1, -splay, 0, 0], [0, 1, 0, 0], [0, -splay, 1, 0]], np.float64)
    leg = leg.transform(lean).translate([x * 0.85 + splay * height * 0.6, 0, z * 0.85 + splay * height * 0.6])
    if rng.random() < 0.12:
        shorter = 0.7 * min(x, z) / float(np.hypot(x, z))
        inwards = leg.translate([x * 0.85 * (shorter - 1), 0, z * 0.85 * (shorter - 1)])
        return [inwards.rotate([0, 120.0 * turn, 0]) for turn in range(3)]
    across = leg.mirror([1.0, 0, 0])
    return [leg, across, leg.mirror([0, 0, 1.0]), across.mirror([0, 0, 1.0])]


def _back(rng: np.random.Generator, size: tuple[float, float, float], thick: float) -> list[Solid]:
    x, level, z = size
    tall = rng.uniform(0.4, 1.3)
    lean = rng.uniform(0, 12)
    solids = []
    if rng.random() < 0.5:
        solids.append(_slab(rng, x * rng.uniform(0.8, 1), tall / 2, thick).translate([0, tall / 2, 0]))
    else:
        post = box((thick * 0.8, tall / 2, thick * 0.8)).translate([x * 0.9, tall / 2, 0])
        solids += [post, post.mirror([1.0, 0, 0])]
        bars = int(rng.integers(1, 5))
        for bar in range(bars):
            level_of = tall * (0.95 - 0.8 * bar / bars)
            solids.append(
                box((x * 0.92, tall * 0.25 / bars, thick * 0.5)).translate([0, level_of - tall * 0.2 / bars, 0])
            )
    solids = [solid.rotate([-lean, 0, 0]).translate([0, level - 0.02, -z + thick]) for solid in solids]
    if rng.random() < 0.4:
        arm = box((thick * 0.8, thick * 0.6, z * 0.9)).translate([x - thick, level + 0.4 * tall, 0])
        post = box((thick * 0.6, 0.2 * tall, thick * 0.6)).translate([x - thick, level + 0.2 * tall, z * 0.7])
        solids += [arm, post, arm.mirror([1.0, 0, 0]), post.mirror([1.0, 0, 0])]
    return solids


def vehicle(rng: np.random.Generator) -> list[Solid]:
    """A long body with a cabin and wheels, hull or wings: cars, carts, trains, planes, boats. Its front is at +Z."""
    length, width, tall = rng.uniform(0.7, 1.5), rng.uniform(0.3, 0.6), rng.uniform(0.15, 0.5)
    body = [box((1, 1, 1)), rounded_box((1, 1, 1), 0.4), superquadric(0.5, 0.5), superquadric(1, 0.8)]
    chassis = body[int(rng.integers(4))].scale([width, tall, length]).translate([0, tall, 0])
    cabin = random_block(rng).scale(
        [width * rng.uniform(0.6, 0.95), rng.uniform(0.2, 0.45), length * rng.uniform(0.25, 0.6)]
    )
    solids = [chassis, cabin.translate([0, 2 * tall, rng.uniform(-0.4, 0.3) * length])]
    kind = rng.random()
    if kind < 0.7:
        solids += _wheels(rng, (width, tall, length))
    if kind > 0.6:
        wing = rounded_box((rng.uniform(0.6, 1.6), 0.04, rng.uniform(0.12, 0.4)), 0.03, 1)
        solids.append(wing.translate([0, tall * rng.uniform(0.6, 1.8), 0.1 * length]))
        fin = rounded_box((0.04, 0.35, 0.2), 0.03, 1).translate([0, 2 * tall + 0.2, -0.85 * length])
        solids += [fin, rounded_box((0.45, 0.03, 0.15), 0.02, 1).translate([0, 1.5 * tall, -0.9 * length])]
    return solids


def _wheels(rng: np.random.Generator, size: tuple[float, float, float]) -> list[Solid]:
    width, tall, length = size
    radius, thick = rng.uniform(0.6, 1.2) * max(tall, 0.22), rng.uniform(0.05, 0.14)
    wheel = prism(28).rotate([0, 0, 90]).scale([thick, radius, radius])
    if rng.random() < 0.4:
        # turned a little, so that the corners of the hub do not touch those of the tyre
        tyre = torus(0.25).rotate([0, 0, 90]).scale([2 * thick, radius, radius])
        wheel = tyre.rotate([5.0, 0, 0]) + wheel.scale([0.45, 0.7, 0.7])
    axles = int(rng.integers(2, 5))
    solids = []
    for place in np.linspace(-0.75, 0.75, axles) * length:
        one = wheel.translate([width, radius * 0.4, float(place)])
        solids += [one, one.mirror([1.0, 0, 0])]
    return solids


def lamp_or_plant(rng: np.random.Generator) -> list[Solid]:
    """A foot, a stem that bends or branches, and something on top: lamps, trees, flowers, street signs."""
    height = rng.uniform(0.8, 2)
    foot_at = np.linspace(0, 1, 8)
    foot = revolved(
        np.column_stack([np.interp(foot_at, [0, 0.5, 1], np.sort(rng.uniform(0.1, 0.5, 3))[::-1]), foot_at])
    )
    solids = [foot.scale([1, rng.uniform(0.05, 0.4), 1])]
    tips = []
    for _ in range(int(rng.choice([1, 1, 2, 3, 5]))):
        bend = rng.normal(0, 0.35, 2)
        knots = np.array([[0, 0, 0], [0, 0.5 * height, 0], [bend[0], height * rng.uniform(0.8, 1.1), bend[1]]])
        path = _smooth(knots, 16)
        width = np.linspace(1, rng.uniform(0.4, 1), 16) * rng.uniform(0.025, 0.09)
        solids.append(swept(path, width, circle(10)))
        tips.append(path[-1])
    top = random_block(rng).scale((np.exp(rng.normal(0, 0.3, 3)) * rng.uniform(0.15, 0.5)).tolist())
    solids += [top.rotate([0, rng.uniform(0, 360), 0]).translate(tip.tolist()) for tip in tips]
    return solids


def lattice(rng: np.random.Generator) -> list[Solid]:
    """Bars on a grid, a rack, a cage, a fence or a ladder."""
    counts = rng.integers(1, 4, 3)
    counts[int(rng.integers(3))] = 1
    pitch, bar = np.exp(rng.normal(-0.4, 0.3, 3)), rng.uniform(0.03, 0.09)
    span = counts * pitch
    bare = (
        int(rng.integers(3)) if rng.random() < 0.3 else -1
    )  # no bars between the layers along this axis but at its rim
    solids = []
    for axis in range(3):
        first, second = (other for other in range(3) if other != axis)
        for i in range(int(counts[first]) + 1):
            for j in range(int(counts[second]) + 1):
                if axis == bare and 0 < i < counts[first]:
                    continue
                half, place = np.full(3, bar), np.zeros(3)
                half[axis] = span[axis] / 2 + bar
                place[[first, second]] = np.array([i, j]) * pitch[[first, second]] - span[[first, second]] / 2
                solids.append(box(tuple(half.tolist())).translate(place.tolist()))
    if rng.random() < 0.3:  # a rack: boards on some layers
        for layer in range(int(counts[1]) + 1):
            level = layer * pitch[1] - span[1] / 2
            solids.append(box((span[0] / 2, bar * 0.7, span[2] / 2)).translate([0, float(level), 0]))
    return solids


def wheel_of(rng: np.random.Generator) -> list[Solid]:
    """n-fold: blocks repeated around the upright, on a hub or a ring. Flowers, fans, crowns, wheels."""
    count = int(rng.integers(3, 12))
    arm = random_block(rng).scale((np.exp(rng.normal(-1.2, 0.5, 3))).tolist()).rotate(rng.uniform(-60, 60, 3).tolist())
    arm = arm.translate([rng.uniform(0.5, 0.9), rng.uniform(-0.1, 0.3), 0])
    hub = random_block(rng).scale([0.55, rng.uniform(0.1, 0.6), 0.55]) if rng.random() < 0.6 else torus(0.15)
    solids = [hub, *[arm.rotate([0, 360.0 * index / count, 0]) for index in range(count)]]
    return solids if rng.random() < 0.6 else [solid.rotate([90, 0, 0]) for solid in solids]


def _smooth(knots: Float64[np.ndarray, "k 3"], count: int) -> Float64[np.ndarray, "count 3"]:
    """A quadratic Bezier curve through the ends."""
    at = np.linspace(0, 1, count)[:, None]
    return np.asarray((1 - at) ** 2 * knots[0] + 2 * at * (1 - at) * knots[1] + at**2 * knots[2])
