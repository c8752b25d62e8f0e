"""Our own network for one photo, by ONNX Runtime: what a square picture of an object says of its front and its back.

The weights lie beside this file with a card . The frame is that of `unflat.geometry.object_frame`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32

from unflat.core import StageFailed
from unflat.core.arrays import freeze_fields
from unflat.nets.shipped_weights import SHIPPED, WeightsCard, WeightsFolder

_CARD = "single_view.json"
_FALLBACK_SIZE_PX = 256
"""Side of the square for a network that takes any size."""
_HINT = "Install unflat again; or take --set reconstruct.backend=inflate, which needs no weights."
_FEWEST_LENGTH = 1e-6
_MAPS = ("front", "back", "front_error", "back_error")
_PICTURES = ("front_normal", "back_normal", "back_color")


@dataclass(frozen=True, eq=False)
class Prediction:
    """What the network says of a square picture; s is its side in pixels, lengths are in half squares."""

    front: Float32[np.ndarray, "s s"]
    """Depth of the first surface beyond the object's middle; without meaning outside the mask, as all maps."""
    back: Float32[np.ndarray, "s s"]
    """The same for the first surface seen from behind."""
    front_normals: Float32[np.ndarray, "s s 3"]
    """Unit, outward, in the camera's frame (x right, y down, z forward)."""
    back_normals: Float32[np.ndarray, "s s 3"]
    back_color: Float32[np.ndarray, "s s 3"]
    """sRGB 0..1 of the back, as seen through the object."""
    front_error: Float32[np.ndarray, "s s"]
    """Expected absolute error of the front's depth."""
    back_error: Float32[np.ndarray, "s s"]
    filled: Float32[np.ndarray, "k r r"]
    """Probability that the ray is inside the solid, in k equal parts of the way from front to back."""
    up: Float32[np.ndarray, "3"]
    """Unit direction in the camera's frame that is up for the object."""
    tan_half_fov: float
    """Tangent of half the angle that the square takes in the eye of the camera."""

    def __post_init__(self) -> None:
        freeze_fields(self, *_MAPS, "front_normals", "back_normals", "back_color", "filled", "up")


class SingleViewNetwork:
    """The network, ready to be asked; some hundredths of a second a picture."""

    def __init__(self, session: Any, card: WeightsCard) -> None:
        self._session = session
        self.card = card
        side = session.get_inputs()[0].shape[-1]
        self.size_px: int = side if isinstance(side, int) else _FALLBACK_SIZE_PX

    def __call__(
        self,
        image: Float32[np.ndarray, "s s 3"],
        mask: Float32[np.ndarray, "s s"],
        thickness: Float32[np.ndarray, "s s"],
    ) -> Prediction:
        """The prediction for a picture of `size_px`: sRGB 0..1, mask 0..1, half thickness of its inflation.

        The background is blended to mid grey here. Raises `StageFailed` (``network-not-finite``) where the answer is
        no number.
        """
        on_grey = mask[..., None] * image + (1 - mask[..., None]) * np.float32(0.5)
        fed = {
            "image": on_grey.transpose(2, 0, 1)[None],
            "mask": mask[None, None],
            "thickness": thickness[None, None],
        }
        names = [output.name for output in self._session.get_outputs()]
        answers = self._session.run(None, {name: np.ascontiguousarray(part, np.float32) for name, part in fed.items()})
        found = {name: np.asarray(answer, np.float32)[0] for name, answer in zip(names, answers, strict=True)}
        wrong = [name for name, answer in found.items() if not np.isfinite(answer).all()]
        if wrong:
            raise StageFailed(
                f"The network “{self.card.name}” gave numbers that are not finite: {', '.join(wrong)}.",
                code="network-not-finite",
                hint="Report this with the photo; --set reconstruct.backend=inflate works meanwhile.",
            )
        return _prediction(found)


def load_single_view(folder: Path = SHIPPED) -> SingleViewNetwork:
    """The network in a folder of weights and card, checked against its hash; the same one again for the same folder.

    Raises `SetupError`: ``missing-weights`` where there are none, ``damaged-weights`` where they are not what the card
    says.
    """
    return _loaded(folder.resolve())


@lru_cache(maxsize=2)
def _loaded(folder: Path) -> SingleViewNetwork:
    weights = WeightsFolder(folder, _CARD, _HINT)
    takes, gives = {"image", "mask", "thickness"}, {*_MAPS, *_PICTURES, "filled", "up", "tan_half_fov"}
    return SingleViewNetwork(*weights.open_session(frozenset(takes), frozenset(gives)))


def _prediction(found: dict[str, Float32[np.ndarray, "..."]]) -> Prediction:
    """The answers without their batch axis, pictures with their channels last, directions of unit length."""
    maps = {name: found[name][0] for name in _MAPS}
    front_normals, back_normals, back_color = (found[name].transpose(1, 2, 0) for name in _PICTURES)
    return Prediction(
        **maps,
        front_normals=unit(front_normals),
        back_normals=unit(back_normals),
        back_color=np.clip(back_color, 0, 1),
        filled=np.clip(found["filled"], 0, 1),
        up=unit(found["up"]),
        tan_half_fov=float(found["tan_half_fov"].item()),
    )


def unit(directions: Float32[np.ndarray, "*shape 3"]) -> Float32[np.ndarray, "*shape 3"]:
    """The same directions, of length 1."""
    length = np.linalg.norm(directions, axis=-1, keepdims=True)
    return np.ascontiguousarray(directions / np.maximum(length, _FEWEST_LENGTH), dtype=np.float32)
