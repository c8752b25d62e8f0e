"""A set of photos, read one after the other into files from which they are mapped: one at a time in memory."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from unflat.core import InputError, Photo
from unflat.io.capture import capture_files
from unflat.io.mapped import mapped, open_mapped
from unflat.io.photo import read_photo
from unflat.io.video_frames import choose_frames

_DONE = "complete"
"""Written into a folder of frames when all of them are there."""


@dataclass(frozen=True, eq=False)
class PhotoSet:
    """What could be read."""

    photos: tuple[Photo, ...]
    left_out: tuple[str, ...]
    """A sentence for each file that could not."""
    in_order: bool
    """Whether neighbours were taken one after the other, as the frames of a film are."""


@dataclass(frozen=True)
class SetReading:
    """How a set is read."""

    side_px: int = 2048
    """Photos are no larger than this."""
    frames: int = 60
    """Most frames that are taken from a film."""
    folder: Path | None = None
    """Where photos are mapped from; None: they are held in memory."""
    progress: Callable[[float], None] = lambda _: None
    as_given: bool = False
    """Each a single picture, and their order means something; else files are sorted by name."""


def read_photo_set(pictures: Sequence[Any], how: SetReading) -> PhotoSet:
    """Photos from files, folders, patterns, ZIP archives and films. Those that are mapped already are not read again.

    Raises what `capture_files`, `choose_frames` and, where fewer than two photos can be read, `read_photo` raise.
    """
    side_px, folder, progress = how.side_px, how.folder, how.progress
    with _workplace(folder) as place:
        files, in_order = _opened(pictures, place, how)
        photos: list[Photo] = []
        refused: list[tuple[str, InputError]] = []
        for done, picture in enumerate(files):
            try:
                photos.append(_read(picture, side_px, folder))
            except InputError as error:
                refused.append((str(picture), error))
            progress(0.5 + 0.5 * (done + 1) / len(files))
    if refused and len(photos) < 2:
        raise refused[0][1]
    sentences = tuple(f"“{Path(name).name}” was left out: {error.message} [{error.code}]" for name, error in refused)
    return PhotoSet(_named_apart(photos), sentences, in_order)


@contextmanager
def _workplace(folder: Path | None) -> Iterator[Path]:
    if folder is not None:
        yield folder
        return
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def _opened(pictures: Sequence[Any], place: Path, how: SetReading) -> tuple[list[Any], bool]:
    """The single pictures, in order, and whether they all come from films. Arrays and bytes are taken as they are."""
    if how.as_given or not all(isinstance(picture, str | Path) and str(picture) != "-" for picture in pictures):
        return list(pictures), False
    capture = capture_files(pictures, unpack_to=place / "unpacked")
    files: list[Any] = list(capture.pictures)
    for number, video in enumerate(capture.videos):
        share, start = 0.5 / len(capture.videos), 0.5 * number / len(capture.videos)
        files += _frames(video, place, how.frames, lambda part, a=start, b=share: how.progress(a + b * part))  # type: ignore[misc]
    return files, bool(capture.videos) and not capture.pictures


def _frames(video: Path, place: Path, count: int, progress: Callable[[float], None]) -> list[Path]:
    """The frames of a film; once chosen they stay."""
    status = video.stat()
    digest = hashlib.sha256(f"{video.resolve()} {status.st_size} {status.st_mtime_ns} {count}".encode()).hexdigest()
    folder = place / f"frames-{digest[:16]}"
    if not (folder / _DONE).exists():
        choose_frames(video, folder, count, progress=progress)
        (folder / _DONE).touch()
    return sorted(folder.glob("frame_*"))


def _read(picture: Any, side_px: int, folder: Path | None) -> Photo:
    photo = read_photo(picture, max_side_px=side_px)
    if folder is None:
        return photo
    digest = photo.sha256 or hashlib.sha256(photo.pixels.tobytes()).hexdigest()
    name = f"{digest[:24]}-{side_px}"
    alpha = None if photo.alpha is None else _in_file(folder / f"{name}-alpha.npy", photo.alpha)
    return replace(photo, pixels=_in_file(folder / f"{name}.npy", photo.pixels), alpha=alpha)


def _in_file(path: Path, array: np.ndarray) -> np.ndarray:
    """The same bytes, mapped from the file, which is written unless it is there already."""
    try:
        known = open_mapped(path)
        os.utime(path)  # in use: what was not for long is pruned first
    except (OSError, ValueError):  # not there, damaged, or pruned by another run just now
        return mapped(path, array)
    return known if known.shape == array.shape and known.dtype == array.dtype else mapped(path, array)


def _named_apart(photos: list[Photo]) -> tuple[Photo, ...]:
    """Photos of the same name from different folders get a number, since stages tell photos apart by name."""
    seen: dict[str, int] = {}
    named = []
    for photo in photos:
        count = seen.get(photo.name, 0)
        seen[photo.name] = count + 1
        named.append(replace(photo, name=f"{photo.name}#{count + 1}") if count else photo)
    return tuple(named)
