"""To a real height or size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unflat.core import Context, RecipeError, Reconstruction, StageFailed
from unflat.geometry.lengths import parse_length_m
from unflat.geometry.meshes import transformed_reconstruction
from unflat.geometry.moving import in_metres
from unflat.geometry.similarities import scaling


@dataclass(frozen=True)
class Scale:
    """Scales the object so that one of its lengths is as given; without a length nothing changes."""

    height: str | None = None
    """Height (y) with its unit, such as 12cm or 4in."""
    size: str | None = None
    """Longest side with its unit."""
    width: str | None = None
    """Width (x) with its unit."""
    depth: str | None = None
    """Depth (z) with its unit."""

    def __post_init__(self) -> None:
        given = self._given()
        if len(given) > 1:
            raise RecipeError(
                f"finish.scale was given {' and '.join(given)}; one length decides the scale.",
                code="bad-option",
                hint=f"Keep one of them, such as {next(iter(given))}.",
            )
        for length in given.values():
            parse_length_m(length)

    def __call__(self, reconstruction: Reconstruction, context: Context) -> Reconstruction:
        """Give the scaled reconstruction, now in metres; its cameras move with it.

        Raises `StageFailed` (``flat-object``) where the object has no extent along the wanted side.
        """
        given = self._given()
        if not given:
            return reconstruction
        ((side, length),) = given.items()
        width, height, depth = reconstruction.mesh.extent
        now = float({"width": width, "height": height, "depth": depth, "size": max(width, height, depth)}[side])
        wanted_m = parse_length_m(length)
        with np.errstate(all="ignore"):
            factor = np.float64(wanted_m) / now
        if now <= 0 or not np.isfinite(factor):
            raise StageFailed(
                f"The object has no {side}, so it can't be scaled to {length}.",
                code="flat-object",
                hint="Give its size (longest side) instead.",
            )
        return in_metres(transformed_reconstruction(reconstruction, scaling(float(factor))))

    def _given(self) -> dict[str, str]:
        lengths = {"height": self.height, "size": self.size, "width": self.width, "depth": self.depth}
        return {side: length for side, length in lengths.items() if length is not None}
