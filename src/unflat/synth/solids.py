"""Closed solids whose volume, area and genus are known by formula. Frame and units as in `unflat.core.conventions`.

All stand centred on the origin. Curved ones are inscribed polyhedra: a little smaller than the formula, by about
``(pi / segments)**2 / 2`` of the radius.
"""

from __future__ import annotations

from collections.abc import Sequence

import manifold3d
import numpy as np
from jaxtyping import Float64, Int32

from unflat.core import Mesh
from unflat.geometry.topology import edge_table

_SEGMENTS = 64
"""Default roundness: volumes within 0.5 % of the formula."""


def box(size: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> Mesh:
    """A box of this size along x, y, z; genus 0, 12 faces."""
    return _mesh(manifold3d.Manifold.cube(size, True))


def sphere(radius: float = 0.5, segments: int = _SEGMENTS) -> Mesh:
    """A ball: volume 4/3 pi r³, area 4 pi r², genus 0. Poles on the y axis."""
    angles = np.linspace(-np.pi / 2, np.pi / 2, segments // 2 + 1)
    return revolved(np.column_stack([np.cos(angles) * radius, np.sin(angles) * radius]), segments)


def cylinder(radius: float = 0.5, height: float = 1.0, segments: int = _SEGMENTS) -> Mesh:
    """An upright cylinder: volume pi r² h, area 2 pi r (r + h), genus 0."""
    half = height / 2
    return revolved(np.array([[0, -half], [radius, -half], [radius, half], [0, half]]), segments)


def cone(radius: float = 0.5, height: float = 1.0, segments: int = _SEGMENTS) -> Mesh:
    """An upright cone, its tip at +y: volume pi r² h / 3, genus 0."""
    return revolved(np.array([[0, -height / 2], [radius, -height / 2], [0, height / 2]]), segments)


def torus(ring_radius: float = 0.4, tube_radius: float = 0.15, segments: int = _SEGMENTS) -> Mesh:
    """A ring about the y axis: volume 2 pi² R r², area 4 pi² R r, genus 1."""
    around, tube = segments, max(segments // 2, 3)
    ring_angle = np.repeat(2 * np.pi * np.arange(around) / around, tube)
    tube_angle = np.tile(2 * np.pi * np.arange(tube) / tube, around)
    radius = ring_radius + tube_radius * np.cos(tube_angle)
    height = tube_radius * np.sin(tube_angle)
    points = np.column_stack([radius * np.sin(ring_angle), height, radius * np.cos(ring_angle)])
    i, j = np.divmod(np.arange(around * tube), tube)
    across, along = (i + 1) % around * tube, (j + 1) % tube
    a, b, c, d = i * tube + j, across + j, across + along, i * tube + along
    faces = np.concatenate([np.column_stack([a, b, c]), np.column_stack([a, c, d])])
    return Mesh(points.astype(np.float32), faces.astype(np.int32))


def revolved(profile: Float64[np.ndarray, "p 2"], segments: int = _SEGMENTS) -> Mesh:
    """What a profile of (radius, y), from the bottom up, sweeps about the y axis; its two ends must lie on the axis."""
    turn = 2 * np.pi * np.arange(segments) / segments
    rings = profile[1:-1]
    points = np.concatenate(
        [np.column_stack([r * np.sin(turn), np.full(segments, y), r * np.cos(turn)]) for r, y in rings]
        + [[[0.0, profile[0, 1], 0.0], [0.0, profile[-1, 1], 0.0]]]
    )
    here, there = np.arange(segments), (np.arange(segments) + 1) % segments
    bottom, top, last = len(points) - 2, len(points) - 1, (len(rings) - 1) * segments
    faces = [np.column_stack([np.full(segments, bottom), there, here])]
    for ring in range(len(rings) - 1):
        low, high = ring * segments, (ring + 1) * segments
        faces.append(np.column_stack([low + here, low + there, high + there]))
        faces.append(np.column_stack([low + here, high + there, high + here]))
    faces.append(np.column_stack([np.full(segments, top), last + here, last + there]))
    return Mesh(points.astype(np.float32), np.concatenate(faces).astype(np.int32))


def mug(height: float = 0.10, segments: int = _SEGMENTS) -> Mesh:
    """A mug with one handle towards +x: genus 1, walls 5 % of its height thick."""
    wall, radius = 0.05 * height, 0.42 * height
    solid = manifold3d.Manifold
    outer = solid.cylinder(height, radius, circular_segments=segments, center=True)
    inner = solid.cylinder(height, radius - wall, circular_segments=segments, center=True).translate((0, 0, wall))
    bow = manifold3d.CrossSection.circle(0.055 * height, segments // 2).translate((0.27 * height, 0))
    ring = solid.revolve(bow, segments).rotate((90, 0, 0)).translate((radius, 0, 0))
    # what of the ring lies in the hollow goes with it: the half outside is the handle
    return _mesh((outer + ring) - inner, turn_up=True)


def chair(height: float = 0.9) -> Mesh:
    """A plain chair of boxes: four legs, a seat, a back with two gaps (genus 2). Its back is at -z."""
    leg, half = 0.05 * height, 0.24 * height
    blocks = [
        _block((-half, -height / 2, z - leg / 2), (-half + leg, top, z + leg / 2), mirror)
        for z, top in ((half - leg / 2, 0.0), (-half + leg / 2, height / 2))
        for mirror in (1, -1)
    ]
    blocks.append(_block((-half, -0.05 * height, -half), (half, 0.0, half)))
    blocks.append(_block((-half, 0.38 * height, -half), (half, height / 2, -half + leg)))
    blocks.append(_block((-half, 0.16 * height, -half + leg * 0.25), (half, 0.26 * height, -half + leg * 0.75)))
    return _mesh(manifold3d.Manifold.batch_boolean(blocks, manifold3d.OpType.Add))


def merged(meshes: Sequence[Mesh]) -> Mesh:
    """The bare surfaces side by side in one mesh, as they are: nothing is united."""
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    faces = [mesh.faces + np.int32(start) for mesh, start in zip(meshes, starts, strict=False)]
    return Mesh(np.concatenate([mesh.vertices for mesh in meshes]), np.concatenate(faces).astype(np.int32))


def moved(mesh: Mesh, by: tuple[float, float, float]) -> Mesh:
    """The mesh, shifted by metres along x, y, z."""
    return mesh.with_vertices(mesh.vertices + np.array(by, np.float32))


def refined(mesh: Mesh, longest: float) -> Mesh:
    """The same surface with no edge longer than this (metres). Closed stays closed; UV and colours are dropped."""
    vertices, faces = mesh.vertices, mesh.faces
    while True:
        table = edge_table(faces)
        ends = vertices[table.edges]
        split = np.linalg.norm((ends[:, 0] - ends[:, 1]).astype(np.float64), axis=1) > longest
        if not split.any():
            return Mesh(vertices, faces)
        middle = np.full(len(split), -1, np.int32)
        middle[split] = len(vertices) + np.arange(int(split.sum()), dtype=np.int32)
        vertices = np.concatenate([vertices, ends[split].mean(axis=1).astype(np.float32)])
        faces = _split_faces(faces, middle[table.edge_of_side])


def _split_faces(faces: Int32[np.ndarray, "f 3"], middles: Int32[np.ndarray, "f 3"]) -> Int32[np.ndarray, "n 3"]:
    """Faces cut at the middles of their sides (-1: that side stays whole) into two, three or four."""
    cut = middles >= 0
    count = cut.sum(axis=1)
    # turn each face so that a single cut is on its first side, a single whole side is its last
    turn = np.where(count == 1, cut.argmax(axis=1), np.where(count == 2, (~cut).argmax(axis=1) + 1, 0))
    order = (turn[:, None] + np.arange(3)) % 3
    corners, middles = np.take_along_axis(faces, order, axis=1), np.take_along_axis(middles, order, axis=1)
    (a, b, c), (p, q, r) = corners.T, middles.T
    recipes = {
        0: ((a, b, c),),
        1: ((a, p, c), (p, b, c)),
        2: ((p, b, q), (a, p, q), (a, q, c)),
        3: ((a, p, r), (p, b, q), (r, q, c), (p, q, r)),
    }
    pieces = [np.column_stack(piece)[count == cuts] for cuts, recipe in recipes.items() for piece in recipe]
    return np.concatenate(pieces).astype(np.int32)


def _block(low: tuple[float, float, float], high: tuple[float, float, float], mirror: int = 1) -> manifold3d.Manifold:
    size = np.subtract(high, low)
    block = manifold3d.Manifold.cube(tuple(size)).translate(low)
    return block if mirror == 1 else block.mirror((1, 0, 0))


def _mesh(solid: manifold3d.Manifold, *, turn_up: bool = False) -> Mesh:
    """The solid as a mesh; `turn_up` turns manifold3d's z axis, along which it makes cylinders, to our y."""
    found = (solid.rotate((-90, 0, 0)) if turn_up else solid).to_mesh()
    faces: Int32[np.ndarray, "f 3"] = np.asarray(found.tri_verts).astype(np.int32)
    return Mesh(np.ascontiguousarray(np.asarray(found.vert_properties)[:, :3], np.float32), faces)
