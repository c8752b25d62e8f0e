"""Relief: known solids are seen, rebuilt and compared; and what can go wrong is said."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import skimage

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
    SetupError,
    View,
    Views,
)
from unflat.geometry.cameras import look_at, pixel_centers, pixel_rays, project, transform_camera
from unflat.geometry.compare import surface_distance
from unflat.geometry.meshes import signed_volume
from unflat.geometry.raycast import RayCaster
from unflat.geometry.topology import connected_parts, is_closed, is_manifold
from unflat.stages.reconstruct.relief import Relief
from unflat.synth.solids import box, merged, moved, mug, sphere

FINER = 4
"""Rays per pixel side for the soft mask."""


def camera_at(eye, side=192, focal=280.0):
    return Camera(
        side, side, focal, focal, side / 2, side / 2, look_at(np.array(eye), np.zeros(3), np.array([0.0, 1.0, 0.0]))
    )


def depth_of(mesh, camera):
    origins, directions = pixel_rays(camera, pixel_centers(camera))
    hits = RayCaster(mesh).cast(origins.astype(np.float32), directions.astype(np.float32))
    return hits.distance.reshape(camera.height_px, camera.width_px)


def seen(mesh: Mesh, camera: Camera, scale=Scale.METRIC) -> View:
    """What a camera with a depth sensor sees: a grey photo, soft mask, exact depth, no pose."""
    side = camera.width_px
    fine = np.isfinite(depth_of(mesh, camera.resized(side * FINER, side * FINER)))
    alpha = fine.reshape(side, FINER, side, FINER).mean(axis=(1, 3)).astype(np.float32)
    photo = Photo(np.full((side, side, 3), 128, np.uint8), focal_px=camera.fx)
    return View(photo, Mask(alpha), None, DepthMap(depth_of(mesh, camera), scale))


def relief(view, **options):
    told = []
    result = Relief(**options)(Views((view,)), Context(warn=told.append))
    return result, told


def seen_vertices(mesh):
    return mesh.vertices[mesh.confidence == 1]


def back_to_truth(result, camera):
    """The relief's seen vertices in the world where the camera stands as it did."""
    mesh, placed = result.mesh, result.views.items[0].camera
    local = (
        seen_vertices(mesh).astype(np.float64) @ placed.camera_from_world[:3, :3].T + placed.camera_from_world[:3, 3]
    )
    return (local @ camera.world_from_camera[:3, :3].T + camera.center).astype(np.float32)


SOLIDS = {
    "ball": (sphere(0.8), (0.0, 0.0, 3.0)),
    "tilted box": (box((1.2, 0.8, 0.6)), (1.0, 1.2, 2.4)),
    "mug": (mug(1.0), (0.9, 0.9, 2.0)),
}


@pytest.mark.parametrize(
    ("name", "back"), [("ball", "flat"), ("tilted box", "flat"), ("mug", "flat"), ("mug", "mirror"), ("mug", "shell")]
)
def test_the_seen_front_of_a_known_solid_is_true_to_less_than_a_sample(name, back):
    solid, eye = SOLIDS[name]
    camera = camera_at(eye)
    result, told = relief(seen(solid, camera), back=back)
    assert not told
    assert result.scale is Scale.METRIC
    assert is_closed(result.mesh.faces)
    assert is_manifold(result.mesh.faces)
    assert signed_volume(result.mesh) > 0
    distance = surface_distance(back_to_truth(result, camera), solid)
    sample = np.linalg.norm(eye) / camera.fx
    assert distance.mean() < 0.15 * sample
    assert np.quantile(distance, 0.99) < 1.0 * sample


def test_a_metric_box_has_its_size_within_a_percent():
    camera = camera_at((0.0, 0.0, 3.0), side=256, focal=500.0)
    result, _ = relief(seen(box((1.0, 0.6, 0.4)), camera), thickness=0.4)
    front = seen_vertices(result.mesh)
    face = front[front[:, 2] > front[:, 2].max() - 0.01]
    assert np.allclose(np.ptp(face[:, :2], axis=0), [1.0, 0.6], rtol=0.01)
    assert np.allclose(result.mesh.extent[2], 0.4, rtol=0.02)


def test_the_camera_still_sees_the_relief_where_the_photo_showed_it():
    solid, eye = SOLIDS["mug"]
    view = seen(solid, camera_at(eye), Scale.UP_TO_SCALE)
    result, _ = relief(view, back="mirror")
    placed = result.views.items[0].camera
    drawn = np.isfinite(depth_of(result.mesh, placed))
    both = (drawn & view.mask.solid).sum() / (drawn | view.mask.solid).sum()
    assert both > 0.985
    pixels, depth = project(placed, result.mesh.vertices.astype(np.float64))
    assert (depth > 0).all()
    assert pixels.min() >= 0
    assert pixels.max() <= 192


