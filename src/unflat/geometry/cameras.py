"""Cameras as functions: project, unproject, rays, and the camera that frames an object's front."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float32, Float64

from unflat.core.camera import Camera
from unflat.core.conventions import front_rotation

_UNDISTORT_STEPS = 30
"""Fixed-point steps that invert the distortion: below 1e-6 pixels for the lenses of phones and cameras."""


def project(
    camera: Camera, points: Float64[np.ndarray, "n 3"]
) -> tuple[Float64[np.ndarray, "n 2"], Float64[np.ndarray, "n"]]:
    """Pixel positions and z-depths of world points. Points behind a perspective camera get NaN pixels."""
    # einsum, not BLAS, whose threads only get into each other's way with millions of points of three columns.
    local = np.einsum("ni,ji->nj", points, camera.camera_from_world[:3, :3]) + camera.camera_from_world[:3, 3]
    depth = local[:, 2]
    if camera.projection == "orthographic":
        planar = local[:, :2]
    else:
        in_front = np.where(depth > 0, depth, np.nan)
        planar = _distort(camera, local[:, :2] / in_front[:, None])
    return planar * [camera.fx, camera.fy] + [camera.cx, camera.cy], depth


def unproject(
    camera: Camera, pixels: Float64[np.ndarray, "n 2"], depth: Float64[np.ndarray, "n"]
) -> Float64[np.ndarray, "n 3"]:
    """World points of pixels at the given z-depths: inverts `project`."""
    planar = _undistorted_planar(camera, pixels)
    if camera.projection == "perspective":
        planar = planar * depth[:, None]
    local = np.column_stack([planar, depth])
    return np.einsum("ni,ji->nj", local, camera.world_from_camera[:3, :3]) + camera.center


def pixel_rays(
    camera: Camera, pixels: Float64[np.ndarray, "n 2"]
) -> tuple[Float64[np.ndarray, "n 3"], Float64[np.ndarray, "n 3"]]:
    """Origins and directions, such that ``origin + z_depth * direction`` is the world point; not unit length."""
    near = unproject(camera, pixels, np.zeros(len(pixels)))
    return near, unproject(camera, pixels, np.ones(len(pixels))) - near


def pixel_centers(camera: Camera) -> Float64[np.ndarray, "n 2"]:
    """Centres of all pixels, row by row."""
    v, u = np.mgrid[0 : camera.height_px, 0 : camera.width_px]
    return np.column_stack([u.ravel() + 0.5, v.ravel() + 0.5])


def directions_to_camera(camera: Camera, points: Float64[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 3"]:
    """Unit directions from world points to the camera."""
    if camera.projection == "orthographic":
        return np.broadcast_to(-camera.forward, points.shape)
    towards = camera.center - points
    return np.asarray(towards / np.linalg.norm(towards, axis=1, keepdims=True))


def front_camera(box: tuple[int, int, int, int], width_px: int, height_px: int) -> Camera:
    """Orthographic camera in front of the object: the box (left, top, right, bottom) is centred and 1 long.

    It stands at world z = 2 and looks along -Z, so an object of depth up to 4 around the origin lies in front of it.
    """
    left, top, right, bottom = box
    pixels_per_unit = float(max(right - left, bottom - top))
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = front_rotation(), [0.0, 0.0, 2.0]
    return Camera(
        width_px,
        height_px,
        pixels_per_unit,
        pixels_per_unit,
        (left + right) / 2,
        (top + bottom) / 2,
        pose,
        projection="orthographic",
    )


def look_at(
    eye: Float64[np.ndarray, "3"], target: Float64[np.ndarray, "3"], up: Float64[np.ndarray, "3"]
) -> Float64[np.ndarray, "4 4"]:
    """`world_from_camera` of a camera at `eye` that looks at `target` with `up` upwards in the picture."""
    forward = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(forward, up)
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, 0], pose[:3, 1], pose[:3, 2], pose[:3, 3] = right, np.cross(forward, right), forward, eye
    return pose


def transform_camera(camera: Camera, similarity: Float64[np.ndarray, "4 4"]) -> Camera:
    """The camera after the world was moved, turned and uniformly scaled by a 4x4 similarity."""
    scale = float(np.cbrt(np.linalg.det(similarity[:3, :3])))
    pose = similarity @ camera.world_from_camera
    pose[:3, :3] /= scale
    if camera.projection == "perspective":
        return replace(camera, world_from_camera=pose)
    return replace(camera, world_from_camera=pose, fx=camera.fx / scale, fy=camera.fy / scale)


def _distort(camera: Camera, planar: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, "n 2"]:
    if not any(camera.distortion):
        return planar
    k1, k2, p1, p2, k3 = camera.distortion
    x, y = planar[:, 0], planar[:, 1]
    r2 = x * x + y * y
    radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
    return np.column_stack(
        [x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x), y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y]
    )


def _undistorted_planar(camera: Camera, pixels: Float64[np.ndarray, "n 2"]) -> Float64[np.ndarray, "n 2"]:
    planar = (pixels - [camera.cx, camera.cy]) / [camera.fx, camera.fy]
    if not any(camera.distortion):
        return planar
    undistorted = planar.copy()
    for _ in range(_UNDISTORT_STEPS):
        undistorted += planar - _distort(camera, undistorted)
    return undistorted


def depth_points(camera: Camera, depth: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w 3"]:
    """World point of every pixel of a z-depth map; NaN where the depth is."""
    points = unproject(camera, pixel_centers(camera), depth.ravel().astype(np.float64))
    return points.reshape(*depth.shape, 3).astype(np.float32)
