"""Screened Poisson reconstruction: the closed surface whose inside best explains a cloud's normals."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

from unflat.core import Context, Mesh, PointCloud, RecipeError, Reconstruction, StageFailed
from unflat.geometry.carry import picked_faces
from unflat.geometry.floor import cut_at_floor
from unflat.geometry.free_space import looked_through
from unflat.geometry.hull_closing import hull_closed
from unflat.geometry.meshes import transformed_reconstruction
from unflat.geometry.topology import connected_parts
from unflat.io.load import load_mesh
from unflat.io.mapped import each_with_depth
from unflat.io.point_cloud import write_point_cloud

_POLL_S = 0.1
_FINEST, _COARSEST = 11, 6
_MOST_POINTS = 3_000_000
"""More are thinned to so many: six million made a surface of eight million faces and took 5 GB, and of all those faces
some ten thousands are left in the end."""
_CELL_SPACINGS = 1.5
"""Side of the finest cells in point spacings."""
_SEEN_SPACINGS = 3.0
"""A vertex was seen if a point lies within so many point spacings."""
_LOOK_THROUGH = 2
"""So many photos must look through a place for it to be air."""
_BODY = 0.01
"""Parts with this share of the largest one's faces are more than rags."""
_SMALL_PART = 0.05
"""Parts of the surface with less than this share of the largest one's faces, and no points, are bubbles."""


@dataclass(frozen=True)
class Poisson:
    """The closed surface of a cloud of points with normals (Kazhdan and Hoppe 2013, by COLMAP)."""

    depth: int = 0
    """Depth of the octree: each more doubles the detail; 0 chooses by the distance between the points."""
    weight: float = 1.0
    """How closely the surface follows the points, from 0 (smooth) on."""
    floor: bool = True
    """Cut off what bulges below the lowest points: nobody saw the underside of what stands."""

    def __post_init__(self) -> None:
        if self.depth != 0 and not 4 <= self.depth <= 13:
            raise RecipeError(f"poisson.depth can't be {self.depth}.", code="bad-option", hint="Give 4 to 13, or 0.")
        if not 0 <= self.weight <= 100:
            raise RecipeError(f"poisson.weight can't be {self.weight:g}.", code="bad-option", hint="Give 0 to 100.")

    def __call__(self, reconstruction: Reconstruction, context: Context) -> Reconstruction:
        """The mesh, with confidence: 1 where the cloud has points, 0 where the surface was only closed.

        What photos leave open is closed by the ground where there is one, else by the cloud's convex hull.

        Raises `StageFailed`: ``no-normals``, ``poisson-failed``. About 10 s for 400,000 points.
        """
        cloud = reconstruction.shape
        if not isinstance(cloud, PointCloud) or cloud.normals is None:
            raise StageFailed(
                "Poisson reconstruction needs a cloud of points with normals.",
                code="no-normals",
                hint="Take the reconstructor multi-view-stereo.",
            )
        cloud = _thinned(cloud, context)
        spacing = _spacing(cloud.points)
        depth = self.depth or _depth_for(cloud.points, spacing)
        known = cloud
        if reconstruction.ground is None and reconstruction.dense is not None:
            known = hull_closed(cloud, spacing, each_with_depth(reconstruction.dense.items), context.seed)
        mesh = _reconstructed(known, depth, self.weight, context.part(0, 0.8).progress)
        if self.floor:
            mesh = cut_at_floor(mesh, cloud.points, reconstruction.ground)
        away, _ = cKDTree(cloud.points).query(mesh.vertices, workers=-1)
        seen = (away < _SEEN_SPACINGS * spacing).astype(np.float32)
        mesh = _out_of_the_air(replace(mesh, confidence=seen), reconstruction, spacing)
        context.progress(1.0)
        return _levelled(reconstruction.with_mesh(_without_bubbles(mesh)))


def _levelled(reconstruction: Reconstruction) -> Reconstruction:
    """Turned, cameras and all, until the ground that it was cut from is level."""
    surface = replace(reconstruction, dense=None)  # used: hundreds of depth maps need not be turned
    if reconstruction.ground is None:
        return surface
    up = np.array(reconstruction.ground[:3])
    similarity = np.eye(4)
    similarity[:3, :3] = Rotation.align_vectors([[0.0, 1.0, 0.0]], [up])[0].as_matrix()
    return transformed_reconstruction(surface, similarity)


