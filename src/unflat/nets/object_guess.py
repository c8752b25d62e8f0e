"""What our network makes of the object in a photo: both its sides, its up and its lens, in the object's own frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from unflat.core import Camera, Mask, Photo
from unflat.geometry.depth_integration import DepthAndNormals
from unflat.geometry.object_crop import ObjectCrop, cropped_to_object
from unflat.geometry.object_frame import LEAST_TAN_HALF_FOV, object_camera
from unflat.geometry.two_sides import TwoSides
from unflat.geometry.upright import upright_rotation
from unflat.nets.single_view import Prediction, SingleViewNetwork
from unflat.nets.single_view_looks import predicted

_WIDEST_TAN = 1.0
"""No photo of one object that fills the square is taken through a wider lens (90°)."""
_NEAREST = 0.05
"""Depth that no surface comes below, as a share of the way from the camera to the object's middle."""
_LEAST_ERROR = 1e-4


@dataclass(frozen=True, eq=False)
class ObjectGuess:
    """A photo's object as the network sees it. Frame and unit are those of `unflat.geometry.object_frame`."""

    crop: ObjectCrop
    said: Prediction
    """On the crop's pixels."""

    @property
    def tan_half_fov(self) -> float:
        """Of the square: from the photo's focal length where that is known, else as the network expects it."""
        return float(np.clip(self.crop.tan_half_fov or self.said.tan_half_fov, LEAST_TAN_HALF_FOV, _WIDEST_TAN))

    @property
    def expected_error(self) -> float:
        """Mean expected error of the depths of both sides, in half squares; 0 for an empty crop."""
        inside = self.crop.mask > 0.5
        return float((self.said.front_error + self.said.back_error)[inside].mean() / 2) if inside.any() else 0.0

    @property
    def upright(self) -> Float64[np.ndarray, "3 3"]:
        """The turn that stands the object upright."""
        axes = object_camera(1, self.said.tan_half_fov).world_from_camera[:3, :3]
        return upright_rotation(axes @ self.said.up.astype(np.float64))

    @property
    def photo_camera(self) -> Camera:
        """The photo's camera in the object's frame."""
        return self.crop.photo_camera(self.tan_half_fov)

    def sides(self, *, carve: bool = True) -> TwoSides:
        """Both sides with colours; `carve` also takes over where there is air between them."""
        said, middle = self.said, np.float32(1 / self.tan_half_fov)
        front, back = (
            DepthAndNormals(np.maximum(depth + middle, _NEAREST * middle), np.maximum(error, _LEAST_ERROR), normals)
            for depth, error, normals in (
                (said.front, said.front_error, said.front_normals),
                (said.back, said.back_error, said.back_normals),
            )
        )
        camera = object_camera(len(self.crop.mask), self.tan_half_fov)
        filled = said.filled if carve else None
        return TwoSides(camera, front, back, self.crop.mask, filled, self.crop.image, said.back_color)


def guess_object(network: SingleViewNetwork, photo: Photo, mask: Mask, size_px: int) -> ObjectGuess:
    """Ask the network about the masked object, on a crop of `size_px` or the network's own size where that is larger.

    About 0.1 s on two cores.
    """
    crop = cropped_to_object(photo, mask, max(size_px, network.size_px))
    return ObjectGuess(crop, predicted(network, crop.image, crop.mask))
