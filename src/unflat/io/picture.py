"""A picture's bytes unpacked: header first, then pixels; upright, of simple colours, no larger than asked."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import UInt8
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from unflat.core.errors import InputError
from unflat.io.color_profile import bytes_of_samples, to_simple_mode, to_srgb
from unflat.io.decoding import decoding
from unflat.io.exif import focal_px, orientation, upright
from unflat.io.limits import Limits, check_size, scaled_size
from unflat.io.signature import PictureFormat, picture_format
from unflat.io.svg import render_svg
from unflat.io.tiff import TiffHeader, read_tiff_header

_PNG_DEPTH_BYTE = 24
_PNG_COLOR_BYTE = 25
_PNG_GREY = 0


@dataclass(frozen=True, eq=False)
class Picture:
    """Pixels upright in sRGB, with what the file says about transparency and focal length."""

    pixels: UInt8[np.ndarray, "h w 3"]
    alpha: UInt8[np.ndarray, "h w"] | None
    focal_px: float | None


def decode_picture(data: bytes, name: str, limits: Limits, max_side_px: int | None, svg_side_px: int) -> Picture:
    """Unpack a picture file. `max_side_px` scales down while reading; `svg_side_px` is the size of a drawing."""
    image = open_picture(data, name, limits, svg_side_px)
    return picture_of_image(image, name, limits, max_side_px)


def open_picture(data: bytes, name: str, limits: Limits, svg_side_px: int) -> Image.Image:
    """A picture file as a PIL image whose header is checked against the limits, in the samples that it was saved with.

    Only 16-bit and floating-point colour, which PIL can't hold, is brought down to 8 bits.
    """
    kind = picture_format(data, name)
    if kind == "svg":
        with decoding(name):
            data = render_svg(data, name, svg_side_px, limits)
        kind = "png"
    with decoding(name):
        if kind == "tiff":
            header = read_tiff_header(data, name)
            check_size(header.width_px, header.height_px, name, limits)
            if header.deep_color:
                return _open_deep_tiff(data, header, name)
        if kind == "webp":
            check_size(*_webp_size(data), name, limits)
        # The plugins themselves, not Image.open: only these formats, and our limits instead of Pillow's global one.
        image = _opener(kind, name)(io.BytesIO(data))
        check_size(*image.size, name, limits)
        if kind == "png" and data[_PNG_DEPTH_BYTE] == 16 and data[_PNG_COLOR_BYTE] != _PNG_GREY:
            return _open_deep_png(data, image, name)
        return image


def picture_of_image(image: Image.Image, name: str, limits: Limits, max_side_px: int | None) -> Picture:
    """A PIL image as a picture; EXIF and the profile that it carries count. The image itself is left as it is."""
    check_size(*image.size, name, limits)
    with decoding(name):
        header_size = image.size
        image.draft(image.mode, scaled_size(*header_size, max_side_px))  # JPEG alone: decodes at 1/2, 1/4 or 1/8
        image.load()
        exif_orientation, focal = _exif_of(image, header_size)
        image = to_simple_mode(image, name)
        size = scaled_size(*header_size, max_side_px)
        if image.size != size:
            image = _turned_size(image, size)
        pixels = upright(np.asarray(to_srgb(image)), exif_orientation)
    colors = np.ascontiguousarray(pixels[..., :3])
    alpha = np.ascontiguousarray(pixels[..., 3]) if pixels.shape[2] == 4 else None
    if alpha is not None and alpha.min() == 255:
        alpha = None
    return Picture(colors, alpha, focal)
