"""Captures: whatever people name, out come the photos in their order, and nothing else; archives are not trusted."""

from __future__ import annotations

import os
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest

from unflat.core import InputError
from unflat.io.capture import Capture, capture_files
from unflat.io.unpack import ArchiveLimits

from .pictures import HEIC, SVG, encoded, gradient

JPEG = encoded(gradient(), "JPEG")
PNG = encoded(gradient(), "PNG")
MP4 = b"\0\0\0\x20ftypisom" + bytes(40)
AVI = b"RIFF\0\0\0\0AVI LIST" + bytes(40)


def fill(folder: Path, **files: bytes) -> Path:
    """A folder of files; `__` in a name is the dot of its ending."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name.replace("__", ".")).write_bytes(content)
    return folder


def names(paths: tuple[Path, ...]) -> list[str]:
    return [path.name for path in paths]


def code_of(*sources: Any, **options: Any) -> str:
    with pytest.raises(InputError) as caught:
        capture_files(sources, **options)
    assert caught.value.hint
    return caught.value.code


def test_a_folder_gives_its_photos_in_natural_order(tmp_path: Path) -> None:
    fill(tmp_path, img_10__jpg=JPEG, IMG_2__JPG=JPEG, img_1__png=PNG, img_3__heic=HEIC)
    assert names(capture_files([tmp_path]).pictures) == ["img_1.png", "IMG_2.JPG", "img_3.heic", "img_10.jpg"]


def test_content_tells_what_a_file_is_and_the_rest_is_named(tmp_path: Path) -> None:
    fill(tmp_path, photo__dat=JPEG, film__jpg=MP4, film__avi=AVI, notes__txt=b"x", a__json=b"{}", old__jpg=b"")
    fill(tmp_path, drawing__svg=SVG.encode(), __DS_Store=b"x", __hidden__jpg=JPEG)
    capture = capture_files([str(tmp_path)])
    assert names(capture.pictures) == ["photo.dat"] and names(capture.videos) == ["film.avi", "film.jpg"]
    assert names(capture.left_out) == ["a.json", "drawing.svg", "notes.txt", "old.jpg"]


@pytest.mark.parametrize(
    "head",
    [
        b"\x1a\x45\xdf\xa3webm", b"\0\0\x01\xba", b"G" + bytes(187) + b"G", bytes(4) + b"G" + bytes(191) + b"G",
        b"\0\0\0\x14ftypqt  ", b"\0\0\0\x08wide\0\0\0\0mdat",
    ],
)  # fmt: skip
def test_films_of_every_kind_are_known(head: bytes, tmp_path: Path) -> None:
    fill(tmp_path, film=head + bytes(30))
    assert names(capture_files([tmp_path / "film"]).videos) == ["film"]


@pytest.mark.parametrize("head", [b"GIF", b"\0\0\0\x18ftypcrx ", b"\0\0\0\x18ftypM4A ", b"RIFF\0\0\0\0WAVE"])
def test_what_looks_a_little_like_a_film_is_none(head: bytes, tmp_path: Path) -> None:
    fill(tmp_path, film=head + bytes(30))
    assert code_of(tmp_path / "film") == "no-views"


def test_only_the_one_subfolder_with_photos_is_gone_into(tmp_path: Path) -> None:
    fill(tmp_path / "DCIM" / "100APPLE", a__jpg=JPEG)
    fill(tmp_path / "masks", a__png=PNG)
    fill(tmp_path / ".thumbs", a__png=PNG)
    fill(tmp_path / "docs", a__txt=b"x")
    assert names(capture_files([tmp_path]).pictures) == ["a.jpg"]
    fill(tmp_path / "other", b__jpg=JPEG)
    assert code_of(tmp_path) == "no-views"
    fill(tmp_path, top__jpg=JPEG)
    assert names(capture_files([tmp_path]).pictures) == ["top.jpg"]
    assert names(capture_files([tmp_path / "masks"]).pictures) == ["a.png"]  # named itself


def test_a_whole_disk_is_not_searched(tmp_path: Path) -> None:
    fill(tmp_path / "1" / "2" / "3" / "4", a__jpg=JPEG)
    assert code_of(tmp_path) == "no-views"
    assert names(capture_files([tmp_path / "1"]).pictures) == ["a.jpg"]


def test_patterns_name_files_and_pass_over_masks(tmp_path: Path) -> None:
    fill(tmp_path / "left", a__jpg=JPEG, b__png=PNG, __c__jpg=JPEG)
    fill(tmp_path / "left" / "masks", a__jpg=JPEG)
    fill(tmp_path / "right", a__jpg=JPEG)
    assert len(capture_files([f"{tmp_path}/*/*.jpg"]).pictures) == 2
    assert len(capture_files([f"{tmp_path}/**/*.jpg"]).pictures) == 2
    assert len(capture_files([f"{tmp_path}/left/masks/*"]).pictures) == 1
    assert code_of(f"{tmp_path}/*.tiff") == "file-not-found"
    assert code_of(tmp_path / "up.jpg") == "file-not-found"


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "cup [1].jpg").write_bytes(JPEG)
    assert names(capture_files([tmp_path / "cup [1].jpg"]).pictures) == ["cup [1].jpg"]


def test_a_file_that_is_named_twice_counts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path, a__jpg=JPEG, b__jpg=JPEG)
    monkeypatch.chdir(tmp_path)
    assert names(capture_files([tmp_path, "a.jpg", "*.jpg", tmp_path / "b.jpg"]).pictures) == ["a.jpg", "b.jpg"]


def test_nothing_is_refused(tmp_path: Path) -> None:
    assert code_of() == "no-views"
    assert code_of(tmp_path) == "no-views"
    assert code_of(fill(tmp_path, notes__txt=b"x") / "notes.txt") == "no-views"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_named(tmp_path: Path) -> None:
    fill(tmp_path, a__jpg=JPEG)
    (tmp_path / "a.jpg").chmod(0)
    assert code_of(tmp_path / "a.jpg") == "unreadable"


def zipped(path: Path, *members: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content, zipfile.ZIP_DEFLATED)
    return path


def unpacked(folder: Path, *members: tuple[str | zipfile.ZipInfo, bytes], **limits: int) -> Capture:
    archive = zipped(folder / "photos.zip", *members)
    return capture_files([archive], unpack_to=folder / "out", limits=ArchiveLimits(**limits))


def test_photos_of_an_archive_come_out_flat_and_under_names_of_their_own(tmp_path: Path) -> None:
    other = encoded(gradient(20, 20), "JPEG")
    capture = unpacked(
        tmp_path, ("a/img_1.jpg", JPEG), ("b/IMG_1.jpg", other), ("b/img_2.jpg", JPEG), ("notes.txt", b"x"),
        ("masks/img_1.jpg", JPEG), ("__MACOSX/._img_1.jpg", JPEG), ("b/.img.jpg", JPEG), ("film.mp4", MP4),
    )  # fmt: skip
    assert names(capture.pictures) == ["img_1.jpg", "IMG_1_2.jpg", "img_2.jpg"]
    assert [path.read_bytes() for path in capture.pictures] == [JPEG, other, JPEG]
    assert names(capture.left_out) == ["film.mp4", "notes.txt"] and not capture.videos
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["IMG_1_2.jpg", "img_1.jpg", "img_2.jpg"]


def test_unpacking_again_gives_the_same_and_foreign_files_stay(tmp_path: Path) -> None:
    fill(tmp_path / "out", a__jpg=b"mine")
    first = unpacked(tmp_path, ("a.jpg", JPEG), ("x/a.jpg", PNG))
    again = unpacked(tmp_path, ("a.jpg", JPEG), ("x/a.jpg", PNG))
    assert first == again and names(first.pictures) == ["a_2.jpg", "a_3.jpg"]
    assert (tmp_path / "out" / "a.jpg").read_bytes() == b"mine"


@pytest.mark.parametrize(
    "name", ["../../evil.jpg", "/etc/evil.jpg", "..\\evil.jpg", "C:\\evil.jpg", "a/../../evil.jpg"]
)
def test_no_path_leads_out_of_the_folder(name: str, tmp_path: Path) -> None:
    capture = unpacked(tmp_path, (name, JPEG))
    assert [path.parent for path in capture.pictures] == [tmp_path / "out"]
    assert names(capture.pictures) == ["evil.jpg"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "photos.zip"]


def test_links_in_an_archive_are_passed_over(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.jpg")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    assert names(unpacked(tmp_path, (link, JPEG), ("a.jpg", JPEG)).pictures) == ["a.jpg"]


@pytest.mark.parametrize(
    "limits", [{"max_files": 1}, {"max_bytes": 2 * len(JPEG) - 1}, {"max_file_bytes": len(JPEG) - 1}]
)
def test_archives_over_the_limits_are_refused(limits: dict[str, int], tmp_path: Path) -> None:
    archive = zipped(tmp_path / "photos.zip", ("a.jpg", JPEG), ("b.jpg", JPEG))
    options = {"unpack_to": tmp_path / "out", "limits": ArchiveLimits(**limits)}
    assert code_of(archive, **options) == "archive-too-large"
    assert (
        len(capture_files([archive], unpack_to=tmp_path / "out", limits=ArchiveLimits(2, 2 * len(JPEG))).pictures) == 2
    )


def test_a_bomb_is_not_unfolded(tmp_path: Path) -> None:
    zeros = JPEG + bytes(50_000_000)
    archive = zipped(tmp_path / "photos.zip", ("a.jpg", zeros))
    assert archive.stat().st_size < 100_000
    assert code_of(archive, unpack_to=tmp_path / "out", limits=ArchiveLimits(max_bytes=10**6)) == "archive-too-large"
    assert not (tmp_path / "out").exists()


def test_archives_that_can_not_be_read_are_refused(tmp_path: Path) -> None:
    whole = zipped(tmp_path / "photos.zip", ("a.jpg", JPEG), ("b.jpg", JPEG)).read_bytes()
    damaged = bytearray(whole)
    damaged[60:80] = bytes(20)
    locked = whole.replace(b"PK\x03\x04\x14\x00\x00", b"PK\x03\x04\x14\x00\x01").replace(
        b"PK\x01\x02\x14\x03\x14\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01"
    )
    for content in (whole[:-30], bytes(damaged), locked):
        (tmp_path / "photos.zip").write_bytes(content)
        assert code_of(tmp_path / "photos.zip", unpack_to=tmp_path / "out") == "bad-archive"


def test_an_archive_needs_a_folder_and_a_name_of_its_own(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "photos.zip", ("a.jpg", JPEG))
    assert code_of(archive) == "no-folder"
    fill(tmp_path, b__jpg=JPEG)
    capture = capture_files([tmp_path], unpack_to=tmp_path / "out")
    assert names(capture.pictures) == ["b.jpg"] and names(capture.left_out) == ["photos.zip"]
