"""A distance field sampled finely near its surface and coarsely elsewhere, on a dense grid."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float32, Float64

COARSEST_STRIDE = 8
"""Samples between two of the first level: three doublings."""
_BAND_STRIDES = 2.0
"""Samples whose interpolated distance is within so many of their spacings are computed; the rest stays as it is."""
_BATCH_POINTS = 1 << 17
"""Points per call: stays in the cache, and progress is told often."""

Distance = Callable[[Float32[np.ndarray, "n 3"], float], Float32[np.ndarray, "n"]]
"""Signed distances of points; values above the given number need only be above it."""


def field_shape(size: Float64[np.ndarray, "3"], voxel: float) -> tuple[int, int, int]:
    """Samples along x, y, z that cover a box, for `sample_near_surface`: multiples of its stride, plus one."""
    x, y, z = (int(-(-length // (voxel * COARSEST_STRIDE))) * COARSEST_STRIDE + 1 for length in size)
    return x, y, z


def sample_near_surface(
    distance: Distance,
    origin: Float64[np.ndarray, "3"],
    voxel: float,
    shape: tuple[int, int, int],
    progress: Callable[[float], None],
) -> Float32[np.ndarray, "nx ny nz"]:
    """The field on a grid (see `field_shape`), exact near the level 0, interpolated from coarser levels elsewhere.

    Right wherever the distance is at most the true distance to the surface, however thin a part is. Time is linear in
    the samples near the surface, memory in all of them.
    """
    stride = COARSEST_STRIDE
    values = np.full([(side - 1) // stride + 1 for side in shape], np.nan, np.float32)
    exact = np.zeros(values.shape, bool)
    while True:
        near = np.abs(values) <= _BAND_STRIDES * stride * voxel
        wanted = np.flatnonzero((near | np.isnan(values)) & ~exact)
        levels_done = 3 - int(np.log2(stride))
        for start in range(0, len(wanted), _BATCH_POINTS):
            batch = wanted[start : start + _BATCH_POINTS]
            index = np.column_stack(np.unravel_index(batch, values.shape))
            points = (origin + voxel * stride * index).astype(np.float32)
            enough = 2 * _BAND_STRIDES * stride * voxel
            values.ravel()[batch] = np.minimum(distance(points, enough), np.float32(4 * enough))
            progress(_progress_at(levels_done, start / len(wanted)))
        exact.ravel()[wanted] = True
        if stride == 1:
            progress(1.0)
            return values
        stride //= 2
        values, exact = _doubled(values), _spread(exact)


def _doubled(values: np.ndarray) -> Float32[np.ndarray, "nx ny nz"]:
    """Twice as fine, by linear interpolation."""
    for axis in range(3):
        values = np.moveaxis(values, axis, 0)
        finer = np.empty((2 * len(values) - 1, *values.shape[1:]), np.float32)
        finer[::2] = values
        np.add(values[:-1], values[1:], out=finer[1::2])
        finer[1::2] *= np.float32(0.5)
        values = np.moveaxis(finer, 0, axis)
    return np.ascontiguousarray(values)


def _spread(exact: np.ndarray) -> np.ndarray:
    finer = np.zeros([2 * side - 1 for side in exact.shape], bool)
    finer[::2, ::2, ::2] = exact
    return finer


def _progress_at(level: int, share: float) -> float:
    """Each level has about four times the samples of the one before."""
    before = (4**level - 1) / 3
    return (before + 4**level * share) / ((4**4 - 1) / 3)
