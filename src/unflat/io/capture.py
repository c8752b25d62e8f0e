"""What a user names as a capture, folders and archives among it, as a list of photos and films."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unflat.core.errors import InputError
from unflat.io.media import media_kind_of_file
from unflat.io.unpack import DEFAULT_ARCHIVE_LIMITS, IGNORED_FOLDERS, ArchiveLimits, unpack_pictures

_DEEPEST = 3
"""Subfolders that are gone into where each holds nothing but the next: DCIM/100APPLE, but not a whole disk."""

_MAGIC = re.compile(r"[*?\[]")


@dataclass(frozen=True)
class Capture:
    """The files of one capture, each list in natural order: img_2 before img_10."""

    pictures: tuple[Path, ...]
    videos: tuple[Path, ...]
    left_out: tuple[Path, ...]
    """Files that are neither, and members of archives that were not unpacked."""


def capture_files(
    sources: Sequence[str | Path],
    *,
    unpack_to: Path | None = None,
    limits: ArchiveLimits = DEFAULT_ARCHIVE_LIMITS,
) -> Capture:
    """The photos and films in files, folders, patterns (``*.jpg``) and ZIP archives, told apart by their content.

    A folder gives its own files; only if it has no photo or film, and exactly one of its subfolders has some, those.
    Hidden files and folders of masks are passed over, but for what is named itself. Photos in archives that are named
    themselves are unpacked to `unpack_to`, under names of their own; films in them are left out. A file that is named
    twice counts once.

    Raises `InputError` with code ``no-views`` (nothing found, or photos in several subfolders), ``file-not-found``,
    ``unreadable``, ``bad-archive``, ``archive-too-large``, ``no-folder`` (an archive without `unpack_to`), and
    `SetupError` as the disk does.
    """
    found: dict[str, list[Path]] = {"picture": [], "video": [], "zip": [], "other": []}
    named = {Path(source) for source in sources}
    for path in _expanded(sources):
        kind = media_kind_of_file(path)
        if kind == "zip" and path in named:
            pictures, others = unpack_pictures(path, _folder_for(path, unpack_to), limits)
            found["picture"] += pictures
            found["other"] += others
        else:
            found[kind].append(path)
    left_out = found["other"] + found["zip"]
    capture = Capture(*(_in_order(paths) for paths in (found["picture"], found["video"], left_out)))
    if not capture.pictures and not capture.videos:
        raise InputError(
            f"There is no photo and no film in {', '.join(f'“{source}”' for source in sources) or 'what was given'}.",
            code="no-views",
            hint="Name photos, a folder or a ZIP archive of photos, or a film.",
        )
    return capture


def natural_order(path: Path) -> tuple[tuple[int, int | str], ...]:
    """A key to sort paths by, as people do: numbers in names by their value, letters without regard to case."""
    words = re.findall(r"\d+|\D+", path.as_posix().casefold())
    return tuple((0, int(word)) if word.isdecimal() else (1, word) for word in words)


def _expanded(sources: Sequence[str | Path]) -> list[Path]:
    paths: list[Path] = []
    for source in sources:
        path = Path(source)
        if path.is_dir():
            paths += _in_folder(path, _DEEPEST)
        elif path.exists():
            paths.append(path)
        else:
            paths += _matching(str(source))
    return paths


def _matching(pattern: str) -> list[Path]:
    parts = Path(pattern).parts
    fixed = next((idx for idx, part in enumerate(parts) if _MAGIC.search(part)), len(parts))
    matches = Path(*parts[:fixed]).glob("/".join(parts[fixed:])) if fixed < len(parts) else ()
    files = [path for path in matches if path.is_file() and not _is_ignored(path, fixed)]
    if not files:
        raise InputError(
            f"There is no file “{pattern}”.",
            code="file-not-found",
            hint="Check the path; a pattern such as “*.jpg” names the files of its folder.",
        )
    return files


def _is_ignored(path: Path, fixed: int) -> bool:
    """Whether a match is hidden or a mask. The parts of its path that the pattern wrote out do not count."""
    parts = path.parts[fixed:]
    return any(part.startswith(".") for part in parts) or any(part.lower() in IGNORED_FOLDERS for part in parts[:-1])


def _in_folder(folder: Path, depth: int) -> list[Path]:
    """The files of a folder that has photos or films, or of the only one of its subfolders that has."""
    try:
        entries = sorted(Path(entry.path) for entry in os.scandir(folder) if not entry.name.startswith("."))
    except OSError as error:
        raise InputError(
            f"The folder “{folder}” can't be read: {error.strerror or error}.",
            code="unreadable",
            hint="Check its permissions.",
        ) from error
    files = [entry for entry in entries if entry.is_file()]
    if depth == 0 or any(media_kind_of_file(file) in ("picture", "video") for file in files):
        return files
    subfolders = [entry for entry in entries if entry.is_dir() and entry.name.lower() not in IGNORED_FOLDERS]
    filled = {sub: inside for sub in subfolders if _has_media(inside := _in_folder(sub, depth - 1))}
    if len(filled) > 1:
        raise InputError(
            f"“{folder}” has photos in {len(filled)} subfolders: {', '.join(sub.name for sub in list(filled)[:3])}, …",
            code="no-views",
            hint="Name the folders that belong to one object.",
        )
    return next(iter(filled.values()), files)


def _has_media(files: list[Path]) -> bool:
    return any(media_kind_of_file(file) in ("picture", "video") for file in files)


def _folder_for(archive: Path, unpack_to: Path | None) -> Path:
    if unpack_to is None:
        raise InputError(
            f"“{archive.name}” is an archive, and there is no folder to unpack it to.",
            code="no-folder",
            hint="Name a folder with unpack_to, or unpack the archive and name its folder.",
        )
    return unpack_to


def _in_order(paths: list[Path]) -> tuple[Path, ...]:
    once = {os.path.realpath(path): path for path in reversed(paths)}
    return tuple(sorted(once.values(), key=natural_order))
