"""What a camera does to the light on its sensor: exposure, white balance, blur, noise, JPEG; other in each photo."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from unflat.core.color import srgb_from_linear

_REFERENCE_PX = 1600
"""Blur is told for a picture of this width."""
_SHOT_NOISE, _READ_NOISE = 2.5e-4, 2.0e-3
"""Variance per linear signal, and standard deviation in the dark, of a good telephone in a room."""


@dataclass(frozen=True)
class Faults:
    """How one photo differs from the ideal picture."""

    gain: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Exposure and white balance: linear factors of red, green, blue."""
    blur_px: float = 0.0
    """Standard deviation of a lens that is out of focus."""
    motion_px: tuple[float, float] = (0.0, 0.0)
    """How far a shaken camera moved, right and down."""
    noise: float = 0.0
    """1 is a good telephone in a room."""
    jpeg_quality: int = 0
    """0: no JPEG."""


def random_faults(rng: np.random.Generator, width_px: int, jpeg_quality: int) -> Faults:
    """Exposure within a third of a stop, another white balance; one photo in five out of focus, one in six shaken."""
    gain = np.exp(rng.normal(0, 0.12) + rng.normal(0, 0.025, 3))
    scale = width_px / _REFERENCE_PX
    blur = rng.uniform(0.4, 1.1) * scale if rng.random() < 0.2 else 0.0
    motion = rng.normal(0, 1.3, 2) * scale if rng.random() < 1 / 6 else np.zeros(2)
    return Faults(
        (float(gain[0]), float(gain[1]), float(gain[2])),
        float(blur),
        (float(motion[0]), float(motion[1])),
        float(rng.uniform(0.6, 1.5)),
        jpeg_quality,
    )


def exposed(
    linear: Float32[np.ndarray, "h w 3"], faults: Faults, rng: np.random.Generator
) -> UInt8[np.ndarray, "h w 3"]:
    """The sRGB photo of a linear picture; light above 1 is lost, as on a sensor. JPEG is not applied here."""
    picture = linear * np.array(faults.gain, np.float32)
    if faults.blur_px > 0:
        picture = cv2.GaussianBlur(picture, (0, 0), faults.blur_px)
    if any(faults.motion_px):
        picture = _shaken(picture, faults.motion_px)
    if faults.noise > 0:
        variance = np.maximum(picture, 0) * np.float32(_SHOT_NOISE) + np.float32(_READ_NOISE**2)
        grain = rng.standard_normal(picture.shape, np.float32)
        picture = picture + np.float32(faults.noise) * np.sqrt(variance) * grain
    return srgb_from_linear(np.asarray(picture, np.float32))


def jpeg_bytes(pixels: UInt8[np.ndarray, "h w 3"], quality: int) -> bytes:
    """The picture as JPEG."""
    packed = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return bytes(packed.tobytes())


def pixels_of_jpeg(content: bytes) -> UInt8[np.ndarray, "h w 3"]:
    """The picture in a JPEG."""
    decoded = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    return np.ascontiguousarray(np.asarray(decoded)[..., ::-1])


def _shaken(picture: Float32[np.ndarray, "h w 3"], motion_px: tuple[float, float]) -> Float32[np.ndarray, "h w 3"]:
    """Smeared evenly along a straight line about each pixel."""
    steps = 8 * max(int(np.ceil(np.hypot(*motion_px))), 1)
    reach = int(np.ceil(max(abs(value) for value in motion_px) / 2)) + 1
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    for share in np.linspace(-0.5, 0.5, steps):
        x, y = reach + share * motion_px[0], reach + share * motion_px[1]
        column, row = int(np.floor(x)), int(np.floor(y))
        for near_column, near_row in ((0, 0), (1, 0), (0, 1), (1, 1)):
            weight = abs(1 - near_column - (x - column)) * abs(1 - near_row - (y - row))
            if weight > 0:
                kernel[row + near_row, column + near_column] += weight
    return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE))
