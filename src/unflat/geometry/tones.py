"""Pictures of two tones: scanned ink and silhouettes."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Bool, UInt8

_NEAR, _SHARE, _LEAST_STEP = 14, 0.96, 60
"""Of two tones: all but a few pixels lie this near to one of two grey levels, which are this far apart."""
_COLORLESS = 20
"""Channels of grey differ by less than this."""


def is_two_tone(pixels: UInt8[np.ndarray, "h w 3"]) -> bool:
    """Whether almost all pixels have one of two flat grey levels (bilevel pictures, antialiased or not)."""
    if int((pixels.max(axis=2) - pixels.min(axis=2)).max(initial=0)) > _COLORLESS:
        return False
    gray = pixels[..., 1]
    dark = two_tones(pixels)
    if dark.all() or not dark.any():
        return False
    high, low = float(np.median(gray[~dark])), float(np.median(gray[dark]))
    near = np.minimum(np.abs(gray - high), np.abs(gray - low)) <= _NEAR
    return bool(near.mean() > _SHARE and abs(high - low) > _LEAST_STEP)


def two_tones(pixels: UInt8[np.ndarray, "h w 3"]) -> Bool[np.ndarray, "h w"]:
    """The dark pixels, by Otsu's threshold (1979)."""
    gray = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    level, _ = cv2.threshold(gray, 0, 255, cv2.THRESH_OTSU)
    return np.asarray(gray <= level)


def background_is_dark(pixels: UInt8[np.ndarray, "h w 3"]) -> bool:
    """Whether most of the frame is of the dark tone."""
    dark = two_tones(pixels)
    return bool(np.concatenate([dark[0], dark[-1], dark[1:-1, 0], dark[1:-1, -1]]).mean() > 0.5)
