"""Turntables and pictures as files."""

import cv2
import numpy as np
import pytest
from PIL import Image

from unflat.core import InputError, RecipeError, SetupError
from unflat.io.movie import write_png, write_turntable


def frames(count=6, side=33):
    for index in range(count):
        picture = np.full((side, side, 3), 30, np.uint8)
        picture[:, index * 4 : index * 4 + 6] = (220, 60, 20)
        yield picture


def test_a_png_comes_back_as_it_was(tmp_path):
    picture = np.random.default_rng(0).integers(0, 255, (13, 7, 3), dtype=np.uint8)
    path = write_png(picture, tmp_path / "ünïcode 画.png")
    assert np.array_equal(np.asarray(Image.open(path)), picture)


def test_a_webp_turns_for_ever_and_lasts_three_seconds(tmp_path):
    path = write_turntable(frames(), tmp_path / "turn.webp")
    with Image.open(path) as film:
        assert film.n_frames == 6
        assert film.info["loop"] == 0
        film.seek(2)
        film.load()
        assert film.info["duration"] == 500


def test_an_mp4_holds_every_frame_in_vp9(tmp_path):
    path = write_turntable(frames(), tmp_path / "turn.mp4")
    assert b"vp09" in path.read_bytes()
    film = cv2.VideoCapture(str(path))
    pictures = []
    while (read := film.read())[0]:
        pictures.append(read[1][:, :, ::-1])
    assert len(pictures) == 6
    assert pictures[0].shape == (32, 32, 3)
    assert pictures[0][16, 3, 0] > 150
    assert pictures[5][16, 23, 0] > 150


@pytest.mark.parametrize("name", ["turn.gif", "turn", "turn.avi"])
def test_another_ending_is_refused_with_those_that_work(tmp_path, name):
    with pytest.raises(RecipeError) as refused:
        write_turntable(frames(), tmp_path / name)
    assert refused.value.code == "unknown-format"
    assert "webp" in refused.value.hint


def test_a_film_of_nothing_is_refused(tmp_path):
    with pytest.raises(InputError):
        write_turntable([], tmp_path / "turn.webp")
    assert not (tmp_path / "turn.webp").exists()


def test_a_missing_codec_is_said_with_the_way_out(tmp_path, monkeypatch):
    monkeypatch.setattr("unflat.io.movie._CODEC", "zzzz")
    with pytest.raises(SetupError) as refused:
        write_turntable(frames(), tmp_path / "turn.mp4")
    assert refused.value.code == "no-video-codec"
    assert ".webp" in refused.value.hint
