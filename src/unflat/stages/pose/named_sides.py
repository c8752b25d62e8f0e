"""Named sides: cameras of photos of which it is known which side of the object each shows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from unflat.core import Context, InputError, Mask, RecipeError, View, Views
from unflat.geometry.cameras import transform_camera
from unflat.geometry.object_frame import object_camera
from unflat.geometry.silhouette_coherence import OutlineView, Similarity, brought_together, incoherence
from unflat.geometry.similarities import rotation_deg, turning
from unflat.geometry.two_sides import layers_of, solid_of
from unflat.nets.object_guess import ObjectGuess, guess_object
from unflat.nets.shipped_weights import SHIPPED
from unflat.nets.single_view import load_single_view

AZIMUTHS_DEG = {"front": 0.0, "left": 90.0, "back": 180.0, "right": 270.0}
"""Where the camera stands: the left side is the object's own left, towards which its front looks in that photo."""
_FEWEST, _MOST = 2, 12
_FAR_APART = 0.02
"""Mean distance, in half squares, by which outlines that belong together miss each other at most."""


@dataclass(frozen=True)
class NamedSides:
    """Places photos by the sides that they show; they need not share a single point."""

    sides: tuple[str, ...] = ("front", "left", "back", "right")
    """Of each photo, in order: front, left, back, right, or degrees around the object from its front to its left."""
    weights: str = ""
    """Folder of other weights with their card; empty for those that come with the package."""

    def __post_init__(self) -> None:
        for side in self.sides:
            _azimuth_deg(side)
        if not _FEWEST <= len(self.sides) <= _MOST:
            raise RecipeError(f"pose.sides names {len(self.sides)} sides.", code="bad-option",
                              hint=f"Name {_FEWEST} to {_MOST}, such as front,left,back,right.")  # fmt: skip

    def __call__(self, source: Views, context: Context) -> Views:
        """The views with cameras: the front looks along -Z, up is +Y, the outline of the first photo is about 1 long.

        Height and roll of each camera, and its lens where it is not known, are those that our network expects of the
        photo; then all are changed a little until the outlines agree. Raises `InputError`: ``sides-do-not-fit`` for
        another number of photos than sides, ``no-mask``. About 1 s, and 1 s a photo.
        """
        count = len(source.items)
        if count != len(self.sides):
            raise InputError(
                f"There are {count} photos, but {len(self.sides)} sides are named: {', '.join(self.sides)}.",
                code="sides-do-not-fit",
                hint="Name one for each photo, in their order: --set pose.sides=front,back.",
            )
        network = load_single_view(Path(self.weights) if self.weights else SHIPPED)
        guesses = []
        for number, view in enumerate(source.items):
            guesses.append(guess_object(network, view.photo, _mask_of(view), network.size_px))
            context.progress((number + 1) / (count + 2))
        outlines = [
            OutlineView.of(object_camera(len(guess.crop.mask), guess.tan_half_fov), guess.crop.mask, context.seed)
            for guess in guesses
        ]
        places = brought_together(outlines, _first_places(guesses, [_azimuth_deg(side) for side in self.sides]))
        if incoherence(outlines, places).mean() > _FAR_APART:
            context.warn("The outlines do not fit together: check that each photo shows the side that it is named by.")
        context.progress(1.0)
        return Views(tuple(
            replace(view, camera=transform_camera(guess.photo_camera, place))
            for view, guess, place in zip(source.items, guesses, places, strict=True)
        ))  # fmt: skip


def _azimuth_deg(side: str) -> float:
    """Raises `RecipeError` (``bad-option``)."""
    if side in AZIMUTHS_DEG:
        return AZIMUTHS_DEG[side]
    try:
        azimuth = float(side)
    except ValueError:
        azimuth = np.nan
    if not np.isfinite(azimuth):
        raise RecipeError(f"pose.sides can't be “{side}”.", code="bad-option",
                          hint=f"Name {', '.join(AZIMUTHS_DEG)}, or give degrees from front to left.")  # fmt: skip
    return azimuth % 360


def _mask_of(view: View) -> Mask:
    if view.mask is None:
        raise InputError(f"No object was found in “{view.photo.name}”.", code="no-mask",
                         hint="Give pictures with a transparent background, or another segment backend.")  # fmt: skip
    return view.mask


def _first_places(guesses: list[ObjectGuess], azimuths_deg: list[float]) -> list[Similarity]:
    """``world_from_object`` of each: upright, turned to its side, the guessed solids equally high at one middle."""
    places = []
    for guess, azimuth in zip(guesses, azimuths_deg, strict=True):
        turn = rotation_deg(0, azimuth, 0) @ guess.upright
        corners = solid_of(layers_of(guess.sides(carve=False))).vertices.astype(np.float64) @ turn.T
        low, high = corners.min(axis=0), corners.max(axis=0)
        places.append(_equally_high(turn, low, high))
    first = np.linalg.norm(places[0][:3, 0])
    return [np.diag([1 / first, 1 / first, 1 / first, 1.0]) @ place for place in places]


def _equally_high(
    turn: Float64[np.ndarray, "3 3"], low: Float64[np.ndarray, "3"], high: Float64[np.ndarray, "3"]
) -> Similarity:
    scale = 1 / max(float(high[1] - low[1]), 1e-6)
    place = turning(scale * turn)
    place[:3, 3] = -scale * (low + high) / 2
    return place
