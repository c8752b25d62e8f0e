"""Arrays that live in a file and come into memory a page at a time: hundreds of photos do not fit otherwise."""

from __future__ import annotations

import contextlib
import errno
import io
import mmap
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from unflat.core import View
from unflat.io.atomic import write_atomically

_SPARE_FILES = 256
"""Files that must still be free to be opened, by programs that are started and databases among others."""


def mapped(path: Path, array: Shaped[np.ndarray, "..."]) -> np.memmap:
    """The array, written to an .npy file (whole or not at all) and mapped from there, read-only.

    Raises `SetupError` as the disk does.
    """
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    write_atomically(path, buffer.getvalue())
    return open_mapped(path)


def open_mapped(path: Path) -> np.memmap:
    """The array of an .npy file, read-only, nothing read yet. Raises `OSError` or `ValueError`."""
    with path.open("rb") as file:
        _keep_room(file.fileno())
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except EOFError as error:
        raise ValueError(f"“{path}” is empty") from error
    if not isinstance(array, np.memmap):
        raise ValueError(f"“{path}” holds an array without elements")
    return array


def let_go(*arrays: Shaped[np.ndarray, "..."]) -> None:
    """Give back the memory that pages of mapped arrays take; they come again from the file when they are asked for."""
    for array in arrays:
        pages = getattr(array, "_mmap", None)
        if isinstance(pages, mmap.mmap) and hasattr(pages, "madvise"):
            pages.madvise(mmap.MADV_DONTNEED)


def each_with_depth(views: Iterable[View]) -> Iterator[View]:
    """The views that have depth; each is given back when the next is asked for, since together they fill the memory."""
    for view in views:
        if view.depth is not None:
            yield view
            let_go(view.depth.depth, view.photo.pixels)


def _keep_room(descriptor: int) -> None:
    """Let the process open more files where it is near its limit: each mapped array keeps its file open.

    Often 1024 may be open at first, and many more when asked for; 300 photos with their depth are 1500. `descriptor`
    is any open file's.
    """
    try:
        import fcntl
        import resource
    except ImportError:  # Windows knows no such limit
        return
    allowed, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if allowed == resource.RLIM_INFINITY:
        return
    nearly_last = max(allowed - _SPARE_FILES, 0)
    try:  # the first free number from there on, which no program that another thread starts right now inherits
        free = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, nearly_last)
    except OSError as error:
        if error.errno != errno.EMFILE:  # macOS counts no further than to a limit of its own: far enough
            return
    else:
        os.close(free)
        if free == nearly_last:
            return
    wanted = 2 * allowed if most == resource.RLIM_INFINITY else min(2 * allowed, most)
    with contextlib.suppress(ValueError, OSError):  # the system may refuse; then it tells when files run out
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))


def mapped_file(array: Shaped[np.ndarray, "..."]) -> Path | None:
    """The .npy file that this array is the whole of; None for any other, parts (which name the file too) among them."""
    if not isinstance(array, np.memmap) or array.filename is None or not str(array.filename).endswith(".npy"):
        return None
    path = Path(str(array.filename))
    try:
        whole = open_mapped(path)
    except (OSError, ValueError):
        return None
    same_layout = whole.shape == array.shape and whole.dtype == array.dtype and whole.strides == array.strides
    return path if same_layout and _start(array) == whole.offset else None


def _start(array: np.memmap) -> int:
    """Where the array's first element lies in its file, in bytes; -1 where it lies elsewhere in memory."""
    pages = getattr(array, "_mmap", None)
    if pages is None:
        return -1
    everything = np.frombuffer(pages, np.uint8)
    first = int(array.__array_interface__["data"][0] - everything.__array_interface__["data"][0])
    # the mapping begins at a multiple of the page size, at or before the array
    return first + (array.offset - array.offset % mmap.ALLOCATIONGRANULARITY) if 0 <= first < len(everything) else -1
