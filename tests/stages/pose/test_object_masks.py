"""Where photos have masks, only the object tells where they were taken: it may turn before a room that stands still."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from unflat.core import Context, InputError, Mask, Photo, View, Views
from unflat.geometry.registration import fitted_similarity
from unflat.stages.pose.colmap_job import MASKS
from unflat.stages.pose.structure_from_motion import StructureFromMotion, _write_masks
from unflat.synth.patterns import leaves
from unflat.synth.photo_sets import PhotoSetStyle, photo_set
from unflat.synth.procedural import procedural_object

COUNT, SIZE = 12, (640, 480)


def view(alpha):
    pixels = np.zeros((*alpha.shape, 3), np.uint8)
    return View(Photo(pixels, name="a.jpg"), Mask(alpha))


def test_a_mask_is_written_for_colmap_at_the_size_of_its_picture(tmp_path):
    alpha = np.zeros((60, 80), np.float32)
    alpha[20:40, 30:50] = 1
    whole = replace(view(alpha), mask=None)
    _write_masks(Views((view(alpha), whole)), ("00000.jpg", "00001.jpg"), tmp_path / MASKS, 40)
    written = cv2.imread(str(tmp_path / MASKS / "00000.jpg.png"), cv2.IMREAD_UNCHANGED)
    assert written.shape == (30, 40)
    assert (written[10:20, 15:25] == 255).all()
    assert (written > 0).sum() == 100
    without = cv2.imread(str(tmp_path / MASKS / "00001.jpg.png"), cv2.IMREAD_UNCHANGED)
    assert without.shape == (30, 40) and (without == 255).all(), "a photo without a mask counts whole"


def test_nothing_is_written_where_no_photo_has_a_mask(tmp_path):
    whole = replace(view(np.ones((60, 80), np.float32)), mask=None)
    _write_masks(Views((whole,)), ("00000.jpg",), tmp_path / MASKS, 40)
    assert not (tmp_path / MASKS).exists()


@pytest.fixture(scope="module")
def turntable():
    """A stone that turns before a wall with a pattern and grain, which both stand still; and the true cameras."""
    style = PhotoSetStyle(
        views=COUNT, left_out=0, size_px=SIZE, ground=False, distorted=False, faulty=False, grain=0.15
    )
    taken = photo_set(procedural_object(12), 0, style)
    wall = cv2.resize(leaves(np.random.default_rng(1), 512), SIZE).astype(np.float32)
    wall = np.clip(wall + np.random.default_rng(2).normal(0, 25, wall.shape), 0, 255)
    views = []
    for index in range(COUNT):
        photo = taken.photo(index)
        share = photo.alpha[..., None]
        pixels = np.uint8(np.rint(photo.pixels * share + wall * (1 - share)))
        views.append(View(Photo(pixels, name=f"IMG_{index}.jpg"), Mask(photo.alpha)))
    return Views(tuple(views)), taken.cameras


@pytest.mark.slow
def test_a_thing_that_turns_before_a_wall_is_placed_by_its_masks(turntable):
    views, cameras = turntable
    placed = StructureFromMotion(side_px=640)(views, Context())
    assert len(placed.items) >= COUNT - 1
    found = np.array([view.camera.center for view in placed.items])
    true = np.array([cameras[views.names.index(name)].center for name in placed.names])
    fit = fitted_similarity(found, true, np.ones(len(found)))
    away = np.linalg.norm(found @ fit[:3, :3].T + fit[:3, 3] - true, axis=1)
    assert np.median(away) < 0.02 * np.linalg.norm(true - true.mean(axis=0), axis=1).mean()


@pytest.mark.slow
def test_without_masks_the_wall_wins_and_the_advice_is_to_use_them(turntable):
    views, _ = turntable
    whole = Views(tuple(replace(item, mask=None) for item in views.items))
    with pytest.raises(InputError) as error:
        StructureFromMotion(side_px=640)(whole, Context())
    assert error.value.code == "no-parallax"
    assert "--object" in error.value.hint
