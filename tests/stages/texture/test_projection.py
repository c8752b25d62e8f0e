"""Colours from photos: exact where seen, none where not, none of the background."""

from types import SimpleNamespace

import numpy as np
import pytest
import trimesh

from unflat.core import Context, Mask, Mesh, Photo, View
from unflat.core.color import linear_from_srgb, srgb_from_linear
from unflat.geometry.cameras import directions_to_camera
from unflat.geometry.image_sampling import bilinear
from unflat.stages.texture.atlas import atlas_of
from unflat.stages.texture.pictures import picture_of
from unflat.stages.texture.projection import observed
from unflat.stages.texture.unwrap import unwrapped

SIZE = 512
AROUND = ((0, 0.3, 1), (1, 0.3, 0), (0, 0.3, -1), (-1, 0.3, 0), (0.2, 1, 0), (0, -1, 0.2))


def observe(mesh, views, edge_px=2):
    mesh = unwrapped(mesh, np.eye(3), 4 / SIZE)
    atlas = atlas_of(mesh, SIZE)
    seen = observed(atlas, mesh, tuple(views), edge_px, Context())
    return SimpleNamespace(
        atlas=atlas, share=seen.share, seen=seen.seen, color=srgb_from_linear(np.nan_to_num(seen.color))
    )


@pytest.fixture(scope="module")
def front_ball(studio):
    return observe(studio.ball(), [studio.photograph(studio.ball(), studio.front(), studio.patchwork)])


def test_a_texel_seen_by_one_camera_has_the_colour_that_was_painted_there(studio, front_ball):
    well = front_ball.seen == 1
    assert well.mean() > 0.25
    assert studio.psnr(front_ball.color[well], studio.patchwork(front_ball.atlas.position[well])) > 38


def test_what_faces_away_is_unseen_and_has_no_colour(front_ball):
    away = front_ball.atlas.normal[:, 2] < 0
    assert (front_ball.share[away] == 0).all()
    assert (front_ball.seen[away] == 0).all()


def test_confidence_falls_with_the_angle(front_ball):
    angle = np.rad2deg(np.arccos(np.clip(front_ball.atlas.normal[:, 2], -1, 1)))
    assert (front_ball.seen[angle < 65] == 1).all()
    assert (front_ball.seen[angle > 85] == 0).all()
    assert 0.2 < front_ball.seen[(angle > 75) & (angle < 79)].mean() < 0.8


def test_six_cameras_see_a_box_all_over_and_agree_with_its_paint(studio):
    box = studio.box((1, 0.8, 0.6))
    views = [studio.photograph(box, studio.camera_at(at, field=0.8), studio.patchwork) for at in AROUND]
    result = observe(box, views)
    assert (result.share > 0).mean() > 0.99
    known = result.share > 0
    assert studio.psnr(result.color[known], studio.patchwork(result.atlas.position[known])) > 32


def test_two_views_blend_without_a_seam(studio):
    ball = studio.ball()
    cameras = [studio.camera_at((-0.5, 0, 1)), studio.camera_at((0.5, 0, 1))]
    shades = [studio.plain((shade,) * 3) for shade in (100, 120)]
    views = [studio.photograph(ball, *taken) for taken in zip(cameras, shades, strict=True)]
    result = observe(ball, views)
    assert set(np.unique(result.color[result.share > 0.99])) <= set(range(99, 122))
    belt = (result.share > 0.99) & (np.abs(result.atlas.position[:, 1]) < 0.4)
    picture = result.atlas.image(np.where(belt, result.color[:, 0], 0).astype(np.int32), 0)
    both = (picture[:, 1:] > 0) & (picture[:, :-1] > 0)
    assert np.abs(np.diff(picture, axis=1))[both].max() <= 2


def test_detail_comes_from_the_view_that_sees_it_best(studio):
    ball = studio.ball()
    square = studio.photograph(ball, studio.camera_at((0, 0, 1)), studio.patchwork)
    slanted = studio.photograph(ball, studio.camera_at((1, 0, 0.3)), studio.patchwork, samples=1)
    blurred = View(Photo(np.roll(slanted.photo.pixels, 4, axis=1)), slanted.mask, slanted.camera)
    result = observe(ball, [square, blurred])
    facing = result.atlas.normal[:, 2] > 0.9
    assert studio.psnr(result.color[facing], studio.patchwork(result.atlas.position[facing])) > 28


def test_the_colour_of_an_occluder_is_not_painted_through(studio):
    screen = trimesh.creation.box((0.4, 0.4, 0.05), trimesh.transformations.translation_matrix([0, 0, 0.6]))
    wall = trimesh.creation.box((1, 1, 0.1))
    both = studio.mesh_of(trimesh.util.concatenate([wall, screen]))

    def paint(points):
        return np.where((points[:, 2] > 0.3)[:, None], np.uint8([255, 0, 0]), np.uint8([0, 0, 255]))

    result = observe(both, [studio.photograph(both, studio.front(), paint)])
    on_wall = (result.atlas.position[:, 2] < 0.3) & (result.share > 0)
    assert on_wall.sum() > 1000
    assert (result.color[on_wall, 0] == 0).all()
    behind = (np.abs(result.atlas.position[:, :2]) < 0.19).all(axis=1) & (result.atlas.position[:, 2] < 0.3)
    assert (result.share[behind] == 0).all()


