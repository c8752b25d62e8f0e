"""Detail that the photos show and the points were too coarse for: the mesh is moved until photos of it look alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from unflat.core import Camera, Context, Mesh, RecipeError, Reconstruction, Views
from unflat.geometry.photo_consistency import GreyView, refined
from unflat.geometry.topology import edge_table
from unflat.geometry.undistortion import undistorted

_NEAREST_DEG, _BEST_DEG, _FARTHEST_DEG = 3.0, 10.0, 35.0
"""Angles at the object between which two photos make a pair, and the one that is best."""
_LONGEST_EDGES = 1.0
"""A vertex moves at most so many edge lengths a round."""


@dataclass(frozen=True)
class Refine:
    """Moves the surface until photos agree on it (Vu et al. 2012), coarse photos first."""

    side_px: int = 1200
    """Longest side of the photos in the last round; time grows with its square."""
    rounds: int = 3
    """How often; all but the last two look at photos of half the size."""
    partners: int = 2
    """Photos that each photo is compared with."""
    smooth: float = 0.3
    """Weight of smoothness against the photos."""

    def __post_init__(self) -> None:
        for name, low, high in (("side_px", 160, 4096), ("rounds", 1, 20), ("partners", 1, 8)):
            if not low <= getattr(self, name) <= high:
                raise RecipeError(f"finish.refine.{name} can't be {getattr(self, name)}.", code="bad-option",
                                  hint=f"Give {low} to {high}.")  # fmt: skip
        if not 0 < self.smooth <= 100:
            raise RecipeError(
                f"finish.refine.smooth can't be {self.smooth:g}.", code="bad-option", hint="Give above 0, up to 100."
            )

    def __call__(self, reconstruction: Reconstruction, context: Context) -> Reconstruction:
        """Give the same faces with vertices moved; a mesh that fewer than two photos show stays as it is.

        Linear in photos, partners and pixels: about a second a pair of megapixel photos and round.
        """
        mesh = reconstruction.mesh
        pairs = _pairs(reconstruction.views, mesh, self.partners)
        if not pairs:
            context.warn("No two photos see the object from angles that could refine it.")
            return reconstruction
        for number in range(self.rounds):
            side = self.side_px if number >= self.rounds - 2 else self.side_px // 2
            views = tuple(_grey(reconstruction.views, side))
            share = context.part(number / self.rounds, (number + 1) / self.rounds)
            told = _telling(pairs, share)
            mesh = refined(mesh, views, told, smooth=self.smooth, longest=_LONGEST_EDGES * _edge_length(mesh))
        return reconstruction.with_mesh(mesh)


def _telling(pairs: list[tuple[int, int]], context: Context) -> Iterator[tuple[int, int]]:
    for done, pair in enumerate(pairs):
        yield pair
        context.progress((done + 1) / len(pairs))


def _grey(views: Views, side_px: int) -> Iterator[GreyView]:
    for view in views.items:
        small = undistorted(view, side_px)
        assert small.camera is not None
        grey = cv2.cvtColor(np.ascontiguousarray(small.photo.pixels), cv2.COLOR_RGB2GRAY)
        yield GreyView(grey.astype(np.float32) / 255, small.camera)


def _pairs(views: Views, mesh: Mesh, partners: int) -> list[tuple[int, int]]:
    """For each photo the ones at the best angles, seen from the middle of the mesh."""
    middle = mesh.vertices.mean(axis=0)
    cameras: list[Camera] = [view.camera for view in views.items if view.camera is not None]
    ways = np.stack([(camera.center - middle) / np.linalg.norm(camera.center - middle) for camera in cameras])
    angle = np.degrees(np.arccos(np.clip(ways @ ways.T, -1, 1)))
    usable = (angle >= _NEAREST_DEG) & (angle <= _FARTHEST_DEG)
    worth = np.where(usable, np.abs(angle - _BEST_DEG), np.inf)
    order = np.argsort(worth, axis=1, kind="stable")[:, :partners]
    return [(first, int(second)) for first in range(len(cameras)) for second in order[first]
            if np.isfinite(worth[first, second])]  # fmt: skip


def _edge_length(mesh: Mesh) -> float:
    one, other = edge_table(mesh.faces).edges.T
    return float(np.median(np.linalg.norm(mesh.vertices[one] - mesh.vertices[other], axis=1)))
