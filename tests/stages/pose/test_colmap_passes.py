"""Which of the passes over matches and models is believed, what a killed run leaves, and how far the passes are."""

import os
import signal
import subprocess
import sys
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("pycolmap", reason="pycolmap, which finds cameras, is not installed")

import pycolmap

from unflat.stages.pose import colmap_worker
from unflat.stages.pose.colmap_job import ColmapJob, Lens
from unflat.stages.pose.colmap_verifying import fresh_copy

JOB = ColmapJob((Lens(64, 48, None, ("a", "b")),), "exhaustive", ("a", "b", "c"), 256, 0, 0)
BEFORE = Path("database.db")


def model(placed, points, agreeing=1000):
    """A model of so many pictures and points, that so many matches agree with."""
    return SimpleNamespace(num_reg_images=lambda: placed, num_points3D=lambda: points, agreeing=agreeing)


@pytest.fixture
def tied(monkeypatch):
    """Runs the tracking rounds on what each round would find."""

    def run(first, *rounds, loose=True):
        found, asked = iter(rounds), count(1)
        monkeypatch.setattr(colmap_worker, "loosely_tied", lambda *_: loose)
        monkeypatch.setattr(colmap_worker, "with_tracked_matches", lambda *_: Path(f"tracked-{next(asked)}"))
        monkeypatch.setattr(colmap_worker, "retied", lambda *_: next(found))
        monkeypatch.setattr(colmap_worker, "settled", lambda model, *_: model)
        monkeypatch.setattr(colmap_worker, "agreement", lambda model, _: model.agreeing)
        return colmap_worker._tied(BEFORE, ("global", first), JOB, 1, colmap_worker._passes())

    return run


def test_tracking_goes_on_as_long_as_it_places_photos(tied):
    first, better, best = model(3, 10), model(4, 20), model(5, 30)
    assert tied(first, better, best) == (Path("tracked-2"), ("global", best))


def test_tracking_ends_where_no_photo_is_won(tied):
    first, better = model(3, 10), model(3, 20)
    assert tied(first, better) == (Path("tracked-1"), ("global", better))


@pytest.mark.parametrize("second", [model(2, 90), model(3, 10), model(3, 0), model(4, 90, agreeing=900)])
def test_a_model_that_is_poorer_or_that_fewer_matches_agree_with_is_not_believed(tied, second):
    first = model(3, 10)
    assert tied(first, second) == (BEFORE, ("global", first))


def test_a_set_that_hangs_together_is_left_alone(tied):
    first = model(3, 10)
    assert tied(first, loose=False) == (BEFORE, ("global", first))


def test_nothing_to_track_changes_nothing(tied, monkeypatch):
    first = model(3, 10)
    tied(first, loose=False)
    monkeypatch.setattr(colmap_worker, "loosely_tied", lambda *_: True)
    monkeypatch.setattr(colmap_worker, "with_tracked_matches", lambda *_: None)
    assert colmap_worker._tied(BEFORE, ("global", first), JOB, 1, colmap_worker._passes()) == (
        BEFORE,
        ("global", first),
    )


def test_passes_never_go_back(capsys):
    passes = colmap_worker._passes()
    for _ in range(5):
        tell = next(passes)
        tell(0.0)
        tell(1.0)
    told = [float(line) for line in capsys.readouterr().out.split()]
    assert told == sorted(told)
    assert told[-1] < 1


KILLED = """
import os, signal, sys, numpy as np, pycolmap
with pycolmap.Database.open(sys.argv[1]) as known:
    known.update_keypoints(1, np.ones((50, 2), np.float32))
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 here")
def test_a_copy_knows_nothing_of_a_run_that_was_killed_while_writing(tmp_path):
    database, begun = tmp_path / "database.db", tmp_path / "tracked.begun"
    options = pycolmap.SyntheticDatasetOptions()
    options.num_rigs, options.num_cameras_per_rig, options.num_frames_per_rig, options.num_points3D = 1, 1, 3, 20
    with pycolmap.Database.open(database) as known:
        pycolmap.synthesize_dataset(options, known)
        before = known.num_keypoints_for_image(1)
    fresh_copy(database, begun)
    subprocess.run([sys.executable, "-c", KILLED, str(begun)], env=dict(os.environ), check=False)
    with pycolmap.Database.open(fresh_copy(database, begun)) as known:
        assert known.num_keypoints_for_image(1) == before != 50