def test_a_thing_before_the_camera_but_behind_it_does_not_occlude(studio):
    ball = trimesh.creation.icosphere(3, 0.3)
    behind = trimesh.creation.icosphere(2, 0.2)
    behind.apply_translation([0, 0, 5])
    both = studio.mesh_of(trimesh.util.concatenate([ball, behind]))
    camera = studio.camera_at((0, 0, 1))
    result = observe(both, [studio.photograph(both, camera, studio.plain((200, 40, 40)))])
    facing = (result.atlas.normal[:, 2] > 0.9) & (result.atlas.position[:, 2] < 1)
    assert (result.share[facing] > 0.99).all()


@pytest.mark.parametrize("camera", ["orthographic", "perspective"])
def test_a_red_thing_on_green_gets_no_green_texel(studio, camera):
    body = studio.mesh_of(trimesh.creation.torus(0.35, 0.12))
    taken_by = studio.front() if camera == "orthographic" else studio.camera_at((0, 0.4, 1))
    result = observe(body, [studio.photograph(body, taken_by, studio.plain((200, 30, 30)))])
    known = result.share > 0
    assert known.mean() > 0.2
    assert result.color[known, 1].max() <= 31
    assert result.color[known, 0].min() >= 198


def test_a_wire_thinner_than_the_edge_keeps_its_own_colour(studio):
    wire = studio.mesh_of(trimesh.creation.cylinder(0.012, 1.0).subdivide())
    view = studio.photograph(wire, studio.front(128), studio.plain((200, 30, 30)))
    picture = picture_of(view, edge_px=2)
    assert np.isfinite(picture.levels[0]).all()
    inside = picture.inside > 0
    assert srgb_from_linear(picture.levels[0])[inside][:, 0].mean() > 100


def test_a_photo_finer_than_the_texture_is_averaged_not_sampled(studio):
    plate = studio.box((1, 1, 0.1))
    checker = np.indices((2048, 2048)).sum(axis=0) % 2 * np.uint8(255)
    photo = Photo(np.repeat(checker.astype(np.uint8)[:, :, None], 3, axis=2))
    view = View(photo, None, studio.front(2048))
    result = observe(plate, [view])
    level = result.color[(result.seen == 1) & (result.atlas.normal[:, 2] > 0.99)]
    assert len(level) > 1000
    expected = srgb_from_linear(np.float32([0.5]))[0]
    assert np.abs(level.astype(int) - expected).max() <= 3


def test_without_a_mask_everything_in_the_photo_counts_and_nothing_outside(studio):
    plate = studio.box((2, 2, 0.1))
    camera = studio.front(128)
    result = observe(plate, [View(Photo(np.full((128, 128, 3), 90, np.uint8)), None, camera)])
    front = result.atlas.normal[:, 2] > 0.99
    inside = (np.abs(result.atlas.position[:, :2]) < 64 / camera.fx - 0.01).all(axis=1)
    outside = (np.abs(result.atlas.position[:, :2]) > 64 / camera.fx + 0.01).any(axis=1)
    assert (result.share[front & inside] == 1).all()
    assert (result.share[outside] == 0).all()


def test_a_camera_that_looks_elsewhere_sees_nothing(studio):
    view = studio.photograph(studio.ball(), studio.camera_at((0, 0, 1)), studio.plain((9, 9, 9)))
    away = Mesh(studio.ball().vertices + np.float32([0, 0, 50]), studio.ball().faces)
    assert (observe(away, [view]).share == 0).all()


def test_a_mesh_that_reaches_a_little_over_the_mask_still_gets_inner_colours(studio):
    ball = studio.ball()
    view = studio.photograph(ball, studio.front(), studio.plain((200, 30, 30)))
    larger = Mesh(ball.vertices * np.float32(1.005), ball.faces)
    result = observe(larger, [view])
    assert (result.share[result.atlas.normal[:, 2] > 0.3] > 0.5).all()
    assert result.color[result.share > 0][:, 1].max() <= 31


def test_a_soft_mask_that_is_nowhere_opaque_is_used_all_the_same(studio):
    ball = studio.ball()
    view = studio.photograph(ball, studio.front(), studio.plain((200, 30, 30)))
    faint = View(view.photo, Mask(view.mask.alpha * np.float32(0.8)), view.camera)
    result = observe(ball, [faint])
    assert (result.color[result.seen == 1] == [200, 30, 30]).all()


def test_the_picture_is_cropped_to_the_object_and_pixels_keep_their_places(studio):
    view = studio.photograph(studio.ball(), studio.front(256), studio.patchwork)
    picture = picture_of(view, edge_px=2)
    left, top = picture.corner
    assert picture.inside.shape[0] < 256
    place = np.array([[130.5, 120.5]])
    assert np.allclose(picture.colors(place, np.zeros(1, np.float32)), linear_from_srgb(view.photo.pixels[120, 130]))
    assert picture.depth_inside(place)[0] == pytest.approx(float(picture.inside[120 - top, 130 - left]), abs=1e-4)


def test_bilinear_sampling_is_exact_on_a_ramp_and_goes_on_outside():
    ramp = np.arange(10, dtype=np.float32)[None].repeat(3, axis=0)
    places = np.array([[0.5, 0.5], [3.75, 1.5], [9.5, 2.5], [50, 50]], np.float32)
    assert np.allclose(bilinear(ramp, places), [0, 3.25, 9, 9], atol=0.02)
    assert bilinear(ramp, np.zeros((0, 2), np.float32)).shape == (0,)


def test_directions_of_this_test_point_at_the_camera(studio):
    camera = studio.camera_at((0, 0, 1))
    assert directions_to_camera(camera, np.zeros((1, 3)))[0] @ [0, 0, 1] == pytest.approx(1)
