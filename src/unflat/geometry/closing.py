"""Any mesh made a closed manifold: by small repairs where they are enough, by a new solid where they are not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import manifold3d
import numpy as np
from jaxtyping import Bool, Float64, Int32

from unflat.core.shape import Mesh
from unflat.geometry.carry import carried, picked_faces
from unflat.geometry.closest import carried_from_surface
from unflat.geometry.holes import holes_filled
from unflat.geometry.meshes import face_areas, signed_volume
from unflat.geometry.raycast import RayCaster
from unflat.geometry.repair import consistently_turned, fans_split, merged, outward, part_volumes, without_degenerate
from unflat.geometry.solid import remeshed_solid
from unflat.geometry.topology import connected_parts, is_closed, is_closed_manifold

_ROUNDS = 3
"""Splitting one crossing can bring another to light; three rounds settle all but hopeless cases."""
_LARGEST_FILL = 0.4
"""A part of which more would be invented than this share of its area is a sheet, not a body with a hole."""
_OFF_THE_FACE = 1e-4
"""Rays start this share of the object's size away from their face, so as not to hit it."""
_FLATTEST_BODY = 1e-5
"""Volume over area to the power of 1.5 (0.094 for a ball, 0.0004 for a sheet of paper): below it a part is a flap."""

_CRUMBS = 1e-3
"""Sheets with at most this share of the faces are crumbs that simplification tore off, and are dropped."""


@dataclass(frozen=True, eq=False)
class Closed:
    """A closed manifold and how it came about."""

    mesh: Mesh
    done: tuple[str, ...]
    """What was changed, in words that end a sentence about the mesh; empty if it was closed before."""
    remeshed: bool = False


def is_solid(mesh: Mesh) -> bool:
    """Whether the mesh is a closed manifold that encloses a positive volume."""
    return is_closed_manifold(mesh.faces) and signed_volume(mesh) > 0


def repaired(mesh: Mesh) -> Closed | None:
    """Closed by small repairs: merge, drop, split, turn, fill; the rest of the surface stays where it is. Or None.

    None where the mesh is no body with holes (sheets, one-sided strips, faces that hang together in no sensible way):
    then `remeshed` helps. Overlapping parts become one by a boolean union.
    """
    done: list[str] = []
    current = merged(mesh)
    if current is not mesh:
        done.append(f"merged {len(mesh.vertices) - len(current.vertices)} vertices")
    closed = _locally_closed(current, done)
    if closed is None:
        return None
    part = connected_parts(closed.faces, len(closed.vertices))
    turned = outward(closed, part)
    if turned is not closed:
        done.append("turned parts outward")
    if _has_flaps(turned, part):
        return None
    joined = _united(turned, part)
    if joined is not turned:
        done.append("joined overlapping parts")
    if signed_volume(joined) <= 0 or (joined is not mesh and not _accepted_by_manifold(joined)):
        return None
    return Closed(joined, tuple(done))


def remeshed(mesh: Mesh, resolution: int, progress: Callable[[float], None] = lambda _: None) -> Closed:
    """Closed by a new solid around everything that can be seen; see `remeshed_solid`. Always succeeds."""
    filled = _fill_bodies(mesh)
    solid = carried_from_surface(
        mesh, remeshed_solid(filled, resolution, progress), float(mesh.extent.max()) / resolution
    )
    return Closed(solid, (f"built a new surface on a grid of {resolution} voxels",), remeshed=True)


def _locally_closed(mesh: Mesh, done: list[str]) -> Mesh | None:
    current: Mesh | None = mesh
    for _ in range(_ROUNDS):
        if current is None or is_closed_manifold(current.faces):
            return current
        current = _round(current, done)
    return current if current is not None and is_closed_manifold(current.faces) else None


def _round(mesh: Mesh, done: list[str]) -> Mesh | None:
    """One pass of all local repairs; None where no face is left, one is one-sided, or too much would be invented."""
    tidy = without_degenerate(mesh)
    if tidy is None:
        return None
    if tidy is not mesh:
        done.append(f"dropped {len(mesh.faces) - len(tidy.faces)} degenerate or repeated faces")
    split = fans_split(tidy)
    if split is not tidy:
        done.append(f"split {len(split.vertices) - len(tidy.vertices)} vertices")
    turned, orientable = consistently_turned(split)
    if not orientable:
        return None
    if turned is not split:
        done.append("turned faces alike")
    filling = holes_filled(turned)
    if filling.filled == 0:
        return turned
    part = connected_parts(filling.mesh.faces, len(filling.mesh.vertices))
    sheet = (_invented_shares(filling.mesh, len(turned.faces)) > _LARGEST_FILL)[part]
    if sheet.any():
        hidden = sheet[: len(turned.faces)]
        crumbs = np.count_nonzero(hidden) <= _CRUMBS * len(turned.faces)
        if sheet.all() or not (crumbs or _is_hidden(turned, hidden)):
            return None
        done.append(f"dropped {np.count_nonzero(hidden)} faces that {'hang loose' if crumbs else 'nobody can see'}")
    done.append(f"filled {filling.filled} holes")
    return picked_faces(filling.mesh, ~sheet)


