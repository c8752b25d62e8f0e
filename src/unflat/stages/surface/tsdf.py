"""Volumetric fusion: the surface that depth maps saw, open where they did not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float32

from unflat.core import Camera, Context, PointCloud, RecipeError, Reconstruction, StageFailed, Views
from unflat.geometry.tsdf import fused_distance, open_surface
from unflat.io.mapped import let_go

_PERCENT, _MARGIN = 0.5, 0.03
"""The box leaves out this many percent of the points at each end, and then grows by this share."""
_TRUNCATION_VOXELS = 4.0


@dataclass(frozen=True)
class Tsdf:
    """Averages depth maps on a grid (Curless and Levoy 1996): for rooms and scenes, which have no back."""

    resolution: int = 320
    """voxels along the longest side; memory grows with its cube, 8 bytes each"""

    def __post_init__(self) -> None:
        if not 32 <= self.resolution <= 1024:
            raise RecipeError(
                f"tsdf.resolution can't be {self.resolution}.", code="bad-option", hint="Give 32 to 1024."
            )

    def __call__(self, reconstruction: Reconstruction, context: Context) -> Reconstruction:
        """The open mesh, all of it seen. Raises `StageFailed`: ``no-depth``, ``no-surface``."""
        cloud, dense = reconstruction.shape, reconstruction.dense
        if dense is None or not isinstance(cloud, PointCloud) or len(cloud.points) == 0:
            raise StageFailed(
                "Volumetric fusion needs depth maps.", code="no-depth", hint="Take the reconstructor multi-view-stereo."
            )
        low, high = np.percentile(cloud.points.astype(np.float64), [_PERCENT, 100 - _PERCENT], axis=0)
        margin = _MARGIN * float((high - low).max())
        voxel = (float((high - low).max()) + 2 * margin) / self.resolution
        maps = _depths(dense, context)
        grid = fused_distance(low - margin, high + margin, voxel, _TRUNCATION_VOXELS * voxel, maps)
        mesh = open_surface(grid)
        seen = np.ones(len(mesh.vertices), np.float32)
        return replace(reconstruction.with_mesh(replace(mesh, confidence=seen)), dense=None)


def _depths(
    dense: Views, context: Context
) -> Iterator[tuple[Camera, Float32[np.ndarray, "_ _"], Float32[np.ndarray, "_ _"]]]:
    """The depth maps, one at a time."""
    for done, view in enumerate(dense.items):
        if view.depth is not None and view.camera is not None:
            sure = view.depth.confidence
            depth = np.asarray(view.depth.depth)
            yield view.camera, depth, np.ones_like(depth) if sure is None else np.asarray(sure)
            let_go(view.depth.depth, *([] if sure is None else [sure]))
        context.progress(0.9 * (done + 1) / len(dense.items))
