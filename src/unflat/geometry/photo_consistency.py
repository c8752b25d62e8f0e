"""How far each vertex of a mesh must move along its normal for two photos of it to look alike where they show it.

Vu et al. 2012 (section 5) move vertices down the gradient of the correlation between a photo and another one that is
carried over by the mesh. Here the same correlation, as the squared difference of locally normalised greys, is minimised
by Gauss-Newton steps, so that no step size has to be guessed; a thin-plate term keeps the surface smooth where photos
say nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Float64
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, cg

from unflat.core import Camera, Mesh
from unflat.geometry.cameras import pixel_centers, pixel_rays, project
from unflat.geometry.image_sampling import bilinear
from unflat.geometry.meshes import vertex_normals
from unflat.geometry.raycast import Hits, RayCaster
from unflat.geometry.topology import edge_table

_WINDOW_PX = 7
"""Side of the window in which greys are normalised and compared."""
_LEAST_DEVIATION = 0.012
"""Greys (0..1) that vary less within a window say nothing."""
_STEEPEST = 0.25
"""Cosine between ray and normal below which a pixel is too slanted to count."""
_HIDDEN = 0.01
"""A surface point this much (of its depth) behind what the other camera sees there is hidden from it."""
_OUTLIER = 1.5
"""Normalised differences beyond this are cut off: highlights, moving things."""
_CG_STEPS = 60


@dataclass(frozen=True, eq=False)
class GreyView:
    """A grey, undistorted photo (0..1) and its pinhole camera."""

    grey: Float32[np.ndarray, "h w"]
    camera: Camera


@dataclass(frozen=True, eq=False)
class Pull:
    """What the photos say of each vertex: the sums of the normal equations."""

    force: Float64[np.ndarray, "v"]
    stiffness: Float64[np.ndarray, "v"]


@dataclass(frozen=True, eq=False)
class _Seen:
    """What one camera sees of the mesh, pixel by pixel."""

    depth: Float32[np.ndarray, "h w"]
    hits: Hits
    pixels: Float64[np.ndarray, "k 2"]
    """Centres of the pixels that hit."""
    points: Float64[np.ndarray, "k 3"]
    directions: Float64[np.ndarray, "k 3"]
    cosine: Float64[np.ndarray, "k"]
    """Between surface normal and the way to the camera."""


def refined(
    mesh: Mesh, views: tuple[GreyView, ...], pairs: Iterable[tuple[int, int]], *, smooth: float, longest: float
) -> Mesh:
    """The mesh after one step: vertices moved along their normals, at most `longest`, until photos agree better.

    `smooth` weighs the thin-plate term against the photos. Linear in pixels and pairs.
    """
    caster = RayCaster(mesh)
    normals = vertex_normals(mesh).astype(np.float64)
    seen = {}
    total = Pull(np.zeros(len(mesh.vertices)), np.zeros(len(mesh.vertices)))
    for first, second in pairs:
        for index in (first, second):
            if index not in seen:
                seen[index] = _seen(caster, mesh, normals, views[index].camera)
        pull = _pull(mesh, views[first], views[second], seen[first], seen[second])
        total = Pull(total.force + pull.force, total.stiffness + pull.stiffness)
    step = np.clip(_smooth_step(mesh, normals, total, smooth), -longest, longest)
    return mesh.with_vertices((mesh.vertices + step[:, None] * normals).astype(np.float32))


def _seen(caster: RayCaster, mesh: Mesh, normals: Float64[np.ndarray, "v 3"], camera: Camera) -> _Seen:
    centers = pixel_centers(camera)
    origins, directions = pixel_rays(camera, centers)
    hits = caster.cast(origins.astype(np.float32), directions.astype(np.float32))
    hit = hits.hit
    depth = hits.distance.reshape(camera.height_px, camera.width_px)
    found = Hits(hits.distance[hit], hits.face[hit], hits.barycentric[hit])
    normal = np.einsum("kc,kci->ki", found.barycentric.astype(np.float64), normals[mesh.faces[found.face]])
    unit = directions[hit] / np.linalg.norm(directions[hit], axis=1, keepdims=True)
    points = origins[hit] + found.distance[:, None] * directions[hit]
    length = np.maximum(np.linalg.norm(normal, axis=1), 1e-9)
    cosine = -np.einsum("ki,ki->k", normal, unit) / length
    return _Seen(depth, found, centers[hit], points, unit, cosine)


def _pull(mesh: Mesh, here: GreyView, there: GreyView, seen: _Seen, other: _Seen) -> Pull:
    """What one photo, compared with another that is carried over by the mesh, says of the vertices."""
    pixels, depth = project(there.camera, seen.points)
    visible = _visible(other.depth, pixels, depth) & (seen.cosine > _STEEPEST)
    carried = _sampled(there.grey, pixels)
    difference, deviation = _normalised_difference(here, seen, carried, visible)
    moved = project(there.camera, seen.points + _along(seen) * _NUDGE * depth[:, None])[0]
    per_length = (moved - pixels) / (_NUDGE * depth[:, None])
    slope_x, slope_y = (_sampled(cv2.Sobel(there.grey, cv2.CV_32F, dx, 1 - dx, scale=1 / 8), pixels) for dx in (1, 0))
    change = (slope_x * per_length[:, 0] + slope_y * per_length[:, 1]) / deviation
    usable = visible & np.isfinite(difference) & np.isfinite(change)
    difference, change = difference[usable], change[usable]
    weight = seen.hits.barycentric[usable].astype(np.float64) * seen.cosine[usable, None]
    corners = mesh.faces[seen.hits.face[usable]]
    count = len(mesh.vertices)
    force = np.bincount(corners.ravel(), (weight * (difference * change)[:, None]).ravel(), count)
    stiffness = np.bincount(corners.ravel(), (weight * (change**2)[:, None]).ravel(), count)
    return Pull(force.astype(np.float64), stiffness.astype(np.float64))


_NUDGE = 1e-4
"""Share of the depth by which a point is moved to see how its pixel moves."""


def _along(seen: _Seen) -> Float64[np.ndarray, "k 3"]:
    """How the point that a pixel shows moves when the surface moves outward by 1: along its ray, to the camera."""
    return np.asarray(-seen.directions / np.maximum(seen.cosine, _STEEPEST)[:, None])


def _visible(
    depth: Float32[np.ndarray, "h w"], pixels: Float64[np.ndarray, "k 2"], expected: Float64[np.ndarray, "k"]
) -> Bool[np.ndarray, "k"]:
    """Which points the camera of this depth map sees."""
    height, width = depth.shape
    inside = (expected > 0) & np.isfinite(pixels).all(axis=1)
    column, row = (np.floor(np.where(inside, part, -1)).astype(np.int64) for part in pixels.T)
    inside &= (row >= 0) & (column >= 0) & (row < height) & (column < width)
    found = np.full(len(pixels), np.nan)
    found[inside] = depth[row[inside], column[inside]]
    return np.asarray(expected < found * (1 + _HIDDEN))


def _sampled(image: Float32[np.ndarray, "h w"], pixels: Float64[np.ndarray, "k 2"]) -> Float64[np.ndarray, "k"]:
    return bilinear(image, np.nan_to_num(pixels, nan=-1.0).astype(np.float32)).astype(np.float64)


def _normalised_difference(
    here: GreyView, seen: _Seen, carried: Float64[np.ndarray, "k"], visible: Bool[np.ndarray, "k"]
) -> tuple[Float64[np.ndarray, "k"], Float64[np.ndarray, "k"]]:
    """Locally normalised grey of this photo less that of the carried one; and the carried one's deviation there."""
    height, width = here.grey.shape
    place = seen.pixels.astype(np.int64)
    rows, columns = place[:, 1], place[:, 0]
    both = np.zeros((height, width), np.float32)
    both[rows, columns] = visible
    picture = np.zeros((height, width), np.float32)
    picture[rows, columns] = carried
    one, _ = _normalised(here.grey, both)
    two, deviation = _normalised(picture, both)
    difference = np.clip(one - two, -_OUTLIER, _OUTLIER)[rows, columns].astype(np.float64)
    return difference, deviation[rows, columns].astype(np.float64)


