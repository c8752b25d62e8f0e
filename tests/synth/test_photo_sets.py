"""Rendered photo sets: what they claim to be the truth is what their pictures show."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from unflat.core import Material, Mesh, Part
from unflat.geometry.cameras import project
from unflat.geometry.similarities import rotation_deg, turning
from unflat.io.cameras import camera_for, read_cameras
from unflat.io.load import load_mesh
from unflat.io.photo import read_photo
from unflat.render.frame import render_frame
from unflat.render.scene import build_scene
from unflat.synth.capture import plain_part
from unflat.synth.illumination import Illumination, harmonics_of
from unflat.synth.photo_cameras import Lens, left_out_cameras, ring_cameras
from unflat.synth.photo_faults import Faults, exposed
from unflat.synth.photo_ground import table_of
from unflat.synth.photo_light import ground_light, surface_light
from unflat.synth.photo_set_files import write_photo_set
from unflat.synth.photo_sets import OBJECT_SIDE_M, PhotoSet, PhotoSetStyle, photo_set
from unflat.synth.photo_still_life import LensRays, linear_picture
from unflat.synth.solids import box, sphere

STYLE = PhotoSetStyle(views=8, left_out=2, size_px=(320, 240))
BENT = Lens(640, 480, 600.0, 325.0, 236.0, (-0.35, 0.12, 0.004, -0.003, 0.0))
"""Distorted more than any real lens of a set: up to 20 pixels in the corners."""
DOTS = np.array([[0.5, 0.5, 1.0], [0.0, 0.5, 0.5], [1.0, 0.5, 0.5], [0.5, 0.5, 0.0], [0.5, 1.0, 0.5]]) * OBJECT_SIDE_M
"""Middles of a standing cube's visible sides, as its corner at the origin would have them."""


@pytest.fixture(scope="module")
def taken() -> PhotoSet:
    return photo_set(dotted_cube(), 3, STYLE, "cube")


def dotted_cube() -> Part:
    """A white cube with a dark dot in the middle of each side."""
    picture = np.full((129, 129, 3), 230, np.uint8)
    cv2.circle(picture, (64, 64), 3, (10, 10, 10), -1)
    corners = np.array([[x, y, z] for x in (0, 1) for y in (0, 1) for z in (0, 1)], np.float32)
    sides = ((0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3))
    vertices = np.concatenate([corners[list(side)] for side in sides])
    faces = np.concatenate([[[4 * k, 4 * k + 1, 4 * k + 2], [4 * k, 4 * k + 2, 4 * k + 3]] for k in range(6)])
    uv = np.tile(np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32), (6, 1))
    return Part(Mesh(vertices, faces.astype(np.int32), uv=uv), Material(base_color=picture), "cube")


def darkest_place(grey: np.ndarray, near: np.ndarray, reach: int = 9) -> np.ndarray:
    """The middle of what is dark around a pixel position."""
    left, top = np.floor(near).astype(int) - reach
    window = grey[top : top + 2 * reach + 1, left : left + 2 * reach + 1]
    weight = np.clip(0.5 * window.max() - window, 0, None)
    rows, columns = np.mgrid[: len(window), : window.shape[1]]
    return np.array([(weight * columns).sum(), (weight * rows).sum()]) / weight.sum() + [left + 0.5, top + 0.5]


def test_points_of_the_object_lie_where_the_distorted_camera_projects_them(taken: PhotoSet) -> None:
    rays, errors, bends = LensRays.of(BENT), [], []
    points = DOTS - [OBJECT_SIDE_M / 2, 0, OBJECT_SIDE_M / 2]
    for given in taken.cameras[:4]:
        camera = BENT.camera(given.world_from_camera @ turning(rotation_deg(5, 14, 0)))
        grey = linear_picture(taken.still_life, rays, camera).color.mean(axis=2)
        pixels, _ = project(camera, points)
        straight, _ = project(replace(camera, distortion=(0.0,) * 5), points)
        outwards = points - [0, OBJECT_SIDE_M / 2, 0]
        for pixel, unbent, point, normal in zip(pixels, straight, points, outwards, strict=True):
            if (camera.center - point) @ normal > 0.5 * np.linalg.norm(camera.center - point) * np.linalg.norm(normal):
                errors.append(np.linalg.norm(darkest_place(grey, pixel) - pixel))
                bends.append(np.linalg.norm(unbent - pixel))
    assert len(errors) >= 4
    assert max(errors) < 0.35
    assert max(bends) > 1.5, "a picture without distortion would have failed"


