"""Procedural bodies of one piece: things of revolution, sweeps along splines, extruded outlines, sheets, clusters."""

from __future__ import annotations

import manifold3d
import numpy as np
from jaxtyping import Float64
from scipy.interpolate import CubicSpline

from unflat.synth.blocks import Solid, box, circle, lofted, random_block, revolved, torus, union

_SUNK = 0.98
"""Handles reach this far into the wall, so that they do not merely touch it."""
_AROUND = 32
"""Corners of turned things."""


def cluster(rng: np.random.Generator) -> list[Solid]:
    """One to seven random blocks that touch, some of them cut out: the idea of LRM-Zero (Xie et al. 2024)."""
    count = int(rng.choice([1, 2, 3, 4, 5, 6, 7], p=[0.14, 0.2, 0.2, 0.16, 0.14, 0.1, 0.06]))
    solids, centre = [], np.zeros(3)
    for index in range(count):
        half = np.exp(rng.normal(-0.2, 0.55, 3)) * (1.0 if index == 0 else rng.uniform(0.3, 0.9))
        block = random_block(rng).scale(half.tolist())
        if rng.random() < 0.5:
            block = block.rotate(rng.uniform(-180, 180, 3).tolist())
        solids.append(block.translate(centre.tolist()))
        # the next one sits on the skin of one of those before
        inside = np.reshape(solids[int(rng.integers(len(solids)))].bounding_box(), (2, 3))
        direction = rng.normal(size=3)
        direction /= np.abs(direction).max()
        centre = inside.mean(axis=0) + direction * np.ptp(inside, axis=0) / 2 * rng.uniform(0.5, 0.95)
    if rng.random() < 0.3:
        solids = [_with_holes(solid, rng) for solid in solids]
    if rng.random() < 0.35:
        solids += [solid.mirror([1.0, 0.0, 0.0]) for solid in solids]
    return solids


def _with_holes(solid: Solid, rng: np.random.Generator) -> Solid:
    low, high = np.reshape(solid.bounding_box(), (2, 3))
    half = (high - low) / 2 * rng.uniform(0.25, 0.7, 3)
    half[int(rng.integers(3))] *= 4  # right through, or a notch where it sits at the rim
    place = (low + high) / 2 + (high - low) / 2 * rng.choice([0.0, 0.0, 0.7], 3)
    cut = solid - random_block(rng).scale(half.tolist()).translate(place.tolist())
    return solid if cut.volume() < 0.2 * solid.volume() else cut


def vessel(rng: np.random.Generator) -> list[Solid]:
    """Vase, bowl, cup, bottle, plate, bell, lamp or spindle: a random profile turned about the upright."""
    height = float(np.exp(rng.normal(0.2, 0.6)))
    knots = int(rng.integers(3, 7))
    radii = np.exp(rng.normal(-0.5, 0.4, knots))
    kind = rng.random()
    if kind < 0.2:
        radii[-2:] *= 0.35  # a neck
    elif kind < 0.4:  # a cup or a pot: nearly straight walls
        radii = 0.6 * np.linspace(rng.uniform(0.6, 1.1), 1, knots)
    elif kind < 0.55:  # a bowl or a plate
        radii, height = np.linspace(0.3, 1.0, knots) ** rng.uniform(0.4, 1.0), rng.uniform(0.1, 0.8)
    at = np.linspace(0, 1, knots)
    fine = np.linspace(0, 1, 24)
    radius = np.interp(fine, at, radii) if rng.random() < 0.3 else CubicSpline(at, radii)(fine)
    radius = np.clip(radius, 0.08, None)
    corners = int(rng.choice([_AROUND, _AROUND, _AROUND, 6, 8, 12]))
    body = revolved(np.column_stack([radius, fine * height]), corners)
    solids = [body]
    wall = float(rng.uniform(0.03, 0.12)) * radius.max()
    hollow = rng.random() < 0.7
    if hollow:
        inner = np.clip(radius - wall, 0.02, None)
        level = np.clip(fine * height, wall, None)
        profile = np.column_stack([inner, level])[level > wall]
        rim = [[inner[-1], 1.2 * height]]
        solids = [body - revolved(np.concatenate([[[profile[0, 0], wall]], profile, rim]), corners)]
    if rng.random() < 0.4:
        solids += _handles(rng, radius, height, wall, body)
    if not hollow and rng.random() < 0.4:
        lid = revolved(_knob(rng), 20).scale([radius[-1], 0.4 * height, radius[-1]])
        solids.append(lid.translate([0, 0.98 * height, 0]))
    return solids


