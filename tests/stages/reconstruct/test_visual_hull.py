"""The visual hull of known solids on a synthetic turntable."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from skimage.measure import marching_cubes

from unflat.core import (
    Camera,
    Context,
    DepthMap,
    Drawing,
    InputError,
    Mask,
    Mesh,
    Photo,
    RecipeError,
    Scale,
    View,
    Views,
)
from unflat.geometry.cameras import look_at, pixel_centers, pixel_rays, transform_camera
from unflat.geometry.compare import chamfer
from unflat.geometry.meshes import signed_volume
from unflat.geometry.raycast import RayCaster
from unflat.geometry.topology import genus, is_closed
from unflat.stages.reconstruct.visual_hull import VisualHull
from unflat.synth.solids import box, sphere, torus

SIDE = 128
FINER = 2


@cache
def turntable_of(name: str, count: int) -> Views:
    """Of a solid by name, photographed once."""
    return turntable(SOLIDS[name][0], count)


def turntable(solid: Mesh, count: int, similarity=None) -> Views:
    """Soft silhouettes from cameras around the solid, at three heights."""
    caster, items = RayCaster(solid), []
    for index in range(count):
        azimuth, elevation = 2 * np.pi * index / count, np.radians((0, 35, -35)[index % 3])
        eye = 3 * np.array(
            [np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)]
        )
        pose = look_at(eye, np.zeros(3), np.array([0.0, 1.0, 0.0]))
        camera = Camera(SIDE, SIDE, 1.9 * SIDE, 1.9 * SIDE, SIDE / 2, SIDE / 2, pose)
        fine = camera.resized(SIDE * FINER, SIDE * FINER)
        origins, directions = pixel_rays(fine, pixel_centers(fine))
        hit = caster.cast(origins.astype(np.float32), directions.astype(np.float32)).hit
        alpha = hit.reshape(SIDE, FINER, SIDE, FINER).mean(axis=(1, 3)).astype(np.float32)
        photo = Photo(np.zeros((SIDE, SIDE, 3), np.uint8), name=f"view_{index}.png")
        items.append(View(photo, Mask(alpha), camera if similarity is None else transform_camera(camera, similarity)))
    return Views(tuple(items))


def surface(field) -> Mesh:
    vertices, faces, _, _ = marching_cubes(field.distance.copy(), 0.0, spacing=(field.voxel,) * 3)
    mesh = Mesh((vertices + field.origin).astype(np.float32), faces.astype(np.int32))
    return mesh if signed_volume(mesh) > 0 else replace(mesh, faces=mesh.faces[:, ::-1].copy())


def hull(views, **options):
    return VisualHull(**{"resolution": 72, "metric": True, **options})(views, Context())


SOLIDS = {
    # Solid, silhouettes' share of volume too much, Chamfer distance: what is there beyond the hull's own.
    "ball": (sphere(0.5, 96), 0.02, 0.004),
    "ring": (torus(0.4, 0.15, 96), 0.10, 0.008),
}


@pytest.mark.parametrize("name", SOLIDS)
def test_a_solid_that_equals_its_hull_comes_back(name):
    solid, excess, distance = SOLIDS[name]
    result = hull(turntable_of(name, 18))
    mesh = surface(result.shape)
    assert result.scale is Scale.METRIC
    assert is_closed(mesh.faces)
    assert -0.005 < signed_volume(mesh) / signed_volume(solid) - 1 < excess
    assert chamfer(mesh, solid) < distance
    assert genus(mesh.faces) == genus(solid.faces)


def test_a_cube_is_inside_its_hull_and_more_views_come_closer():
    solid = box((0.8, 0.8, 0.8))
    volumes = [signed_volume(surface(hull(turntable(solid, count)).shape)) for count in (6, 12, 21)]
    assert volumes[0] > volumes[1] > volumes[2] > 0.995 * 0.8**3
    assert volumes[2] < 1.2 * 0.8**3


def test_the_hull_is_smooth_without_staircases():
    field = hull(turntable_of("ball", 18)).shape
    radii = np.linalg.norm(surface(field).vertices, axis=1)
    assert radii.std() < 0.25 * field.voxel


def test_without_metric_cameras_it_is_one_long_centred_and_the_cameras_come_along():
    similarity = np.diag([7.0, 7.0, 7.0, 1.0])
    similarity[:3, 3] = [30, -5, 2]
    views = turntable(box((0.5, 0.9, 0.4)), 12, similarity)
    result = hull(views, metric=False)
    mesh = surface(result.shape)
    assert result.scale is Scale.UP_TO_SCALE
    assert np.isclose(mesh.extent.max(), 1, atol=0.03)
    assert np.allclose(mesh.vertices.max(axis=0) + mesh.vertices.min(axis=0), 0, atol=0.02)
    camera, alpha = result.views.items[4].camera, views.items[4].mask.solid
    origins, directions = pixel_rays(camera, pixel_centers(camera))
    hit = RayCaster(mesh).cast(origins.astype(np.float32), directions.astype(np.float32)).hit.reshape(SIDE, SIDE)
    assert (hit & alpha).sum() / (hit | alpha).sum() > 0.96


def test_metric_cameras_are_left_where_they_are():
    views = turntable_of("ball", 6)
    assert hull(views).views is views


def test_a_few_bad_masks_are_tolerated_when_asked():
    views = turntable_of("ball", 18)
    alpha = views.items[3].mask.alpha.copy()
    alpha[:, SIDE // 2 :] = 0  # half of the object is missing in one mask
    bad = Views((*views.items[:3], replace(views.items[3], mask=Mask(alpha)), *views.items[4:]))
    true = signed_volume(SOLIDS["ball"][0])
    assert signed_volume(surface(hull(bad).shape)) < 0.6 * true
    assert 0.99 < signed_volume(surface(hull(bad, agree=0.94).shape)) / true < 1.12


def test_a_mask_cut_off_by_the_frame_does_not_carve_beyond_it():
    views = turntable_of("ball", 12)
    cut = []
    for index, view in enumerate(views.items):
        if index % 4 == 0:  # crop the right part of the ball away
            photo = Photo(view.photo.pixels[:, : SIDE // 2 + 10], name=view.photo.name)
            mask = Mask(view.mask.alpha[:, : SIDE // 2 + 10].copy())
            cut.append(View(photo, mask, view.camera.cropped(0, 0, SIDE // 2 + 10, SIDE)))
        else:
            cut.append(view)
    true = signed_volume(SOLIDS["ball"][0])
    assert 0.99 < signed_volume(surface(hull(Views(tuple(cut))).shape)) / true < 1.1


def test_depth_of_the_views_is_dropped_when_the_world_is_scaled():
    views = turntable_of("ball", 6)
    depth = DepthMap(np.ones((SIDE, SIDE), np.float32))
    with_depth = Views(tuple(replace(view, depth=depth) for view in views.items))
    assert all(view.depth is None for view in hull(with_depth, metric=False, resolution=32).views.items)


def test_one_view_or_a_drawing_is_refused_with_advice():
    view = turntable_of("ball", 1)
    drawing = Drawing(view.items[0].photo, view.items[0].mask)
    for source in (view, drawing):
        with pytest.raises(InputError) as caught:
            hull(source)
        assert caught.value.code == "too-few-views"
        assert "--cameras" in caught.value.hint


@pytest.mark.parametrize(("missing", "code"), [("camera", "no-camera"), ("mask", "no-mask")])
def test_a_view_without_camera_or_mask_is_named(missing, code):
    views = turntable_of("ball", 3)
    broken = Views((*views.items[:2], replace(views.items[2], **{missing: None})))
    with pytest.raises(InputError) as caught:
        hull(broken)
    assert caught.value.code == code
    assert "view_2.png" in str(caught.value)


@pytest.mark.parametrize("options", [{"resolution": 4}, {"resolution": 5000}, {"agree": 0.2}, {"agree": 1.1}])
def test_bad_options_are_refused(options):
    with pytest.raises(RecipeError) as caught:
        VisualHull(**options)
    assert caught.value.code == "bad-option"


def test_progress_is_told_and_may_cancel():
    told = []
    VisualHull(resolution=64)(turntable_of("ball", 6), Context(progress=told.append))
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) > 4
