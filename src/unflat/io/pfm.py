"""Portable float maps: the plainest file for one floating-point number a pixel."""

from __future__ import annotations

import re

import numpy as np
from jaxtyping import Float32

from unflat.core.errors import InputError
from unflat.io.limits import Limits, check_size

_HEADER = re.compile(rb"(P[Ff])\s+(\d{1,9})\s+(\d{1,9})\s+([-+0-9.eE]{1,32})\s")


def is_pfm(data: bytes) -> bool:
    """Whether the bytes begin as a portable float map does."""
    return data[:2] in (b"Pf", b"PF") and data[2:3].isspace()


def read_pfm(data: bytes, name: str, limits: Limits) -> Float32[np.ndarray, "h w"]:
    """The numbers of a one-channel map, first row on top (the file begins at the bottom).

    Raises `InputError` with code ``damaged``, ``truncated`` or ``depth-colored``, and for sizes outside the limits.
    """
    header = _HEADER.match(data)
    if header is None:
        raise _damaged(name, "damaged", "has no valid header")
    if header[1] == b"PF":
        raise InputError(
            f"“{name}” is a float map of three channels, expected one.",
            code="depth-colored",
            hint="Save the depth alone, for example as .npy.",
        )
    width, height = int(header[2]), int(header[3])
    check_size(width, height, name, limits)
    if len(data) - header.end() < width * height * 4:
        raise _damaged(name, "truncated", "ends too early")
    order = "<f4" if header[4].startswith(b"-") else ">f4"
    values = np.frombuffer(data, order, width * height, header.end()).reshape(height, width)
    return values[::-1].astype(np.float32)


def _damaged(name: str, code: str, what: str) -> InputError:
    return InputError(f"The float map “{name}” {what}.", code=code, hint="Write it again, or save it as .npy.")
