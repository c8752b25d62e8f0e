"""The file's own transparency as the mask."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from unflat.core import Context, InputError, Mask, Photo, View
from unflat.geometry.masks import objects_of
from unflat.stages.segment.marks import Box, points_of, refuse_marks_outside

_IN_BOX = 0.9
"""Share of a piece that lies in the box that means it."""


@dataclass(frozen=True)
class Given:
    """Takes the picture's alpha channel as it is; where pieces of it are marked, these alone."""

    box: tuple[int, int, int, int] | None = None
    """The object's box in pixels: left, top, right, bottom."""
    clicks: tuple[int, ...] = ()
    """Points on the object in pixels: x, y, x, y …"""
    background_clicks: tuple[int, ...] = ()
    """Points beside the object in pixels: x, y, x, y …"""

    def __call__(self, photo: Photo, context: Context) -> View:
        """The photo with its own alpha as mask. Raises `InputError`: ``no-alpha`` where the file has none or all is
        opaque, ``mark-outside``, ``nothing-in-picture`` where no separate piece is as the marks say.
        """
        if photo.alpha is None or int(photo.alpha.min()) > 127:
            found = "no alpha channel" if photo.alpha is None else "an alpha channel that is opaque everywhere"
            raise InputError(
                f"Expected “{photo.name}” to have a transparent background, found {found}.",
                code="no-alpha",
                hint="Use segment backend auto, or give the mask with --mask.",
            )
        mask = Mask(photo.alpha.astype(np.float32) / np.float32(255), made_by="given", confidence=1.0)
        if self.box is None and not self.clicks and not self.background_clicks:
            return View(photo, mask)
        refuse_marks_outside(photo, self.box, self.clicks + self.background_clicks)
        pieces = [piece for piece in objects_of(mask, keep="all") if self._is_meant(piece)]
        if not pieces:
            raise InputError(
                f"No separate piece of “{photo.name}” is as the marks say.",
                code="nothing-in-picture",
                hint="Click on a piece that stands apart, or use segment backend grabcut to cut one up.",
            )
        return View(photo, replace(mask, alpha=np.maximum.reduce([piece.alpha for piece in pieces])))

    def _is_meant(self, piece: Mask) -> bool:
        def holds(clicks: tuple[int, ...]) -> bool:
            return any(piece.solid[y, x] for x, y in points_of(clicks))

        if holds(self.background_clicks) or (self.clicks and not holds(self.clicks)):
            return False
        return self.box is None or _share_in(piece, self.box) >= _IN_BOX


def _share_in(piece: Mask, box: Box) -> float:
    left, top, right, bottom = box
    return float(piece.solid[top:bottom, left:right].sum() / max(piece.solid.sum(), 1))
