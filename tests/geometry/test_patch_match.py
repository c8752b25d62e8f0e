"""PatchMatch: its cost is the correlation that a plain computation gives, and it finds planes that are there."""

import os
import subprocess
import sys

import cv2
import numpy as np
import pytest
from numba import njit

from unflat.core import Camera
from unflat.geometry import patch_costs as kernels
from unflat.geometry.cameras import look_at, pixel_centers, pixel_rays, project
from unflat.geometry.lanes import LANES, load, store
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
    return StereoPicture(np.rint(np.clip(grey, 0, 1) * 255).astype(np.float32) / 255, camera)  # as photos have it


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


def kernel_costs(image, sources, warps, row, column, planes, asked=-1):
    """Costs of up to `LANES` planes in all sources, as the kernel computes them side by side: (sources, planes)."""
    image = kernels.padded(image)
    places = kernels.sample_places(image.shape[1])
    weights, values = np.empty((2, kernels.PADDED_SAMPLES), np.float32)
    variance = kernels.reference_patch(image, row, column, places, weights, values)
    stack = kernels.corner_bytes(np.stack(sources))
    sizes = np.array([source.shape for source in sources], np.int32)
    others = (stack, sizes, *(np.stack(part) for part in zip(*warps, strict=True)))
    patch = (np.float32(row), np.float32(column), weights, values, np.float32(variance))
    lanes, costs = np.zeros((3, LANES), np.float32), np.empty((len(sources), LANES), np.float32)
    lanes[:, : len(planes)] = np.transpose(planes)
    kernels.patch_costs(others, asked, lanes, len(planes), patch, kernels.cost_room(len(sources)), costs)
    return costs[:, : len(planes)]


def kernel_cost(image, source, warp, shift, row, column, plane):
    return kernel_costs(image, [source], [(warp, shift)], row, column, [plane])[0, 0]


def test_the_costs_are_those_of_a_plain_computation(scene):
    from unflat.geometry.stereo_depth import _warp

    here, there = scene[0], scene[1:]
    warps = [_warp(here.camera, other.camera) for other in there]
    rng = np.random.default_rng(0)
    checked = 0
    for many in rng.integers(1, LANES + 1, 20):
        row, column = int(rng.integers(0, HEIGHT)), int(rng.integers(0, WIDTH))
        planes = [(rng.uniform(0.3, 0.7), *rng.normal(0, 1e-3, 2)) for _ in range(many)]
        expected = np.array([
            [plain_cost(here.grey, other.grey, *warp, row, column, plane) for plane in planes]
            for other, warp in zip(there, warps, strict=True)
        ])  # fmt: skip
        found = kernel_costs(here.grey, [other.grey for other in there], warps, row, column, planes)
        assert found == pytest.approx(np.minimum(expected, 2.0), abs=2e-3)
        checked += (expected < 2).sum()
    assert checked > 200


def test_a_pixel_holds_its_own_grey_and_those_of_its_neighbours():
    grey = np.random.default_rng(2).integers(0, 256, (2, 5, 7))
    packed = kernels.corner_bytes((grey / 255).astype(np.float32))
    assert packed.dtype == np.uint32
    corners = [packed[:, :-1, :-1] >> shift & 255 for shift in (0, 8, 16, 24)]
    assert np.array_equal(corners, [grey[:, :-1, :-1], grey[:, :-1, 1:], grey[:, 1:, :-1], grey[:, 1:, 1:]])


def test_sources_that_are_not_asked_see_nothing(scene):
    from unflat.geometry.stereo_depth import _warp

    here, there = scene[0], scene[1:]
    warps = [_warp(here.camera, other.camera) for other in there]
    pictures, planes = [other.grey for other in there], [(0.5, 0.0, 0.0), (0.45, 0.0, 0.0)]
    everyone = kernel_costs(here.grey, pictures, warps, 60, 80, planes)
    some = kernel_costs(here.grey, pictures, warps, 60, 80, planes, asked=0b101)
    assert (everyone < 2).all()
    assert np.array_equal(some[[0, 2]], everyone[[0, 2]]) and (some[1] == 2).all()