def _fill_bodies(mesh: Mesh) -> Mesh:
    """The mesh with the holes closed of those parts that are bodies with holes, not sheets."""
    tidy = without_degenerate(merged(mesh))
    if tidy is None:
        return mesh
    turned, _ = consistently_turned(fans_split(tidy))
    filled = holes_filled(turned).mesh
    share = _invented_shares(filled, len(turned.faces))
    part = connected_parts(filled.faces, len(filled.vertices))
    invented = np.arange(len(filled.faces)) >= len(turned.faces)
    return picked_faces(filled, ~invented | (share <= _LARGEST_FILL)[part])


def _is_hidden(mesh: Mesh, chosen: Bool[np.ndarray, "f"]) -> bool:
    """Whether nothing of the chosen faces is seen from outside, along 26 lines from each one's middle."""
    caster, size = RayCaster(mesh), float(mesh.extent.max())
    middles = mesh.triangles[chosen].mean(axis=1)
    for line in product((-1.0, 0.0, 1.0), repeat=3):
        if any(line):
            direction = np.broadcast_to(np.array(line, np.float32), middles.shape)
            if not caster.blocked(middles + direction * np.float32(_OFF_THE_FACE * size), direction).all():
                return False
    return True


def _invented_shares(mesh: Mesh, first_new: int) -> Float64[np.ndarray, "p"]:
    """Share of each part's area that lies in faces from number `first_new` on."""
    part = connected_parts(mesh.faces, len(mesh.vertices))
    area = face_areas(mesh)
    total = np.bincount(part, area)
    new = np.bincount(part[first_new:], area[first_new:], minlength=len(total))
    return new / np.maximum(total, np.finfo(np.float64).tiny)


def _has_flaps(mesh: Mesh, part: Int32[np.ndarray, "f"]) -> bool:
    centred = mesh.with_vertices(mesh.vertices - mesh.vertices.mean(axis=0))
    area = np.bincount(part, face_areas(mesh))
    return bool((np.abs(part_volumes(centred, part)) < _FLATTEST_BODY * area**1.5).any())


def _united(mesh: Mesh, part: Int32[np.ndarray, "f"]) -> Mesh:
    """Parts whose boxes overlap joined by a boolean union. A mesh with cavities, or of one part, stays as it is."""
    count = int(part.max()) + 1
    if count == 1 or not _boxes_overlap(mesh, part) or (part_volumes(mesh, part) <= 0).any():
        return mesh
    bodies = [_as_manifold(picked_faces(mesh, part == number)) for number in range(count)]
    union = manifold3d.Manifold.batch_boolean(bodies, manifold3d.OpType.Add)
    result = union.to_mesh()
    faces = np.asarray(result.tri_verts, np.int32)
    if union.status() != manifold3d.Error.NoError or len(faces) == 0 or not is_closed(faces):
        return mesh
    if len(faces) == len(mesh.faces) and union.num_vert() == len(mesh.vertices):
        return mesh
    joined = merged(Mesh(np.asarray(result.vert_properties[:, :3], np.float32), faces))
    return carried(mesh, joined) if is_closed_manifold(joined.faces) else mesh


def _boxes_overlap(mesh: Mesh, part: Int32[np.ndarray, "f"]) -> bool:
    """Whether the boxes of any two parts overlap: sweep along x, then compare what is open at the same time."""
    count = int(part.max()) + 1
    low, high = np.full((count, 3), np.inf), np.full((count, 3), -np.inf)
    np.minimum.at(low, part, mesh.triangles.min(axis=1))
    np.maximum.at(high, part, mesh.triangles.max(axis=1))
    order = np.argsort(low[:, 0])
    low, high = low[order], high[order]
    for index in range(count - 1):
        stop = index + 1 + int(np.searchsorted(low[index + 1 :, 0], high[index, 0]))
        others = slice(index + 1, stop)
        if ((low[others] < high[index]) & (high[others] > low[index])).all(axis=1).any():
            return True
    return False


def _as_manifold(mesh: Mesh) -> manifold3d.Manifold:
    # Copies, since manifold3d refuses read-only arrays.
    return manifold3d.Manifold(manifold3d.Mesh(np.array(mesh.vertices), np.array(mesh.faces, np.uint32)))


def _accepted_by_manifold(mesh: Mesh) -> bool:
    """Whether manifold3d, whose constructor is strict, takes it as a solid."""
    return bool(_as_manifold(mesh).status() == manifold3d.Error.NoError)
