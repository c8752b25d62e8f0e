"""What is given decides how it is read."""

import subprocess
import sys

import cv2
import numpy as np
import pytest

from unflat.pipeline.intake import read_intake
from unflat.pipeline.photo_store import SetReading


@pytest.fixture
def film(tmp_path):
    """A camera that passes a wall of leaves."""
    wall = cv2.resize(np.random.default_rng(0).integers(0, 255, (30, 80, 3), np.uint8), (640, 240))
    writer = cv2.VideoWriter(str(tmp_path / "walk.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 24, (320, 240))
    for left in range(0, 320, 8):
        writer.write(np.ascontiguousarray(wall[:, left : left + 320]))
    writer.release()
    return tmp_path / "walk.mp4"


def test_a_film_alone_is_photos_of_one_thing(film, tmp_path):
    intake = read_intake([str(film)], reading=SetReading(frames=5, folder=tmp_path / "photos"))
    assert intake.kind == "photos"
    assert len(intake.photos) == 5
    assert intake.in_order


def test_a_damaged_film_is_refused_as_a_film_and_nothing_else_is_said(film):
    film.write_bytes(film.read_bytes()[:3000])
    done = subprocess.run([sys.executable, "-m", "unflat", film], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    first, second = done.stderr.splitlines()
    assert "[unreadable-video]" in first and second.startswith("  → ")
