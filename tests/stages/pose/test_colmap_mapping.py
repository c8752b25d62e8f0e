"""Which of COLMAP's models is believed, and which pictures are looked at once more."""

from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("pycolmap", reason="pycolmap, which finds cameras, is not installed")

import pycolmap

from unflat.stages.pose.colmap_job import ColmapJob
from unflat.stages.pose.colmap_mapping import agreement, let_go, weak_pictures
from unflat.stages.pose.colmap_pairs import two_view_geometries


class Model:
    """What mapping asks of a COLMAP model: pictures that see so many points, None where not placed."""

    def __init__(self, **points):
        self.images = {
            number: SimpleNamespace(name=name, num_points3D=count, has_pose=count is not None, frame_id=name)
            for number, (name, count) in enumerate(points.items())
        }
        self.let_go = []

    def deregister_frame(self, frame):
        self.let_go.append(frame)

    def num_reg_images(self):
        return len(self.images) - len(self.let_go)


@pytest.fixture
def synthetic(tmp_path):
    """Eight cameras around two hundred points, their matches in a database, and the true model."""
    database = tmp_path / "database.db"
    options = pycolmap.SyntheticDatasetOptions()
    options.num_rigs, options.num_cameras_per_rig, options.num_frames_per_rig, options.num_points3D = 1, 1, 8, 200
    pycolmap.set_random_seed(0)
    with pycolmap.Database.open(database) as known:
        model = pycolmap.synthesize_dataset(options, known)
    return database, model


def test_matches_agree_with_the_true_places_and_less_with_wrong_ones(synthetic):
    database, model = synthetic
    true = agreement(model, database)
    assert true > 0
    frame = next(iter(model.frames.values()))
    frame.rig_from_world = (
        pycolmap.Rigid3d(pycolmap.Rotation3d([0.0, 0.3, 0.0]), [0.4, 0.0, 0.0]) * frame.rig_from_world
    )
    assert agreement(model, database) < 0.9 * true


def test_a_picture_that_is_not_placed_agrees_with_nothing(synthetic):
    database, model = synthetic
    true = agreement(model, database)
    model.deregister_frame(next(iter(model.frames)))
    assert agreement(model, database) < true
    assert agreement(None, database) == 0


def test_pictures_without_a_place_or_with_few_points_are_weak():
    job = ColmapJob((), "exhaustive", ("a", "b", "c"), 8192, 0, 0)
    assert weak_pictures(Model(a=500, b=25, c=None), job) == ["b", "c"]
    assert weak_pictures(None, job) == ["a", "b", "c"]


def test_a_picture_held_by_three_points_is_let_go():
    model = Model(a=500, b=40, c=3)
    let_go(model)
    assert model.let_go == ["c"]


def test_two_pictures_with_few_points_both_stay():
    model = Model(a=9, b=9)
    let_go(model)
    assert model.let_go == []


def test_pairs_read_at_once_are_those_read_one_by_one(synthetic):
    with pycolmap.Database.open(synthetic[0]) as known:
        found = two_view_geometries(known)
        assert [pair[:2] for pair in found] == list(combinations(range(1, 9), 2))
        for one, other, geometry in found:
            alone = known.read_two_view_geometry(one, other)
            assert geometry.config == alone.config
            assert np.array_equal(geometry.inlier_matches, alone.inlier_matches)
