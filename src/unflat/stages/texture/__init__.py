"""Texture: a mesh and the views that saw it become a part with UV and material."""

from __future__ import annotations

from typing import Protocol

from unflat.core import Context, Part, Reconstruction


class Texturer(Protocol):
    """Unwraps, bakes and fills. Texels that no view saw are marked as inferred."""

    def __call__(self, reconstruction: Reconstruction, context: Context) -> Part:
        """Give the textured part."""
        ...
