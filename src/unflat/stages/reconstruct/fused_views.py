"""Fused views: what our network makes of each of several photos with cameras, as one solid."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from unflat.core import Camera, Context, Drawing, InputError, Mask, Photo, RecipeError, Reconstruction, Views
from unflat.geometry.field_at_origin import field_at_origin
from unflat.geometry.similarities import turning
from unflat.geometry.solid_fusion import SolidClaim, fitted_to_outlines, fused_field
from unflat.geometry.two_sides import layers_of
from unflat.nets.object_guess import ObjectGuess, guess_object
from unflat.nets.shipped_weights import SHIPPED
from unflat.nets.single_view import load_single_view

_FEWEST = 2
_RESOLUTIONS = (32, 512)
_CENTRED = 0.02
"""A photo whose axis is further off its middle, in pictures, was cut; the crop then takes the lens that is expected."""
_ASKED_SHARE = 0.6
"""Of the time, for the network."""


@dataclass(frozen=True)
class FusedViews:
    """A solid that fills all outlines, its hollows where the network sees them, and each photo's front weighs most."""

    weights: str = ""
    """Folder of other weights with their card; empty for those that come with the package."""
    resolution: int = 160
    """Voxels along the longest side."""

    def __post_init__(self) -> None:
        if not _RESOLUTIONS[0] <= self.resolution <= _RESOLUTIONS[1]:
            raise RecipeError(f"reconstruct.resolution can't be {self.resolution}.", code="bad-option",
                              hint="Give a number from {} to {}.".format(*_RESOLUTIONS))  # fmt: skip

    def __call__(self, source: Views | Drawing, context: Context) -> Reconstruction:
        """The solid as a `Field`, UP_TO_SCALE: at the origin, its longest side 1, cameras along with it.

        Raises `InputError`: ``too-few-views``, ``no-camera``, ``no-mask``. About 1 s a photo, and 0.5 s for each at
        resolution 128.
        """
        views, shown = _checked(source)
        network = load_single_view(Path(self.weights) if self.weights else SHIPPED)
        guesses = []
        for number, (photo, mask, _) in enumerate(shown):
            guesses.append(guess_object(network, photo, mask, network.size_px))
            context.progress(_ASKED_SHARE * (number + 1) / len(shown))
        cameras = [camera for _, _, camera in shown]
        middle = _middle(guesses, cameras)
        claims = tuple(
            _claim(guess).moved(_place(guess, camera, middle)) for guess, camera in zip(guesses, cameras, strict=True)
        )
        fused = context.part(_ASKED_SHARE, 1.0)
        return field_at_origin(fused_field(fitted_to_outlines(claims), self.resolution, fused.progress), views)


def _checked(source: Views | Drawing) -> tuple[Views, list[tuple[Photo, Mask, Camera]]]:
    """Photos, masks and cameras, all there; photos know their focal length."""
    if isinstance(source, Drawing) or len(source.items) < _FEWEST:
        raise InputError(f"Fusing needs at least {_FEWEST} photos.", code="too-few-views",
                         hint="Give more photos; for one picture use the recipe “photo” or “drawing”.")  # fmt: skip
    shown = []
    for view in source.items:
        if view.camera is None:
            raise InputError(f"“{view.photo.name}” has no camera.", code="no-camera",
                             hint="Give --cameras, or a recipe with a pose stage.")  # fmt: skip
        if view.mask is None:
            raise InputError(f"“{view.photo.name}” has no mask.", code="no-mask",
                             hint="Keep the segment stage, or give pictures with transparency.")  # fmt: skip
        shown.append((_with_lens(view.photo, view.camera), view.mask, view.camera))
    return source, shown


def _with_lens(photo: Photo, camera: Camera) -> Photo:
    """The photo with its camera's focal length, where that looks through the middle of it."""
    off = max(abs(camera.cx / camera.width_px - 0.5), abs(camera.cy / camera.height_px - 0.5))
    if camera.projection == "orthographic" or off > _CENTRED:
        return replace(photo, focal_px=None)
    return replace(photo, focal_px=(camera.fx + camera.fy) / 2)


def _claim(guess: ObjectGuess) -> SolidClaim:
    """In the object's own frame."""
    return SolidClaim(layers_of(guess.sides(carve=False)), guess.said.front_error, guess.said.back_error)


def _middle(guesses: list[ObjectGuess], cameras: list[Camera]) -> Float64[np.ndarray, "3"]:
    """The point nearest to the rays through the middles of all crops, by least squares."""
    system, known = np.zeros((3, 3)), np.zeros(3)
    for guess, camera in zip(guesses, cameras, strict=True):
        towards = _world_from_own(guess, camera) @ guess.photo_camera.center
        across = np.eye(3) - np.outer(towards, towards) / (towards @ towards)
        system += across
        known += across @ camera.center
    return np.asarray(np.linalg.lstsq(system, known, rcond=1e-6)[0], np.float64)


def _world_from_own(guess: ObjectGuess, camera: Camera) -> Float64[np.ndarray, "3 3"]:
    return camera.world_from_camera[:3, :3] @ guess.photo_camera.world_from_camera[:3, :3].T


def _place(guess: ObjectGuess, camera: Camera, middle: Float64[np.ndarray, "3"]) -> Float64[np.ndarray, "4 4"]:
    """``world_from_object``: the photo's own camera laid over the known one, as large as the object is far away."""
    own = guess.photo_camera
    scale = float(np.linalg.norm(camera.center - middle) / np.linalg.norm(own.center))
    place = turning(scale * _world_from_own(guess, camera))
    place[:3, 3] = camera.center - place[:3, :3] @ own.center
    return place
