"""Reconstruct: a shape from a source. Views or a drawing in, a reconstruction with cameras out."""

from __future__ import annotations

from typing import Protocol

from unflat.core import Context, Drawing, Reconstruction, Views


class Reconstructor(Protocol):
    """Makes a shape (field, cloud or mesh) from segmented views or a drawing.

    Every view of the result has a camera in the shape's frame; an UP_TO_SCALE shape has its longer silhouette side
    about 1 long and is centred on the origin, front towards +Z.
    """

    def __call__(self, source: Views | Drawing, context: Context) -> Reconstruction:
        """Reconstruct one object."""
        ...