def _thinned(cloud: PointCloud, context: Context) -> PointCloud:
    """The cloud, or as many of its points as are reconstructed at most, chosen at random, which is told."""
    if len(cloud.points) <= _MOST_POINTS:
        return cloud
    context.warn(
        f"The surface was made from {_MOST_POINTS:,} of the {len(cloud.points):,} points, chosen at random: more take "
        "too much memory."
    )
    chosen = np.random.default_rng(context.seed).permutation(len(cloud.points))[:_MOST_POINTS]
    chosen.sort()
    assert cloud.normals is not None
    colors = None if cloud.colors is None else cloud.colors[chosen]
    return PointCloud(cloud.points[chosen], cloud.normals[chosen], colors)


def _spacing(points: Float32[np.ndarray, "n 3"]) -> float:
    """Typical distance between neighbouring points."""
    some = points[:: max(len(points) // 5000, 1)]
    away, _ = cKDTree(points).query(some, k=min(5, len(points)))
    return float(np.median(away[:, -1])) or 1e-6


def _depth_for(points: Float32[np.ndarray, "n 3"], spacing: float) -> int:
    """Cells that hold a few points each: finer ones would follow the noise."""
    extent = 1.1 * float(np.ptp(points, axis=0).max())
    return int(np.clip(np.rint(np.log2(max(extent / (_CELL_SPACINGS * spacing), 2))), _COARSEST, _FINEST))


def _reconstructed(cloud: PointCloud, depth: int, weight: float, progress: Callable[[float], None]) -> Mesh:
    with tempfile.TemporaryDirectory() as name:
        source, output = Path(name) / "in.ply", Path(name) / "out.ply"
        write_point_cloud(source, cloud)
        command = [
            sys.executable,
            "-m",
            "unflat.stages.surface.poisson_worker",
            str(source),
            str(output),
            str(depth),
            str(weight),
        ]
        environment = {**os.environ, "OMP_WAIT_POLICY": "passive"}
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
        try:
            started = time.monotonic()
            while process.poll() is None:
                time.sleep(_POLL_S)
                progress(1 - np.exp(-(time.monotonic() - started) / (5 + len(cloud.points) / 30_000)))
        except BaseException:
            process.kill()
            process.wait()
            raise
        if process.returncode != 0 or not output.exists():
            raise StageFailed(
                f"Poisson reconstruction ended with status {process.returncode}.",
                code="poisson-failed",
                hint="Try --set surface.depth=8; report it with the photos if it stays.",
            )
        return load_mesh(output)


def _out_of_the_air(mesh: Mesh, reconstruction: Reconstruction, spacing: float) -> Mesh:
    """Without the unseen rags that photos look through to what lies behind them; they leave holes.

    What joins large parts is kept: it lies a little further in, and without it they would fall apart.
    """
    assert mesh.confidence is not None
    unseen = np.flatnonzero(mesh.confidence == 0)
    air = np.zeros(len(mesh.vertices), np.bool_)
    views = () if reconstruction.dense is None else each_with_depth(reconstruction.dense.items)
    air[unseen] = looked_through(mesh.vertices[unseen], views, _SEEN_SPACINGS * spacing) >= _LOOK_THROUGH
    solid = ~air[mesh.faces].all(axis=1)
    if solid.all() or not solid.any():
        return mesh
    solid[~solid] = _bridges(mesh, solid)
    return picked_faces(mesh, solid)


def _bridges(mesh: Mesh, solid: Bool[np.ndarray, "m"]) -> Bool[np.ndarray, "k"]:
    """Which of the faces in the air join large parts that would fall apart: a bowl's wall, and its foot far below."""
    part = connected_parts(mesh.faces[solid], len(mesh.vertices))
    sizes = np.bincount(part)
    large = sizes[part] >= _BODY * sizes.max()
    belongs = np.full(len(mesh.vertices), -1)
    belongs[mesh.faces[solid][large]] = part[large][:, None]
    rag = connected_parts(mesh.faces[~solid], len(mesh.vertices))
    ends = np.column_stack([np.repeat(rag, 3), belongs[mesh.faces[~solid]].ravel()])
    joined = np.bincount(np.unique(ends[ends[:, 1] >= 0], axis=0)[:, 0], minlength=rag.max() + 1)
    return np.asarray(joined[rag] > 1)


def _without_bubbles(mesh: Mesh) -> Mesh:
    """Without small closed parts that no point belongs to."""
    part = connected_parts(mesh.faces, len(mesh.vertices))
    sizes = np.bincount(part)
    assert mesh.confidence is not None
    seen = np.bincount(part, weights=mesh.confidence[mesh.faces].mean(axis=1)) / np.maximum(sizes, 1)
    kept = (sizes == sizes.max()) | ((sizes >= _SMALL_PART * sizes.max()) & (seen > 0.5))
    return picked_faces(mesh, kept[part])
