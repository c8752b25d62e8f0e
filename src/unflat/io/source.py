"""Whatever a caller gives as a picture, taken in: bytes with a name, an array, or a PIL image."""

from __future__ import annotations

import difflib
import errno
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from PIL import Image

from unflat.core.errors import InputError
from unflat.io.limits import Limits, check_bytes

_READ_AGAIN = "Check the disk or the network drive, or copy the file and try again."


@runtime_checkable
class Readable(Protocol):
    """A binary file that is open for reading."""

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes; all that is left for -1."""
        ...


@dataclass(frozen=True, eq=False)
class Given:
    """What was given: a name, and its content in the form that it came in."""

    name: str
    content: bytes | np.ndarray | Image.Image


def take(source: object, name: str | None, limits: Limits) -> Given:
    """Take a path, ``"-"`` (standard input), bytes, a binary file, a NumPy array or a PIL image.

    Raises `InputError` with code ``file-not-found``, ``not-a-file``, ``unreadable``, ``empty-file``, ``too-many-bytes``
    or ``unknown-source``.
    """
    if isinstance(source, np.ndarray):
        return Given(name or "array", source)
    if isinstance(source, Image.Image):
        return Given(name or "picture", source)
    if isinstance(source, str) and source == "-":
        return Given(name or "stdin", _read_stream(sys.stdin.buffer, name or "stdin", limits))
    if isinstance(source, str | os.PathLike):
        path = Path(os.fsdecode(source))
        return Given(name or path.name, read_file(path, limits))
    if isinstance(source, bytes | bytearray | memoryview):
        called = name or "picture"
        return Given(called, _not_empty(bytes(source), called, limits))
    if isinstance(source, Readable):
        called = name or Path(str(getattr(source, "name", "picture"))).name
        return Given(called, _read_stream(source, called, limits))
    raise InputError(
        f"A {type(source).__name__} is no picture.",
        code="unknown-source",
        hint="Give a path, bytes, an open binary file, a NumPy array or a PIL image.",
    )


def read_file(path: Path, limits: Limits) -> bytes:
    """The bytes of a file that has some; raises as `take`."""
    try:
        if path.is_dir():
            raise InputError(
                f"“{path}” is a folder, expected a file.",
                code="not-a-file",
                hint="Name a file in it; the command line takes folders with --each.",
            )
        with path.open("rb") as stream:
            check_bytes(os.fstat(stream.fileno()).st_size, path.name, limits)
            return _read_stream(stream, path.name, limits)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise InputError(f"There is no file “{path}”.", code="file-not-found", hint=_advice_on_missing(path)) from error
    except PermissionError as error:
        raise InputError(
            f"“{path}” may not be read.", code="unreadable", hint="Change its permissions, or copy it."
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a path with a null byte
        raise InputError(_why_unreadable(path, error), code="unreadable", hint=_READ_AGAIN) from error


def _why_unreadable(path: Path, error: OSError | ValueError) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return f"The path “{str(path)[:40]}…” is too long for this system."
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"“{path}” can't be read: {reason}."


def _read_stream(stream: object, name: str, limits: Limits) -> bytes:
    assert isinstance(stream, Readable)
    try:
        # One byte more than is allowed tells too long a stream without reading on; stat does not know pipes' sizes.
        data = stream.read(limits.max_bytes + 1)
    except UnicodeDecodeError:
        data = ""  # type: ignore[assignment]
    except OSError as error:
        raise InputError(
            f"“{name}” can't be read: {error.strerror or error}.", code="unreadable", hint=_READ_AGAIN
        ) from error
    if not isinstance(data, bytes):
        raise InputError(
            f"“{name}” is open for text, expected a binary file.",
            code="unknown-source",
            hint="Open it with mode “rb”.",
        )
    return _not_empty(data, name, limits)


def _not_empty(data: bytes, name: str, limits: Limits) -> bytes:
    check_bytes(len(data), name, limits)
    if not data:
        raise InputError(
            f"“{name}” is empty: it has 0 bytes.", code="empty-file", hint="Copy or download the picture again."
        )
    return data


def _advice_on_missing(path: Path) -> str:
    if str(path).startswith(("http:", "https:")):
        return "Download the picture first and give its path."
    if not path.parent.is_dir():
        return f"There is no folder “{path.parent}” either: check the path."
    near = difflib.get_close_matches(path.name, sorted(entry.name for entry in path.parent.iterdir()), n=3)
    if not near:
        return f"Check the name; it was looked for in “{path.parent.resolve()}”."
    return f"Did you mean {' or '.join(f'“{name}”' for name in near)}?"
