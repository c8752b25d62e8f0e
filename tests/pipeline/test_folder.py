"""The run folder: whole files, damaged ones made again, old runs pruned."""

import os
import shutil
import time

import numpy as np
import pytest

from unflat.core import Mesh, SetupError
from unflat.core.context import SCRATCH
from unflat.pipeline import folder as folder_module
from unflat.pipeline.folder import RunFolder, chain_key, default_folder, photo_cache

MESH = Mesh(np.eye(3, dtype=np.float32), np.array([[0, 1, 2]], np.int32))


def test_what_was_saved_is_found_under_its_key_only(tmp_path):
    folder = RunFolder(tmp_path / "run")
    folder.save("surface", "k1", MESH)
    assert folder.load("surface", "k1") is not None
    assert folder.load("surface", "k2") is None


def test_a_damaged_file_counts_as_missing(tmp_path):
    folder = RunFolder(tmp_path)
    folder.save("surface", "k1", MESH)
    file = next(tmp_path.glob("surface-*.npz"))
    file.write_bytes(file.read_bytes()[:100])
    assert folder.load("surface", "k1") is None


def test_keys_differ_when_anything_before_differs():
    assert chain_key("a", "b") != chain_key("a", "c") != chain_key("b", "c")


def test_a_run_folder_that_cannot_be_made_is_a_setup_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SetupError) as caught:
        RunFolder(tmp_path / "file" / "run")
    assert caught.value.code == "not-writable"


def test_the_cache_keeps_the_newest_runs_within_its_limit(tmp_path, monkeypatch):
    monkeypatch.setenv("UNFLAT_CACHE", str(tmp_path))
    for index in range(4):
        run = default_folder(f"{index:064d}"[::-1])
        (run.path / "x.npz").write_bytes(bytes(1000))
        for path in (run.path / "x.npz", run.path):
            os.utime(path, (index, index))
    monkeypatch.setattr(folder_module, "CACHE_LIMIT_BYTES", 2500)
    default_folder("f" * 64)
    kept = sorted(path.name[0] for path in (tmp_path / "runs").iterdir() if any(path.iterdir()))
    assert kept == ["2", "3"]


def test_a_large_set_that_alone_exceeds_the_limit_can_still_go_on(tmp_path, monkeypatch):
    monkeypatch.setenv("UNFLAT_CACHE", str(tmp_path))
    large = default_folder("a" * 64)
    (large.path / "x.npz").write_bytes(bytes(3000))
    monkeypatch.setattr(folder_module, "CACHE_LIMIT_BYTES", 2500)
    assert (default_folder("a" * 64).path / "x.npz").exists()


def test_what_only_the_way_to_a_result_needed_goes_when_it_is_stored(tmp_path):
    folder = RunFolder(tmp_path)
    place = folder.workspace("surface", "k1")
    (place / "named.npy").write_bytes(b"1")
    (place / SCRATCH).mkdir()
    (place / SCRATCH / "half.npy").write_bytes(b"2")
    folder.save("surface", "k2", MESH)
    assert (place / SCRATCH / "half.npy").exists()
    folder.save("surface", "k1", MESH)
    assert [path.name for path in place.iterdir()] == ["named.npy"]


def test_what_a_run_left_that_was_killed_right_after_its_result_was_stored_goes_when_that_is_loaded(tmp_path):
    folder = RunFolder(tmp_path)
    folder.save("surface", "k1", MESH)
    place = folder.workspace("surface", "k1")
    (place / "named.npy").write_bytes(b"1")
    (place / SCRATCH).mkdir()
    (place / SCRATCH / "half.npy").write_bytes(b"2")
    stored = (tmp_path / "surface-k1.npz").read_bytes()
    (tmp_path / "surface-k1.npz").write_bytes(stored[:100])
    assert folder.load("surface", "k1") is None
    assert (place / SCRATCH / "half.npy").exists(), "the damaged result is made again from it"
    (tmp_path / "surface-k1.npz").write_bytes(stored)
    assert folder.load("surface", "k1") is not None
    assert [path.name for path in place.iterdir()] == ["named.npy"]


def test_a_result_that_is_pruned_while_it_is_loaded_leaves_no_empty_file(tmp_path, monkeypatch):
    folder = RunFolder(tmp_path)
    folder.save("surface", "k1", MESH)
    decode = folder_module.decode

    def pruned(data):
        (tmp_path / "surface-k1.npz").unlink()
        return decode(data)

    monkeypatch.setattr(folder_module, "decode", pruned)
    assert folder.load("surface", "k1") is not None
    assert list(tmp_path.iterdir()) == []


