"""Segment: which pixels are the object. Photo in; a view with a mask, or a drawing without its paper, out."""

from __future__ import annotations

from typing import Protocol

from unflat.core import Context, Drawing, Photo, View


class Segmenter(Protocol):
    """Finds the object in a photo.

    Gives a `View` whose mask says who made it and how sure that is, or a `Drawing` (rectified, paper removed).
    Raises `InputError` (code ``nothing-in-picture``) where there is no object.
    """

    def __call__(self, photo: Photo, context: Context) -> View | Drawing:
        """Segment one photo."""
        ...
