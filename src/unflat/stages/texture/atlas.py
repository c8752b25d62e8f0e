"""Every covered texel of a UV layout, as a point on the surface: what all maps are baked from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float32, Float64, Int32, Int64, Shaped
from scipy import sparse

from unflat.core import Mesh
from unflat.core.arrays import freeze_fields, readonly
from unflat.geometry.meshes import vertex_normals

_PIECE = 1 << 22
"""Texels worked on at once where all would be too many: the square of 2048."""
_FACES_AT_ONCE = 1 << 15


@dataclass(frozen=True, eq=False)
class Surface:
    """What a texel's place follows from."""

    corners: Int32[np.ndarray, "f 3"]
    points: Float32[np.ndarray, "v 6"]
    """World position and normal of each vertex."""
    weights: Float32[np.ndarray, "f 6"]
    """Place of corner 0 in texels, and how much the weights of corners 1 and 2 grow from texel to texel (x, y each)."""

    def __post_init__(self) -> None:
        freeze_fields(self, "corners", "points", "weights")


@dataclass(frozen=True, eq=False)
class Atlas:
    """The texels whose centre lies in a chart, each once, in the order of the faces.

    Where they lie is computed when it is first asked for: 36 bytes per texel, eight times what the atlas itself holds.
    Whoever can, asks piece by piece.
    """

    width: int
    height: int
    texel: Int32[np.ndarray, "n"]
    """Flat index ``row * width + column``."""
    face: Int32[np.ndarray, "n"]
    surface: Surface

    def __post_init__(self) -> None:
        freeze_fields(self, "texel", "face")

    def __len__(self) -> int:
        """Number of covered texels."""
        return len(self.texel)

    @cached_property
    def barycentric(self) -> Float32[np.ndarray, "n 3"]:
        """Weights of the face's corners 0, 1, 2."""
        return readonly(_barycentric(self.surface.weights[self.face], self.texel, self.width))

    @cached_property
    def position(self) -> Float32[np.ndarray, "n 3"]:
        """World, metres."""
        return readonly(self._interpolated(np.ascontiguousarray(self.surface.points[:, :3])))

    @cached_property
    def normal(self) -> Float32[np.ndarray, "n 3"]:
        """Unit, smooth: interpolated from the vertices, not the face's own."""
        normal = self._interpolated(np.ascontiguousarray(self.surface.points[:, 3:]))
        length = np.sqrt(np.einsum("ni,ni->n", normal, normal))
        normal /= np.maximum(length, np.finfo(np.float32).tiny)[:, None]
        return readonly(normal)

    def at(self, chosen: Int64[np.ndarray, "m"] | slice) -> Atlas:
        """Some of the texels."""
        return Atlas(self.width, self.height, self.texel[chosen], self.face[chosen], self.surface)

    @property
    def pieces_count(self) -> int:
        """Number of `pieces`."""
        return max(-(-len(self) // _PIECE), 1)

    def pieces(self) -> Iterator[tuple[slice, Atlas]]:
        """The atlas in runs of at most four million texels; if that is one, itself."""
        if self.pieces_count == 1:
            yield slice(0, len(self)), self
            return
        for start in range(0, len(self), _PIECE):
            run = slice(start, min(start + _PIECE, len(self)))
            yield run, self.at(run)

    def image(self, values: Shaped[np.ndarray, "n *c"], fill: float) -> Shaped[np.ndarray, "h w *c"]:
        """The values laid out as a picture of the same dtype, `fill` where no chart is."""
        pixels = np.full((self.height * self.width, *values.shape[1:]), fill, values.dtype)
        pixels[self.texel] = values
        return pixels.reshape(self.height, self.width, *values.shape[1:])

    def interpolated(self, mesh: Mesh, values: Float32[np.ndarray, "v c"]) -> Float32[np.ndarray, "n c"]:
        """Values of the mesh's vertices, at every texel."""
        return interpolated(mesh.faces[self.face], self.barycentric, values)

    def _interpolated(self, values: Float32[np.ndarray, "v c"]) -> Float32[np.ndarray, "n c"]:
        return interpolated(self.surface.corners[self.face], self.barycentric, values)


def atlas_of(mesh: Mesh, size_px: int) -> Atlas:
    """The atlas of a mesh with UV, for a square texture. Linear in texels and faces: about 0.2 s for 2048 pixels.

    Where charts overlap, the last face wins; texels outside the unit square are left out.
    """
    assert mesh.uv is not None, "unwrap the mesh first"
    corners = mesh.uv[mesh.faces].astype(np.float64) * size_px
    texel, face = _each_once(corners, size_px)
    normals = vertex_normals(mesh) if mesh.normals is None else mesh.normals
    points = np.hstack([mesh.vertices, normals])
    return Atlas(size_px, size_px, texel, face, Surface(mesh.faces, points, _weight_table(corners)))


def interpolated(
    corners: Int32[np.ndarray, "n 3"], barycentric: Float32[np.ndarray, "n 3"], values: Float32[np.ndarray, "v c"]
) -> Float32[np.ndarray, "n c"]:
    """Values at points of faces, from values at the vertices: ``sum_k barycentric[:, k] * values[corners[:, k]]``."""
    # A sparse product is this sum in C, without the (n, 3, c) array in between.
    rows = np.arange(0, corners.size + 1, 3, dtype=np.int32)
    weights = sparse.csr_matrix((barycentric.ravel(), corners.ravel(), rows), shape=(len(corners), len(values)))
    return np.asarray(weights @ np.ascontiguousarray(values))


def scan_converted(
    corners: Float64[np.ndarray, "f 3 2"], size_px: int
) -> tuple[Int32[np.ndarray, "n"], Int32[np.ndarray, "n"]]:
    """Texels (flat index) whose centre lies in a face, and that face: all rows of all faces at once.

    Corners are in texels. Faces that share an edge leave no gap and share no texel; faces that overlap share texels.
    """
    # Sorting by height (then x) makes both faces of an edge compute its crossings from the same numbers: no gaps.
    order = np.lexsort((corners[:, :, 0], corners[:, :, 1]), axis=1)
    low, middle, high = (np.take_along_axis(corners, order[:, [k], None], axis=1)[:, 0] for k in range(3))
    first_row = np.clip(np.ceil(low[:, 1] - 0.5), 0, size_px).astype(np.int32)
    end_row = np.clip(np.ceil(high[:, 1] - 0.5), 0, size_px).astype(np.int32)
    face, row = _runs(first_row, end_row)
    y = row + 0.5
    long_edge = _crossing(low[face], high[face], y)
    short_edge = np.where(
        y < middle[face, 1], _crossing(low[face], middle[face], y), _crossing(middle[face], high[face], y)
    )
    left, right = np.minimum(long_edge, short_edge), np.maximum(long_edge, short_edge)
    first_column = np.clip(np.ceil(left - 0.5), 0, size_px).astype(np.int32)
    end_column = np.clip(np.ceil(right - 0.5), 0, size_px).astype(np.int32)
    span, column = _runs(first_column, end_column)
    return row[span] * np.int32(size_px) + column, face[span]


def _each_once(
    corners: Float64[np.ndarray, "f 3 2"], size_px: int
) -> tuple[Int32[np.ndarray, "n"], Int32[np.ndarray, "n"]]:
    """The covered texels with the last face of each, in the order of the faces; some faces at a time."""
    owner = np.full(size_px * size_px, -1, np.int32)
    runs = []
    for start in range(0, len(corners), _FACES_AT_ONCE):
        texel, face = scan_converted(corners[start : start + _FACES_AT_ONCE], size_px)
        face += np.int32(start)
        owner[texel] = face
        runs.append((texel, face))
    kept = [owner[texel] == face for texel, face in runs]
    texel = np.concatenate([texel[once] for (texel, _), once in zip(runs, kept, strict=True)])
    return texel, np.concatenate([face[once] for (_, face), once in zip(runs, kept, strict=True)])


def _runs(
    first: Int32[np.ndarray, "r"], end: Int32[np.ndarray, "r"]
) -> tuple[Int32[np.ndarray, "n"], Int32[np.ndarray, "n"]]:
    """All integers of the half-open runs ``first .. end``: the run's number, and the integer."""
    lengths = np.maximum(end - first, 0)
    starts = (np.cumsum(lengths) - lengths).astype(np.int32)
    run = np.repeat(np.arange(len(first), dtype=np.int32), lengths)
    return run, np.arange(len(run), dtype=np.int32) + np.repeat(first - starts, lengths)


def _crossing(
    start: Float64[np.ndarray, "r 2"], stop: Float64[np.ndarray, "r 2"], y: Float64[np.ndarray, "r"]
) -> Float64[np.ndarray, "r"]:
    """Where the edge crosses the height y."""
    rise = stop[:, 1] - start[:, 1]
    share = np.divide(y - start[:, 1], rise, out=np.zeros_like(rise), where=rise > 0)
    return start[:, 0] + share * (stop[:, 0] - start[:, 0])


def _weight_table(corners: Float64[np.ndarray, "f 3 2"]) -> Float32[np.ndarray, "f 6"]:
    """`Surface.weights` of faces whose corners are given in texels."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    ab, ac = b - a, c - a
    doubled_area = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
    inverse = np.divide(1.0, doubled_area, out=np.zeros_like(doubled_area), where=doubled_area != 0)
    gradients = np.column_stack([ac[:, 1], -ac[:, 0], -ab[:, 1], ab[:, 0]]) * inverse[:, None]
    return np.hstack([a, gradients]).astype(np.float32)


def _barycentric(
    table: Float32[np.ndarray, "n 6"], texel: Int32[np.ndarray, "n"], width: int
) -> Float32[np.ndarray, "n 3"]:
    """Barycentric coordinates of the texels' centres, never negative."""
    x = (texel % width).astype(np.float32) + np.float32(0.5) - table[:, 0]
    y = (texel // width).astype(np.float32) + np.float32(0.5) - table[:, 1]
    weights = np.empty((len(texel), 3), np.float32)
    np.clip(x * table[:, 2] + y * table[:, 3], 0, 1, out=weights[:, 1])
    np.clip(x * table[:, 4] + y * table[:, 5], 0, 1 - weights[:, 1], out=weights[:, 2])
    np.subtract(1, weights[:, 1] + weights[:, 2], out=weights[:, 0])
    return np.maximum(weights, 0, out=weights)
