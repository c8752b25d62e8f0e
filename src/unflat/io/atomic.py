"""Files that are either whole or not there: temporary file in the same folder, fsync, rename."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path

from unflat.core.errors import SetupError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}


def write_atomically(path: Path | str, content: bytes) -> Path:
    """Write a whole file or nothing; the folder is made if it is missing. Gives the path.

    Raises `SetupError` with code ``disk-full``, ``not-writable`` or ``cannot-write``; what stood there before stays.
    """
    return write_all_atomically({Path(path): content})[0]


def write_all_atomically(contents: Mapping[Path, bytes]) -> tuple[Path, ...]:
    """Write several files that belong together: none is renamed into place before all are safely on disk.

    Raises as `write_atomically`; temporary files are removed in any case, also on Ctrl-C.
    """
    staged: list[tuple[Path, Path]] = []
    try:
        for path, content in contents.items():
            with _explained(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                temporary = path.parent / f".unflat-{secrets.token_hex(6)}.tmp"
                staged.append((temporary, path))
                _write_and_sync(temporary, content)
        for temporary, path in staged:
            with _explained(path):
                temporary.replace(path)
    finally:
        for temporary, _ in staged:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
    return tuple(contents)


def _write_and_sync(path: Path, content: bytes) -> None:
    # Not tempfile: its files are readable by their owner only, and the rename would keep that.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn the operating system's refusal into a `SetupError` that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise SetupError(
                f"The disk is full: there is no room for “{path}”.",
                hint="Free some space or choose another folder with --output.",
                code="disk-full",
            ) from error
        if error.errno in _FORBIDDEN:
            raise SetupError(
                f"“{path}” can't be written: {os.strerror(error.errno)}.",
                hint="Choose a folder that you may write to with --output.",
                code="not-writable",
            ) from error
        raise SetupError(
            f"“{path}” can't be written: {error.strerror or error}.",
            hint="Choose another name or folder with --output.",
            code="cannot-write",
        ) from error
