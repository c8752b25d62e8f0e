"""Objects without end: each seed gives another closed, textured object that stands as things stand.

The idea of LRM-Zero (Xie et al. 2024): what a network must learn of shape, it can learn from random assemblies of
simple solids; no object made by people is needed, and there are as many as one has time for.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float32, Int32

from unflat.core import Material, Mesh, Part
from unflat.synth.assemblies import furniture, lamp_or_plant, lattice, vehicle, wheel_of
from unflat.synth.blocks import Solid, union
from unflat.synth.creatures import creature
from unflat.synth.random_textures import random_texture
from unflat.synth.shapes import block_pile, cluster, extrusion, sheet, sweep, vessel
from unflat.synth.warps import random_warp

FAMILIES: dict[str, tuple[float, Callable[[np.random.Generator], list[Solid]], float]] = {
    "cluster": (0.22, cluster, 0.35),
    "vessel": (0.16, vessel, 0.2),
    "sweep": (0.08, sweep, 0.2),
    "extrusion": (0.08, extrusion, 0.3),
    "furniture": (0.14, furniture, 0.05),
    "creature": (0.12, creature, 0.1),
    "vehicle": (0.06, vehicle, 0.1),
    "lamp-or-plant": (0.04, lamp_or_plant, 0.1),
    "wheel": (0.04, wheel_of, 0.1),
    "lattice": (0.02, lattice, 0.1),
    "pile": (0.03, block_pile, 0.1),
    "sheet": (0.01, sheet, 0.1),
}
"""Kind of object: how often it comes, who makes it, how often it is bent, twisted, tapered or dented afterwards."""

_MOST_FACES = 8000
_TRIES = 8
"""A random recipe may cut itself away; the next one drawn then takes its place."""


def procedural_object(seed: int) -> Part:
    """The object of this seed: closed, inside the unit sphere about its box's centre, Y up, 100 to 8,000 faces, textured.

    Colours change along seams, where vertices stand twice. The same seed gives the same object. About 30 ms.
    """
    rng = np.random.default_rng([seed, 0x0B7EC7])
    mesh, labels, name = procedural_shape(rng)
    return random_texture(Part(mesh, Material(), name=f"{name}-{seed}"), rng, labels)


def procedural_shape(rng: np.random.Generator) -> tuple[Mesh, Int32[np.ndarray, "f"], str]:
    """A closed mesh, which piece each face came from, and the name of its family."""
    names = list(FAMILIES)
    weights = np.array([FAMILIES[name][0] for name in names])
    for _ in range(_TRIES):
        name = names[int(rng.choice(len(names), p=weights / weights.sum()))]
        _, make, warped = FAMILIES[name]
        solid = union(make(rng))
        if rng.random() < warped:
            solid = random_warp(solid, rng)
        if 0 < solid.num_tri() and solid.volume() > 1e-4:
            break
    solid = _within_budget(solid)
    mesh, labels = _mesh_with_labels(solid)
    return mesh.with_vertices(_in_unit_sphere(mesh.vertices)), labels, name


def _within_budget(solid: Solid) -> Solid:
    low, high = np.reshape(solid.bounding_box(), (2, 3))
    tolerance = 2e-4 * float((high - low).max())
    while solid.num_tri() > _MOST_FACES:
        solid, tolerance = solid.simplify(tolerance), tolerance * 2
    return solid


def _mesh_with_labels(solid: Solid) -> tuple[Mesh, Int32[np.ndarray, "f"]]:
    found = solid.to_mesh()
    runs = np.asarray(found.run_index) // 3
    piece = np.unique(np.asarray(found.run_original_id), return_inverse=True)[1]
    labels = np.repeat(piece, np.diff(runs)).astype(np.int32)
    vertices = np.ascontiguousarray(found.vert_properties[:, :3], np.float32)
    return Mesh(vertices, np.ascontiguousarray(found.tri_verts, np.int32)), labels


def _in_unit_sphere(vertices: Float32[np.ndarray, "v 3"]) -> Float32[np.ndarray, "v 3"]:
    centred = vertices - (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    return np.asarray(centred / max(float(np.linalg.norm(centred, axis=1).max()), 1e-9), np.float32)
