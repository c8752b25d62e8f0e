"""Depth maps on a grid: the surface where they saw it, nothing where they did not."""

import numpy as np
import pytest

from unflat.core import Camera, StageFailed
from unflat.geometry.cameras import look_at, pixel_centers, pixel_rays
from unflat.geometry.meshes import face_normals
from unflat.geometry.topology import is_closed
from unflat.geometry.tsdf import fused_distance, open_surface

SIZE = 80
LOW, HIGH = np.full(3, -1.2), np.full(3, 1.2)


def ball_from(eye):
    """Camera, depth and confidence of the unit ball."""
    pose = look_at(np.array(eye, float), np.zeros(3), np.array([0.0, 1, 0.01]))
    camera = Camera(SIZE, SIZE, 100.0, 100.0, SIZE / 2, SIZE / 2, pose)
    origins, directions = pixel_rays(camera, pixel_centers(camera))
    a, b = (directions**2).sum(axis=1), (origins * directions).sum(axis=1)
    discriminant = b * b - a * ((origins**2).sum(axis=1) - 1)
    along = np.where(discriminant > 0, (-b - np.sqrt(np.maximum(discriminant, 0))) / a, np.nan)
    depth = along.reshape(SIZE, SIZE).astype(np.float32)
    return camera, depth, np.ones_like(depth)


ALL_AROUND = [(0, 0, -3), (0, 0, 3), (3, 0, 0), (-3, 0, 0), (0, 3, 0), (0, -3, 0)]


def test_depths_from_all_sides_give_the_whole_ball():
    mesh = open_surface(fused_distance(LOW, HIGH, 0.05, 0.2, [ball_from(eye) for eye in ALL_AROUND]))
    radius = np.linalg.norm(mesh.vertices, axis=1)
    assert np.abs(radius - 1).mean() < 0.03
    assert np.median(np.abs(radius - 1)) < 0.006
    assert (face_normals(mesh) * mesh.triangles.mean(axis=1)).sum(axis=1).mean() > 0.9


def test_what_no_camera_saw_stays_open():
    mesh = open_surface(fused_distance(LOW, HIGH, 0.05, 0.2, [ball_from((0, 0, -3))]))
    assert not is_closed(mesh.faces)
    assert mesh.vertices[:, 2].max() < 0.1


def test_the_kernel_averages_as_a_plain_loop_does():
    maps = [ball_from(eye) for eye in ALL_AROUND[:3]]
    maps[1] = (*maps[1][:2], np.full_like(maps[1][2], 0.25))
    low = LOW + np.array([0.0123, 0.0271, 0.0177])  # off the borders between pixels
    grid = fused_distance(low, HIGH, 0.3, 0.6, maps)
    for index in np.ndindex(grid.distance.shape):
        point = low + 0.3 * np.array(index)
        total, weight = 0.0, 0.0
        for camera, depth, sure in maps:
            x, y, z = camera.camera_from_world[:3] @ [*point, 1]
            if z <= 0:
                continue
            u, v = int(np.floor(camera.fx * x / z + camera.cx)), int(np.floor(camera.fy * y / z + camera.cy))
            if not (0 <= u < SIZE and 0 <= v < SIZE) or not depth[v, u] > 0:
                continue
            signed = (depth[v, u] - z) / 0.6
            if signed >= -1:
                counts = sure[v, u] * (1 + min(signed, 0))
                total, weight = total + counts * min(signed, 1), weight + counts
        assert grid.weight[index] == pytest.approx(weight, abs=1e-5)
        assert grid.distance[index] == pytest.approx(total / weight if weight else 0, abs=1e-4)


def test_no_depth_gives_no_surface():
    camera, depth, sure = ball_from((0, 0, -3))
    with pytest.raises(StageFailed) as refusal:
        open_surface(fused_distance(LOW, HIGH, 0.1, 0.2, [(camera, np.full_like(depth, np.nan), sure)]))
    assert refusal.value.code == "no-surface"
