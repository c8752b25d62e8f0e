"""Arrays that live in a file and come into memory a page at a time: hundreds of photos do not fit otherwise."""

from __future__ import annotations

import io
import mmap
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from unflat.io.atomic import write_atomically


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
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    if not isinstance(array, np.memmap):
        raise ValueError(f"“{path}” holds an array without elements")
    return array


def let_go(*arrays: Shaped[np.ndarray, "..."]) -> None:
    """Give back the memory that pages of mapped arrays take; they come again from the file when they are asked for."""
    for array in arrays:
        pages = getattr(array, "_mmap", None)
        if isinstance(pages, mmap.mmap) and hasattr(pages, "madvise"):
            pages.madvise(mmap.MADV_DONTNEED)


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
