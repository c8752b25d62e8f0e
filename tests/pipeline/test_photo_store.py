"""Photos in files: read once, and written again where the file is damaged or gone."""

import os

import numpy as np
import pytest
from PIL import Image

from unflat.io.mapped import mapped_file, open_mapped
from unflat.pipeline import photo_store
from unflat.pipeline.photo_store import SetReading, read_photo_set


@pytest.fixture
def picture(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    return tmp_path / "photo.png"


def test_a_photo_that_is_mapped_already_is_touched_and_not_written_again(picture, tmp_path, monkeypatch):
    how = SetReading(folder=tmp_path / "photos")
    file = mapped_file(read_photo_set([picture], how).photos[0].pixels)
    os.utime(file, (1, 1))
    monkeypatch.setattr(photo_store, "mapped", lambda *_: pytest.fail("it is there"))
    read_photo_set([picture], how)
    assert file.stat().st_mtime > 1


def test_a_photo_that_is_pruned_just_when_it_is_found_is_written_again(picture, tmp_path, monkeypatch):
    how = SetReading(folder=tmp_path / "photos")
    before = np.array(read_photo_set([picture], how).photos[0].pixels)

    def opened_and_pruned(path):
        known = open_mapped(path)
        path.unlink()
        return known

    monkeypatch.setattr(photo_store, "open_mapped", opened_and_pruned)
    again = read_photo_set([picture], how).photos[0].pixels
    assert np.array_equal(again, before)
    assert mapped_file(again) is not None, "what is stored names the file"


def test_an_empty_file_where_a_photo_should_be_is_written_again(picture, tmp_path):
    how = SetReading(folder=tmp_path / "photos")
    before = np.array(read_photo_set([picture], how).photos[0].pixels)
    file = next((tmp_path / "photos").glob("*.npy"))
    file.write_bytes(b"")
    assert np.array_equal(read_photo_set([picture], how).photos[0].pixels, before)
    assert file.stat().st_size > 0