def test_an_up_to_scale_relief_is_one_long_centred_and_faces_the_viewer():
    solid, eye = SOLIDS["tilted box"]
    view = seen(solid, camera_at(eye), Scale.UP_TO_SCALE)
    result, _ = relief(replace(view, depth=DepthMap(view.depth.depth * 37.0)))
    mesh = result.mesh
    front = seen_vertices(mesh)
    assert result.scale is Scale.UP_TO_SCALE
    assert np.isclose(np.ptp(front[:, :2], axis=0).max(), 1)
    assert np.allclose(mesh.vertices.max(axis=0) + mesh.vertices.min(axis=0), 0, atol=1e-5)
    assert front[:, 2].mean() > mesh.vertices[:, 2].mean()
    assert result.views.items[0].depth is None


def test_a_given_camera_keeps_its_directions():
    solid, eye = SOLIDS["tilted box"]
    camera = camera_at(eye)
    result, _ = relief(replace(seen(solid, camera), camera=camera))
    placed = result.views.items[0].camera
    assert np.allclose(placed.world_from_camera[:3, :3], camera.world_from_camera[:3, :3])
    moved_by = placed.center - camera.center
    true = result.mesh.vertices[result.mesh.confidence == 1] - moved_by.astype(np.float32)
    assert surface_distance(true, solid).mean() < 0.001


def test_a_lens_with_distortion_is_taken_into_account():
    solid, eye = SOLIDS["ball"]
    plain = seen(solid, camera_at(eye))
    bent = replace(camera_at(eye), distortion=(-0.2, 0.05, 0.0, 0.0, 0.0))
    fine = bent.resized(192 * FINER, 192 * FINER)
    alpha = np.isfinite(depth_of(solid, fine)).reshape(192, FINER, 192, FINER).mean(axis=(1, 3)).astype(np.float32)
    view = View(plain.photo, Mask(alpha), bent, DepthMap(depth_of(solid, bent), Scale.METRIC))
    result, _ = relief(view)
    assert surface_distance(back_to_truth(result, bent), solid).mean() < 0.001


def test_an_orthographic_camera_works_too():
    solid = sphere(0.8)
    pose = look_at(np.array([0.0, 0.0, 3.0]), np.zeros(3), np.array([0.0, 1.0, 0.0]))
    camera = Camera(96, 96, 55.0, 55.0, 48.0, 48.0, pose, projection="orthographic")
    depth = depth_of(solid, camera)
    photo = Photo(np.zeros((96, 96, 3), np.uint8))
    view = View(photo, Mask(np.isfinite(depth).astype(np.float32)), camera, DepthMap(depth, Scale.METRIC))
    result, _ = relief(view, back="mirror")
    assert is_closed(result.mesh.faces)
    assert np.allclose(result.mesh.extent[:2], 1.6, rtol=0.02)
    assert abs(signed_volume(result.mesh) / (4 / 3 * np.pi * 0.8**3) - 1) < 0.08


def two_boxes():
    return merged([moved(box((0.5, 0.5, 0.1)), (0.1, 0, 0.8)), box((1.4, 1.0, 0.1))])


def test_things_one_behind_the_other_are_torn_apart_in_a_shell_and_joined_in_a_block():
    view = seen(two_boxes(), camera_at((0.0, 0.0, 4.0)))
    shell, block = (relief(view, back=back)[0].mesh for back in ("shell", "flat"))
    assert connected_parts(shell.faces, len(shell.vertices)).max() == 1
    assert connected_parts(block.faces, len(block.vertices)).max() == 0
    front = seen_vertices(block)
    between = (front[:, 2] > front[:, 2].min() + 0.1) & (front[:, 2] < front[:, 2].max() - 0.1)
    assert not between.any()  # nothing floats between the two


def test_noisy_depth_gives_a_smoother_surface_than_it_was():
    solid, eye = SOLIDS["ball"]
    camera = camera_at(eye)
    view = seen(solid, camera)
    noise = np.random.default_rng(0).normal(0, 0.01, view.depth.depth.shape).astype(np.float32)
    noisy = replace(view, depth=DepthMap(view.depth.depth + noise, Scale.METRIC))
    errors = [
        surface_distance(back_to_truth(relief(noisy, denoise=denoise)[0], camera), solid).mean()
        for denoise in (0.0, 1.0)
    ]
    assert errors[1] < 0.5 * errors[0]


def test_an_eight_bit_depth_picture_loses_its_terraces():
    solid, eye = SOLIDS["ball"]
    camera = camera_at(eye)
    view = seen(solid, camera)
    stepped = np.round(view.depth.depth / 0.02) * np.float32(0.02)
    given = replace(view, depth=DepthMap(stepped.astype(np.float32), Scale.METRIC))
    errors = [
        surface_distance(back_to_truth(relief(given, denoise=denoise)[0], camera), solid).mean()
        for denoise in (0.0, 1.0)
    ]
    assert errors[1] < 0.6 * errors[0]


