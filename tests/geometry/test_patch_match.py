"""PatchMatch: its cost is the correlation that a plain computation gives, and it finds planes that are there."""

import cv2
import numpy as np
import pytest

from unflat.core import Camera
from unflat.geometry import patch_match as kernels
from unflat.geometry.cameras import look_at, pixel_centers, pixel_rays, project
from unflat.geometry.stereo_depth import (
    Effort,
    StereoPicture,
    StereoTask,
    agreeing_planes,
    photometric_planes,
    plane_normals,
)

WIDTH, HEIGHT, FOCAL = 160, 120, 150.0
NORMAL, OFFSET = np.array([0.25, -0.1, -1.0]) / np.linalg.norm([0.25, -0.1, -1.0]), -2.0


def camera_at(x, y, z=-2.0):
    pose = look_at(np.array([x, y, z]), np.array([0.0, 0, 0]), np.array([0.0, -1, 0]))
    return Camera(WIDTH, HEIGHT, FOCAL, FOCAL, WIDTH / 2, HEIGHT / 2, pose)


def plane_depth(camera):
    """z-depth of the tilted plane through the origin, at all pixels."""
    origins, directions = pixel_rays(camera, pixel_centers(camera))
    along = -(origins @ NORMAL) / (directions @ NORMAL)
    return along.reshape(HEIGHT, WIDTH), (origins + along[:, None] * directions)


@pytest.fixture(scope="module")
def paper():
    noise = np.random.default_rng(3).random((64, 64)).astype(np.float32)
    return cv2.resize(noise, (1024, 1024), interpolation=cv2.INTER_CUBIC)


def picture(camera, paper):
    _, points = plane_depth(camera)
    across = np.cross([0, 1.0, 0], NORMAL)
    across /= np.linalg.norm(across)
    down = np.cross(NORMAL, across)
    uv = np.column_stack([points @ across, points @ down]) * 220 + 512
    grey = cv2.remap(paper, uv.astype(np.float32).reshape(HEIGHT, WIDTH, 2), None, cv2.INTER_LINEAR)
    return StereoPicture(np.clip(grey, 0, 1), camera)


@pytest.fixture(scope="module")
def scene(paper):
    cameras = [camera_at(0, 0), camera_at(0.3, 0.05), camera_at(-0.3, 0), camera_at(0.05, -0.3)]
    return [picture(camera, paper) for camera in cameras]


def plain_cost(image, source, warp, shift, row, column, plane):
    """The same as the kernel's, written for the reader."""
    offsets = [(a, d) for d in range(-4, 5, 2) for a in range(-4, 5, 2) if abs(a) + abs(d) < 8]
    here, there, weights = [], [], []
    u, v, w = warp @ [column, row, 1] + plane[0] * shift
    middle = np.array([u, v]) / w
    across = (warp[:, 0] + plane[1] * shift) / w
    down = (warp[:, 1] + plane[2] * shift) / w
    for a, d in offsets:
        y, x = np.clip(row + d, 0, image.shape[0] - 1), np.clip(column + a, 0, image.shape[1] - 1)
        u, v = middle + a * (across[:2] - across[2] * middle) + d * (down[:2] - down[2] * middle)
        if w <= 0 or not (0 <= u < source.shape[1] - 1 and 0 <= v < source.shape[0] - 1):
            return 2.0
        i, j = int(v), int(u)
        p, q = v - i, u - j
        there.append((source[i, j] * (1 - q) + source[i, j + 1] * q) * (1 - p)
                     + (source[i + 1, j] * (1 - q) + source[i + 1, j + 1] * q) * p)  # fmt: skip
        here.append(image[y, x])
        grey = image[y, x] - image[row, column]
        weights.append(np.exp(-(a * a + d * d) / (2 * 4.0**2) - grey**2 / (2 * (12 / 255) ** 2)))
    here, there, weights = (np.array(values, np.float64) for values in (here, there, weights))
    weights /= weights.sum()
    a, b = here - weights @ here, there - weights @ there
    return 1 - (weights @ (a * b)) / np.sqrt((weights @ a**2) * (weights @ b**2))


def kernel_cost(image, source, warp, shift, row, column, plane):
    weights, values = np.empty(kernels.SAMPLES, np.float32), np.empty(kernels.SAMPLES, np.float32)
    variance = kernels.reference_patch(image, row, column, weights, values)
    others = (source[None], np.array([source.shape], np.int32), warp[None], shift[None])
    place, plane = np.array([row, column], np.float32), np.array(plane, np.float32)
    return kernels.patch_cost(others, 0, *place, *plane, weights, values, variance)


