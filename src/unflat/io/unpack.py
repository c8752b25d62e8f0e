"""The photos of a ZIP archive, unpacked without trusting it: no path leaves the folder, no bomb fills the disk."""

from __future__ import annotations

import lzma
import re
import stat
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from unflat.core.errors import InputError
from unflat.io.atomic import write_atomically
from unflat.io.limits import DEFAULT_LIMITS
from unflat.io.media import media_kind

IGNORED_FOLDERS = ("mask", "masks", "__macosx")
"""Folders beside the photos whose pictures are none."""

_DAMAGE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError, NotImplementedError, RuntimeError, ValueError,
)  # fmt: skip
"""What damaged archives trip over. NotImplementedError: an unknown compression; RuntimeError: a password."""

_ENCRYPTED = 0x1
_UNIX = 3


@dataclass(frozen=True)
class ArchiveLimits:
    """What is unpacked; more is refused."""

    max_files: int = 20_000
    max_bytes: int = 64 * 2**30
    """Of all photos together, unpacked."""
    max_file_bytes: int = DEFAULT_LIMITS.max_bytes


DEFAULT_ARCHIVE_LIMITS = ArchiveLimits()


def unpack_pictures(archive: Path, folder: Path, limits: ArchiveLimits) -> tuple[list[Path], list[Path]]:
    """Unpack the photos straight into `folder`. Gives their paths, and the members that are none (archive / member).

    Folders in the archive are dropped; where two photos have one name, or another file of that name is in `folder`,
    the next gets a number (“cup_2.jpg”). Unpacking again gives the same paths. Hidden files and folders of masks
    are passed over; only as many bytes are read as are allowed, whatever the archive says about sizes.

    Raises `InputError` with code ``bad-archive`` (damaged, encrypted) or ``archive-too-large``, `SetupError` as the
    disk does.
    """
    pictures: list[Path] = []
    others: list[Path] = []
    taken: set[str] = set()
    room = limits.max_bytes
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [member for member in opened.infolist() if not _is_ignored(member)]
            if len(members) > limits.max_files:
                raise _too_large(archive, f"{len(members)} files, at most {limits.max_files}")
            for member in members:
                content = _content(archive, opened, member, min(room, limits.max_file_bytes))
                if media_kind(content) != "picture":
                    others.append(archive / member.filename)
                    continue
                room -= len(content)
                pictures.append(_written(folder, _safe_name(member), content, taken))
    except _DAMAGE as error:
        raise InputError(
            f"The archive “{archive.name}” can't be unpacked: {error}.",
            code="bad-archive",
            hint="Pack it again as a plain ZIP without password, or name the folder of photos.",
        ) from error
    return pictures, others


def _is_ignored(member: zipfile.ZipInfo) -> bool:
    parts = _parts(member)
    link = member.create_system == _UNIX and stat.S_ISLNK(member.external_attr >> 16)
    hidden = any(part.startswith(".") for part in parts[-1:])
    return member.is_dir() or not parts or link or hidden or any(one.lower() in IGNORED_FOLDERS for one in parts[:-1])


def _parts(member: zipfile.ZipInfo) -> tuple[str, ...]:
    return PurePosixPath(member.filename.replace("\\", "/")).parts


def _content(archive: Path, opened: zipfile.ZipFile, member: zipfile.ZipInfo, room: int) -> bytes:
    """The member's bytes; of one that is no photo only the first ones are read."""
    if member.flag_bits & _ENCRYPTED:
        raise RuntimeError(f"“{member.filename}” has a password")
    with opened.open(member) as stream:
        head = stream.read(512)
        if media_kind(head) != "picture":
            return head
        content = head + stream.read(max(room - len(head) + 1, 0))
    if len(content) > room:
        raise _too_large(archive, f"more than {room / 2**20:.0f} MiB of photos in one file or left to unpack")
    return content


def _safe_name(member: zipfile.ZipInfo) -> str:
    """The last part of the path, with letters that every file system takes."""
    name = re.sub(r"[^\w .()+@=,-]", "_", _parts(member)[-1]).strip(" .")
    return name or "photo"


def _written(folder: Path, name: str, content: bytes, taken: set[str]) -> Path:
    """The content under the first name that is free, or that holds it already."""
    number = 1
    while True:
        path = folder / (name if number == 1 else f"{Path(name).stem}_{number}{Path(name).suffix}")
        # casefold: “A.jpg” and “a.jpg” are one file on many systems
        if path.name.casefold() not in taken:
            same = path.is_file() and path.read_bytes() == content
            if same or not path.exists():
                taken.add(path.name.casefold())
                return path if same else write_atomically(path, content)
        number += 1


def _too_large(archive: Path, what: str) -> InputError:
    return InputError(
        f"The archive “{archive.name}” has {what}.",
        code="archive-too-large",
        hint="Unpack it yourself and name the folder, or raise ArchiveLimits in Python.",
    )