def test_points_of_the_table_lie_where_the_distorted_camera_projects_them(taken: PhotoSet) -> None:
    picture = np.full((1024, 1024, 3), 200, np.uint8)
    cv2.circle(picture, (700, 300), 8, (5, 5, 5), -1)
    table = table_of(picture, 0.6)
    still_life = replace(taken.still_life, table=table)
    spot = np.array([[(700.5 / 1024 - 0.5) * 1.2, 0.0, (300.5 / 1024 - 0.5) * 1.2]])
    seen = 0
    for given in taken.cameras:
        camera = BENT.camera(given.world_from_camera)
        pixel = project(camera, spot)[0][0]
        if not ((pixel > 20) & (pixel < [620, 460])).all():
            continue
        shown = linear_picture(still_life, LensRays.of(BENT), camera)
        if shown.alpha[int(pixel[1]), int(pixel[0])] > 0:
            continue
        seen += 1
        assert np.linalg.norm(darkest_place(shown.color.mean(axis=2), pixel) - pixel) < 0.5
    assert seen >= 2


def test_masks_are_the_outlines_that_an_independent_renderer_sees(taken: PhotoSet) -> None:
    photo = taken.photo(1)
    frame = render_frame((taken.truth,), photo.camera, shading="albedo")
    assert np.abs(frame.alpha - photo.alpha).mean() < 0.002
    assert 0.05 < photo.alpha.mean() < 0.6


def test_the_same_seed_takes_the_same_photos(taken: PhotoSet) -> None:
    again, other = photo_set(dotted_cube(), 3, STYLE), photo_set(dotted_cube(), 4, STYLE)
    assert (again.photo(2).pixels == taken.photo(2).pixels).all()
    assert (again.left_out_photo(1).pixels == taken.left_out_photo(1).pixels).all()
    assert (other.photo(2).pixels != taken.photo(2).pixels).any()
    assert other.cameras[0].fx != taken.cameras[0].fx


def test_a_larger_set_has_the_same_lens_light_and_left_out_photos(taken: PhotoSet) -> None:
    larger = photo_set(dotted_cube(), 3, replace(STYLE, views=12))
    assert larger.cameras[0].fx == taken.cameras[0].fx and len(larger.cameras) == 12
    assert (larger.left_out_photo(0).pixels == taken.left_out_photo(0).pixels).all()


def test_photos_differ_in_exposure_and_left_out_ones_do_not(taken: PhotoSet) -> None:
    photos = [taken.photo(index) for index in range(4)]
    gains = np.array([photo.faults.gain for photo in photos])
    assert np.ptp(gains.mean(axis=1)) > 0.02
    assert np.ptp(gains[:, 0] / gains[:, 2]) > 0.005
    assert all(photo.jpeg is not None and photo.faults.noise > 0 for photo in photos)
    assert taken.left_out_photo(0).faults == Faults()
    flat = np.full((60, 80, 3), 0.2, np.float32)
    bright, dark = (exposed(flat, Faults((gain,) * 3), np.random.default_rng(0)) for gain in (1.3, 0.8))
    assert bright.mean() > dark.mean() + 20


def test_blur_and_noise_keep_the_mean_level() -> None:
    rng = np.random.default_rng(0)
    picture = rng.uniform(0.2, 0.4, (120, 160, 3)).astype(np.float32)
    sharp = exposed(picture, Faults(), rng).astype(float)
    shaken = exposed(picture, Faults(motion_px=(3.0, 1.5), blur_px=0.7), rng).astype(float)
    noisy = exposed(picture, Faults(noise=1.0), rng).astype(float)
    assert abs(shaken.mean() - sharp.mean()) < 1.0
    assert shaken.std() < 0.6 * sharp.std()
    assert abs(noisy.mean() - sharp.mean()) < 0.5
    assert 1 < (noisy - sharp).std() < 8


