"""What a file is, told by its first bytes. The name's ending is never asked: people rename files."""

from __future__ import annotations

from typing import Literal

from unflat.core.errors import InputError

PictureFormat = Literal["jpeg", "png", "webp", "tiff", "bmp", "gif", "heif", "avif", "svg"]
"""Formats that are read."""

_PREFIXES: tuple[tuple[bytes, PictureFormat], ...] = (
    (b"\xff\xd8\xff", "jpeg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\x00", "tiff"),
    (b"MM\x00*", "tiff"),
    (b"II+\x00", "tiff"),
    (b"MM\x00+", "tiff"),
    (b"\x1f\x8b", "svg"),
)
_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF"),
    (b"%!PS", "PostScript"),
    (b"8BPS", "a Photoshop file"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture"),
    (b"\x76\x2f\x31\x01", "an OpenEXR picture"),
    (b"#?RADIANCE", "a Radiance HDR picture"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"IIRO", "a camera raw file"),
    (b"IIU\x00", "a camera raw file"),
    (b"FUJIFILMCCD-RAW", "a camera raw file"),
    (b"\x00\x00\x01\x00", "a Windows icon"),
    (b"\x1a\x45\xdf\xa3", "a video"),
    (b"glTF", "a 3D model"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"P5", "a portable greymap"),
    (b"P6", "a portable pixmap"),
    (b"Pf", "a portable float map"),
)
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1", b"mif2"}
_AVIF_BRANDS = {b"avif", b"avis"}
_BMP_HEADER_BYTES = {12, 40, 52, 56, 64, 108, 124}
"""Sizes of the headers that the BMP format knows; its two-letter mark alone is too weak."""


def picture_format(data: bytes, name: str) -> PictureFormat:
    """The format of a picture's bytes.

    Raises `InputError`: ``unsupported-format`` for a known other format, ``not-a-picture`` for all else.
    """
    for prefix, known in _PREFIXES:
        if data.startswith(prefix):
            return known
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data[:2] == b"BM" and int.from_bytes(data[14:18], "little") in _BMP_HEADER_BYTES:
        return "bmp"
    if data[4:8] == b"ftyp" and (found := _of_media_file(data)) is not None:
        return found
    if is_xml(data) and (b"<svg" in data or b":svg" in data):
        return "svg"
    raise _refusal(data, name)


def is_xml(data: bytes) -> bool:
    """Whether the bytes begin as XML does."""
    return data.removeprefix(b"\xef\xbb\xbf")[:256].lstrip().startswith(b"<")


def _of_media_file(data: bytes) -> PictureFormat | None:
    """The picture format of an ISO base media file, by its main brand and then by those that it is compatible with."""
    length = min(int.from_bytes(data[:4], "big"), 256)
    brands = [data[8:12], *(data[at : at + 4] for at in range(16, length, 4))]
    for brand in brands:
        if brand in _AVIF_BRANDS:
            return "avif"
        if brand in _HEIF_BRANDS and not _AVIF_BRANDS.intersection(brands):
            return "heif"
    return None


def _refusal(data: bytes, name: str) -> InputError:
    foreign = next((what for prefix, what in _FOREIGN if data.startswith(prefix)), None)
    if data[4:8] == b"ftyp":
        foreign = "a camera raw file" if data[8:12] == b"crx " else "a video"
    if foreign is not None:
        return InputError(
            f"“{name}” is {foreign}, which is not read.",
            code="unsupported-format",
            hint="Save or export it as JPEG or PNG.",
        )
    if is_xml(data):
        found = "a web page" if b"<html" in data[:1024].lower() else "XML without a drawing"
    else:
        found = "text" if _is_text(data[:1024]) else "of no known kind"
    return InputError(
        f"“{name}” is no picture: its content is {found}.",
        code="not-a-picture",
        hint="Give a JPEG, PNG, WebP, TIFF, BMP, GIF, HEIC, AVIF or SVG file.",
    )


def _is_text(head: bytes) -> bool:
    return not any(byte < 32 and byte not in b"\t\n\r\f" for byte in head)
