"""Colour of more than 8 bits a sample, which PIL cuts or refuses: read whole by OpenCV."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from PIL import Image

from unflat.core.errors import InputError
from unflat.io.color_profile import bytes_of_samples
from unflat.io.exif import ExifSays


@dataclass(frozen=True, eq=False)
class DeepPicture:
    """Samples as the file holds them (uint16 or floating point), with what its header says."""

    samples: np.ndarray
    """(h, w) or (h, w, c); blue first where there is colour."""
    icc_profile: bytes | None = None
    exif: ExifSays = field(default_factory=ExifSays)
    """What of it still has to be heeded."""
    premultiplied: bool = False

    def as_image(self, name: str) -> Image.Image:
        """The picture with 8 bits a sample, rounded."""
        samples = self.samples
        if samples.ndim == 3:
            samples = samples[..., [2, 1, 0, 3][: samples.shape[2]]]
        image = Image.fromarray(np.ascontiguousarray(bytes_of_samples(samples, name)))
        if self.premultiplied and image.mode == "RGBA":
            image = Image.frombytes("RGBa", image.size, image.tobytes()).convert("RGBA")
        if self.icc_profile:
            image.info["icc_profile"] = self.icc_profile
        return image


def decode_deep(data: bytes, name: str) -> np.ndarray:
    """The samples of a PNG or TIFF in their own depth. A TIFF comes out upright: OpenCV obeys its orientation tag."""
    samples = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if samples is None:
        raise InputError(
            f"“{name}” is damaged, ends too early, or is packed in an unusual way.",
            code="damaged",
            hint="Save it again as 8-bit or 16-bit PNG.",
        )
    return np.asarray(samples)
