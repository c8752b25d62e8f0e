"""Turn upright or by given angles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from unflat.core import Context, RecipeError, Reconstruction
from unflat.geometry.meshes import transformed_reconstruction
from unflat.geometry.resting import most_stable_down
from unflat.geometry.similarities import rotation_between, rotation_deg, turning

_UNCHANGED = 1e-12


@dataclass(frozen=True)
class Orient:
    """Turns the object and its cameras: first the axis that is up, then the given angles, then onto its stable side."""

    up: Literal["as-is", "x", "-x", "y", "-y", "z", "-z"] = "as-is"
    """The direction of the model that shall point up."""
    turn_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)
    """Angles about the x, y and z axes of the world, in this order."""
    stable: bool = False
    """Rest on the side of the convex hull that is most stable."""

    def __post_init__(self) -> None:
        if not np.isfinite(self.turn_deg).all():
            raise RecipeError(
                f"finish.orient.turn_deg can't be {self.turn_deg}.",
                code="bad-option",
                hint="Give three angles in degrees, such as 0,90,0.",
            )

    def __call__(self, reconstruction: Reconstruction, context: Context) -> Reconstruction:
        """Give the turned reconstruction. Turns are about the origin."""
        down, upwards = np.array([0.0, -1.0, 0.0]), np.array([0.0, 1.0, 0.0])
        rotation = rotation_deg(*self.turn_deg)
        if self.up != "as-is":
            axis = np.eye(3)["xyz".index(self.up[-1])] * (-1.0 if self.up.startswith("-") else 1.0)
            rotation = rotation @ rotation_between(axis, upwards)
        if self.stable:
            side = most_stable_down(reconstruction.mesh)
            if side is None:
                context.warn("The object is flat, so no side to rest on was found.")
            else:
                rotation = rotation_between(rotation @ side, down) @ rotation
        if np.abs(rotation - np.eye(3)).max() < _UNCHANGED:
            return reconstruction
        return transformed_reconstruction(reconstruction, turning(rotation))