def test_disparity_gives_the_same_shape_as_depth():
    solid, eye = SOLIDS["ball"]
    view = seen(solid, camera_at(eye), Scale.UP_TO_SCALE)
    turned = replace(view, depth=DepthMap(5 / view.depth.depth))
    by_depth, by_disparity = (
        relief(given, depth_is=kind, simplify=0.0)[0].mesh for given, kind in ((view, "depth"), (turned, "disparity"))
    )
    assert np.allclose(by_depth.vertices, by_disparity.vertices, atol=1e-3)


def test_relative_depth_has_the_asked_range():
    solid, eye = SOLIDS["ball"]
    view = seen(solid, camera_at(eye))
    turned = replace(view, depth=DepthMap(100 + 40 / view.depth.depth, Scale.METRIC))
    result, _ = relief(turned, depth_is="relative", far_over_near=1.5, denoise=0.0, simplify=0.0)
    front = seen_vertices(result.mesh).astype(np.float64)
    _, depth = project(result.views.items[0].camera, front)
    low, high = np.percentile(depth, [1, 99])
    assert result.scale is Scale.UP_TO_SCALE
    assert abs(high / low - 1.5) < 0.05


def scene_view(depth, **photo):
    height, width = depth.shape
    return View(Photo(np.zeros((height, width, 3), np.uint8), **photo), None, None, DepthMap(depth.astype(np.float32)))


def test_without_a_mask_the_whole_frame_is_used_and_the_field_of_view_is_said_to_be_assumed():
    result, told = relief(scene_view(np.full((30, 40), 2.0)))
    assert any("50 degrees" in sentence for sentence in told)
    assert np.allclose(result.mesh.extent[0] / result.mesh.extent[1], 39 / 29, rtol=0.01)
    assert is_closed(result.mesh.faces)


def test_a_metric_depth_without_a_focal_length_is_not_called_metric():
    view = scene_view(np.full((30, 40), 2.0))
    view = replace(view, depth=DepthMap(view.depth.depth, Scale.METRIC))
    result, told = relief(view)
    assert result.scale is Scale.UP_TO_SCALE
    assert any("size is not known" in sentence for sentence in told)
    result, told = relief(view, field_of_view_deg=60.0)
    assert result.scale is Scale.METRIC
    assert not told


def test_holes_are_filled_and_the_rest_is_left_out_and_said():
    depth = np.full((60, 60), 2.0)
    depth[10:12, 10:12] = np.nan
    depth[30:50, 30:50] = np.nan
    result, told = relief(scene_view(depth, focal_px=60.0))
    assert any("11% of the object has no depth" in sentence for sentence in told)
    mesh = result.mesh
    assert is_closed(mesh.faces)
    assert len(mesh.vertices) - len(mesh.faces) * 3 // 2 + len(mesh.faces) == 0  # one hole through it


NASTY = {
    "constant": np.full((20, 20), 1.0),
    "chessboard": np.indices((20, 20)).sum(axis=0) % 2 + 1.0,
    "noise": np.random.default_rng(0).uniform(0.1, 100, (20, 20)),
    "stripes of unknown": np.where(np.arange(20) % 2, np.nan, 1.0) * np.ones((20, 1)),
    "half unknown": np.where(np.arange(20) < 10, np.nan, 1.0) * np.ones((20, 1)),
    "tiny numbers": np.random.default_rng(1).uniform(1e-6, 2e-6, (20, 20)),
    "huge numbers": np.random.default_rng(1).uniform(1e6, 2e6, (20, 20)),
    "two columns": np.ones((20, 2)),
    "long strip": np.ones((3, 400)),
}


@pytest.mark.parametrize("back", ["flat", "mirror", "shell"])
@pytest.mark.parametrize("kind", ["depth", "disparity", "relative"])
@pytest.mark.parametrize("name", NASTY)
def test_nasty_depth_gives_a_closed_mesh(name, kind, back):
    result, _ = relief(scene_view(NASTY[name], focal_px=25.0), back=back, depth_is=kind)
    assert is_closed(result.mesh.faces)
    assert is_manifold(result.mesh.faces)
    assert np.isfinite(result.mesh.vertices).all()


def test_isolated_samples_are_refused_or_closed():
    depth = np.full((20, 20), np.nan)
    depth[7, 7] = 1.0
    with pytest.raises(InputError) as caught:
        relief(scene_view(depth, focal_px=25.0))
    assert caught.value.code == "nothing-in-picture"


