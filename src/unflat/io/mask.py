"""Any picture as a mask."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from unflat.core.errors import InputError
from unflat.core.photo import Mask
from unflat.io.limits import DEFAULT_LIMITS, Limits
from unflat.io.photo import picture_of_given
from unflat.io.picture import Picture
from unflat.io.source import take

_LUMA = np.array([0.2126, 0.7152, 0.0722], dtype=np.float32)
"""Rec. 709 weights, on the values as they are stored: a mask holds shares of a pixel, not light."""


def read_mask(
    source: object,
    size: tuple[int, int],
    *,
    name: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    max_side_px: int | None = None,
) -> Mask:
    """A mask from any picture: its alpha channel where it has one, else its brightness; white is the object.

    `size` is the photo's (width, height), which the mask must have. Where the photo was read with `max_side_px`, give
    the same here: a mask of the photo's original size then comes down with it. Soft edges stay.

    Raises `InputError` as `read_photo`, ``size-mismatch`` for another size, ``nothing-in-picture`` for an empty mask.
    """
    given = take(source, name, limits)
    picture = picture_of_given(given, limits, max_side_px)
    height, width = picture.pixels.shape[:2]
    if (width, height) != size:
        raise InputError(
            f"The mask “{given.name}” is {width}x{height}, the photo {size[0]}x{size[1]}.",
            code="size-mismatch",
            hint="Give a mask of the same size as the photo, and turned the same way.",
        )
    alpha = _coverage(picture)
    if 0 < alpha.max() <= 1 / 255 + 1e-6:
        raise InputError(
            f"The mask “{given.name}” is all but black: its values are 0 and 1 out of 255.",
            code="nothing-in-picture",
            hint="Labels 0 and 1 were saved as a picture: multiply them by 255.",
        )
    return Mask(alpha, made_by="given")


def _coverage(picture: Picture) -> Float32[np.ndarray, "h w"]:
    if picture.alpha is not None:
        return picture.alpha.astype(np.float32) / 255
    # Rounded weights may sum to a hair above one.
    return np.minimum(picture.pixels.astype(np.float32) @ _LUMA / 255, np.float32(1.0))
