"""The mask network that comes with unflat: an object before any background, without marks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float32

from unflat.core import Context, InputError, Mask, Photo, View
from unflat.geometry.guided_filter import guided
from unflat.geometry.masks import filled_pinholes, without_specks
from unflat.nets.mask_network import MaskPrediction, load_mask_network
from unflat.nets.shipped_weights import SHIPPED

_EDGE_CELLS = 2.0
"""An edge of the coarse mask is this many of its own pixels out of place, at most."""
_LEAST_VARIANCE = 1e-3
"""Steps in colour (0..1) well below the root of this are texture, not edges."""
_LEAST_SHARE = 5e-4
"""Smaller pieces and holes (share of the picture) are noise."""
_DECIDED = 0.35
"""What the filter leaves between this and one minus it is an edge; the rest is decided."""


@dataclass(frozen=True)
class Network:
    """Asks our own network what the main object is, and lets its mask follow the photo's edges."""

    weights: str = ""
    """Folder with other weights (mask.json and the ONNX file that it names); empty for those that come with unflat."""

    def __call__(self, photo: Photo, context: Context) -> View:
        """The photo with the network's mask. Raises `InputError` where it sees no object."""
        network = load_mask_network(Path(self.weights) if self.weights else SHIPPED)
        said = network(photo.pixels)
        context.progress(0.5)
        alpha = _at_full_size(photo, said.alpha)
        if not (alpha > 0.5).any():
            raise InputError(
                f"The mask network sees no object in “{photo.name}”.",
                code="nothing-in-picture",
                hint="Give a picture with one clear object, or mark it with --box or --mask.",
            )
        return View(photo, Mask(alpha, made_by="network", confidence=confidence_of(said)))


def confidence_of(said: MaskPrediction) -> float:
    """The overlap that the network expects, less where its mask is undecided: 0..1."""
    solid = said.alpha > 0.5
    certainty = [float(np.abs(2 * part - 1).mean()) for part in (said.alpha[solid], said.alpha[~solid]) if len(part)]
    return float(np.clip(said.quality * min(certainty), 0, 1))


def _at_full_size(photo: Photo, coarse: Float32[np.ndarray, "s s"]) -> Float32[np.ndarray, "h w"]:
    """The mask at the photo's size, its edges drawn to the photo's own."""
    large = cv2.resize(coarse, (photo.width, photo.height), interpolation=cv2.INTER_LINEAR)
    cell = max(photo.height, photo.width) / len(coarse)
    guide = photo.pixels.astype(np.float32) / np.float32(255)
    followed = guided(guide, large, _EDGE_CELLS * max(cell, 1.0), _LEAST_VARIANCE)
    alpha = np.clip((followed - _DECIDED) / (1 - 2 * _DECIDED), 0, 1)
    least = max(4, round(_LEAST_SHARE * alpha.size))
    solid = filled_pinholes(without_specks(alpha > 0.5, least), least // 4)
    # what was cleared or filled takes its soft rim along
    return np.where(solid == (alpha > 0.5), alpha, solid.astype(np.float32)).astype(np.float32)
