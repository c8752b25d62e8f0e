"""NumPy arrays as PIL images, so that arrays and files take the same way from there on."""

from __future__ import annotations

import numpy as np
from PIL import Image

from unflat.core.errors import InputError
from unflat.io.color_profile import bytes_of_samples
from unflat.io.limits import Limits, check_size


def image_of_array(array: np.ndarray, name: str, limits: Limits) -> Image.Image:
    """An sRGB picture of an array (h, w) or (h, w, 1..4): grey, grey and alpha, RGB, RGBA.

    Samples are uint8, uint16, bool, or floats 0..1 (sRGB, not linear light). Raises `InputError` with code
    ``bad-shape`` or ``bad-samples``, and for sizes outside the limits.
    """
    if array.ndim not in (2, 3) or array.size == 0 or (array.ndim == 3 and array.shape[2] > 4):
        raise InputError(
            f"“{name}” has the shape {array.shape}, expected (height, width) or (height, width, 1 to 4 channels).",
            code="bad-shape",
            hint="Give one picture, rows first and colours last, for example with array.transpose(1, 2, 0).",
        )
    check_size(array.shape[1], array.shape[0], name, limits)
    samples = bytes_of_samples(array, name)
    if samples.ndim == 3 and samples.shape[2] == 1:
        samples = samples[..., 0]
    return Image.fromarray(np.ascontiguousarray(samples))