def test_the_cost_is_that_of_a_plain_computation(scene):
    from unflat.geometry.stereo_depth import _warp

    here, there = scene[0], scene[1]
    warp, shift = _warp(here.camera, there.camera)
    rng = np.random.default_rng(0)
    checked = 0
    for _ in range(60):
        row, column = int(rng.integers(0, HEIGHT)), int(rng.integers(0, WIDTH))
        plane = (rng.uniform(0.3, 0.7), *rng.normal(0, 1e-3, 2))
        expected = plain_cost(here.grey, there.grey, warp, shift, row, column, plane)
        found = kernel_cost(here.grey, there.grey, warp, shift, row, column, plane)
        assert found == pytest.approx(min(expected, 2.0), abs=2e-3)
        checked += expected < 2
    assert checked > 20


def test_the_true_plane_costs_next_to_nothing_and_a_wrong_one_much(scene):
    from unflat.geometry.stereo_depth import _warp

    here, there = scene[0], scene[1]
    warp, shift = _warp(here.camera, there.camera)
    inverse = 1 / plane_depth(here.camera)[0]
    row, column = 60, 80
    true = (inverse[row, column], inverse[row, column + 1] - inverse[row, column],
            inverse[row + 1, column] - inverse[row, column])  # fmt: skip
    assert kernel_cost(here.grey, there.grey, warp, shift, row, column, true) < 0.02
    assert kernel_cost(here.grey, there.grey, warp, shift, row, column, (true[0] * 1.15, 0.0, 0.0)) > 0.3


NOTHING = np.zeros((HEIGHT, WIDTH), np.float32)


def task_of(scene):
    return StereoTask(scene[0], tuple(scene[1:]), (0.25, 1.2))


def depth_error(found, truth):
    """Relative; unknown pixels count as wholly wrong."""
    inverse = found.inverse_depth
    return np.where(inverse > 0, np.abs(1 / np.maximum(inverse, 1e-9) / truth - 1), 1.0)


@pytest.fixture(scope="module")
def found(scene):
    return photometric_planes(task_of(scene), NOTHING)


def test_depth_and_normals_of_a_tilted_plane_are_found_from_nothing(scene, found):
    truth = plane_depth(scene[0].camera)[0]
    inner = (slice(12, -12), slice(12, -12))
    error = depth_error(found, truth)[inner]
    assert np.median(error) < 0.002
    assert (error < 0.01).mean() > 0.97
    cosine = plane_normals(scene[0], found)[inner] @ -NORMAL.astype(np.float32) * np.sign(-NORMAL[2])
    facing = np.abs(cosine)
    assert np.median(facing) > 0.995


def test_normals_point_to_the_camera(scene, found):
    normals = plane_normals(scene[0], found)
    _, directions = pixel_rays(scene[0].camera, pixel_centers(scene[0].camera))
    assert ((normals.reshape(-1, 3) * directions).sum(axis=1) < 0).mean() > 0.99
    assert np.allclose(np.linalg.norm(normals, axis=2), 1, atol=1e-4)


def test_the_same_seed_gives_the_same_planes(scene, found):
    again = photometric_planes(task_of(scene), NOTHING)
    assert np.array_equal(again.planes, found.planes)
    other = photometric_planes(task_of(scene), NOTHING, Effort(seed=5))
    assert not np.array_equal(other.planes, found.planes)


def test_plain_surfaces_are_said_to_be_unknown(scene):
    blank = StereoPicture(np.full((HEIGHT, WIDTH), 0.5, np.float32), scene[0].camera)
    planes = photometric_planes(task_of([blank, *scene[1:]]), NOTHING)
    assert (planes.inverse_depth == 0).all()


def test_agreement_with_the_other_depth_maps_repairs_what_likeness_alone_got_wrong(scene, found):
    """A patch of wrong planes that look alike enough is pulled back by the sources' true depths."""
    planes, cost = np.array(found.planes), np.array(found.cost)
    planes[40:60, 60:90, 0] *= 1.04
    spoiled = type(found)(planes, cost, np.array(found.seen))
    depths = [(1 / plane_depth(other.camera)[0]).astype(np.float32) for other in scene[1:]]
    mended = agreeing_planes(task_of(scene), spoiled, depths)
    truth = plane_depth(scene[0].camera)[0]

    def error(found):
        return np.median(depth_error(found, truth)[40:60, 60:90])

    assert error(spoiled) > 0.03
    assert error(mended) < 0.005


def test_a_point_in_front_projects_where_the_warp_says(scene):
    from unflat.geometry.stereo_depth import _warp

    here, there = scene[0].camera, scene[2].camera
    warp, shift = _warp(here, there)
    point = np.array([[0.1, -0.2, 0.3]])
    (pixel,), (depth,) = project(here, point)
    u, v, w = warp @ [pixel[0] - 0.5, pixel[1] - 0.5, 1] + shift / depth
    assert np.allclose([u / w + 0.5, v / w + 0.5], project(there, point)[0][0], atol=1e-3)