def aged(path, days):
    """Everything in the folder, and the folder itself, was touched so long ago."""
    for below in (*path.rglob("*"), path):
        os.utime(below, (time.time() - days * 86400,) * 2)


def test_a_run_that_writes_only_deep_in_its_folder_is_not_pruned(tmp_path, monkeypatch):
    monkeypatch.setenv("UNFLAT_CACHE", str(tmp_path))
    for name, days in (("a", 3), ("b", 2), ("c", 1)):
        scratch = default_folder(name * 64).workspace("reconstruct", "key") / SCRATCH
        scratch.mkdir()
        (scratch / "planes.npy").write_bytes(bytes(1000))
        aged(tmp_path / "runs" / (name * 16), days)
    live = tmp_path / "runs" / ("a" * 16)
    os.utime(live / "reconstruct-key" / SCRATCH / "planes.npy")
    monkeypatch.setattr(folder_module, "CACHE_LIMIT_BYTES", 1500)
    default_folder("d" * 64)
    assert sorted(path.name[0] for path in (tmp_path / "runs").iterdir()) == ["a", "d"]


def test_runs_that_were_touched_lately_are_not_pruned_even_when_they_have_just_begun(tmp_path, monkeypatch):
    monkeypatch.setenv("UNFLAT_CACHE", str(tmp_path))
    for name in "abc":
        (default_folder(name * 64).path / "x.npz").write_bytes(bytes(1000))
    default_folder("d" * 64)
    aged(tmp_path / "runs" / ("a" * 16), 1)
    monkeypatch.setattr(folder_module, "CACHE_LIMIT_BYTES", 500)
    default_folder("e" * 64)
    assert sorted(path.name[0] for path in (tmp_path / "runs").iterdir()) == ["b", "c", "d", "e"]


@pytest.mark.parametrize("listing", ["_entries", "_below"])
@pytest.mark.parametrize("vanished", [".unflat-1.tmp", "run", "run/scratch", "run/scratch/.unflat-2.tmp"])
def test_what_another_run_removes_between_listing_and_looking_is_skipped(tmp_path, monkeypatch, listing, vanished):
    (tmp_path / "run" / "scratch").mkdir(parents=True)
    (tmp_path / "old").mkdir()
    for name in (".unflat-1.tmp", "run/scratch/.unflat-2.tmp", "run/x.npz", "old/x.npz"):
        (tmp_path / name).write_bytes(bytes(1000))
    aged(tmp_path / "old", 9)
    listed = getattr(folder_module, listing)

    def listed_and_gone(folder):
        found = list(listed(folder))
        gone = tmp_path / vanished
        if gone.is_dir():
            shutil.rmtree(gone)
        else:
            gone.unlink(missing_ok=True)
        return found

    monkeypatch.setattr(folder_module, listing, listed_and_gone)
    monkeypatch.setattr(folder_module, "CACHE_LIMIT_BYTES", 500)
    folder_module._prune(tmp_path, spared_s=3600)
    assert not (tmp_path / vanished).exists() and not (tmp_path / "old").exists()


def test_a_folder_that_vanishes_while_it_is_walked_through_is_skipped_and_one_that_is_locked_is_not(
    tmp_path, monkeypatch
):
    (tmp_path / "run" / "scratch").mkdir(parents=True)
    scan = os.scandir
    errors = [FileNotFoundError(2, "gone"), PermissionError(13, "locked")]

    def refused(path):
        if str(path).endswith("scratch"):
            raise errors.pop(0)
        return scan(path)

    monkeypatch.setattr(os, "scandir", refused)
    folder_module._prune(tmp_path, spared_s=3600)
    with pytest.raises(PermissionError):
        folder_module._prune(tmp_path, spared_s=3600)


def test_unpacked_photos_are_pruned_like_runs_but_not_those_in_use(tmp_path, monkeypatch):
    monkeypatch.setenv("UNFLAT_CACHE", str(tmp_path))
    photos = photo_cache()
    photos.mkdir(parents=True)
    now = time.time()
    for index, age_days in enumerate((9, 8, 7, 0, 0, 0)):
        (photos / f"{index}.npy").write_bytes(bytes(1000))
        os.utime(photos / f"{index}.npy", (now - age_days * 86400,) * 2)
    monkeypatch.setattr(folder_module, "CACHE_LIMIT_BYTES", 4500)
    photo_cache()
    assert sorted(path.stem for path in photos.iterdir()) == ["2", "3", "4", "5"]
    monkeypatch.setattr(folder_module, "CACHE_LIMIT_BYTES", 1500)
    photo_cache()
    assert sorted(path.stem for path in photos.iterdir()) == ["3", "4", "5"]
