"""Inflate: a smooth closed body from one outline, a photo's or a drawing's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from jaxtyping import Bool, Float32

from unflat.core import Context, Drawing, InputError, Mask, RecipeError, Reconstruction, View, Views
from unflat.geometry.cameras import front_camera
from unflat.geometry.drawn_parts import drawn_parts
from unflat.geometry.inflation import inflated_field, sampled_alpha
from unflat.geometry.ink import grown
from unflat.geometry.silhouettes import outline_distance

_INK_LEVEL = 0.35
"""Share of a sample that ink must cover to count as a line: strokes are often thinner than the grid."""


@dataclass(frozen=True)
class Inflate:
    """A round body whose outline from the front is the mask; its depth is a guess, and said to be one."""

    resolution: int = 224
    """Samples along the longer side of the outline."""
    thickness: float = 1.0
    """Depth of the body: 1 gives a long bar a round section."""
    back: Literal["mirror", "flat"] = "mirror"
    """The back: as round as the front, or flat as a relief's."""
    parts: bool = True
    """Inflate the limbs that a drawing's inner lines cut out on their own, and join them smoothly."""

    def __post_init__(self) -> None:
        if not 32 <= self.resolution <= 1024:
            raise RecipeError(f"reconstruct.resolution can't be {self.resolution}.", code="bad-option",
                              hint="Give a whole number from 32 to 1024.")  # fmt: skip
        if not 0.01 <= self.thickness <= 10:
            raise RecipeError(f"reconstruct.thickness can't be {self.thickness:g}.", code="bad-option",
                              hint="Give a number from 0.01 to 10; 1 is round.")  # fmt: skip

    def __call__(self, source: Views | Drawing, context: Context) -> Reconstruction:
        """Give a field in the front frame: outline centred, its longer side 1 long.

        Raises `InputError` for several pictures (``too-many-views``) or none cut out (``no-mask``).
        """
        view, mask = _view_of(source)
        context.progress(0.0)
        alpha, voxel, left_top = sampled_alpha(mask.alpha, mask.box, self.resolution)
        bodies = [alpha]
        if self.parts and isinstance(source, Drawing) and source.ink is not None:
            ink, *_ = sampled_alpha(source.ink.alpha, mask.box, self.resolution)
            bodies = _with_limbs_apart(alpha, ink)
        context.progress(0.2)
        outlines = [-outline_distance(body) for body in bodies]
        field = inflated_field(outlines, self.thickness, voxel, left_top, self.back == "flat")
        context.progress(1.0)
        camera = front_camera(mask.box, view.photo.width, view.photo.height)
        return Reconstruction(field, Views((View(view.photo, mask, camera),)))


def _with_limbs_apart(
    alpha: Float32[np.ndarray, "h w"], ink: Float32[np.ndarray, "h w"]
) -> list[Float32[np.ndarray, "h w"]]:
    """The main body, then each limb, which reaches as far under the body as it is wide."""
    labels = drawn_parts(alpha > 0.5, ink > _INK_LEVEL)
    bodies = [np.where(labels > 1, np.float32(0), alpha)]
    for limb in range(2, int(labels.max()) + 1):
        own = labels == limb
        bodies.append(np.where(grown(own, _half_width(own)) & ((labels <= 1) | own), alpha, np.float32(0)))
    return bodies


def _half_width(region: Bool[np.ndarray, "h w"]) -> float:
    return float(cv2.distanceTransform(region.astype(np.uint8), cv2.DIST_L2, 5).max())


def _view_of(source: Views | Drawing) -> tuple[View, Mask]:
    if isinstance(source, Drawing):
        return View(source.photo, source.mask), source.mask
    if len(source.items) != 1:
        raise InputError(f"Inflation takes one picture, found {len(source.items)}.", code="too-many-views",
                         hint="Give one picture, or cameras for all of them.")  # fmt: skip
    view = source.items[0]
    if view.mask is None:
        raise InputError("Inflation needs to know where the object is.", code="no-mask",
                         hint="Give --mask, or a recipe with a segment stage.")  # fmt: skip
    return view, view.mask
