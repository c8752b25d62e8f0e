"""Random textures for any mesh, with or without UV: each piece is painted, projected along the axis it faces."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float32, Int32, Int64, UInt8

from unflat.core import Material, Mesh, Part
from unflat.geometry.meshes import face_cross, weld_map
from unflat.geometry.topology import connected_parts
from unflat.synth.patterns import leaves, printed, random_pattern

_CELL_PX = 192
"""Texels across the unit sphere: as fine as a view of 256 pixels shows."""
_MOST_PAINTS = 4
"""Different paints on one object."""
_INSET = 0.02
"""Share of a cell that is left at its rim, so that neighbours do not bleed in."""
_AROUND = 0.25
"""Share of the objects whose paint runs around the upright instead."""
_SAME_PLACE = 1e-3
"""Vertices this near (of the radius) belong together: makers' meshes are torn along UV seams and creases."""


def random_texture(part: Part, rng: np.random.Generator, labels: Int32[np.ndarray, "f"] | None = None) -> Part:
    """The part with a random texture, roughness and metal in place of its own look.

    `labels` says which piece a face belongs to (without: what is connected); pieces share up to four paints. The part
    is expected in the unit sphere about the origin. Vertices are doubled along the seams. About 7 ms.
    """
    piece = _pieces(part.mesh) if labels is None else labels
    paints = [random_pattern(rng, _CELL_PX) for _ in range(int(rng.integers(1, _MOST_PAINTS + 1)))]
    paint = rng.integers(0, len(paints), int(piece.max()) + 1)[piece]
    return _painted(part, paint, paints, rng, around=rng.random() < _AROUND)


def random_print(part: Part, rng: np.random.Generator) -> Part:
    """The part with strong prints that say nothing of its shape: one around it, or up to four on its six sides."""
    count = int(rng.integers(1, _MOST_PAINTS + 1))
    paints = [(printed if rng.random() < 0.7 else leaves)(rng, _CELL_PX) for _ in range(count)]
    side, _ = _box_projection(part.mesh)
    paint = rng.integers(0, count, 6)[side]
    return _painted(part, paint, paints, rng, around=rng.random() < _AROUND)


def _painted(
    part: Part,
    paint: Int64[np.ndarray, "f"],
    paints: list[UInt8[np.ndarray, "s s 3"]],
    rng: np.random.Generator,
    *,
    around: bool,
) -> Part:
    """The part with these paints on its faces, and a random gloss."""
    columns = 1 if around or len(paints) == 1 else 2
    atlas = _atlas(paints, columns)
    rows = len(atlas) // _CELL_PX
    mesh = _wrapped(part.mesh, paint, rows) if around else _projected(part.mesh, paint, columns, rows)
    metal = rng.random() < 0.1
    material = Material(
        base_color=atlas,
        roughness_factor=float(rng.uniform(0.15, 0.6) if metal else rng.beta(2.5, 1.2) * 0.85 + 0.15),
        metallic_factor=float(rng.uniform(0.6, 1.0)) if metal else 0.0,
        double_sided=part.material.double_sided,
    )
    return Part(mesh, material, part.name)


def _pieces(mesh: Mesh) -> Int32[np.ndarray, "f"]:
    """What hangs together, whether or not its vertices are shared."""
    welded = weld_map(np.round(mesh.vertices / _SAME_PLACE).astype(np.float32))[mesh.faces]
    return np.asarray(connected_parts(welded.astype(np.int32), int(welded.max()) + 1), np.int32)


def _atlas(paints: list[UInt8[np.ndarray, "s s 3"]], columns: int) -> UInt8[np.ndarray, "h w 3"]:
    """The paints side by side."""
    rows = -(-len(paints) // columns)
    atlas = np.zeros((rows * _CELL_PX, columns * _CELL_PX, 3), np.uint8)
    for index, paint in enumerate(paints):
        row, column = divmod(index, columns)
        cell = (slice(row * _CELL_PX, (row + 1) * _CELL_PX), slice(column * _CELL_PX, (column + 1) * _CELL_PX))
        atlas[cell] = paint
    return atlas


def _projected(mesh: Mesh, paint: Int64[np.ndarray, "f"], columns: int, rows: int) -> Mesh:
    """The mesh with UV by box projection into the cell of each face's paint."""
    look, uv = _box_projection(mesh)
    row, column = np.divmod(paint, columns)
    cell = np.clip(uv, -1, 1) * np.float32(0.5 - _INSET) + np.float32(0.5)
    placed = (cell + np.column_stack([column, row])[:, None, :]) / np.array([columns, rows])
    return _with_uv(mesh, np.broadcast_to((paint * 6 + look)[:, None], mesh.faces.shape), placed.astype(np.float32))


def _wrapped(mesh: Mesh, paint: Int64[np.ndarray, "f"], rows: int) -> Mesh:
    """The mesh with UV that run around the upright, like a can's label; lids and floors are projected from above.

    Paints lie below each other, so that each repeats sidewards.
    """
    look, uv = _box_projection(mesh)
    x, _, z = mesh.vertices[mesh.faces].transpose(2, 0, 1)
    turn = np.arctan2(x, z) / (2 * np.pi)
    laps = np.rint(turn[:, :1] - turn).astype(np.int64)  # keeps the corners of a face together behind the object
    side = (look // 2 != 1)[:, None]
    across = np.where(side, turn + laps + 0.5, uv[..., 0] / 2 + 0.5)
    down = (np.clip(uv[..., 1], -1, 1) * (0.5 - _INSET) + 0.5 + paint[:, None]) / rows
    code = np.where(side, 2 + laps, 0 + (look == 3)[:, None]) + 8 * paint[:, None] + 1
    return _with_uv(mesh, code, np.stack([across, down], axis=-1).astype(np.float32))


def _with_uv(mesh: Mesh, code: Int64[np.ndarray, "f 3"], uv: Float32[np.ndarray, "f 3 2"]) -> Mesh:
    """The mesh with these UV at its corners; corners of a vertex with the same code share theirs."""
    keys = mesh.faces.astype(np.int64) * (int(code.max()) + 1) + code
    _, first, faces = np.unique(keys.ravel(), return_index=True, return_inverse=True)
    source = mesh.faces.ravel()[first]
    return replace(
        mesh,
        vertices=mesh.vertices[source],
        faces=faces.reshape(-1, 3).astype(np.int32),
        uv=uv.reshape(-1, 2)[first],
        normals=None if mesh.normals is None else mesh.normals[source],
        colors=None,
        confidence=None if mesh.confidence is None else mesh.confidence[source],
    )


def _box_projection(mesh: Mesh) -> tuple[Int64[np.ndarray, "f"], Float32[np.ndarray, "f 3 2"]]:
    """From which side each face is looked at (-x, +x, -y, +y, -z, +z), and its corners right and down in that view."""
    cross = face_cross(mesh)
    axis = np.abs(cross).argmax(axis=1)
    look = axis * 2 + (np.take_along_axis(cross, axis[:, None], axis=1)[:, 0] > 0)
    x, y, z = mesh.vertices[mesh.faces].transpose(2, 0, 1)
    right = np.choose(look[:, None], [z, -z, x, x, -x, x])
    down = np.choose(look[:, None], [-y, -y, -z, z, -y, -y])
    return look, np.stack([right, down], axis=-1).astype(np.float32)
