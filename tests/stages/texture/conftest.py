"""A studio: bodies with a paint that is known everywhere, and a camera that photographs them by ray casting."""

from types import SimpleNamespace

import numpy as np
import pytest
import trimesh

from unflat.core import Camera, Mask, Mesh, Photo, Reconstruction, View, Views
from unflat.core.color import linear_from_srgb, srgb_from_linear
from unflat.geometry.cameras import front_camera, look_at, pixel_rays
from unflat.geometry.raycast import RayCaster


def mesh_of(body) -> Mesh:
    return Mesh(np.asarray(body.vertices, np.float32), np.asarray(body.faces, np.int32))


def ball(subdivisions=4) -> Mesh:
    return mesh_of(trimesh.creation.icosphere(subdivisions, 0.5))


def box(extents=(1, 1, 1), divisions=0) -> Mesh:
    body = trimesh.creation.box(extents)
    for _ in range(divisions):
        body = body.subdivide()
    return mesh_of(body)


def patchwork(points):
    """Smooth coloured waves in sRGB bytes, never near green: no two sides of a body look alike."""
    x, y, z = np.asarray(points, np.float64).T
    waves = [np.sin(9 * x + 2 * z), np.sin(3 * x - 5 * z) * 0.2 - 0.6, np.cos(8 * y + 5 * z)]
    return np.rint(np.column_stack([127.5 + 90 * wave for wave in waves])).astype(np.uint8)


def plain(color):
    return lambda points: np.broadcast_to(np.array(color, np.uint8), (len(points), 3))


def camera_at(direction, size=256, distance=3.0, field=0.5) -> Camera:
    eye = distance * np.asarray(direction, float) / np.linalg.norm(direction)
    up = np.array([0.0, 1, 0]) if abs(eye[1]) < 0.9 * distance else np.array([0.0, 0, -1])
    focal = size * distance / (2 * field * 1.6)
    return Camera(size, size, focal, focal, size / 2, size / 2, look_at(eye, np.zeros(3), up))


def front(size=256) -> Camera:
    margin = size // 8
    return front_camera((margin, margin, size - margin, size - margin), size, size)


def photograph(mesh, camera, paint, background=(0, 255, 0), samples=2) -> View:
    """A photo with soft edges over the background, and its true mask."""
    caster = RayCaster(mesh)
    v, u = np.mgrid[0 : camera.height_px, 0 : camera.width_px]
    steps = (np.arange(samples) + 0.5) / samples
    alpha, light = np.zeros(u.size), np.zeros((u.size, 3))
    beyond = linear_from_srgb(np.array(background, np.uint8))
    for du in steps:
        for dv in steps:
            origin, direction = pixel_rays(camera, np.column_stack([(u + du).ravel(), (v + dv).ravel()]))
            hits = caster.cast(origin.astype(np.float32), direction.astype(np.float32))
            points = origin + np.nan_to_num(hits.distance)[:, None] * direction
            alpha += hits.hit
            light += np.where(hits.hit[:, None], linear_from_srgb(np.ascontiguousarray(paint(points))), beyond)
    shape, count = (camera.height_px, camera.width_px), samples**2
    pixels = srgb_from_linear((light / count).astype(np.float32)).reshape(*shape, 3)
    return View(Photo(pixels), Mask((alpha / count).astype(np.float32).reshape(shape)), camera)


def scene(mesh, cameras, paint, **options) -> Reconstruction:
    return Reconstruction(mesh, Views(tuple(photograph(mesh, camera, paint, **options) for camera in cameras)))


def psnr(found, expected) -> float:
    error = np.mean((np.asarray(found, float) - np.asarray(expected, float)) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-12)))


@pytest.fixture(scope="session")
def studio():
    names = (mesh_of, ball, box, patchwork, plain, camera_at, front, photograph, scene, psnr)
    return SimpleNamespace(**{tool.__name__: tool for tool in names})