def test_a_patch_without_texture_in_the_source_costs_most(scene):
    from unflat.geometry.stereo_depth import _warp

    here, there = scene[0], scene[1]
    blank = np.full((HEIGHT, WIDTH), 0.3, np.float32)
    assert kernel_cost(here.grey, blank, *_warp(here.camera, there.camera), 60, 80, (0.5, 0.0, 0.0)) == 2


@njit
def errors_of(others, row, column, inverse):
    found = np.empty_like(inverse)
    store(found, 0, kernels.disagreements(others, 0, np.float32(row), np.float32(column), load(inverse, 0)))
    return found


def plain_disagreement(there, depth, warp, back, row, column, inverse):
    """The same as the kernel's, written for the reader."""
    u, v, w = warp[0] @ [column, row, 1] + inverse * warp[1]
    i, j = int(np.floor(v / w + 0.5)), int(np.floor(u / w + 0.5))
    if w <= 0 or not (0 <= i < HEIGHT and 0 <= j < WIDTH) or depth[i, j] <= 0:
        return 3.0
    p, q, r = back[0] @ [u / w, v / w, 1] + depth[i, j] * back[1]
    return min(np.hypot(p / r - column, q / r - row), 3.0) if r > 0 else 3.0


def test_disagreement_is_that_of_a_plain_computation(scene):
    from unflat.geometry.stereo_depth import _warp

    here, there = scene[0].camera, scene[1].camera
    warp, back = _warp(here, there), _warp(there, here)
    depth = (1 / plane_depth(there)[0]).astype(np.float32)
    depth[:, :20] = 0
    nothing, size = np.zeros((1, HEIGHT, WIDTH), np.uint32), np.array([[HEIGHT, WIDTH]], np.int32)
    others = (nothing, size, warp[0][None], warp[1][None], depth[None], back[0][None], back[1][None])
    true, rng = 1 / plane_depth(here)[0], np.random.default_rng(1)
    compared = []
    for _ in range(40):
        row, column = int(rng.integers(0, HEIGHT)), int(rng.integers(0, WIDTH))
        inverse = (true[row, column] * rng.uniform(0.97, 1.03, LANES)).astype(np.float32)
        expected = [plain_disagreement(there, depth[:], warp, back, row, column, value) for value in inverse]
        compared.append((errors_of(others, row, column, inverse), expected))
    found, expected = np.array(compared).swapaxes(0, 1)
    # at the border between two pixels of the other picture, rounding decides which one is asked
    assert (np.abs(found - expected) < 2e-3).mean() > 0.99
    assert 0.2 < (expected < 3).mean() < 0.95


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


SMALL_TASK = """
import hashlib
import numpy as np
from unflat.core import Camera
from unflat.geometry.stereo_depth import Effort, StereoPicture, StereoTask, agreeing_planes, photometric_planes

paper = np.random.default_rng(0).random((48, 70)).astype(np.float32)
poses = [np.diag([1.0, -1.0, -1.0, 1.0]) for _ in range(3)]
for pose, x in zip(poses, (0, 0.2, -0.2)):
    pose[0, 3] = x
greys = [np.ascontiguousarray(paper[:, 3 + shift : 67 + shift]) for shift in (0, 3, -3)]
pictures = [StereoPicture(grey, Camera(64, 48, 60.0, 60.0, 32.0, 24.0, pose)) for grey, pose in zip(greys, poses)]
task, effort = StereoTask(pictures[0], tuple(pictures[1:]), (0.1, 0.5)), Effort(scales=(1.0,), sweeps=(3,))
first = photometric_planes(task, np.zeros((48, 64), np.float32), effort)
agreed = agreeing_planes(task, first, [first.inverse_depth] * 2, effort)
print(hashlib.sha256(first.planes.tobytes() + agreed.planes.tobytes()).hexdigest())
"""


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


def test_fresh_code_on_two_threads_and_cached_code_on_one_give_the_same_planes(tmp_path):
    """Each in a process of its own, since Numba asks for its threads and its cache only once."""
    answers = set()
    for threads in ("2", "1"):
        told = {**os.environ, "NUMBA_NUM_THREADS": threads, "NUMBA_CACHE_DIR": str(tmp_path)}
        answers.add(
            subprocess.run([sys.executable, "-c", SMALL_TASK], env=told, capture_output=True, check=True).stdout
        )
    assert len(answers) == 1


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
