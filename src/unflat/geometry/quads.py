"""A surface made of quads that follow its curvature: Instant Meshes (Jakob et al. 2015) by pynanoinstantmeshes."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int32, Int64

from unflat.core.shape import Mesh
from unflat.geometry.closest import NearestSurface, put_onto
from unflat.geometry.decimation import decimated
from unflat.geometry.meshes import face_areas, signed_volume, welded
from unflat.geometry.topology import compacted, is_closed, is_manifold

_QUADS_PER_VERTEX = 4.0
"""Instant Meshes makes this many quads for each vertex asked for, since it divides every face to have quads only."""
_TOLERANCE = 0.25
"""Accepted difference between the wanted and the made number of quads."""
_NUDGES = (1.0, 0.93, 1.07, 0.87, 1.13, 1.2)
"""Each try asks for a slightly different number, since holes come and go with the placement of the grid."""
_MOST_FAILURES = 2
"""A mesh on which the library gave up twice is not tried again."""
_LEAST_AREA = 1e-5
"""Area over squared size; thinner needles would be divided without end."""
_KEPT_VOLUME = 0.7
"""A result with less of the volume has lost a limb."""
_INPUT_FACES = 60_000
_INPUT_FACES_PER_QUAD = 8
"""Finer input costs time and adds nothing: vertices are put back onto the fine surface in the end."""
_POLL_S = 0.1
_LONGEST_S = 60.0


def quad_mesh(mesh: Mesh, quads: int, progress: Callable[[float], None] = lambda _: None) -> Mesh | None:
    """About that many quads (within 25 % where the shape allows), with vertices on the surface of the mesh; or None.

    None where Instant Meshes gives up on the mesh. The result is closed and manifold if the mesh is closed and a way
    was found in six tries; look with `is_closed`. The same for the same mesh. No colours or confidence. `progress` is
    polled ten times a second and may raise. 1-3 s.
    """
    bare = welded(mesh)
    source = decimated(bare, max(_INPUT_FACES, _INPUT_FACES_PER_QUAD * quads))
    must_close = is_closed(bare.faces)
    best: tuple[tuple[bool, float], Mesh] | None = None
    factor = 1 / _QUADS_PER_VERTEX
    if face_areas(bare).sum() < _LEAST_AREA * float(bare.extent.max()) ** 2:
        return None
    failures = 0
    for attempt, nudge in enumerate(_NUDGES):
        made = _remesh(source, max(round(quads * factor * nudge), 8), progress)
        progress((attempt + 1) / (len(_NUDGES) + 1))
        if made is None:
            failures += 1
            if failures == _MOST_FAILURES:
                break
            continue
        candidate = _on_surface(_as_mesh(*made, like=bare), bare)
        count = len(candidate.faces) // 2
        broken = must_close and not _is_whole(candidate, bare)
        score = (broken, abs(np.log(count / quads)))
        if best is None or score < best[0]:
            best = score, candidate
        if score < (False, float(np.log1p(_TOLERANCE))):
            break
        if not 1 / (1 + _TOLERANCE) < count / quads < 1 + _TOLERANCE:
            factor *= quads / count
    return None if best is None else best[1]


def _remesh(
    mesh: Mesh, vertex_count: int, progress: Callable[[float], None]
) -> tuple[Float32[np.ndarray, "v 3"], Int64[np.ndarray, "q 4"]] | None:
    """Run the worker; None where it crashed, gave nothing or took too long."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        np.save(folder / "vertices.npy", mesh.vertices)
        np.save(folder / "faces.npy", mesh.faces.astype(np.uint32))
        command = [sys.executable, "-m", "unflat.geometry.quad_worker", name, str(vertex_count)]
        worker = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            if not _finished(worker, progress):
                return None
        finally:
            worker.kill()
            worker.wait()
        vertices, faces = np.load(folder / "quad_vertices.npy"), np.load(folder / "quad_faces.npy").astype(np.int64)
    usable = len(faces) > 0 and faces.shape[1] == 4 and bool(np.isfinite(vertices).all())
    return (vertices.astype(np.float32), faces) if usable else None


def _finished(worker: subprocess.Popen[bytes], progress: Callable[[float], None]) -> bool:
    waited_s = 0.0
    while waited_s < _LONGEST_S:
        try:
            return worker.wait(_POLL_S) == 0
        except subprocess.TimeoutExpired:
            waited_s += _POLL_S
            progress(min(waited_s / _LONGEST_S, 0.1))
    return False


def _as_mesh(vertices: Float32[np.ndarray, "v 3"], quads: Int64[np.ndarray, "q 4"], *, like: Mesh) -> Mesh:
    """Quads as pairs of triangles (a b c), (a c d), turned as the mesh they were made from; triangles are dropped."""
    ordered = np.sort(quads, axis=1)
    proper = quads[(ordered[:, 1:] != ordered[:, :-1]).all(axis=1)]
    triangles = proper[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3).astype(np.int32)
    faces, used = compacted(triangles, len(vertices))
    made = Mesh(vertices[used], faces, quads=True)
    if signed_volume(made) * signed_volume(like) >= 0:
        return made
    return Mesh(made.vertices, _turned(faces), quads=True)


def _turned(faces: Int32[np.ndarray, "f 3"]) -> Int32[np.ndarray, "f 3"]:
    """The other side out: (a b c), (a c d) become (a d c), (a c b)."""
    pairs = faces.reshape(-1, 6)
    return np.ascontiguousarray(pairs[:, [0, 5, 4, 0, 2, 1]].reshape(-1, 3))


def _is_whole(candidate: Mesh, original: Mesh) -> bool:
    closed = is_closed(candidate.faces) and is_manifold(candidate.faces)
    return closed and signed_volume(candidate) > _KEPT_VOLUME * signed_volume(original)


def _on_surface(made: Mesh, original: Mesh) -> Mesh:
    """Vertices put onto the original surface, but where that would turn a face over."""
    edge_m = float(np.linalg.norm(np.diff(made.triangles[:, :2], axis=1), axis=2).mean())
    return put_onto(made, NearestSurface(original, edge_m / 4), edge_m)
