"""Objects without end: each seed gives another closed, textured object that stands as things stand.

The idea of LRM-Zero (Xie et al. 2024): what a network must learn of shape, it can learn from random assemblies of
simple solids; no object made by people is needed, and there are as many as one has time for.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float32, Int32

from unflat.core import Material, Mesh, Part
from unflat.geometry.resting import most_stable_down
from unflat.synth.assemblies import furniture, lamp_or_plant, lattice, vehicle, wheel_of
from unflat.synth.blocks import Solid, union
from unflat.synth.creatures import creature
from unflat.synth.goods import footwear, fruit, house, package, stone, tool
from unflat.synth.household import ball, brick, open_ware
from unflat.synth.random_textures import random_print, random_texture
from unflat.synth.shapes import block_pile, cluster, extrusion, sheet, sweep, vessel
from unflat.synth.warps import random_warp

FAMILIES: dict[str, tuple[float, Callable[[np.random.Generator], list[Solid]], float]] = {
    "cluster": (0.12, cluster, 0.35),
    "vessel": (0.08, vessel, 0.15),
    "package": (0.18, package, 0.04),
    "fruit": (0.05, fruit, 0.3),
    "ball": (0.06, ball, 0.0),
    "open-ware": (0.09, open_ware, 0.03),
    "brick": (0.08, brick, 0.03),
    "sweep": (0.05, sweep, 0.2),
    "extrusion": (0.05, extrusion, 0.3),
    "stone": (0.03, stone, 0.4),
    "tool": (0.05, tool, 0.15),
    "footwear": (0.02, footwear, 0.2),
    "furniture": (0.08, furniture, 0.04),
    "creature": (0.08, creature, 0.1),
    "vehicle": (0.05, vehicle, 0.05),
    "lamp-or-plant": (0.02, lamp_or_plant, 0.1),
    "wheel": (0.02, wheel_of, 0.1),
    "lattice": (0.015, lattice, 0.1),
    "pile": (0.02, block_pile, 0.1),
    "house": (0.02, house, 0.04),
    "sheet": (0.005, sheet, 0.1),
}
"""Kind of object: how often it comes, who makes it, how often it is bent, twisted, tapered or dented afterwards."""

_PRINTED = {"package": 0.6, "ball": 0.5, "brick": 0.3, "open-ware": 0.2}
"""Share of these that carry a print, as goods do, another one on each side."""
_TUMBLED = ("cluster", "sweep", "stone", "wheel", "extrusion", "brick")
"""Kinds that have no upright of their own: half of them lie as they would come to rest."""
_EXACT = ("ball", "brick")
"""Kinds whose proportions are left as they are made."""
_STRETCHED = 0.3
"""Share of the other objects that are stretched or flattened, so that all proportions come."""
_MOST_FACES = 8000
_SAME_PLACE = 1e-4
"""Edges shorter than this share of the object are collapsed."""
_LEAST_VOLUME = 1e-4
_TRIES = 8
"""A random recipe may cut itself away or fall apart; the next one drawn then takes its place."""


def procedural_object(seed: int) -> Part:
    """The object of this seed: closed, inside the unit sphere about its box's centre, Y up, textured.

    A plain box has 12 faces, the richest objects 8,000. Along texture seams vertices stand twice. The same seed gives
    the same object. About 20 ms, a creature twice that.
    """
    rng = np.random.default_rng([seed, 0x0B7EC7])
    mesh, labels, name = procedural_shape(rng)
    part = Part(mesh, Material(), name=f"{name}-{seed}")
    return random_print(part, rng) if rng.random() < _PRINTED.get(name, 0.0) else random_texture(part, rng, labels)


def procedural_shape(rng: np.random.Generator) -> tuple[Mesh, Int32[np.ndarray, "f"], str]:
    """A closed mesh, which piece each face came from, and the name of its family."""
    names = list(FAMILIES)
    weights = np.array([FAMILIES[name][0] for name in names])
    for _ in range(_TRIES):
        name = names[int(rng.choice(len(names), p=weights / weights.sum()))]
        _, make, warped = FAMILIES[name]
        solid = union(make(rng))
        if name not in _EXACT and rng.random() < _STRETCHED:
            solid = solid.scale(np.exp(rng.normal(0, 0.3, 3)).tolist())
        if rng.random() < warped:
            solid = random_warp(solid, rng)
        if solid.volume() > _LEAST_VOLUME and (name == "stone" or len(solid.decompose()) == 1):
            break
    mesh, labels = _mesh_with_labels(_within_budget(solid))
    if name in _TUMBLED and rng.random() < 0.5:
        mesh = _at_rest(mesh, rng)
    return mesh.with_vertices(_in_unit_sphere(mesh.vertices)), labels, name


def _within_budget(solid: Solid) -> Solid:
    """Without needles that booleans leave, and without more detail than there are faces to spend."""
    low, high = np.reshape(solid.bounding_box(), (2, 3))
    tolerance = _SAME_PLACE * float((high - low).max())
    solid = solid.simplify(tolerance)
    while solid.num_tri() > _MOST_FACES:
        tolerance *= 2
        solid = solid.simplify(tolerance)
    return solid


def _mesh_with_labels(solid: Solid) -> tuple[Mesh, Int32[np.ndarray, "f"]]:
    found = solid.to_mesh()
    runs = np.asarray(found.run_index) // 3
    piece = np.unique(np.asarray(found.run_original_id), return_inverse=True)[1]
    labels = np.repeat(piece, np.diff(runs)).astype(np.int32)
    vertices = np.ascontiguousarray(found.vert_properties[:, :3], np.float32)
    return Mesh(vertices, np.ascontiguousarray(found.tri_verts, np.int32)), labels


def _at_rest(mesh: Mesh, rng: np.random.Generator) -> Mesh:
    """The thing as it lies on a table, turned about the upright at random."""
    down = most_stable_down(mesh)
    if down is None:
        return mesh
    ahead = rng.normal(size=3)
    right = np.cross(-down, ahead)
    right /= np.linalg.norm(right)
    world = np.stack([right, -down, np.cross(right, -down)])  # rows: where x, y and z come from
    return mesh.with_vertices((mesh.vertices @ world.T).astype(np.float32))


def _in_unit_sphere(vertices: Float32[np.ndarray, "v 3"]) -> Float32[np.ndarray, "v 3"]:
    centred = vertices - (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    return np.asarray(centred / max(float(np.linalg.norm(centred, axis=1).max()), 1e-9), np.float32)
