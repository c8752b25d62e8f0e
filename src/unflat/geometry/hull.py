"""Where the visual hull is, and the hull as a field."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float32, Float64

from unflat.core.camera import Camera
from unflat.core.errors import InputError
from unflat.core.shape import Field
from unflat.geometry.cameras import pixel_rays, project
from unflat.geometry.silhouettes import Silhouette, hull_distance, silhouette_of
from unflat.geometry.sparse_field import field_shape, sample_near_surface

_SEARCH_SIDE_PX = 256
"""Pictures are reduced to this to find the hull's box."""
_SEARCH_SAMPLES = 33
"""Samples a side of each search grid."""
_SEARCH_ROUNDS = 12
"""Growing and tightening rounds; each at least halves or grows by 1.6."""
_MARGIN_VOXELS = 3
"""Empty samples around the hull, so that it is closed."""
_PIXELS_PER_VOXEL = 2.0
"""Pictures with more pixels than this a voxel are reduced: it only takes time and aliases."""
_LEAST_ANGLE_SPREAD = 1e-4
"""Least eigenvalue of the mean squared sine between rays: below it (0.6 degrees) nothing bounds the depth."""


def hull_box(
    silhouettes: tuple[Silhouette, ...], allowed_misses: int = 0
) -> tuple[Float64[np.ndarray, "3"], Float64[np.ndarray, "3"]]:
    """Lowest and highest corner of a box around the hull, a few percent too large.

    Starts where the views' central rays pass closest to each other (robustly) and grows or tightens by coarse grids.
    Raises `InputError`: ``silhouettes-disagree`` where no point is in all cones, ``views-too-alike`` where the hull
    has no end.
    """
    middle, half = _first_guess(silhouettes)
    low, high = middle - half, middle + half
    for _ in range(_SEARCH_ROUNDS):
        cell = float((high - low).max()) / (_SEARCH_SAMPLES - 1)
        axes = [np.linspace(low[axis], high[axis], _SEARCH_SAMPLES) for axis in range(3)]
        points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3).astype(np.float32)
        distance = hull_distance(silhouettes, points, allowed_misses)
        touched = points[distance <= cell].astype(np.float64)
        if not len(touched):
            raise _disagreement()
        found_low, found_high = touched.min(axis=0), touched.max(axis=0)
        at_low, at_high = found_low <= low + cell / 2, found_high >= high - cell / 2
        new_low = np.where(at_low, low - 0.3 * (high - low), np.maximum(found_low - cell, low))
        new_high = np.where(at_high, high + 0.3 * (high - low), np.minimum(found_high + cell, high))
        settled = not (at_low | at_high).any() and bool(((new_high - new_low) > 0.75 * (high - low)).all())
        low, high = new_low, new_high
        if settled:
            return low, high
    if (at_low | at_high).any():
        raise InputError(
            "The silhouettes do not bound the object: no view looks from the side.",
            code="views-too-alike",
            hint="Add photos from directions at least 30 degrees apart.",
        )
    return low, high


def hull_field(
    cameras: tuple[Camera, ...],
    alphas: tuple[Float32[np.ndarray, "_ _"], ...],
    resolution: int,
    allowed_misses: int,
    progress: Callable[[float], None],
) -> Field:
    """The visual hull as a signed distance, with `resolution` voxels along the longest side of its box.

    Raises `InputError` as `hull_box`. 24 views at 256: 2 s.
    """
    small = tuple(
        silhouette_of(camera, alpha, _SEARCH_SIDE_PX / max(alpha.shape))
        for camera, alpha in zip(cameras, alphas, strict=True)
    )
    low, high = hull_box(small, allowed_misses)
    voxel = float((high - low).max()) / resolution
    progress(0.1)
    silhouettes = tuple(
        silhouette_of(camera, alpha, _PIXELS_PER_VOXEL / _voxel_px(camera, (low + high) / 2, voxel))
        for camera, alpha in zip(cameras, alphas, strict=True)
    )
    progress(0.2)
    origin = low - _MARGIN_VOXELS * voxel
    shape = field_shape(high - low + 2 * _MARGIN_VOXELS * voxel, voxel)
    values = sample_near_surface(
        lambda points, enough: hull_distance(silhouettes, points, allowed_misses, enough),
        origin,
        voxel,
        shape,
        lambda share: progress(0.2 + 0.8 * share),
    )
    if not (values < 0).any():
        raise _disagreement()
    return Field(values, origin, voxel)


def _first_guess(silhouettes: tuple[Silhouette, ...]) -> tuple[Float64[np.ndarray, "3"], float]:
    """The point nearest to the views' central rays, by reweighted least squares, and half the object's size."""
    origins, directions, radii_px = [], [], []
    for silhouette in silhouettes:
        rows, columns = np.nonzero(silhouette.distance_px < 0.5)
        corners = np.array([[columns.min(), rows.min()], [columns.max() + 1, rows.max() + 1]], np.float64)
        near, direction = pixel_rays(silhouette.camera, corners.mean(axis=0, keepdims=True))
        origins.append(near[0])
        directions.append(direction[0] / np.linalg.norm(direction[0]))
        radii_px.append(np.linalg.norm(corners[1] - corners[0]) / 2)
    origin, direction = np.array(origins), np.array(directions)
    across = np.eye(3) - direction[:, :, None] * direction[:, None, :]
    if np.linalg.eigvalsh(across.mean(axis=0))[0] < _LEAST_ANGLE_SPREAD:
        raise InputError(
            "All views look in the same direction, so nothing bounds the object's depth.",
            code="views-too-alike",
            hint="Add photos from directions at least 30 degrees apart.",
        )
    weight = np.ones(len(origin))
    for _ in range(10):
        system = (weight[:, None, None] * across).sum(axis=0)
        middle = np.linalg.solve(system, (weight[:, None] * np.einsum("vij,vj->vi", across, origin)).sum(axis=0))
        miss = np.linalg.norm(np.einsum("vij,vj->vi", across, middle - origin), axis=1)
        weight = 1 / np.maximum(miss, 1e-6 + np.median(miss))
    sizes = [
        radius * _meters_per_px(silhouette.camera, middle)
        for radius, silhouette in zip(radii_px, silhouettes, strict=True)
    ]
    return middle, 2 * float(np.median(sizes))


def _meters_per_px(camera: Camera, point: Float64[np.ndarray, "3"]) -> float:
    focal = (camera.fx + camera.fy) / 2
    if camera.projection == "orthographic":
        return 1 / focal
    depth = abs(float(project(camera, point[None])[1][0]))
    return max(depth, 1e-9) / focal


def _voxel_px(camera: Camera, middle: Float64[np.ndarray, "3"], voxel: float) -> float:
    return voxel / _meters_per_px(camera, middle)


def _disagreement() -> InputError:
    return InputError(
        "The silhouettes do not meet: no point of space lies in the outlines of all views.",
        code="silhouettes-disagree",
        hint="Check that masks and cameras belong together, or tolerate a few bad masks with "
        "--set reconstruct.agree=0.9.",
    )