def test_a_mask_of_one_pixel_is_refused_or_closed():
    alpha = np.zeros((20, 20), np.float32)
    alpha[5, 5] = 1
    view = replace(scene_view(np.ones((20, 20)), focal_px=25.0), mask=Mask(alpha))
    with pytest.raises(InputError) as caught:
        relief(view)
    assert caught.value.code == "nothing-in-picture"
    alpha[5:7, 5:7] = 1
    assert is_closed(relief(replace(view, mask=Mask(alpha)))[0].mesh.faces)


def test_depth_that_is_unknown_all_over_the_mask_is_refused_with_advice():
    alpha = np.zeros((20, 20), np.float32)
    alpha[:8, :8] = 1
    depth = np.full((20, 20), 1.0)
    depth[:10, :10] = np.nan
    with pytest.raises(InputError) as caught:
        relief(replace(scene_view(depth), mask=Mask(alpha)))
    assert caught.value.code == "depth-outside-object"


def test_a_photo_without_depth_is_refused_with_advice():
    with pytest.raises(InputError) as caught:
        relief(View(Photo(np.zeros((4, 4, 3), np.uint8))))
    assert caught.value.code == "no-depth"
    assert "--depth" in caught.value.hint
    assert "unflat[depth]" in caught.value.hint


def test_a_depth_network_that_cannot_be_had_is_refused_with_advice():
    with pytest.raises(SetupError) as caught:
        relief(View(Photo(np.zeros((4, 4, 3), np.uint8))), model="no/folder/here")
    assert caught.value.code in ("missing-extra", "missing-weights")


def test_two_views_and_drawings_are_refused():
    view = scene_view(np.ones((4, 4)))
    drawing = Drawing(view.photo, Mask(np.ones((4, 4), np.float32)))
    for source in (Views((view, view)), drawing):
        with pytest.raises(InputError) as caught:
            Relief()(source, Context())
        assert caught.value.code == "one-view-needed"


@pytest.mark.parametrize(
    "options",
    [
        {"grid_px": 2},
        {"thickness": 0.0},
        {"cut": 0.0},
        {"fill": 1.5},
        {"denoise": -1.0},
        {"simplify": -0.1},
        {"far_over_near": 0.5},
        {"field_of_view_deg": 0.0},
    ],
)
def test_bad_options_are_refused(options):
    with pytest.raises(RecipeError) as caught:
        Relief(**options)
    assert caught.value.code == "bad-option"
    assert next(iter(options)) in str(caught.value)


def test_the_grid_option_bounds_the_mesh():
    solid, eye = SOLIDS["ball"]
    view = seen(solid, camera_at(eye))
    coarse, fine = (
        len(relief(view, grid_px=samples, back="mirror", simplify=0.0)[0].mesh.faces) for samples in (40, 80)
    )
    assert 3.2 < fine / coarse < 4.8


def test_flat_parts_lose_triangles_and_nothing_moves():
    solid, eye = SOLIDS["tilted box"]
    view = seen(solid, camera_at(eye))
    full, thin = (relief(view, simplify=share)[0].mesh for share in (0.0, 0.1))
    assert len(thin.faces) < 0.3 * len(full.faces)
    assert is_closed(thin.faces)
    distance = surface_distance(full.vertices, thin) / (3 / 280)  # in samples
    assert distance.mean() < 0.05
    assert np.quantile(distance, 0.999) < 0.5
    assert set(np.unique(thin.confidence)) == {0.0, 1.0}


def test_progress_is_told_and_may_cancel():
    told = []
    Relief()(Views((scene_view(np.ones((8, 8))),)), Context(progress=told.append))
    assert told == sorted(told)
    assert 0 <= min(told) <= max(told) <= 1


def test_the_motorcycle_keeps_its_true_distances():
    folder = Path(skimage.__file__).parent / "data"
    if not (folder / "motorcycle_disp.npz").exists():
        pytest.skip("this scikit-image brings no motorcycle")
    disparity = np.load(folder / "motorcycle_disp.npz")["arr_0"][::2, ::2]
    focal, baseline, offset = 994.978 / 2, 0.193001, 31.086
    depth = 994.978 * baseline / (disparity + offset)
    depth[~np.isfinite(disparity)] = np.nan
    view = scene_view(depth, focal_px=focal)
    view = replace(view, depth=DepthMap(view.depth.depth, Scale.METRIC))
    result, _ = relief(view)
    mesh = result.mesh
    assert result.scale is Scale.METRIC
    assert is_closed(mesh.faces)
    assert is_manifold(mesh.faces)
    drawn = depth_of(mesh, result.views.items[0].camera)
    error = (np.abs(drawn - depth) / depth)[np.isfinite(drawn) & np.isfinite(depth)]
    assert np.median(error) < 0.002
    assert np.mean(error < 0.01) > 0.94
    assert np.isclose(transform_camera(result.views.items[0].camera, np.eye(4)).fx, focal)
