"""Pictures of any kind as photos."""

from __future__ import annotations

import hashlib

from PIL import Image

from unflat.core.errors import InputError
from unflat.core.photo import Photo
from unflat.io.arrays import image_of_array
from unflat.io.limits import DEFAULT_LIMITS, Limits, check_size
from unflat.io.picture import Picture, decode_picture, picture_of_image
from unflat.io.source import Given, take
from unflat.io.svg import SVG_SIDE_PX


def read_photo(
    source: object,
    *,
    name: str | None = None,
    limits: Limits = DEFAULT_LIMITS,
    max_side_px: int | None = None,
    svg_side_px: int = SVG_SIDE_PX,
) -> Photo:
    """A photo from a path, ``"-"`` (standard input), bytes, an open binary file, a NumPy array or a PIL image.

    JPEG, PNG, WebP, TIFF, BMP, GIF (first frame), HEIC, AVIF and SVG, told apart by content. Pixels come out upright
    and in sRGB, the focal length (for the size that comes out) and the place from EXIF. `max_side_px` scales larger
    pictures down. `svg_side_px` is the longest side that a drawing is rendered with.

    >>> import numpy as np
    >>> read_photo(np.zeros((480, 640, 3), np.uint8), max_side_px=320).pixels.shape
    (240, 320, 3)

    Raises `InputError`; docs/pictures.md lists the codes. Cost: about 0.1 s for 12 megapixels.
    """
    given = take(source, name, limits)
    picture = picture_of_given(given, limits, max_side_px, svg_side_px)
    if picture.alpha is not None and picture.alpha.max() == 0:
        raise InputError(
            f"“{given.name}” is wholly transparent.",
            code="nothing-in-picture",
            hint="Give a picture with something in it, or remove its alpha channel.",
        )
    return Photo(
        picture.pixels,
        name=given.name,
        alpha=picture.alpha,
        focal_px=picture.focal_px,
        gps=picture.gps,
        file_size_px=picture.file_size_px,
        exif_orientation=picture.exif_orientation,
        sha256=hashlib.sha256(given.content).hexdigest() if isinstance(given.content, bytes) else None,
    )


def picture_of_given(
    given: Given, limits: Limits, max_side_px: int | None = None, svg_side_px: int = SVG_SIDE_PX
) -> Picture:
    """The picture in whatever was given."""
    if isinstance(given.content, bytes):
        svg_side_px = min(svg_side_px, max_side_px or svg_side_px)
        return decode_picture(given.content, given.name, limits, max_side_px, svg_side_px)
    if isinstance(given.content, Image.Image):
        check_size(*given.content.size, given.name, limits)
        return picture_of_image(given.content, given.name, max_side_px)
    return picture_of_image(image_of_array(given.content, given.name, limits), given.name, max_side_px)
