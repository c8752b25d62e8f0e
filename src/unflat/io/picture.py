"""A picture's bytes unpacked: header first, then pixels; upright, of simple colours, no larger than asked."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, replace

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
    features,
)

from unflat.core.errors import InputError
from unflat.io.color_profile import to_simple_mode, to_srgb
from unflat.io.decoding import DECODER_ERRORS, decoding
from unflat.io.deep import DeepPicture, decode_deep
from unflat.io.exif import ExifSays, focal_px, gps, orientation, upright
from unflat.io.limits import Limits, check_size, scaled_size
from unflat.io.signature import PictureFormat, picture_format
from unflat.io.svg import SVG_SIDE_PX, render_svg
from unflat.io.tiff import TiffHeader, read_tiff_header

_PNG_DEPTH_BYTE = 24
_PNG_COLOR_BYTE = 25
_PNG_GREY = 0
_FIRST_SIDEWAYS = 5
"""EXIF orientations from here on swap width and height."""


@dataclass(frozen=True, eq=False)
class Picture:
    """Pixels upright in sRGB, with what the file says about transparency, focal length and place."""

    pixels: UInt8[np.ndarray, "h w 3"]
    alpha: UInt8[np.ndarray, "h w"] | None
    focal_px: float | None
    gps: tuple[float, float, float] | None
    file_size_px: tuple[int, int] | None
    """Width and height of the upright picture in the file, None where it is not larger than this one."""
    exif_orientation: int
    """EXIF's 1..8, obeyed here; 1 where the pixels stand as they are stored."""


def decode_picture(data: bytes, name: str, limits: Limits, max_side_px: int | None, svg_side_px: int) -> Picture:
    """Unpack a picture file. `max_side_px` scales down while reading; `svg_side_px` is the size of a drawing."""
    opened = open_picture(data, name, limits, svg_side_px)
    if isinstance(opened, DeepPicture):
        return picture_of_image(opened.as_image(name), name, max_side_px, exif_says=opened.exif)
    header_size = opened.size
    if max_side_px is not None and opened.format == "JPEG":
        with decoding(name):
            # A JPEG decodes straight to 1/2, 1/4 or 1/8: never below the size wanted, several times as fast.
            opened.draft(opened.mode, scaled_size(*header_size, max_side_px))
    return picture_of_image(opened, name, max_side_px, header_size)


def open_picture(
    data: bytes, name: str, limits: Limits, svg_side_px: int = SVG_SIDE_PX
) -> ImageFile.ImageFile | DeepPicture:
    """A picture file whose header is within the limits: an image not unpacked yet, or colour too deep for PIL."""
    kind = picture_format(data, name)
    if kind == "svg":
        data, kind = render_svg(data, name, svg_side_px), "png"
    with decoding(name):
        if kind == "tiff":
            header = read_tiff_header(data, name)
            check_size(header.width_px, header.height_px, name, limits)
            if header.deep_color:
                return _deep_tiff(data, header, name)
        if kind == "webp":
            check_size(*_webp_size(data), name, limits)
            _refuse_cut_webp(data)
        # The plugins themselves, not Image.open: only these formats, and our limits instead of Pillow's global one.
        image = _opener(kind, name)(io.BytesIO(data))
        check_size(*image.size, name, limits)
        if kind == "png" and data[_PNG_DEPTH_BYTE] == 16 and data[_PNG_COLOR_BYTE] != _PNG_GREY:
            return _deep_png(data, image, name)
        return image


def picture_size(data: bytes, name: str, limits: Limits) -> tuple[int, int]:
    """Width and height of the pixels as they are stored, from the header alone where the format allows that."""
    opened = open_picture(data, name, limits)
    if isinstance(opened, DeepPicture):
        size, says = (opened.samples.shape[1], opened.samples.shape[0]), opened.exif
        upright_already = says.orientation == 1
    else:
        size, says = opened.size, _exif_of(opened.getexif, opened.size)
        upright_already = opened.format == "TIFF"  # the size that PIL tells is that after turning
    return size[::-1] if upright_already and says.written_orientation >= _FIRST_SIDEWAYS else size


def picture_of_image(
    image: Image.Image,
    name: str,
    max_side_px: int | None,
    header_size: tuple[int, int] | None = None,
    exif_says: ExifSays | None = None,
) -> Picture:
    """A PIL image as a picture; the profile that it carries counts, and EXIF, its own or as `exif_says`.

    `header_size` is the file's own size where the image will decode smaller; EXIF's focal length goes with it.
    """
    with decoding(name):
        original_size = header_size or image.size
        found = _load(image, original_size)
        says = exif_says or found
        image = to_simple_mode(image, name)
        size = _target_size(image, original_size, max_side_px)
        if image.size != size:
            image = image.resize(size, Image.Resampling.HAMMING)  # averages; PIL weights colours by alpha
        pixels = np.asarray(upright(to_srgb(image), says.orientation))
    alpha = np.ascontiguousarray(pixels[..., 3]) if pixels.shape[2] == 4 else None
    return Picture(
        np.ascontiguousarray(pixels[..., :3]),
        alpha if alpha is not None and alpha.min() < 255 else None,
        None if says.focal_px is None else says.focal_px * max(size) / max(original_size),
        says.gps,
        _as_lying(original_size, pixels) if max(original_size) > max(size) else None,
        says.written_orientation,
    )


