"""Photographs of known worlds come with the truth."""

import numpy as np
import pytest

from unflat.core import InputError, Scale
from unflat.geometry.cameras import depth_points, project
from unflat.render.cameras import orbit_camera
from unflat.synth.capture import orbit_views, patterned_part, photograph, plain_part
from unflat.synth.solids import box, cylinder, sphere


@pytest.fixture(scope="module")
def ball():
    return plain_part(sphere(0.5, 128), (200, 40, 40))


def test_a_photograph_carries_mask_depth_normals_and_camera(ball):
    camera = orbit_camera(ball.mesh.vertices, 30, 20, size_px=64)
    view = photograph(ball, camera, name="ball")
    assert view.photo.name == "ball"
    assert view.camera is camera
    assert view.photo.focal_px == camera.fx
    assert view.mask.made_by == "synth"
    assert view.depth.scale is Scale.METRIC
    assert np.array_equal(np.isfinite(view.depth.depth), np.isfinite(view.normals[..., 0]))


def test_depth_and_normals_of_a_ball_are_those_of_the_formula(ball):
    camera = orbit_camera(ball.mesh.vertices, 25, 15, size_px=96)
    view = photograph(ball, camera)
    points = depth_points(camera, view.depth.depth)
    known = np.isfinite(points[..., 0])
    assert np.abs(np.linalg.norm(points[known], axis=1) - 0.5).max() < 1e-3
    assert (np.einsum("nc,nc->n", view.normals[known], points[known] / 0.5) > 0.999).all()


def test_the_mask_covers_what_the_formula_covers(ball):
    camera = orbit_camera(ball.mesh.vertices, 0, 0, size_px=96)
    view = photograph(ball, camera)
    distance = np.linalg.norm(camera.center)
    radius_px = camera.fx * 0.5 / np.sqrt(distance**2 - 0.25)
    assert view.mask.alpha.sum() == pytest.approx(np.pi * radius_px**2, rel=0.003)
    soft = (view.mask.alpha > 0) & (view.mask.alpha < 1)
    assert 0.5 < soft.sum() / (2 * np.pi * radius_px) < 2.5


def test_the_background_is_kept_beside_the_object(ball):
    camera = orbit_camera(ball.mesh.vertices, size_px=48)
    checks = np.indices((48, 48)).sum(axis=0) % 2 * 255
    picture = np.dstack([checks] * 3).astype(np.uint8)
    view = photograph(ball, camera, background=picture)
    beside = view.mask.alpha == 0
    assert np.array_equal(view.photo.pixels[beside], picture[beside])


def test_grain_is_repeatable_and_as_strong_as_asked(ball):
    camera = orbit_camera(ball.mesh.vertices, size_px=64)
    clean, noisy, again, other = (
        photograph(ball, camera, background=(128, 128, 128), noise=noise, seed=seed).photo.pixels.astype(float)
        for noise, seed in ((0.0, 1), (4.0, 1), (4.0, 1), (4.0, 2))
    )
    assert np.array_equal(noisy, again)
    assert not np.array_equal(noisy, other)
    assert np.std((noisy - clean)[:8]) == pytest.approx(4.0, rel=0.15)


def test_views_go_around_and_agree_on_the_points_they_share():
    part = patterned_part(sphere())
    views = orbit_views(part, 6, 20.0, size_px=64, shading="albedo")
    assert views.names == tuple(f"view_{index:02d}" for index in range(6))
    here, there = views.items[0], views.items[1]
    points = depth_points(here.camera, here.depth.depth)[24:40, 36:52].reshape(-1, 3)
    points = points[np.isfinite(points[:, 0])].astype(np.float64)
    pixels = [np.floor(project(view.camera, points)[0]).astype(int) for view in (here, there)]
    _, depth = project(there.camera, points)
    seen = np.abs(there.depth.depth[pixels[1][:, 1], pixels[1][:, 0]] - depth) < 0.02
    colors = [
        view.photo.pixels[at[:, 1], at[:, 0]][seen].astype(float)
        for view, at in zip((here, there), pixels, strict=True)
    ]
    assert seen.sum() > 50
    assert np.median(np.abs(colors[0] - colors[1])) < 12


def test_a_camera_that_looks_away_is_refused(ball):
    away = orbit_camera(ball.mesh.vertices + np.float32([50, 0, 0]), size_px=32)
    with pytest.raises(InputError) as refused:
        photograph(ball, away)
    assert refused.value.code == "nothing-in-picture"


@pytest.mark.parametrize("mesh", [box(), cylinder(segments=16)])
def test_a_pattern_is_fine_enough_even_on_coarse_solids(mesh):
    part = patterned_part(mesh)
    assert len(part.mesh.vertices) > 500
    assert part.mesh.colors.std(axis=0).min() > 15
    assert np.array_equal(part.mesh.colors, patterned_part(mesh).mesh.colors)
    assert not np.array_equal(part.mesh.colors, patterned_part(mesh, seed=1).mesh.colors)
