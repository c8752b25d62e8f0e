"""Surface: any shape becomes a mesh."""

from __future__ import annotations

from typing import Protocol

from unflat.core import Context, Reconstruction


class Surfacer(Protocol):
    """Turns the reconstruction's shape into a mesh, in the same frame."""

    def __call__(self, reconstruction: Reconstruction, context: Context) -> Reconstruction:
        """Give the reconstruction with a `Mesh` as its shape."""
        ...