def test_cameras_stand_on_rings_and_look_at_the_object() -> None:
    lens = Lens(800, 600, 900.0, 400.0, 300.0)
    cameras = ring_cameras(lens, np.array([0, 0.1, 0.0]), 0.15, 24, np.random.default_rng(0))
    towards = np.array([camera.center - [0, 0.1, 0] for camera in cameras])
    azimuth = np.unwrap(np.arctan2(towards[:, 0], towards[:, 2]))
    elevation = np.degrees(np.arcsin(towards[:, 1] / np.linalg.norm(towards, axis=1)))
    assert np.degrees(np.diff(azimuth)).mean() == pytest.approx(15, abs=0.5)
    assert elevation.min() > 10 and elevation.max() < 60
    assert np.ptp(elevation[::2]) < 10 and np.ptp(elevation[1::2]) < 10
    for camera in (*cameras, *left_out_cameras(lens, np.array([0, 0.1, 0.0]), 0.15, 5, np.random.default_rng(1))):
        pixel = project(camera, np.array([[0, 0.1, 0.0]]))[0][0]
        assert np.linalg.norm(pixel - [400, 300]) < 120


def test_without_a_table_the_object_hangs_before_a_plain_backdrop() -> None:
    plain = photo_set(dotted_cube(), 1, replace(STYLE, ground=False, faulty=False, views=3, left_out=0))
    photo = plain.photo(0)
    outside = photo.pixels[photo.alpha == 0]
    assert len(outside) > 1000 and np.ptp(outside, axis=0).max() == 0
    assert photo.pixels[photo.alpha == 1].std() > 5


def test_an_open_white_sky_lights_every_side_of_a_ball_alike() -> None:
    sky = np.ones((32, 64, 3), np.float32)
    light = Illumination(sky, harmonics_of(sky), np.array([0, 1, 0], np.float32), np.zeros(3, np.float32), 0.1)
    scene = build_scene((plain_part(sphere(0.1)),))
    baked = surface_light(scene, light, np.random.default_rng(0))
    rng = np.random.default_rng(1)
    face = rng.integers(0, len(scene.triangles), 500).astype(np.int32)
    weights = rng.dirichlet((1, 1, 1), 500).astype(np.float32)
    assert np.abs(baked.at(face, weights) - 1).max() < 0.1


def test_an_object_shades_the_ground_beneath_it_and_not_far_away() -> None:
    sky = np.ones((32, 64, 3), np.float32)
    light = Illumination(sky, harmonics_of(sky), np.array([0, 1, 0], np.float32), np.zeros(3, np.float32), 0.1)
    scene = build_scene((plain_part(box((0.1, 0.1, 0.1))),))
    baked = ground_light(scene.caster, light, scene.size, np.random.default_rng(0))
    x = np.array([[0.0, 0.055, 0.2, 9.0]], np.float32)
    below, beside, near, far = baked.at(x, np.zeros_like(x))[0, :, 0]
    assert far == pytest.approx(1, abs=0.1)
    assert below < beside < 0.95 * near <= far


def test_a_table_seen_from_far_away_shows_its_mean_colour() -> None:
    picture = np.zeros((512, 512, 3), np.uint8)
    picture[::2, ::2] = 255
    picture[1::2, 1::2] = 255
    table = table_of(picture, 1.0)
    place = np.array([[0.1, -0.3, 2.0]], np.float32)
    color, there = table.color(place, place, np.full((1, 3), 0.05, np.float32))
    assert there.tolist() == [[True, True, False]]
    assert np.abs(color[0, :2] - 0.5).max() < 0.01


def test_a_written_set_is_what_its_files_say(taken: PhotoSet, tmp_path: Path) -> None:
    small = replace(taken, cameras=taken.cameras[:2], left_out=taken.left_out[:1])
    folder = write_photo_set(small, tmp_path / "set", exif_focal=True)
    cameras = read_cameras(folder / "transforms.json")
    photo = read_photo(folder / "images" / "photo_001.jpg")
    camera = camera_for(cameras, photo.name)
    assert camera is not None and len(cameras) == 2
    assert np.allclose(camera.world_from_camera, taken.cameras[1].world_from_camera, atol=1e-6)
    assert camera.distortion == pytest.approx(taken.cameras[1].distortion)
    assert (photo.pixels == taken.photo(1).pixels).all()
    assert photo.focal_px == pytest.approx(camera.fx, rel=0.03)
    assert np.allclose(load_mesh(folder / "mesh.ply").extent, taken.truth.mesh.extent)
    assert (read_photo(folder / "left_out" / "left_out_000.png").pixels == taken.left_out_photo(0).pixels).all()
    written = (folder / "truth.json").stat().st_mtime_ns
    write_photo_set(small, folder, exif_focal=True)
    assert (folder / "truth.json").stat().st_mtime_ns == written
