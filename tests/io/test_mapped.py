"""Arrays in files: mapped as a whole, and never mistaken for a part of one."""

import errno
import sys
from dataclasses import replace

import numpy as np
import pytest

from unflat.core import DepthMap, Photo, View, Views
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
    with pytest.raises((ValueError, OSError)):
        open_mapped(tmp_path / "photo.npy")
    assert folder.load("pose", "key") is None
    assert issubclass(Unreadable, ValueError)


def test_more_files_may_be_mapped_than_the_system_allows_at_first(tmp_path):
    resource = pytest.importorskip("resource", reason="there is no limit of open files here")
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (160, most))
        held = [mapped(tmp_path / f"{number}.npy", np.full(9, number)) for number in range(400)]
        assert [int(array[0]) for array in held] == list(range(400))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, most))


@pytest.mark.parametrize("missing", [("fcntl", "resource"), ("fcntl",), ("resource",)])
def test_where_the_system_knows_no_limit_of_open_files_arrays_are_mapped_all_the_same(
    tmp_path, pixels, monkeypatch, missing
):
    for module in missing:
        monkeypatch.setitem(sys.modules, module, None)  # importing it fails, as on Windows
    assert np.array_equal(mapped(tmp_path / "photo.npy", pixels), pixels)


@pytest.mark.parametrize("why", [errno.EINVAL, errno.EMFILE])
def test_a_system_that_does_not_tell_how_many_files_are_open_is_no_reason_to_fail(tmp_path, pixels, monkeypatch, why):
    fcntl = pytest.importorskip("fcntl", reason="there is no limit of open files here")
    resource = pytest.importorskip("resource", reason="there is no limit of open files here")
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)

    def refuse(*_):
        raise OSError(why, "refused")

    monkeypatch.setattr(fcntl, "fcntl", refuse)
    asked = []
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: asked.append(wanted))
    assert np.array_equal(mapped(tmp_path / "photo.npy", pixels), pixels)
    assert bool(asked) == (why == errno.EMFILE and limits[0] != resource.RLIM_INFINITY), "none is free: ask for more"


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"not an array"])
def test_an_empty_or_damaged_file_is_a_value_error(tmp_path, content):
    (tmp_path / "photo.npy").write_bytes(content)
    with pytest.raises(ValueError):
        open_mapped(tmp_path / "photo.npy")


def test_a_stored_depth_map_comes_back_without_its_pages(tmp_path, resident_bytes):
    depth = mapped(tmp_path / "depth.npy", np.ones((600, 700), np.float32))
    again = decode(encode(DepthMap(depth)))
    let_go(depth)
    assert resident_bytes(tmp_path) < 100_000, "it looks at its depths when it is made, and hundreds are made at once"
    assert np.array_equal(again.depth, np.ones((600, 700)))
