"""The run folder: each stage's result under the hash of all that decided it, so that a run resumes where it stopped."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import platformdirs

from unflat.core.context import SCRATCH
from unflat.core.errors import SetupError
from unflat.io.atomic import write_atomically
from unflat.pipeline.store import Unreadable, decode, encode

CACHE_LIMIT_BYTES = 2_000_000_000
"""The shared cache of runs is pruned to this; a folder that the user names is never pruned."""

_PHOTO_IN_USE_S = 24 * 3600.0
"""Photos that were touched so lately are not pruned: they are touched once, and a run may read them for hours."""
_RUN_AT_WORK_S = 6 * 3600.0
"""Runs that were touched so lately are not pruned: they write piece after piece, but a stage may take long."""


class RunFolder:
    """A folder of stage results. Files are written whole or not at all."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise SetupError(
                f"The run folder “{path}” can't be made: {error.strerror}.",
                code="not-writable",
                hint="Name another one with --run-folder.",
            ) from error

    def load(self, name: str, key: str) -> Any | None:
        """The stored result, or None where there is none or where it is damaged (it is then made again)."""
        path = self._path(name, key)
        try:
            noun = decode(path.read_bytes())
        except (FileNotFoundError, Unreadable):
            return None
        with suppress(FileNotFoundError):  # another run may have pruned it just now
            os.utime(path)
        self._clear(name, key)  # a run that was killed right after `save` wrote the result left its pieces
        return noun

    def save(self, name: str, key: str, noun: Any) -> None:
        """Store a result, and remove what only the way to it needed.

        Raises `SetupError` (``disk-full``, ``not-writable``); other results stay.
        """
        write_atomically(self._path(name, key), encode(noun))
        self._clear(name, key)

    def workspace(self, name: str, key: str) -> Path:
        """A folder of its own for the pieces of a result that takes long."""
        path = self._workspace(name, key)
        path.mkdir(exist_ok=True)
        return path

    def _clear(self, name: str, key: str) -> None:
        shutil.rmtree(self._workspace(name, key) / SCRATCH, ignore_errors=True)

    def _workspace(self, name: str, key: str) -> Path:
        return self.path / f"{name}-{key[:16]}"

    def _path(self, name: str, key: str) -> Path:
        return self.path / f"{name}-{key[:16]}.npz"


def chain_key(previous: str, *parts: str) -> str:
    """The key of a step's result, from the key of its input and all that decides the step."""
    return hashlib.sha256("\n".join((previous, *parts)).encode()).hexdigest()


def default_folder(digest: str) -> RunFolder:
    """The folder for this input in the user's cache, after pruning the oldest results there."""
    _prune(cache_root(), spared_s=_RUN_AT_WORK_S)
    return RunFolder(cache_root() / digest[:16])


def cache_root() -> Path:
    """Where runs are kept; the environment variable UNFLAT_CACHE moves it."""
    return Path(os.environ.get("UNFLAT_CACHE", platformdirs.user_cache_dir("unflat"))) / "runs"


def photo_cache() -> Path:
    """Where photos of sets are kept unpacked."""
    root = cache_root().parent / "photos"
    _prune(root, spared_s=_PHOTO_IN_USE_S)
    return root


def _prune(root: Path, spared_s: float) -> None:
    """Remove the runs and photos that were touched longest ago until the rest fits the limit.

    The last one always stays, and so does what was touched within `spared_s`: other runs may be at work with it. What
    they remove or rename meanwhile counts as nothing.
    """
    statuses = {entry: _statuses(entry) for entry in _entries(root)}
    touched = {entry: max(status.st_mtime for status in known) for entry, known in statuses.items() if known}
    total = 0
    for number, entry in enumerate(sorted(touched, key=touched.__getitem__, reverse=True)):
        total += sum(status.st_size for status in statuses[entry] if stat.S_ISREG(status.st_mode))
        if total > CACHE_LIMIT_BYTES and number > 0 and time.time() - touched[entry] >= spared_s:
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)


def _statuses(entry: Path) -> list[os.stat_result]:
    """What the system tells of a file, or of a folder and all below it; nothing of what is gone."""
    known = []
    for path in (entry, *_below(entry)):
        with suppress(FileNotFoundError):
            known.append(path.stat())
    return known


def _below(folder: Path) -> Iterator[Path]:
    """All that lies in a folder and its folders; nothing where it is a file or gone."""
    for place, folders, files in os.walk(folder, onerror=_unless_gone):
        yield from (Path(place) / name for name in (*folders, *files))


def _unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error


def _entries(root: Path) -> list[Path]:
    try:
        return list(root.iterdir())
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.EACCES, errno.ENOTDIR):
            return []
        raise
