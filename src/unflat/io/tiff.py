"""What Pillow leaves out of TIFF: the header alone, previews in camera raw files, 16-bit and floating-point colour."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import TiffImagePlugin

from unflat.core.errors import InputError

_SUBFILE, _WIDTH, _HEIGHT, _BITS, _PHOTOMETRIC, _SAMPLES, _EXTRA, _SAMPLE_FORMAT, _DNG, _ICC = (
    254,
    256,
    257,
    258,
    262,
    277,
    338,
    339,
    50706,
    34675,
)
_RGB = 2
_ASSOCIATED_ALPHA = 1


@dataclass(frozen=True)
class TiffHeader:
    """The first picture of a TIFF file, by its tags."""

    width_px: int
    height_px: int
    deep_color: bool
    """RGB of more than 8 bits a sample, or doubles: OpenCV reads these whole, Pillow cuts or refuses them."""
    has_alpha: bool
    premultiplied: bool
    icc_profile: bytes | None


def read_tiff_header(data: bytes, name: str) -> TiffHeader:
    """The header; call inside `decoding`. Raises `InputError` for camera raw files, whose TIFF is only a preview."""
    big = data[2:4] in (b"\x2b\x00", b"\x00\x2b")
    tags = TiffImagePlugin.ImageFileDirectory_v2(data[: 16 if big else 8])
    stream = io.BytesIO(data)
    stream.seek(tags.next)
    tags.load(stream)
    if _DNG in tags or tags.get(_SUBFILE, 0) == 1 or data[8:10] == b"CR":
        raise InputError(
            f"“{name}” is a camera raw file, which is not read.",
            code="unsupported-format",
            hint="Develop it and export it as JPEG or TIFF.",
        )
    bits = max(tags.get(_BITS, (1,)))
    samples = tags.get(_SAMPLES, 1)
    color = tags.get(_PHOTOMETRIC) == _RGB and samples >= 3
    extra = tags.get(_EXTRA, ())
    return TiffHeader(
        int(tags[_WIDTH]),
        int(tags[_HEIGHT]),
        deep_color=(color and bits > 8) or bits == 64,
        has_alpha=samples == 4 and extra[:1] != (0,),
        premultiplied=extra[:1] == (_ASSOCIATED_ALPHA,),
        icc_profile=tags.get(_ICC),
    )
