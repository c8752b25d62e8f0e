"""Refinement: a mesh that is a little off is pulled to where its photos agree, and stays where they say nothing."""

import cv2
import numpy as np
import pytest

from unflat.core import Camera, Mesh
from unflat.geometry.cameras import look_at, pixel_centers, pixel_rays
from unflat.geometry.photo_consistency import GreyView, refined

SIZE = 120


def camera_at(x, y):
    pose = look_at(np.array([x, y, 3.0]), np.zeros(3), np.array([0.0, 1, 0]))
    return Camera(SIZE, SIZE, 200.0, 200.0, SIZE / 2, SIZE / 2, pose)


def wave(x, y):
    """The true surface: a gentle wave about z = 0."""
    return 0.03 * np.sin(5 * x) * np.cos(4 * y)


def photo(camera, paper):
    """The paper, lying on the wave, as the camera sees it."""
    origins, directions = pixel_rays(camera, pixel_centers(camera))
    along = -origins[:, 2] / directions[:, 2]
    for _ in range(20):
        point = origins + along[:, None] * directions
        along = along - (point[:, 2] - wave(point[:, 0], point[:, 1])) / directions[:, 2]
    point = origins + along[:, None] * directions
    place = (point[:, :2] * 300 + 512).astype(np.float32).reshape(SIZE, SIZE, 2)
    return GreyView(np.clip(cv2.remap(paper, place, None, cv2.INTER_LINEAR), 0, 1), camera)


def sheet(heights, half=0.8, steps=41):
    at = np.linspace(-half, half, steps)
    x, y = np.meshgrid(at, at)
    vertices = np.stack([x, y, heights(x, y)], axis=-1).reshape(-1, 3).astype(np.float32)
    index = np.arange(steps * steps).reshape(steps, steps)
    a, b, c, d = (part.ravel() for part in (index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]))
    return Mesh(vertices, np.concatenate([np.column_stack([a, b, c]), np.column_stack([a, c, d])]).astype(np.int32))


@pytest.fixture(scope="module")
def paper():
    noise = np.random.default_rng(0).random((170, 170)).astype(np.float32)
    return cv2.resize(noise, (1024, 1024), interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope="module")
def views(paper):
    return tuple(photo(camera_at(x, y), paper) for x, y in ((0, 0), (0.5, 0), (-0.5, 0.1), (0, 0.5)))


PAIRS = [(0, 1), (0, 2), (0, 3), (1, 0), (2, 0), (3, 0)]


def error(mesh):
    x, y, z = mesh.vertices.T.astype(np.float64)
    inner = (np.abs(x) < 0.6) & (np.abs(y) < 0.6)
    return float(np.abs(z - wave(x, y))[inner].mean())


def test_a_flat_sheet_takes_the_shape_that_its_photos_show(views):
    mesh = sheet(lambda x, y: 0 * x)
    before = error(mesh)
    for _ in range(4):
        mesh = refined(mesh, views, PAIRS, smooth=0.1, longest=0.02)
    assert error(mesh) < 0.35 * before


def test_the_true_surface_stays(views):
    mesh = sheet(wave)
    moved = refined(mesh, views, PAIRS, smooth=0.1, longest=0.02)
    assert error(moved) < 0.003


def test_no_vertex_moves_further_than_allowed(views):
    mesh = sheet(lambda x, y: 0 * x + 0.05)
    moved = refined(mesh, views, PAIRS, smooth=0.1, longest=0.004)
    assert np.linalg.norm(moved.vertices - mesh.vertices, axis=1).max() <= 0.004 + 1e-6


def test_plain_photos_move_nothing_but_smooth(views):
    plain = tuple(GreyView(np.full((SIZE, SIZE), 0.5, np.float32), view.camera) for view in views)
    mesh = sheet(lambda x, y: 0 * x)
    assert np.abs(refined(mesh, plain, PAIRS, smooth=0.1, longest=0.02).vertices[:, 2]).max() < 1e-6
