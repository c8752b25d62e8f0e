"""Stereo where masks say what the object is: nothing beside it becomes points, and no ground is looked for."""

from dataclasses import replace

import numpy as np
import pytest

from unflat.core import Context, Mask, Photo, Tracks, View, Views
from unflat.geometry.cameras import project
from unflat.geometry.undistortion import undistorted
from unflat.io.mapped import mapped_file
from unflat.stages.reconstruct.multi_view_stereo import MultiViewStereo
from unflat.synth.capture import orbit_views, patterned_part
from unflat.synth.solids import sphere

COUNT = 5


@pytest.fixture(scope="module")
def ball():
    """A few neighbouring photos of a patterned ball with its masks, and points of it that they share."""
    views = orbit_views(patterned_part(sphere(), waves=6), 24, 15.0, size_px=160).items[:COUNT]
    points = np.random.default_rng(0).normal(size=(600, 3))
    points *= 0.5 / np.linalg.norm(points, axis=1, keepdims=True)
    seen = [(p, v) for v, view in enumerate(views) for p in range(len(points))
            if (view.camera.center - points[p]) @ points[p] > 0.1]  # fmt: skip
    point_idx, view_idx = (np.ascontiguousarray(column) for column in np.array(seen, np.int32).T)
    nothing = np.zeros(len(points), np.float32)
    tracks = Tracks(points.astype(np.float32), np.zeros((len(points), 3), np.uint8), nothing, point_idx, view_idx)
    return Views(tuple(replace(view, depth=None, normals=None) for view in views), tracks)


def test_the_cloud_lies_on_the_masks_and_nothing_is_cut_from_it(ball, tmp_path):
    said = []
    made = MultiViewStereo(side_px=160, passes=0)(ball, Context(warn=said.append, workspace=lambda: tmp_path))
    assert len(made.shape.points) > 100
    assert made.ground is None and said == []
    for view in ball.items:
        pixels, _ = project(view.camera, made.shape.points.astype(np.float64))
        column, row = np.clip(pixels.astype(int), 0, 159).T
        assert (view.mask.alpha[row, column] > 0).mean() > 0.97
    assert all(mapped_file(view.mask.alpha) is not None for view in made.dense.items), "hundreds do not fit in memory"


@pytest.mark.parametrize(
    ("without", "agree", "decide"), [(0, 2, True), (2, 2, True), (3, 2, False), (5, 2, False), (5, 8, False)]
)
def test_masks_decide_unless_photos_without_one_are_enough_to_agree_on_the_room(ball, without, agree, decide):
    items = tuple(replace(view, mask=None) if n < without else view for n, view in enumerate(ball.items))
    assert MultiViewStereo(agree=agree)._masks_decide(Views(items, ball.tracks)) == decide


def test_two_photos_without_masks_are_not_taken_for_masked_ones(ball):
    items = tuple(replace(view, mask=None) for view in ball.items[:2])
    assert not MultiViewStereo(agree=2)._masks_decide(Views(items, ball.tracks))


def test_a_mask_that_vanishes_in_a_smaller_picture_costs_nothing(ball):
    alpha = np.zeros((160, 160), np.float32)
    alpha[80, 80] = 0.6
    dot = View(Photo(ball.items[0].photo.pixels), Mask(alpha), ball.items[0].camera)
    assert undistorted(dot, 31).mask is None