def _knob(rng: np.random.Generator) -> Float64[np.ndarray, "p 2"]:
    at = np.linspace(0, 1, 10)
    return np.column_stack([np.clip(CubicSpline(np.linspace(0, 1, 4), rng.uniform(0.2, 0.9, 4))(at), 0.05, 1), at])


def _handles(
    rng: np.random.Generator, radius: Float64[np.ndarray, "n"], height: float, wall: float, body: Solid
) -> list[Solid]:
    """Ears outside the body only, one or more of them."""
    level = rng.uniform(0.4, 0.65)
    size = min(rng.uniform(0.2, 0.4) * height, 0.8 * float(radius.max()))
    ring = torus(min(max(1.3 * wall / size, 0.1), 0.3), rng.uniform(0.3, 1)).scale([size] * 3)
    ring = ring.rotate([90, 0, 0]).scale([rng.uniform(0.6, 1.1), rng.uniform(0.9, 1.4), 1.0])
    ring = ring.translate([float(np.interp(level, np.linspace(0, 1, len(radius)), radius)), level * height, 0.0])
    ear = ring - body.scale([_SUNK, 1.0, _SUNK])
    largest = max(ear.decompose(), key=lambda piece: piece.volume(), default=ear)
    count = int(rng.choice([1, 1, 2, 3]))
    return [largest.rotate([0.0, 360.0 * index / count, 0.0]) for index in range(count)]


def sweep(rng: np.random.Generator) -> list[Solid]:
    """A section that changes along a spline: horns, tubes, arcs, springs, leaves, knots."""
    kind = rng.random()
    along = np.linspace(0, 1, 48)
    if kind < 0.2:
        turns, rise = rng.uniform(1.5, 4), rng.uniform(0.8, 2.5)
        angle = 2 * np.pi * turns * along
        reach = np.interp(along, [0, 1], rng.uniform(0.3, 1, 2))
        path = np.column_stack([reach * np.cos(angle), rise * (along - 0.5), reach * np.sin(angle)])
        thick = rng.uniform(0.06, 0.3 * rise / turns)
    else:
        knots = rng.normal(0, 0.6, (int(rng.integers(3, 6)), 3)) * np.exp(rng.normal(0, 0.5, 3))
        path = CubicSpline(np.linspace(0, 1, len(knots)), knots)(along)
        thick = rng.uniform(0.08, 0.35)
    widths = np.exp(rng.normal(0, 0.5, 4)) * thick
    if rng.random() < 0.4:
        widths[-1] *= 0.1
    width = np.clip(CubicSpline(np.linspace(0, 1, 4), widths)(along), 0.03, None)
    section = circle(16, rng.uniform(0.4, 1.4)) * [1.0, rng.uniform(0.3, 1.2)]
    return [swept(path, width, section, twist=rng.choice([0.0, rng.uniform(-2, 2)]))]


def swept(
    path: Float64[np.ndarray, "n 3"], width: Float64[np.ndarray, "n"], section: Float64[np.ndarray, "m 2"],
    *, twist: float = 0.0,
) -> Solid:  # fmt: skip
    """The section (in half-widths) carried along the path without needless turning (parallel transport)."""
    tangent = np.gradient(path, axis=0)
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-9)
    side = np.cross(tangent[0], np.eye(3)[int(np.abs(tangent[0]).argmin())])
    rings = []
    for index, (point, ahead) in enumerate(zip(path, tangent, strict=True)):
        side = side - ahead * (side @ ahead)
        side = side / max(float(np.linalg.norm(side)), 1e-9)
        angle = twist * index / len(path)
        other = np.cross(ahead, side)
        across = np.cos(angle) * side + np.sin(angle) * other
        upwards = np.cos(angle) * other - np.sin(angle) * side
        rings.append(point + width[index] * (section[:, :1] * across + section[:, 1:] * upwards))
    return lofted(np.stack(rings))


