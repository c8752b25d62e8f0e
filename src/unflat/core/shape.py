"""Shapes: a field, a point cloud, a mesh."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32, Float64, Int32, UInt8

from unflat.core.arrays import freeze_fields, require


@dataclass(frozen=True, eq=False)
class Field:
    """A signed distance sampled on a regular grid, negative inside, level 0.

    Sample ``[i, j, k]`` lies at ``origin + voxel * (i, j, k)`` (world x, y, z).
    """

    distance: Float32[np.ndarray, "nx ny nz"]
    origin: Float64[np.ndarray, "3"]
    voxel: float

    def __post_init__(self) -> None:
        require(
            bool(np.isfinite(self.distance).all()),
            "The field has NaN or infinite samples.",
            code="field-not-finite",
            hint="Report this with the picture: a reconstructor made it.",
        )
        require(
            self.voxel > 0,
            f"A voxel must have a positive size, found {self.voxel:g}.",
            code="field-voxel",
            hint="Give the distance between two samples in metres.",
        )
        freeze_fields(self, "distance", "origin")


@dataclass(frozen=True, eq=False)
class PointCloud:
    """Points with optional unit normals and sRGB colours."""

    points: Float32[np.ndarray, "n 3"]
    normals: Float32[np.ndarray, "n 3"] | None = None
    colors: UInt8[np.ndarray, "n 3"] | None = None

    def __post_init__(self) -> None:
        freeze_fields(self, "points", "normals", "colors")


@dataclass(frozen=True, eq=False)
class Mesh:
    """A triangle mesh, counter-clockwise from outside. Where it has UV, seam vertices stand twice, as in glTF."""

    vertices: Float32[np.ndarray, "v 3"]
    faces: Int32[np.ndarray, "f 3"]
    uv: Float32[np.ndarray, "v 2"] | None = None
    normals: Float32[np.ndarray, "v 3"] | None = None
    colors: UInt8[np.ndarray, "v 3"] | None = None
    confidence: Float32[np.ndarray, "v"] | None = None
    """1 where a picture saw the vertex, 0 where it was inferred."""
    quads: bool = False
    """True where faces 2i and 2i+1 are the halves (a b c), (a c d) of a quad."""

    def __post_init__(self) -> None:
        require(len(self.faces) > 0, "The mesh has no faces.", code="empty-mesh", hint="Give a mesh with a surface.")
        require(
            bool(np.isfinite(self.vertices).all()),
            "The mesh has vertices that are NaN or infinite.",
            code="mesh-not-finite",
            hint="Repair the mesh in the program it came from.",
        )
        require(
            int(self.faces.min()) >= 0 and int(self.faces.max()) < len(self.vertices),
            "A face refers to a vertex that does not exist.",
            code="mesh-index",
            hint="Repair the mesh in the program it came from.",
        )
        require(
            not self.quads or len(self.faces) % 2 == 0,
            "A quad mesh needs an even number of triangles.",
            code="mesh-quads",
            hint="Give two triangles for each quad.",
        )
        freeze_fields(self, "vertices", "faces", "uv", "normals", "colors", "confidence")

    @property
    def extent(self) -> Float64[np.ndarray, "3"]:
        """Size of the bounding box along x, y, z in metres."""
        return np.asarray(np.ptp(self.vertices.astype(np.float64), axis=0))

    @property
    def triangles(self) -> Float32[np.ndarray, "f 3 3"]:
        """Corner positions, per face."""
        return np.asarray(self.vertices[self.faces])

    def with_vertices(self, vertices: Float32[np.ndarray, "v 3"]) -> Mesh:
        """The same mesh with its vertices elsewhere; vertex normals are dropped."""
        return replace(self, vertices=vertices, normals=None)
