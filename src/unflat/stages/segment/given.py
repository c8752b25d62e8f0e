"""The file's own transparency as the mask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unflat.core import Context, InputError, Mask, Photo, View


@dataclass(frozen=True)
class Given:
    """Takes the picture's alpha channel as it is."""

    def __call__(self, photo: Photo, context: Context) -> View:
        """The photo with its own alpha as mask. Raises `InputError` where the file has none or all is opaque."""
        if photo.alpha is None or int(photo.alpha.min()) > 127:
            found = "no alpha channel" if photo.alpha is None else "an alpha channel that is opaque everywhere"
            raise InputError(
                f"Expected “{photo.name}” to have a transparent background, found {found}.",
                code="no-alpha",
                hint="Use segment backend auto, or give the mask with --mask.",
            )
        return View(photo, Mask(photo.alpha.astype(np.float32) / np.float32(255), made_by="given", confidence=1.0))
