"""Single view: a whole object from one photo or drawing, by our own network, which comes with the package."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from jaxtyping import Float64

from unflat.core import Context, Drawing, InputError, Mask, Mesh, RecipeError, Reconstruction, View, Views
from unflat.geometry.meshes import transformed_reconstruction
from unflat.geometry.object_doubts import doubts_about
from unflat.geometry.object_frame import FILL
from unflat.geometry.similarities import scaling, shift, turning
from unflat.geometry.symmetric_layers import symmetric
from unflat.geometry.two_sides import finished_solid, layers_of
from unflat.nets.object_guess import ObjectGuess, guess_object
from unflat.nets.shipped_weights import SHIPPED
from unflat.nets.single_view import load_single_view

_RESOLUTIONS = (64, 512)
_LEAST_SIDE_PX = 8
"""An outline of fewer pixels says nothing of a shape."""
_SCENE_SHARE = 0.97
"""A mask of more than this share of the picture leaves no outline to go by."""
_UNSURE = 0.2
"""Mean expected error, in half squares, from which the shape is a guess."""


@dataclass(frozen=True)
class SingleView:
    """The seen side as the photo shows it, the other side as the network expects it, and each said to be so."""

    weights: str = ""
    """Folder of other weights with their card; empty for those that come with the package."""
    symmetry: float = 0.8
    """Share of the surface that must be its own mirror image for both halves to be made alike, 0 to 1; 1 never does."""
    upright: bool = True
    """Stand the object of a photo upright, by the direction that the network holds for up; a drawing's up is up."""
    carve: bool = True
    """Cut out the air between front and back, as under a table or inside a cup."""

    resolution: int = 192
    """Samples along the square around the object in which the solid is built; the network sees its own size of it."""

    def __post_init__(self) -> None:
        if not _RESOLUTIONS[0] <= self.resolution <= _RESOLUTIONS[1]:
            raise RecipeError(f"reconstruct.resolution can't be {self.resolution}.", code="bad-option",
                              hint="Give a number from {} to {}.".format(*_RESOLUTIONS))  # fmt: skip
        if not 0 <= self.symmetry <= 1:
            raise RecipeError(f"reconstruct.symmetry can't be {self.symmetry:g}.", code="bad-option",
                              hint="Give a share from 0 to 1, such as 0.8; 1 leaves the shape as it is.")  # fmt: skip

    def __call__(self, source: Views | Drawing, context: Context) -> Reconstruction:
        """Give a closed mesh with colours and confidence: 1 on what is seen, at most a half on what is inferred.

        Raises `InputError` for several pictures (``too-many-views``), none cut out (``no-mask``), an object of a few
        pixels (``object-too-small``) and a whole scene (``scene-not-object``), `SetupError` for missing or damaged
        weights. The network takes most of the time: about 1 s on two cores, the solid as much at 256 pixels.
        """
        view, mask = _view_of(source)
        _refuse_hopeless(view, mask)
        context.progress(0.0)
        for doubt in doubts_about(view.photo, mask):
            context.warn(doubt)
        network = load_single_view(Path(self.weights) if self.weights else SHIPPED)
        context.progress(0.1)
        guess = guess_object(network, view.photo, mask, self.resolution)
        context.progress(0.6)
        _tell_uncertainty(guess, context)
        mesh = self._solid(guess, context)
        seen_from = View(view.photo, mask, guess.photo_camera)
        turn = guess.upright if self.upright and isinstance(source, Views) else np.eye(3)
        context.progress(1.0)
        return _placed(Reconstruction(mesh, Views((seen_from,))), turn)

    def _solid(self, guess: ObjectGuess, context: Context) -> Mesh:
        sides = guess.sides(carve=self.carve)
        layers = layers_of(sides)
        context.progress(0.7)
        if self.symmetry < 1:
            layers = symmetric(layers, self.symmetry, context.seed)
        context.progress(0.8)
        return finished_solid(layers, sides)


def _view_of(source: Views | Drawing) -> tuple[View, Mask]:
    if isinstance(source, Drawing):
        return View(source.photo, source.mask), source.mask
    if len(source.items) != 1:
        raise InputError(f"The single-view network takes one picture, found {len(source.items)}.",
                         code="too-many-views", hint="Give one picture, or cameras for all of them.")  # fmt: skip
    view = source.items[0]
    if view.mask is None:
        raise InputError("The single-view network needs to know where the object is.", code="no-mask",
                         hint="Give --mask, or a recipe with a segment stage.")  # fmt: skip
    return view, view.mask


def _refuse_hopeless(view: View, mask: Mask) -> None:
    left, top, right, bottom = mask.box
    side = max(right - left, bottom - top)
    if side < _LEAST_SIDE_PX:
        raise InputError(
            f"The object in “{view.photo.name}” is {right - left}x{bottom - top} pixels: too few to tell its shape.",
            code="object-too-small",
            hint=f"Give a picture in which it is at least {_LEAST_SIDE_PX} pixels long, better 200.",
        )
    if mask.solid.mean() > _SCENE_SHARE:
        raise InputError(
            f"“{view.photo.name}” is a scene rather than an object: the mask covers {mask.solid.mean():.0%} of it.",
            code="scene-not-object",
            hint="Give a depth map and take --recipe scene, which makes a relief of it; or mark the object with --box.",
        )


def _tell_uncertainty(guess: ObjectGuess, context: Context) -> None:
    error = guess.expected_error
    if error > _UNSURE:
        share = error / (2 * FILL)
        context.warn(
            f"The shape is a guess: the network expects its depth to be off by {share:.0%} of the object's size."
        )


def _placed(reconstruction: Reconstruction, turn: Float64[np.ndarray, "3 3"]) -> Reconstruction:
    """Upright, the middle of its box at the origin, the outline's longer side 1 long; the camera moves along."""
    turned = transformed_reconstruction(reconstruction, scaling(1 / (2 * FILL)) @ turning(turn))
    vertices = turned.mesh.vertices
    middle = (vertices.min(axis=0).astype(np.float64) + vertices.max(axis=0)) / 2
    return replace(transformed_reconstruction(turned, shift(-middle)), detail=None)
