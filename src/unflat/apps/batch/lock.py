"""The lock that keeps two runs from one place: the system's on disk, a file that beats in an object store."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from unflat.apps.batch.place import store_errors
from unflat.apps.batch.results import Results
from unflat.core import SetupError

_BEAT_S = 20.0
_DEAD_S = 90.0
"""A lock in an object store that was not renewed for so long belongs to a run that was killed."""


@contextlib.contextmanager
def locked(results: Results) -> Iterator[None]:
    """Hold the lock. Raises `SetupError` with code ``batch-locked`` where another run holds it."""
    with _beating(results) if results.remote else _held(Path(results.own("lock"))):
        yield


@contextlib.contextmanager
def _held(path: Path) -> Iterator[None]:
    """By the system: it is free again when the process ends, however it ends."""
    with path.open("a+") as stream:
        if not _taken(stream):
            stream.seek(0)
            raise _refusal(stream.read())
        stream.truncate(0)
        stream.write(_self())
        stream.flush()
        yield


def _taken(stream: Any) -> bool:
    try:
        try:
            import fcntl
        except ImportError:  # Windows
            import msvcrt

            stream.seek(0)
            msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def _beating(results: Results) -> Iterator[None]:
    files, path, mine = results.files, results.own("lock"), secrets.token_hex(8)
    with contextlib.suppress(FileNotFoundError, ValueError), store_errors(results.out):
        other = json.loads(files.cat_file(path))
        if time.time() - float(other["beat"]) < _DEAD_S:
            raise _refusal(other["who"])

    def beat() -> None:
        files.pipe_file(path, json.dumps({"who": _self(), "id": mine, "beat": time.time()}).encode())

    with store_errors(results.out):
        beat()
    # Stores have no lock: whoever wrote last has it, the other one steps back.
    if json.loads(files.cat_file(path))["id"] != mine:
        raise _refusal("another run")
    stop = threading.Event()

    def keep_on() -> None:
        while not stop.wait(_BEAT_S):
            with contextlib.suppress(Exception):  # a missed beat is made up for by the next one
                beat()

    heart = threading.Thread(target=keep_on, daemon=True)
    heart.start()
    try:
        yield
    finally:
        stop.set()
        heart.join()
        with contextlib.suppress(FileNotFoundError):
            files.rm_file(path)


def _self() -> str:
    return f"process {os.getpid()} on {socket.gethostname()}"


def _refusal(who: str) -> SetupError:
    return SetupError(
        f"Another run works on these results: {who.strip() or 'unknown'}.",
        code="batch-locked",
        hint="Wait for it or stop it; after a crash the lock frees itself (in an object store within two minutes).",
    )