def _normalised(
    image: Float32[np.ndarray, "h w"], weight: Float32[np.ndarray, "h w"]
) -> tuple[Float32[np.ndarray, "h w"], Float32[np.ndarray, "h w"]]:
    """Grey less its mean over the window, by its deviation (NaN where that is too small); and the deviation."""

    def mean(values: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
        return np.asarray(cv2.boxFilter(values * weight, -1, (_WINDOW_PX, _WINDOW_PX)) / share)

    share = np.maximum(cv2.boxFilter(weight, -1, (_WINDOW_PX, _WINDOW_PX)), 1e-6)
    average = mean(image)
    deviation = np.sqrt(np.maximum(mean(image * image) - average * average, 0))
    deviation = np.where((deviation > _LEAST_DEVIATION) & (share > 0.5), deviation, np.float32(np.nan))
    return (image - average) / deviation, deviation


def _smooth_step(
    mesh: Mesh, normals: Float64[np.ndarray, "v 3"], pull: Pull, smooth: float
) -> Float64[np.ndarray, "v"]:
    """The step along the normals that minimises the photos' differences and the thin-plate energy together."""
    laplacian = _laplacian(mesh)
    typical = float(np.median(pull.stiffness[pull.stiffness > 0])) if (pull.stiffness > 0).any() else 1.0
    plate = smooth * typical
    bent = laplacian.T @ (laplacian @ mesh.vertices.astype(np.float64))
    right = pull.force - plate * np.einsum("vi,vi->v", normals, bent)

    def product(step: Float64[np.ndarray, "v"]) -> Float64[np.ndarray, "v"]:
        moved = normals * step.reshape(-1, 1)
        back = laplacian.T @ (laplacian @ moved)
        return np.asarray(pull.stiffness * step.ravel() + plate * np.einsum("vi,vi->v", normals, back))

    operator = LinearOperator((len(right), len(right)), product, dtype=np.float64)
    diagonal = pull.stiffness + 1.5 * plate
    condition = LinearOperator(operator.shape, lambda values: values / diagonal, dtype=np.float64)
    step, _ = cg(operator, right, rtol=1e-3, maxiter=_CG_STEPS, M=condition)
    return np.asarray(step)


def _laplacian(mesh: Mesh) -> sparse.csr_matrix:
    """Uniform: each vertex less the mean of its neighbours."""
    one, other = edge_table(mesh.faces).edges.T
    count = len(mesh.vertices)
    around = sparse.coo_matrix((np.ones(len(one)), (one, other)), shape=(count, count)).tocsr()
    around = around + around.T
    degree = np.maximum(np.asarray(around.sum(axis=1)).ravel(), 1)
    return sparse.csr_matrix(sparse.identity(count) - sparse.diags(1 / degree) @ around)
