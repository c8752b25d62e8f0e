"""What a file of a capture is, by its first bytes: a photo, a film, an archive, or something else."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from unflat.core.errors import InputError
from unflat.io.signature import picture_format

MediaKind = Literal["picture", "video", "zip", "other"]

PICTURE_ENDINGS = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".heic", ".heif", ".avif", ".svg")
"""What a folder is searched for; a single file may have any ending, its content decides."""

_HEAD_BYTES = 512
_ZIP = b"PK\x03\x04"
_VIDEO_PREFIXES = (
    b"\x1a\x45\xdf\xa3",
    b"\x00\x00\x01\xba",
    b"\x00\x00\x01\xb3",
    b"\x30\x26\xb2\x75\x8e\x66\xcf\x11",
    b"FLV\x01",
)
"""Matroska and WebM, MPEG program and video streams, Windows Media, Flash."""
_TRANSPORT_PACKETS = ((0, 188), (4, 192))
"""MPEG transport streams, of cameras too: where the first sync byte stands, and how far the next."""
_NO_VIDEO_BRANDS = (b"crx ", b"M4A ")
"""Canon's raw files, and sound."""


def media_kind(head: bytes) -> MediaKind:
    """What begins with these bytes (512 are enough). A drawing (SVG) is no photo."""
    if head.startswith(_ZIP):
        return "zip"
    try:
        kind = picture_format(head, "")
    except InputError:
        return "video" if _is_video(head) else "other"
    return "other" if kind == "svg" else "picture"


def media_kind_of_file(path: Path) -> MediaKind:
    """What the file is. Raises `InputError` with code ``unreadable``."""
    try:
        with path.open("rb") as stream:
            return media_kind(stream.read(_HEAD_BYTES))
    except OSError as error:
        raise InputError(
            f"“{path}” can't be read: {error.strerror or error}.",
            code="unreadable",
            hint="Check its permissions and the disk, or leave it out.",
        ) from error


def _is_video(head: bytes) -> bool:
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return True
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"wide"):
        return head[8:12] not in _NO_VIDEO_BRANDS
    packets = any(
        head[first : first + 1] == b"G" == head[first + step : first + step + 1] for first, step in _TRANSPORT_PACKETS
    )
    return packets or head.startswith(_VIDEO_PREFIXES)
