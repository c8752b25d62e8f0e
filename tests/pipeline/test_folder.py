"""The run folder: whole files, damaged ones made again, old runs pruned."""

import os
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
        os.utime(run.path / "x.npz", (index, index))
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
