"""Our own mask network, by ONNX Runtime: which pixels of a photo are its main object, and whether there is one.

The weights lie in ``weights/`` with a card. Trained by `unflat.train.mask`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from unflat.core import StageFailed
from unflat.core.arrays import freeze_fields
from unflat.nets.shipped_weights import SHIPPED, WeightsCard, WeightsFolder

_CARD = "mask.json"
_HINT = "Install unflat again; or take --set segment.backend=grabcut, which needs no weights."


@dataclass(frozen=True, eq=False)
class MaskPrediction:
    """What the network says of a photo."""

    alpha: Float32[np.ndarray, "s s"]
    """How much of each pixel is the main object, 0..1; the whole photo stretched to the network's square."""
    quality: float
    """The overlap (IoU) with the truth that the network expects of its own mask, 0..1; near 0 without an object."""

    def __post_init__(self) -> None:
        freeze_fields(self, "alpha")


class MaskNetwork:
    """The network, ready to be asked; 20 to 50 ms of two cores a photo."""

    def __init__(self, session: Any, card: WeightsCard) -> None:
        self._session = session
        self.card = card
        self.size_px: int = int(session.get_inputs()[0].shape[-1])

    def __call__(self, pixels: UInt8[np.ndarray, "h w 3"]) -> MaskPrediction:
        """The prediction for a photo of any size. Raises `StageFailed` (``network-not-finite``)."""
        size = (self.size_px, self.size_px)
        shrinks = pixels.shape[0] * pixels.shape[1] > self.size_px**2
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        small = cv2.resize(pixels, size, interpolation=method).astype(np.float32) / np.float32(255)
        fed = {"image": np.ascontiguousarray(small.transpose(2, 0, 1)[None])}
        alpha, quality = self._session.run(["alpha", "quality"], fed)
        if not (np.isfinite(alpha).all() and np.isfinite(quality).all()):
            raise StageFailed(
                "The mask network gave numbers that are not finite.", code="network-not-finite", hint=_HINT
            )
        return MaskPrediction(np.clip(alpha[0, 0], 0, 1).astype(np.float32), float(np.clip(quality[0], 0, 1)))


def load_mask_network(folder: Path = SHIPPED) -> MaskNetwork:
    """The network in a folder of weights and card; the same one again for the same folder.

    Raises `SetupError` (``missing-weights``, ``damaged-weights``).
    """
    return _loaded(folder.resolve())


@lru_cache(maxsize=2)
def _loaded(folder: Path) -> MaskNetwork:
    weights = WeightsFolder(folder, _CARD, _HINT)
    return MaskNetwork(*weights.open_session(frozenset({"image"}), frozenset({"alpha", "quality"})))
