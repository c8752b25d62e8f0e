"""Panoramas of the whole sphere among photos: no lens takes them, so their cameras can't be found."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from jaxtyping import Float32

from unflat.core import InputError, Photo, Views
from unflat.io.mapped import let_go

_PROPORTIONS_OFF = 0.005
_POLE_DEVIATION = 12.0
"""Standard deviation in levels (0..255) along the first and the last row, each of which is a single point."""
_SEAM_LIKENESS = 0.8
"""Correlation of the detail in the first and the last column, which are neighbours."""
_LEAST_DETAIL = 2.0
"""Standard deviation in levels of that detail; columns with less look alike in any plain picture."""
_DETAIL_SHARE = 0.05
"""Blur that takes detail away, as a share of the height."""


def without_panoramas(source: Views, warn: Callable[[str], None]) -> Views:
    """The views without equirectangular panoramas.

    Raises `InputError` (``panoramas``) where fewer than two are left.
    """
    found = []
    for view in source.items:
        found.append(is_panorama(view.photo))
        let_go(view.photo.pixels)
    if not any(found):
        return source
    names = [view.photo.name for view, is_one in zip(source.items, found, strict=True) if is_one]
    kept = tuple(view for view, is_one in zip(source.items, found, strict=True) if not is_one)
    if len(kept) < 2:
        raise InputError(
            f"{len(names)} of {len(found)} pictures are panoramas of the whole sphere, such as “{names[0]}”.",
            code="panoramas",
            hint="Give ordinary photos from several places; or cut each panorama into six square ones of 90 degrees.",
        )
    for name in names:
        warn(f"“{name}” was left out: it is a panorama of the whole sphere, which no lens takes.")
    return Views(kept, source.tracks)


def is_panorama(photo: Photo) -> bool:
    """Whether a picture is twice as wide as high, constant along its top and bottom, and goes on from right to left."""
    if abs(photo.width / photo.height - 2) > _PROPORTIONS_OFF or photo.height < 64:
        return False
    top, bottom = photo.pixels[0].astype(np.float32), photo.pixels[-1].astype(np.float32)
    if max(top.std(axis=0).max(), bottom.std(axis=0).max()) > _POLE_DEVIATION:
        return False
    first, last = (_detail(photo.pixels[:, column].astype(np.float32)) for column in (0, -1))
    sizes = float(first.std()), float(last.std())
    if min(sizes) < _LEAST_DETAIL:
        return False
    return float((first * last).mean()) / (sizes[0] * sizes[1]) > _SEAM_LIKENESS


def _detail(column: Float32[np.ndarray, "h 3"]) -> Float32[np.ndarray, "h 3"]:
    """What is left of a column without its slow changes."""
    blur_px = _DETAIL_SHARE * len(column)
    slow = cv2.GaussianBlur(column[:, None], (1, 2 * round(3 * blur_px) + 1), sigmaX=1.0, sigmaY=blur_px)[:, 0]
    return np.asarray(column - slow, np.float32)
