"""Previews, turntables and sheets."""

from dataclasses import replace

import numpy as np
import pytest

from unflat.core import Asset, Photo, Scale
from unflat.render.layout import Tile, fit_square, lay_out
from unflat.render.pictures import contact_sheet, preview, sheet, turntable_frames
from unflat.render.scene import build_scene
from unflat.render.studio import backdrop, floor_shadow
from unflat.render.textures import build_texture
from unflat.stages.check.gate import checked
from unflat.synth.capture import plain_part
from unflat.synth.letter import letter_f
from unflat.synth.solids import box, mug, sphere


@pytest.fixture(scope="module")
def asset():
    part = plain_part(mug())
    confidence = (part.mesh.vertices[:, 2] > 0).astype(np.float32)
    return Asset((replace(part, mesh=replace(part.mesh, confidence=confidence)),), name="mug", scale=Scale.METRIC)


def test_a_preview_shows_the_object_in_the_middle_of_a_pale_room(asset):
    picture = preview(asset, 96)
    assert picture.shape == (96, 96, 3)
    assert picture[:6].min() > 200
    red, _, blue = picture[48, 48].astype(int)
    assert red > blue + 40


def test_the_floor_is_darkest_under_the_object():
    scene = build_scene((plain_part(box()),))
    darkness = floor_shadow(scene).darkness
    middle = len(darkness) // 2
    assert darkness[middle, middle] > 0.9
    assert darkness[0, 0] < 0.05
    assert darkness[middle].argmax() == pytest.approx(middle, abs=len(darkness) // 4)


def test_the_floor_is_not_seen_from_below(asset):
    from unflat.render.cameras import orbit_camera

    scene = build_scene(asset)
    camera = orbit_camera(scene.points, 0, -30, size_px=48)
    assert np.array_equal(backdrop(camera, floor_shadow(scene)), backdrop(camera))


def test_a_turntable_begins_at_the_front_and_goes_round():
    frames = list(turntable_frames(Asset((letter_f(),)), 4, 48))
    assert len(frames) == 4

    def majority(frame):
        colored = frame[np.ptp(frame.astype(int), axis=2) > 80]
        return tuple(np.median(colored, axis=0) > 110)

    assert majority(frames[0]) == (False, False, True)  # blue front
    assert majority(frames[2]) == (True, True, False)  # yellow back


@pytest.mark.parametrize("shape", [(40, 90), (90, 40), (64, 64), (1, 200)])
def test_a_sheet_takes_photos_of_any_shape(asset, shape):
    photo = Photo(np.full((*shape, 3), 90, np.uint8))
    picture = sheet(checked(asset), photo, 64)
    assert picture.shape[1] > 3 * 64
    assert picture.shape[0] > 2 * 64


def test_a_sheet_without_a_photo_shows_the_shape(asset):
    assert sheet(asset, None, 48).shape == sheet(asset, Photo(np.zeros((9, 9, 3), np.uint8)), 48).shape


def test_a_transparent_photo_lies_on_white(asset):
    photo = Photo(np.zeros((32, 32, 3), np.uint8), alpha=np.zeros((32, 32), np.uint8))
    picture = sheet(asset, photo, 64)
    head = picture.shape[0] - 2 * (picture.shape[0] // 2 - 20)
    assert (picture[head + 30, 20:50] == 255).all()


def test_a_picture_is_fitted_whole_into_a_square():
    wide = np.zeros((10, 40, 3), np.uint8)
    wide[:, :, 0] = 200
    square = fit_square(wide, 20)
    assert square.shape == (20, 20, 3)
    assert (square == (200, 0, 0)).all()


def test_contact_sheets_take_rows_of_different_length():
    tile = np.full((30, 20, 3), 120, np.uint8)
    picture = contact_sheet([[(tile, "one"), (tile, "two")], [(tile, "a very long caption that cannot fit")]], 40)
    assert picture.shape[1] == 2 * 40 + 3 * 2


def test_a_legend_is_drawn_in_its_colours():
    tile = Tile(np.full((64, 64, 3), 255, np.uint8), "x", (((0, 158, 115), "seen"),))
    picture = lay_out([[tile]], 96)
    assert (picture == (0, 158, 115)).all(axis=2).any()


def test_textures_repeat_and_their_levels_keep_the_mean():
    rng = np.random.default_rng(0)
    texture = build_texture(rng.random((128, 256, 3), np.float32))
    uv = rng.random((50, 2)).astype(np.float32)
    assert np.allclose(texture.sample(uv), texture.sample(uv + np.float32([2, -3])), atol=2e-2)
    means = [level.mean() for level in texture.levels]
    assert len(means) == 3
    assert np.allclose(means, means[0], atol=1e-3)
    coarse = texture.sample(uv, np.full(50, 1.0, np.float32))
    assert coarse.std() < texture.sample(uv).std() / 2


def test_pictures_of_flat_and_tiny_things_work():
    flat = box((1.0, 1e-6, 1.0))
    tiny = sphere(1e-4)
    for mesh in (flat, tiny):
        assert np.isfinite(preview(Asset((plain_part(mesh),)), 32)).all()
