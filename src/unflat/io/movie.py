"""Pictures and turntables as files: PNG, animated WebP, MP4."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import UInt8
from PIL import Image

from unflat.core import InputError, RecipeError, SetupError
from unflat.io.atomic import write_atomically

_SECONDS_PER_TURN = 3.0
"""One turn takes this long, whatever the number of frames."""
_WEBP_QUALITY = 82
_CODEC = "vp09"
"""VP9 in MP4: current browsers play it, it is free to use, and OpenCV's wheels encode it (H.264 they do not)."""

TURNTABLE_FORMATS = ("webp", "mp4")
"""File endings that `write_turntable` knows."""


def write_png(image: UInt8[np.ndarray, "h w 3"], path: Path | str) -> Path:
    """Write an sRGB picture as PNG, whole or not at all. Gives the path. Raises as `write_atomically`."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG", compress_level=6)
    return write_atomically(path, stream.getvalue())


def write_turntable(frames: Iterable[UInt8[np.ndarray, "h w 3"]], path: Path | str) -> Path:
    """Write pictures as a film of one turn, by the ending: an endless animated WebP, or an MP4 (VP9).

    A turn lasts three seconds. All frames are held in memory: 36 of 512x512 are 28 MB.
    Raises `RecipeError` for another ending, `InputError` without frames, `SetupError` where the codec is missing.
    """
    path = Path(path)
    ending = path.suffix.lower().lstrip(".")
    if ending not in TURNTABLE_FORMATS:
        raise RecipeError(
            f"A turntable can't be written as “{path.name}”.",
            code="unknown-format",
            hint=f"Use one of these endings: {', '.join(TURNTABLE_FORMATS)}.",
        )
    pictures = list(frames)
    if not pictures:
        raise InputError("A turntable needs at least one frame.", code="no-frames", hint="Ask for one frame or more.")
    return write_atomically(path, _webp(pictures) if ending == "webp" else _mp4(pictures))


def _webp(pictures: list[UInt8[np.ndarray, "h w 3"]]) -> bytes:
    first, *others = (Image.fromarray(picture) for picture in pictures)
    stream = io.BytesIO()
    first.save(
        stream,
        "WEBP",
        save_all=True,
        append_images=others,
        duration=round(1000 * _SECONDS_PER_TURN / len(pictures)),
        loop=0,
        quality=_WEBP_QUALITY,
        method=3,
    )
    return stream.getvalue()


def _mp4(pictures: list[UInt8[np.ndarray, "h w 3"]]) -> bytes:
    """Encoders want even sides: an odd last row or column is left out."""
    height, width = (side // 2 * 2 for side in pictures[0].shape[:2])
    with tempfile.TemporaryDirectory() as folder:
        temporary = Path(folder) / "turntable.mp4"
        writer = cv2.VideoWriter(
            str(temporary),
            cv2.VideoWriter.fourcc(*_CODEC),
            len(pictures) / _SECONDS_PER_TURN,
            (width, height),
        )
        if not writer.isOpened():
            raise SetupError(
                "This OpenCV has no VP9 encoder, which MP4 turntables need.",
                code="no-video-codec",
                hint="Write the turntable as .webp, or install opencv-python-headless from its wheel.",
            )
        for picture in pictures:
            writer.write(np.ascontiguousarray(picture[:height, :width, ::-1]))
        writer.release()
        return temporary.read_bytes()
