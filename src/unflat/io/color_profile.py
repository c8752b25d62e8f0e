"""Any picture's colours as sRGB bytes: ICC profiles, CMYK, Lab, grey, palettes, 16-bit and floating-point samples."""

from __future__ import annotations

import io

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageChops, ImageCms

from unflat.core.errors import InputError

_SRGB_TOLERANCE = 2
"""Levels out of 255 within which a profile is sRGB by another name, and the pixels are left as they are."""

_PROFILE_ERRORS = (ImageCms.PyCMSError, OSError, ValueError, TypeError, AttributeError)
_MODE_OF_PROFILE = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab ": "LAB"}
_BYTE_OF_16_BIT = np.rint(np.arange(65536) / 257.0).astype(np.uint8)


def to_simple_mode(image: Image.Image, name: str) -> Image.Image:
    """The picture with 8 bits a sample, palette and colour key resolved: mode L, LA, RGB, RGBA, CMYK, LAB or YCbCr.

    Raises `InputError` with code ``bad-samples`` for numbers without a known white.
    """
    if image.mode.startswith("I") or image.mode == "F":
        return _bytes_of_numbers(image, name)
    if image.mode == "CMYK" and image.format == "JPEG" and "adobe" not in image.info:
        # Adobe stores ink inverted; Pillow believes that of every CMYK JPEG, marked by Adobe or not.
        return ImageChops.invert(image)
    transparent = image.has_transparency_data
    simple = {"1": "L", "La": "LA", "RGBa": "RGBA", "P": "RGBA" if transparent else "RGB", "PA": "RGBA"}
    keyed = {"L": "LA", "RGB": "RGBA"} if transparent else {}
    mode = (simple | keyed).get(image.mode, image.mode)
    return image if mode == image.mode else image.convert(mode)


def to_srgb(image: Image.Image) -> Image.Image:
    """A picture of simple mode in mode RGB, or RGBA where it had alpha.

    Colours go through the embedded profile by relative colorimetry with black point compensation. A profile that is
    damaged, or made for another kind of picture, is passed over, as viewers do.
    """
    profile = _embedded_profile(image)
    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    colors = image if alpha is None else image.convert(image.mode[:-1])
    mode = None if profile is None else _MODE_OF_PROFILE.get(profile.profile.xcolor_space)
    if mode == "RGB" and colors.mode in ("L", "YCbCr"):
        colors = colors.convert("RGB")
    if profile is not None and mode == colors.mode:
        rgb = _transformed(colors, profile)
    elif colors.mode == "LAB":
        rgb = _transformed(colors, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")))
    else:
        rgb = colors if colors.mode == "RGB" else colors.convert("RGB")
    if alpha is not None:
        rgb.putalpha(alpha)
    return rgb


def bytes_of_samples(samples: np.ndarray, name: str) -> UInt8[np.ndarray, "*shape"]:
    """Samples as bytes: uint8 as it is, bool to 0 and 255, uint16 divided by 257, floats 0..1 times 255, all rounded.

    Raises `InputError` with code ``bad-samples`` for other types, NaN, and floats outside 0..1.
    """
    if samples.dtype == np.uint8:
        return samples
    if samples.dtype == np.bool_:
        return samples.astype(np.uint8) * np.uint8(255)
    if samples.dtype == np.uint16:
        return _BYTE_OF_16_BIT[samples]
    if not np.issubdtype(samples.dtype, np.floating):
        raise InputError(
            f"“{name}” has samples of type {samples.dtype}, expected uint8, uint16, bool or floats from 0 to 1.",
            code="bad-samples",
            hint="Convert it, for example with array.astype(numpy.uint8).",
        )
    with np.errstate(invalid="ignore"):
        low, high = float(samples.min()), float(samples.max())
    if not (low >= 0.0 and high <= 1.0):
        raise InputError(
            f"“{name}” has floating-point samples from {low:g} to {high:g}, expected 0 (black) to 1 (white).",
            code="bad-samples",
            hint="Scale them to 0..1; replace NaN.",
        )
    return np.rint(samples * 255.0).astype(np.uint8)


def _bytes_of_numbers(image: Image.Image, name: str) -> Image.Image:
    samples = np.asarray(image)
    if samples.dtype == np.int32 and samples.min() >= 0 and samples.max() <= 65535:
        samples = samples.astype(np.uint16)  # older Pillow opens 16-bit grey PNG like this
    simple = Image.fromarray(bytes_of_samples(samples.astype(samples.dtype.newbyteorder("=")), name))
    simple.info = dict(image.info)
    return simple


def _embedded_profile(image: Image.Image) -> ImageCms.ImageCmsProfile | None:
    content = image.info.get("icc_profile")
    if not isinstance(content, bytes) or not content:
        return None
    try:
        return ImageCms.ImageCmsProfile(io.BytesIO(content))
    except _PROFILE_ERRORS:
        return None


def _transformed(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    # For grey, littleCMS's optimiser is no faster, and up to 10 levels off in the darks of a linear profile.
    exact = ImageCms.Flags.NOOPTIMIZE if image.mode == "L" else ImageCms.Flags.NONE
    try:
        transform = ImageCms.buildTransform(
            profile,
            ImageCms.createProfile("sRGB"),
            image.mode,
            "RGB",
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION | exact,
        )
        if image.mode == "RGB" and _is_identity(transform):
            return image
        converted = ImageCms.applyTransform(image, transform)
    except _PROFILE_ERRORS:
        return image.convert("RGB")
    assert converted is not None
    return converted


def _is_identity(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether a transform leaves a coarse grid of colours as they are: most photos carry a profile that is sRGB."""
    levels = np.linspace(0, 255, 9).astype(np.uint8)
    grid = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(27, 27, 3)
    moved = ImageCms.applyTransform(Image.fromarray(grid), transform)
    return int(np.abs(np.asarray(moved, dtype=np.int16) - grid).max()) <= _SRGB_TOLERANCE
