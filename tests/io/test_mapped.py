"""Arrays in files: mapped as a whole, and never mistaken for a part of one."""

from dataclasses import replace

import numpy as np
import pytest

from unflat.core import Photo, View, Views
from unflat.io.mapped import let_go, mapped, mapped_file, open_mapped
from unflat.pipeline.folder import RunFolder
from unflat.pipeline.store import Unreadable, decode, encode


@pytest.fixture
def pixels():
    return np.random.default_rng(0).integers(0, 255, (40, 60, 3), np.uint8)


def test_a_mapped_array_is_the_array_and_can_not_be_written(tmp_path, pixels):
    array = mapped(tmp_path / "photo.npy", pixels)
    assert np.array_equal(array, pixels)
    with pytest.raises(ValueError, match="read-only"):
        array[0, 0] = 0


def test_what_was_let_go_comes_again_from_the_file(tmp_path, pixels):
    array = mapped(tmp_path / "photo.npy", pixels)
    before = array.sum()
    let_go(array, pixels)
    assert array.sum() == before and np.array_equal(array, pixels)


def test_the_file_of_the_whole_array_is_known(tmp_path, pixels):
    array = mapped(tmp_path / "photo.npy", pixels)
    assert mapped_file(array) == tmp_path / "photo.npy"
    assert mapped_file(array.view()) == tmp_path / "photo.npy"


@pytest.mark.parametrize(
    "part",
    [
        lambda a: a[1:],
        lambda a: a[:, ::-1],
        lambda a: a[::2],
        lambda a: a + 1,
        lambda a: a.transpose(1, 0, 2),
        lambda a: a[..., ::-1],
    ],
)
def test_parts_and_results_have_no_file(tmp_path, pixels, part):
    assert mapped_file(part(mapped(tmp_path / "photo.npy", pixels))) is None


def test_an_array_whose_file_was_replaced_by_another_shape_has_no_file(tmp_path, pixels):
    array = mapped(tmp_path / "photo.npy", pixels)
    mapped(tmp_path / "photo.npy", pixels[:10])
    assert mapped_file(array) is None


def test_stored_views_name_the_file_and_do_not_copy_it(tmp_path, pixels):
    photo = Photo(mapped(tmp_path / "photo.npy", pixels), name="a.jpg")
    stored = encode(Views((View(photo),)))
    assert len(stored) < 3000
    again = decode(stored)
    assert isinstance(again.items[0].photo.pixels, np.memmap)
    assert np.array_equal(again.items[0].photo.pixels, pixels)


def test_a_photo_cut_from_a_mapped_one_is_stored_with_its_own_pixels(tmp_path, pixels):
    photo = Photo(mapped(tmp_path / "photo.npy", pixels), name="a.jpg")
    half = decode(encode(replace(photo, pixels=photo.pixels[:20])))
    assert np.array_equal(half.pixels, pixels[:20])


def test_a_result_whose_mapped_file_is_gone_counts_as_missing(tmp_path, pixels):
    folder = RunFolder(tmp_path / "run")
    folder.save("pose", "key", Photo(mapped(tmp_path / "photo.npy", pixels), name="a.jpg"))
    assert folder.load("pose", "key") is not None
    (tmp_path / "photo.npy").unlink()
    assert folder.load("pose", "key") is None
    (tmp_path / "photo.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises((ValueError, EOFError, OSError)):
        open_mapped(tmp_path / "photo.npy")
    assert folder.load("pose", "key") is None
    assert issubclass(Unreadable, ValueError)
