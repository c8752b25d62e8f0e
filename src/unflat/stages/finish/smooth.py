"""Remove noise, keep edges."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unflat.core import Context, Mesh, RecipeError, Reconstruction
from unflat.geometry.meshes import weld_map
from unflat.geometry.smoothing import denoised

_MOST_ROUNDS = 100


@dataclass(frozen=True)
class Smooth:
    """Bilateral normal filtering (Zheng et al. 2011) with vertices that follow: flat gets flatter, edges stay sharp."""

    rounds: int = 5
    """How often; more takes off more noise, and small detail with it. 0 changes nothing."""
    crease_deg: float = 25.0
    """Neighbouring faces tilted by more than about this keep their edge."""

    def __post_init__(self) -> None:
        if not 0 <= self.rounds <= _MOST_ROUNDS:
            raise RecipeError(
                f"finish.smooth.rounds can't be {self.rounds}.",
                code="bad-option",
                hint=f"Give a number from 0 to {_MOST_ROUNDS}.",
            )
        if not 0.0 < self.crease_deg <= 180.0:
            raise RecipeError(
                f"finish.smooth.crease_deg can't be {self.crease_deg:g}.",
                code="bad-option",
                hint="Give an angle in degrees above 0, up to 180.",
            )

    def __call__(self, reconstruction: Reconstruction, context: Context) -> Reconstruction:
        """Give the smoothed mesh with the same faces; a closed one keeps its volume. 0.5 s for 400,000 faces.

        All vertex data but normals stay. Copies of a vertex at UV seams move together; open borders do not move.
        """
        if self.rounds == 0:
            return reconstruction
        mesh = reconstruction.mesh
        context.progress(0.0)
        place = weld_map(mesh.vertices)
        if int(place.max()) + 1 == len(mesh.vertices):
            smooth = denoised(mesh, (self.rounds, 2 * self.rounds), self.crease_deg, context.progress)
            return reconstruction.with_mesh(smooth)
        first = np.full(int(place.max()) + 1, len(place), np.int64)
        np.minimum.at(first, place, np.arange(len(place)))
        bare = Mesh(mesh.vertices[first], place[mesh.faces])
        smooth = denoised(bare, (self.rounds, 2 * self.rounds), self.crease_deg, context.progress)
        return reconstruction.with_mesh(mesh.with_vertices(smooth.vertices[place]))
