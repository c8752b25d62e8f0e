"""Silhouettes as distances: how far a point of the world is from the cone of an outline.

The visual hull (Laurentini 1994) is the intersection of the cones of all outlines. As a signed distance it is the
greatest of the distances to them, which is smooth where one cone bounds it, unlike a vote of voxels.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Float32
from scipy.special import ndtri

from unflat.core.camera import Camera

_EDGE_BLUR_PX = 0.7
"""Standard deviation of the blur whose level 0.5 is the outline; lines one pixel wide survive it."""
_EDGE_SIGMA_PX = float(np.hypot(_EDGE_BLUR_PX, np.sqrt(1 / 12)))
"""That of a straight edge's profile, with the pixel's own area."""
_SUBPIXEL_REACH_PX = 1.5
"""Within this distance the blurred alpha tells the distance; beyond it the distance transform does."""
_BEHIND = np.float32(-np.inf)
"""Distance for a view that can't see a point: it does not carve."""


@dataclass(frozen=True, eq=False)
class Silhouette:
    """An outline made ready for points."""

    camera: Camera
    """Without distortion."""
    distance_px: Float32[np.ndarray, "h w"]
    """Signed, in pixels of the camera; negative inside."""


def outline_distance(alpha: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    """Signed distance in pixels from each pixel's centre to the level 0.5 of the alpha, negative inside.

    To about a tenth of a pixel near soft edges, half a pixel for hard ones. An alpha without an edge gives a large
    constant.
    """
    inside = (alpha > 0.5).astype(np.uint8)
    outward = cv2.distanceTransform(1 - inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    inward = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    far = np.where(inside > 0, 0.5 - inward, outward - 0.5)
    blurred = cv2.GaussianBlur(alpha, (0, 0), _EDGE_BLUR_PX, borderType=cv2.BORDER_REPLICATE)
    near = -_EDGE_SIGMA_PX * ndtri(np.clip(blurred.astype(np.float64), 1e-4, 1 - 1e-4))
    share = np.clip(2 - np.abs(far) / _SUBPIXEL_REACH_PX, 0, 1)
    return (share * near + (1 - share) * far).astype(np.float32)


def silhouette_of(camera: Camera, alpha: Float32[np.ndarray, "h w"], scale: float) -> Silhouette:
    """The silhouette at a fraction (0..1) of the picture's size, with the lens distortion taken out."""
    if any(camera.distortion):
        matrix = np.array([[camera.fx, 0, camera.cx - 0.5], [0, camera.fy, camera.cy - 0.5], [0, 0, 1]])
        alpha = cv2.undistort(alpha, matrix, np.array(camera.distortion))
        camera = replace(camera, distortion=(0.0, 0.0, 0.0, 0.0, 0.0))
    width, height = (max(2, round(side * min(scale, 1.0))) for side in (camera.width_px, camera.height_px))
    if (width, height) != (camera.width_px, camera.height_px):
        alpha = cv2.resize(alpha, (width, height), interpolation=cv2.INTER_AREA)
        camera = camera.resized(width, height)
    return Silhouette(camera, outline_distance(alpha))


def cone_distance(silhouette: Silhouette, points: Float32[np.ndarray, "n 3"]) -> Float32[np.ndarray, "n"]:
    """Signed distance in metres from points to the cone of an outline, measured across the view; negative inside.

    Beyond the picture's frame the nearest frame pixel counts: outside where the outline is whole, inside where the
    frame cuts it off. Points behind the camera get minus infinity. About 20 ns a point.
    """
    camera = silhouette.camera
    pose = camera.camera_from_world.astype(np.float32)
    x, y, depth = pose[:3, :3] @ points.T + pose[:3, 3:]
    per_depth = np.float32((camera.fx + camera.fy) / 2)
    if camera.projection == "orthographic":
        return _looked_up(silhouette, x, y) / per_depth
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        inverse = np.float32(1) / depth
        distance = _looked_up(silhouette, x * inverse, y * inverse) * depth / per_depth
    return np.where(depth > 0, distance, _BEHIND)


def hull_distance(
    silhouettes: tuple[Silhouette, ...],
    points: Float32[np.ndarray, "n 3"],
    allowed_misses: int = 0,
    enough: float = np.inf,
) -> Float32[np.ndarray, "n"]:
    """Signed distance in metres from points to the visual hull: the greatest of those to all cones.

    With `allowed_misses` the hull is where at most so many views disagree: the greatest but that many. A value above
    `enough` is only known to be above it, which saves time. Points that no view sees are infinitely far outside.
    """
    greatest = np.full((allowed_misses + 1, len(points)), _BEHIND, np.float32)
    open_points, open_index, current = points, np.arange(len(points)), greatest
    for silhouette in silhouettes:
        value = cone_distance(silhouette, open_points)
        for rank in range(allowed_misses + 1):
            current[rank], value = np.maximum(current[rank], value), np.minimum(current[rank], value)
        going = current[-1] <= enough
        if np.count_nonzero(going) < 0.8 * len(going):
            greatest[:, open_index] = current
            open_points, open_index, current = open_points[going], open_index[going], current[:, going]
    greatest[:, open_index] = current
    return np.where(np.isneginf(greatest[-1]), np.float32(np.inf), greatest[-1])


def _looked_up(silhouette: Silhouette, x: np.ndarray, y: np.ndarray) -> Float32[np.ndarray, "n"]:
    """The outline's distance at normalized image coordinates, bilinear, in pixels."""
    camera = silhouette.camera
    wanted_u = x * np.float32(camera.fx) + np.float32(camera.cx - 0.5)
    wanted_v = y * np.float32(camera.fy) + np.float32(camera.cy - 0.5)
    u, v = np.clip(wanted_u, -1, camera.width_px), np.clip(wanted_v, -1, camera.height_px)
    # OpenCV's maps are pictures of less than 32768 a side, so the list of points is folded.
    columns = 1 << 12
    folded = np.zeros((2, -(-len(u) // columns) * columns), np.float32)
    folded[0, : len(u)], folded[1, : len(u)] = u, v
    maps = folded.reshape(2, -1, columns)
    found = cv2.remap(silhouette.distance_px, maps[0], maps[1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    distance = found.ravel()[: len(u)]
    # Beyond the frame of a whole outline the distance goes on growing, or nothing would bound the hull.
    return np.where(distance > 0, distance + np.hypot(wanted_u - u, wanted_v - v), distance).astype(np.float32)
