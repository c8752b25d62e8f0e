"""Paths: only those that the user allows, whatever an agent calls them."""

import tempfile
from pathlib import Path

import pytest

from unflat.apps.mcp.roots import Roots
from unflat.core import InputError


@pytest.fixture
def roots(tmp_path):
    (tmp_path / "allowed").mkdir()
    (tmp_path / "allowed" / "cup.png").write_bytes(b"x")
    (tmp_path / "secret.txt").write_bytes(b"x")
    (tmp_path / "allowed" / "link").symlink_to(tmp_path / "secret.txt")
    return Roots.of([str(tmp_path / "allowed")])


def test_a_file_in_the_folder_may_be_named_in_any_way(roots, tmp_path):
    cup = tmp_path / "allowed" / "cup.png"
    for name in ("cup.png", str(cup), f"file://{cup}", "./sub/../cup.png"):
        assert roots.file(name) == cup


@pytest.mark.parametrize("name", ["../secret.txt", "/etc/passwd", "link", "file:///etc/passwd", "~/.ssh/id_rsa", "\0"])
def test_nothing_outside_may_be_named(roots, name):
    with pytest.raises(InputError) as caught:
        roots.file(name)
    assert caught.value.code in ("path-not-allowed", "file-not-found")
    with pytest.raises(InputError):
        roots.folder(name)


def test_what_is_missing_is_told(roots):
    with pytest.raises(InputError) as caught:
        roots.file("mug.png")
    assert caught.value.code == "file-not-found"
    assert roots.folder("new/one").name == "one"


def test_by_default_the_current_and_the_temporary_folder_are_allowed():
    assert Roots.of([]).folders == (Path.cwd().resolve(), Path(tempfile.gettempdir()).resolve())
    with pytest.raises(InputError):
        Roots.of(["no-such-folder"])