def _as_lying(size: tuple[int, int], pixels: np.ndarray) -> tuple[int, int]:
    """The width and height of a picture that may have been turned on its side since."""
    height, width = pixels.shape[:2]
    return size if (size[0] >= size[1]) == (width >= height) else size[::-1]


def samples_of_image(image: Image.Image, name: str) -> np.ndarray:
    """The samples as numbers of the file's own type, upright: (h, w), or (h, w, c) for colour. Meant for depth."""
    with decoding(name):
        exif_orientation = _load(image, image.size).orientation
        if image.mode in ("1", "P", "PA", "La", "RGBa") or "transparency" in image.info:
            image = to_simple_mode(image, name)
        samples = np.asarray(upright(image, exif_orientation))
    return samples.astype(samples.dtype.newbyteorder("="))


def _load(image: Image.Image, original_size: tuple[int, int]) -> ExifSays:
    """Unpack the pixels. Gives what EXIF says; its orientation is still to be applied."""
    if image.format == "TIFF":  # PIL turns it while loading, and forgets the EXIF
        says = _exif_of(image.getexif, original_size)
        image.load()
        return replace(says, orientation=1)
    image.load()
    return _exif_of(image.getexif, original_size)  # PNG may hold EXIF behind its pixels


def _target_size(image: Image.Image, header_size: tuple[int, int], max_side_px: int | None) -> tuple[int, int]:
    width, height = scaled_size(*header_size, max_side_px)
    # Pillow turns a TIFF upright while loading it.
    turned = image.size != header_size and image.size == header_size[::-1]
    return (height, width) if turned else (width, height)


def _exif_of(read_exif: Callable[[], Image.Exif], size: tuple[int, int]) -> ExifSays:
    """What EXIF says of a stored picture of this size; a damaged block says nothing and does not cost the photo."""
    try:
        exif = read_exif()
        says = ExifSays(orientation(exif), orientation(exif), focal_px(exif, *size))
    except DECODER_ERRORS:
        return ExifSays()
    try:
        return replace(says, gps=gps(exif))
    except DECODER_ERRORS:
        return says


def _opener(kind: PictureFormat, name: str) -> Callable[[io.BytesIO], ImageFile.ImageFile]:
    """The PIL plugin of a format. Nothing is registered with PIL, so that no one else's `Image.open` changes."""
    if kind == "heif":
        import pi_heif

        return pi_heif.HeifImageFile
    if kind == "avif":
        return _avif_opener(name)
    plugins: dict[str, Callable[[io.BytesIO], ImageFile.ImageFile]] = {
        "jpeg": JpegImagePlugin.JpegImageFile,
        "png": PngImagePlugin.PngImageFile,
        "webp": WebPImagePlugin.WebPImageFile,
        "tiff": TiffImagePlugin.TiffImageFile,
        "bmp": BmpImagePlugin.BmpImageFile,
        "gif": GifImagePlugin.GifImageFile,
    }
    return plugins[kind]


def _avif_opener(name: str) -> Callable[[io.BytesIO], ImageFile.ImageFile]:
    if not features.check("avif"):
        raise InputError(
            f"“{name}” is an AVIF picture, which this Pillow was built without.",
            code="unsupported-format",
            hint="pip install --upgrade pillow (11.3 or later), or save the picture as JPEG or PNG.",
        )
    from PIL import AvifImagePlugin

    return AvifImagePlugin.AvifImageFile


def _webp_size(data: bytes) -> tuple[int, int]:
    """Size from the header; libwebp takes memory for the whole canvas as soon as it opens the file."""
    chunk = data[12:16]
    if chunk == b"VP8X":
        return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    if chunk == b"VP8L":
        bits = int.from_bytes(data[21:25], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return int.from_bytes(data[26:28], "little") & 0x3FFF, int.from_bytes(data[28:30], "little") & 0x3FFF


def _refuse_cut_webp(data: bytes) -> None:
    if int.from_bytes(data[4:8], "little") + 8 > len(data):
        raise EOFError("truncated: shorter than its header says")


def _deep_png(data: bytes, header: ImageFile.ImageFile, name: str) -> DeepPicture:
    says = _exif_of(lambda: _parsed_exif(header.info.get("exif", b"")), header.size)
    header.verify()  # OpenCV tells less well what is missing
    return DeepPicture(decode_deep(data, name), header.info.get("icc_profile"), says)


def _deep_tiff(data: bytes, header: TiffHeader, name: str) -> DeepPicture:
    samples = decode_deep(data, name)  # upright: OpenCV obeys a TIFF's orientation
    if samples.ndim == 3 and samples.shape[2] == 4 and not header.has_alpha:
        samples = samples[..., :3]
    # An EXIF block is a TIFF file, and the other way round.
    says = replace(_exif_of(lambda: _parsed_exif(data), (header.width_px, header.height_px)), orientation=1)
    return DeepPicture(samples, header.icc_profile, says, premultiplied=header.premultiplied)


def _parsed_exif(block: bytes) -> Image.Exif:
    exif = Image.Exif()
    exif.load(block)
    return exif
