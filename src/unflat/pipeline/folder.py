"""The run folder: each stage's result under the hash of all that decided it, so that a run resumes where it stopped."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import time
from pathlib import Path
from typing import Any

import platformdirs

from unflat.core.context import SCRATCH
from unflat.core.errors import SetupError
from unflat.io.atomic import write_atomically
from unflat.pipeline.store import Unreadable, decode, encode

CACHE_LIMIT_BYTES = 2_000_000_000
"""The shared cache of runs is pruned to this; a folder that the user names is never pruned."""

_IN_USE_S = 24 * 3600.0
"""Photos that were touched so lately are not pruned: a run may be reading them."""


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
            data = path.read_bytes()
            path.touch()
            return decode(data)
        except (FileNotFoundError, Unreadable):
            return None

    def save(self, name: str, key: str, noun: Any) -> None:
        """Store a result, and remove what only the way to it needed.

        Raises `SetupError` (``disk-full``, ``not-writable``); other results stay.
        """
        write_atomically(self._path(name, key), encode(noun))
        shutil.rmtree(self._workspace(name, key) / SCRATCH, ignore_errors=True)

    def workspace(self, name: str, key: str) -> Path:
        """A folder of its own for the pieces of a result that takes long."""
        path = self._workspace(name, key)
        path.mkdir(exist_ok=True)
        return path

    def _workspace(self, name: str, key: str) -> Path:
        return self.path / f"{name}-{key[:16]}"

    def _path(self, name: str, key: str) -> Path:
        return self.path / f"{name}-{key[:16]}.npz"


def chain_key(previous: str, *parts: str) -> str:
    """The key of a step's result, from the key of its input and all that decides the step."""
    return hashlib.sha256("\n".join((previous, *parts)).encode()).hexdigest()


def default_folder(digest: str) -> RunFolder:
    """The folder for this input in the user's cache, after pruning the oldest results there."""
    _prune(cache_root())
    return RunFolder(cache_root() / digest[:16])


def cache_root() -> Path:
    """Where runs are kept; the environment variable UNFLAT_CACHE moves it."""
    return Path(os.environ.get("UNFLAT_CACHE", platformdirs.user_cache_dir("unflat"))) / "runs"


def photo_cache() -> Path:
    """Where photos of sets are kept unpacked."""
    root = cache_root().parent / "photos"
    _prune(root, spared_s=_IN_USE_S)
    return root


def _prune(root: Path, spared_s: float = 0.0) -> None:
    """Remove the runs and photos that were touched longest ago until the rest fits the limit.

    The last one always stays, and so does what was touched within `spared_s`: other runs may be at work with it.
    """
    entries = sorted(((_touched(entry), entry) for entry in _entries(root)), reverse=True)
    total = 0
    for number, (touched, entry) in enumerate(entries):
        total += sum(file.stat().st_size for file in (entry, *entry.rglob("*")) if file.is_file())
        if total > CACHE_LIMIT_BYTES and number > 0 and time.time() - touched >= spared_s:
            if entry.is_dir():
                shutil.rmtree(entry, ignore_errors=True)
            else:
                entry.unlink(missing_ok=True)


def _touched(entry: Path) -> float:
    if not entry.is_dir():
        return entry.stat().st_mtime
    return max((file.stat().st_mtime for file in entry.iterdir()), default=0.0)


def _entries(root: Path) -> list[Path]:
    try:
        return list(root.iterdir())
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.EACCES, errno.ENOTDIR):
            return []
        raise
