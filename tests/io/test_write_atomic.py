"""A file is whole or not there, and the reason is said."""

from __future__ import annotations

import os
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from unflat.core import Asset, Context, Material, Mesh, Part, RecipeError, SetupError
from unflat.io.atomic import write_all_atomically, write_atomically
from unflat.io.load import load_asset
from unflat.io.write import FORMATS, write_asset

from .assets import colored_triangle, letter_f

resource = pytest.importorskip("resource", reason="limits on file size are a thing of POSIX")


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def full_disk():
    """Files can't grow beyond 1000 bytes: the operating system refuses as it does on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.fixture
def locked(tmp_path):
    """A folder that can't be written to, also where tests run as root."""
    folder = tmp_path / "locked"
    folder.mkdir()
    folder.chmod(0o500)
    as_root = os.geteuid() == 0
    if as_root:
        os.seteuid(65534)
    yield folder
    if as_root:
        os.seteuid(0)
    folder.chmod(0o700)


def test_content_name_and_permissions_are_as_with_an_ordinary_file(tmp_path):
    path = write_atomically(tmp_path / "Größe 模型.bin", b"content")
    ordinary = tmp_path / "ordinary"
    ordinary.write_bytes(b"")
    assert path.read_bytes() == b"content"
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(ordinary.stat().st_mode)


def test_a_missing_folder_is_made(tmp_path):
    assert write_atomically(str(tmp_path / "a" / "b" / "c.bin"), b"x").read_bytes() == b"x"


def test_a_full_disk_leaves_the_old_file_and_no_rubbish(tmp_path, full_disk):
    path = write_atomically(tmp_path / "model.bin", b"old")
    with pytest.raises(SetupError) as caught:
        write_atomically(path, bytes(5000))
    assert caught.value.code == "disk-full"
    assert "model.bin" in caught.value.message
    assert path.read_bytes() == b"old"
    assert names_in(tmp_path) == ["model.bin"]


def test_of_several_files_none_appears_if_one_does_not_fit(tmp_path, full_disk):
    with pytest.raises(SetupError):
        write_all_atomically({tmp_path / "small": b"fits", tmp_path / "large": bytes(5000)})
    assert names_in(tmp_path) == []


def test_a_locked_folder_is_refused_with_advice(locked):
    with pytest.raises(SetupError) as caught:
        write_atomically(locked / "model.bin", b"x")
    assert caught.value.code == "not-writable"
    assert "--output" in caught.value.hint


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path):
    (tmp_path / "model.bin").mkdir()
    with pytest.raises(SetupError) as caught:
        write_atomically(tmp_path / "model.bin", b"x")
    assert caught.value.code == "cannot-write"
    assert names_in(tmp_path) == ["model.bin"]


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SetupError) as caught:
        write_atomically(tmp_path / "file" / "model.bin", b"x")
    assert caught.value.code == "cannot-write"


def test_a_name_that_is_too_long_is_refused(tmp_path):
    with pytest.raises(SetupError) as caught:
        write_atomically(tmp_path / ("x" * 300), b"x")
    assert caught.value.code == "cannot-write"
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("ending", FORMATS)
def test_a_full_disk_stops_every_writer_without_half_a_file(ending, tmp_path, full_disk):
    with pytest.raises(SetupError) as caught:
        write_asset(letter_f(), tmp_path / f"f.{ending}")
    assert caught.value.code == "disk-full"
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("name", ["model.fbx", "model", "model.", ".glb.exe"])
def test_an_unknown_ending_is_refused_before_anything_is_written(name, tmp_path):
    with pytest.raises(RecipeError) as caught:
        write_asset(letter_f(), tmp_path / name)
    assert caught.value.code == "unknown-format"
    assert "glb" in caught.value.hint
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("ending", ["glb", "OBJ"])
def test_levels_go_beside_the_model(ending, tmp_path):
    coarse = Part(colored_triangle(), Material())
    asset = replace(letter_f(), levels=((coarse,), (coarse, coarse)))
    written = write_asset(asset, tmp_path / f"Tasse.{ending}")
    models = [path for path in written if path.suffix == f".{ending}"]
    assert [path.name for path in models] == [f"Tasse.{ending}", f"Tasse_lod1.{ending}", f"Tasse_lod2.{ending}"]
    assert written[0] == models[0]
    assert [len(load_asset(path).parts) for path in models] == [1, 1, 2]
    assert names_in(tmp_path) == sorted(path.name for path in written)


def test_an_open_part_is_written_for_printing_but_not_without_a_word(tmp_path):
    told: list[str] = []
    sheet = Mesh(colored_triangle().vertices, colored_triangle().faces)
    write_asset(Asset((Part(sheet, Material(), "sail"),)), tmp_path / "sail.3mf", context=Context(warn=told.append))
    assert len(told) == 1 and "sail" in told[0]
    told.clear()
    write_asset(letter_f(), tmp_path / "f.3mf", context=Context(warn=told.append))
    assert told == []
