"""The only place where sRGB becomes linear light and back (IEC 61966-2-1)."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, UInt8

LUMINANCE_WEIGHTS = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
"""Rec. 709 weights of linear red, green and blue."""


def _build_linear_table() -> Float32[np.ndarray, "256"]:
    srgb = np.arange(256) / 255.0
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4).astype(np.float32)


_LINEAR_OF_BYTE = _build_linear_table()


def linear_from_srgb(srgb: UInt8[np.ndarray, "*shape"]) -> Float32[np.ndarray, "*shape"]:
    """Linear light 0..1 of sRGB bytes. Exact, by table. Alpha is not a colour: split it off first."""
    return _LINEAR_OF_BYTE[srgb]


def srgb_from_linear(linear: Float32[np.ndarray, "*shape"]) -> UInt8[np.ndarray, "*shape"]:
    """sRGB bytes of linear light; values outside 0..1 are clipped, NaN becomes 0. Inverts `linear_from_srgb`."""
    clipped = np.clip(np.nan_to_num(linear), 0.0, 1.0)
    srgb = np.where(clipped <= 0.0031308, clipped * 12.92, 1.055 * np.power(clipped, 1 / 2.4) - 0.055)
    return np.asarray(np.rint(srgb * 255.0), dtype=np.uint8)


def luminance(linear: Float32[np.ndarray, "*shape 3"]) -> Float32[np.ndarray, "*shape"]:
    """Relative luminance Y of linear colours."""
    return np.asarray(linear @ LUMINANCE_WEIGHTS, dtype=np.float32)
