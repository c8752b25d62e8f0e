"""Stereo where masks say what the object is: nothing beside it becomes points, and no ground is looked for."""

from dataclasses import replace

import numpy as np
import pytest

from unflat.core import Context, Mask, Photo, Tracks, View, Views
from unflat.core.context import SCRATCH
from unflat.geometry.cameras import project
from unflat.geometry.undistortion import undistorted
from unflat.io.mapped import mapped, mapped_file
from unflat.stages.reconstruct import multi_view_stereo
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


def test_nothing_of_the_photos_and_their_depth_stays_in_memory(ball, tmp_path, resident_bytes):
    photos = tuple(
        replace(view, photo=replace(view.photo, pixels=mapped(tmp_path / f"{n}.npy", view.photo.pixels)))
        for n, view in enumerate(ball.items)
    )
    made = MultiViewStereo(side_px=160)(Views(photos, ball.tracks), Context(workspace=lambda: tmp_path))
    assert all(mapped_file(view.depth.depth) is not None for view in made.dense.items)
    assert resident_bytes(tmp_path) == 0


def test_a_run_that_was_stopped_goes_on_from_its_last_whole_round_alone(ball, tmp_path, monkeypatch):
    once = MultiViewStereo(side_px=160)(ball, Context(workspace=lambda: tmp_path))
    rounds = {path.name.split("-")[0] for path in (tmp_path / SCRATCH).iterdir()}
    assert rounds == {"agreed0"}, "of hundreds of photos an earlier round takes gigabytes of the disk"
    for search in ("photometric_planes", "agreeing_planes"):
        monkeypatch.setattr(multi_view_stereo, search, lambda *_: pytest.fail("this was found before"))
    again = MultiViewStereo(side_px=160)(ball, Context(workspace=lambda: tmp_path))
    assert np.array_equal(once.shape.points, again.shape.points)


def test_a_run_that_was_stopped_within_a_round_repeats_only_what_is_missing(ball, tmp_path, monkeypatch):
    search, searched = multi_view_stereo.agreeing_planes, []

    def stopped(*given):
        if len(searched) == 2:
            raise KeyboardInterrupt
        searched.append(given)
        return search(*given)

    whole = MultiViewStereo(side_px=160)(ball, Context(workspace=lambda: None))
    monkeypatch.setattr(multi_view_stereo, "agreeing_planes", stopped)
    with pytest.raises(KeyboardInterrupt):
        MultiViewStereo(side_px=160)(ball, Context(workspace=lambda: tmp_path))
    monkeypatch.setattr(multi_view_stereo, "photometric_planes", lambda *_: pytest.fail("this was found before"))
    monkeypatch.setattr(multi_view_stereo, "agreeing_planes", lambda *given: searched.append(given) or search(*given))
    resumed = MultiViewStereo(side_px=160)(ball, Context(workspace=lambda: tmp_path))
    assert len(searched) == COUNT
    assert np.array_equal(whole.shape.points, resumed.shape.points)


def test_values_that_are_made_when_they_are_asked_for_are_not_held():
    made = []
    squares = multi_view_stereo._MadeWhenAsked((2, 5), lambda number: made.append(number) or number**2)
    assert (list(squares), len(squares), 5 in squares, 3 in squares) == ([2, 5], 2, True, False)
    assert made == []
    assert (squares[5], squares[5]) == (25, 25)
    assert made == [5, 5]
    with pytest.raises(KeyError):
        squares[3]
