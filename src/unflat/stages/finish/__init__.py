"""Finish: a list of steps, each mesh to mesh: weld, largest part, fill, smooth, watertight, decimate, place.

A step takes and gives the whole reconstruction because turning or scaling a mesh turns and scales its cameras too.
"""

from __future__ import annotations

from typing import Protocol

from unflat.core import Context, Reconstruction


class Finisher(Protocol):
    """One step. The reconstruction's shape is a mesh before and after."""

    def __call__(self, reconstruction: Reconstruction, context: Context) -> Reconstruction:
        """Give the improved reconstruction."""
        ...