def extrusion(rng: np.random.Generator) -> list[Solid]:
    """A random outline with thickness and bevel, standing on its edge or lying: stars, letters, plates, gears."""
    outline = _outline(rng)
    shape = manifold3d.CrossSection([outline])
    if rng.random() < 0.35:
        shape = shape - shape.scale([0.5, 0.5]).translate(rng.uniform(-0.15, 0.15, 2).tolist())
    thick = float(np.exp(rng.normal(-1.0, 0.6)))
    bevel = min(0.3 * thick, 0.08) * float(rng.random() < 0.6)
    solid = shape.extrude(thick - 2 * bevel).translate([0, 0, bevel - thick / 2])
    if bevel > 0:
        inner = shape.offset(-bevel, manifold3d.JoinType.Round)
        if not inner.is_empty():
            solid = solid + inner.extrude(thick).translate([0, 0, -thick / 2])
    return [solid if rng.random() < 0.6 else solid.rotate([90, 0, 0])]


def _outline(rng: np.random.Generator) -> Float64[np.ndarray, "n 2"]:
    """Counter-clockwise and star-shaped about the origin, so it never crosses itself."""
    kind = rng.random()
    if kind < 0.35:  # smooth blob
        angle = 2 * np.pi * np.arange(96) / 96
        radius = np.ones(96)
        for wave in range(2, 7):
            radius += rng.normal(0, 0.5 / wave) * np.cos(wave * angle + rng.uniform(0, 2 * np.pi))
        radius = np.clip(radius, 0.25, None)
    elif kind < 0.7:  # star, gear, polygon
        points, dip = int(rng.integers(3, 14)), rng.choice([1.0, rng.uniform(0.4, 0.9)])
        radius = np.tile([1.0, dip], points)
        angle = np.pi / 2 + np.pi * np.arange(2 * points) / points
    else:  # ragged
        count = int(rng.integers(4, 12))
        angle = 2 * np.pi * (np.arange(count) + rng.uniform(-0.4, 0.4, count)) / count
        radius = rng.uniform(0.4, 1.2, count)
    outline = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    return np.asarray(outline * np.exp(rng.normal(0, 0.3, 2)))


def sheet(rng: np.random.Generator) -> list[Solid]:
    """A thin, curved sheet: cloths, leaves, tiles, shells."""
    steps = 28
    u, v = np.meshgrid(np.linspace(-1, 1, steps), np.linspace(-1, 1, steps) * rng.uniform(0.3, 1), indexing="ij")
    height = np.zeros_like(u)
    for _ in range(3):
        kx, ky = rng.normal(0, 2.0, 2)
        height += rng.normal(0, 0.15) * np.sin(kx * u + ky * v + rng.uniform(0, 2 * np.pi))
    height += rng.normal(0, 0.4) * u**2 + rng.normal(0, 0.4) * v**2
    thick = rng.uniform(0.02, 0.08)
    upper = np.stack([u, height + thick, v], axis=-1)
    lower = np.stack([u, height - thick, v], axis=-1)[:, ::-1]
    solid = lofted(np.concatenate([upper, lower], axis=1))
    return [solid if rng.random() < 0.5 else solid.rotate([90, 0, 0])]


def block_pile(rng: np.random.Generator) -> list[Solid]:
    """Boxes on boxes: houses, machines, radios, robots."""
    base = np.exp(rng.normal(-0.2, 0.35, 3))
    solids = [box(tuple(base.tolist())).translate([0, float(base[1]), 0])]
    for _ in range(int(rng.integers(1, 6))):
        half = base * rng.uniform(0.15, 0.6, 3)
        x, z = rng.uniform(-1, 1, 2) * (base - half)[[0, 2]]
        y = 2 * base[1] + half[1] * 0.9 if rng.random() < 0.5 else rng.uniform(half[1], 2 * base[1])
        if y < 2 * base[1]:
            z = base[2] * rng.choice([-1, 1])
        solids.append(random_block(rng).scale(half.tolist()).translate([float(x), float(y), float(z)]))
    if rng.random() < 0.4:
        solids += [solid.mirror([1.0, 0.0, 0.0]) for solid in solids[1:]]
    return [union([solids[0]]), *solids[1:]]
