"""Which of COLMAP's models is believed, and which pictures are looked at once more."""

from types import SimpleNamespace

import pytest

pytest.importorskip("pycolmap", reason="pycolmap, which finds cameras, is not installed")

from unflat.stages.pose.colmap_job import ColmapJob
from unflat.stages.pose.colmap_mapping import settle, support, weak_pictures


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


def test_many_pictures_that_hang_by_a_thread_are_worth_less_than_fewer_that_are_held():
    assert support(Model(a=500, b=400, c=300)) > support(Model(a=12, b=9, c=14, d=3, e=1))
    assert support(Model(a=500, b=400, c=30)) == support(Model(a=30, b=30, c=30)) == 3
    assert support(None) == 0


def test_pictures_without_a_place_or_with_few_points_are_weak():
    job = ColmapJob((), "exhaustive", ("a", "b", "c"), 8192, 0, 0)
    assert weak_pictures(Model(a=500, b=25, c=None), job) == ["b", "c"]
    assert weak_pictures(None, job) == ["a", "b", "c"]


def test_a_picture_held_by_three_points_is_let_go():
    model = Model(a=500, b=40, c=3)
    settle(model)
    assert model.let_go == ["c"]


def test_two_pictures_with_few_points_both_stay():
    model = Model(a=9, b=9)
    settle(model)
    assert model.let_go == []
