"""Little pictures in every format, and colour profiles built by hand, for the tests of the readers."""

from __future__ import annotations

import base64
import gzip
import io
import struct
import zlib
from typing import Any

import cv2
import numpy as np
import tifffile
from PIL import Image, ImageCms, features

HEIC = base64.b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAvxtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAAA5waXRt"
    "AAAAAAACAAAAGGlkYXQAAAAAACAAEAAAAAAAIAAQAAAAYGlsb2MBAAAAREAABAABAAAAAAAAAyAAAQAAAAAAAACrAAIAAQAAAAAAAAABAAAA"
    "AAAAAAgAAwAAAAAAAAPLAAEAAAAAAAAAKgAEAAEAAAAAAAAAAQAAAAgAAAAIAAAAYmlpbmYAAAAAAAQAAAAVaW5mZQIAAAEAAQAAaHZjMQAA"
    "AAAVaW5mZQIAAAAAAgAAZ3JpZAAAAAAVaW5mZQIAAAEAAwAAaHZjMQAAAAAVaW5mZQIAAAAABAAAZ3JpZAAAAAGxaXBycAAAAYRpcGNvAAAA"
    "dmh2Y0MBA3AAAAAAAAAAAAAe8AD8/fj4AAAPAyAAAQAYQAEMAf//A3AAAAMAkAAAAwAAAwAeugJAIQABACpCAQEDcAAAAwCQAAADAAADAB6g"
    "IIEFluqumubgQEDAgAAAAwCAAAADAIQiAAEABkQBwXPBiQAAABRpc3BlAAAAAAAAAEAAAABAAAAAFGlzcGUAAAAAAAAAIAAAABAAAAAQcGl4"
    "aQAAAAADCAgIAAAAcWh2Y0MBBAgAAAAAAAAAAAAe8AD8/Pj4AAAPAyAAAQAXQAEMAf//BAgAAAMAn/gAAAMAAB66AkAhAAEAJkIBAQQIAAAD"
    "AJ/4AAADAAAewIIEFluqumubAgAAAwACAAADAAIQIgABAAZEAcFzwYkAAAAUaXNwZQAAAAAAAABAAAAAQAAAABRpc3BlAAAAAAAAACAAAAAQ"
    "AAAADnBpeGkAAAAAAQgAAAAnYXV4QwAAAAB1cm46bXBlZzpoZXZjOjIwMTU6YXV4aWQ6MQAAAAAlaXBtYQAAAAAAAAAEAAECgQIAAgIDhAAD"
    "AoUGAAQDB4iJAAAANmlyZWYAAAAAAAAADmRpbWcAAgABAAEAAAAOZGltZwAEAAEAAwAAAA5hdXhsAAQAAQACAAAA3W1kYXQAAACnKAGvCchn"
    "qpI5I1d//9C8n/8946H71B4rf/XsL79+9//+7Xz+U6/07tpE493HWHPoil6EONsBy5FkabdCeaCGWzCSj2deMs2f89t8qAYG87pWgNbqpZO4"
    "l4b0ygp+FtQsHDFiXQhY67rwXVplvnUL2nc66cWL9ZSi4hFFlPaO5oDR4/kKzWoWCSPM/45bxwiv3yvyXL+D1KJiTDlyTwW+0I561qs0/lYA"
    "AAAmKAGuE5CvISA9FaD/yI/fQvogAsNtK+9AWfg3UhRhofVPwEM3Mn4="
)
"""32x16, left half (200, 40, 30), right half (20, 60, 190), upper half transparent. Encoded for this test."""

SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" width="60mm" height="40mm" '
    'viewBox="0 0 60 40">{}</svg>'
)


def svg(content: str = '<circle cx="30" cy="20" r="15" fill="#ff0000"/>') -> bytes:
    return SVG.format(content).encode()


def gradient(height: int = 40, width: int = 60) -> np.ndarray:
    """A picture in which every pixel differs, so that no turn or mirroring goes unseen."""
    y, x = np.mgrid[0:height, 0:width]
    both = (x + y) * 255 // (width + height - 2)
    return np.stack([x * 255 // (width - 1), y * 255 // (height - 1), both], axis=-1).astype(np.uint8)


def ramp_alpha(height: int = 40, width: int = 60) -> np.ndarray:
    return np.broadcast_to(np.linspace(0, 255, width).astype(np.uint8), (height, width)).copy()


def encoded(picture: np.ndarray | Image.Image, file_format: str, **options: Any) -> bytes:
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(picture)
    stream = io.BytesIO()
    image.save(stream, file_format, **options)
    return stream.getvalue()


def tiff(samples: np.ndarray, **options: Any) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, samples, photometric="rgb" if samples.ndim == 3 else "minisblack", **options)
    return stream.getvalue()


def tiff_with_exif(samples: np.ndarray, focal_35: int, orientation: int) -> bytes:
    """A TIFF whose EXIF folder stands at its end; no library at hand writes one."""

    def written(offset: int) -> bytes:
        tags = [(274, 3, 1, orientation, True), (65000, 4, 1, offset, True)]
        data = tiff(samples, extratags=tags, byteorder="<", metadata=None)
        return data.replace(struct.pack("<HHI", 65000, 4, 1), struct.pack("<HHI", 0x8769, 4, 1))

    size = len(written(0)) + len(written(0)) % 2
    return written(size).ljust(size, b"\0") + struct.pack("<HHHIHHI", 1, 0xA405, 3, 1, focal_35, 0, 0)


def deep_png(samples: np.ndarray) -> bytes:
    order = samples[..., [2, 1, 0, 3][: samples.shape[2]]] if samples.ndim == 3 else samples
    return cv2.imencode(".png", order)[1].tobytes()


def exif(**tags: Any) -> Image.Exif:
    """EXIF with an orientation, a maker, or tags of the EXIF folder by the names below."""
    numbers = {
        "focal_35": 0xA405,
        "focal": 0x920A,
        "pixel_x": 0xA002,
        "pixel_y": 0xA003,
        "plane": 0xA20E,
        "unit": 0xA210,
    }
    block = Image.Exif()
    block[0x010F] = "test"  # Pillow writes no EXIF at all where only the folder has tags
    if "orientation" in tags:
        block[0x0112] = tags.pop("orientation")
    folder = block.get_ifd(0x8769)
    for name, value in tags.items():
        folder[numbers[name]] = value
    return block


def samples_of_every_format() -> dict[str, bytes]:
    """One small file of each kind that is read."""
    rgb, wide = gradient(), gradient().astype(np.uint16) * 257
    rgba = np.dstack([rgb, ramp_alpha()])
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    tags = exif(orientation=6, focal_35=28)
    avif = {"avif": encoded(rgb, "AVIF")} if features.check("avif") else {}
    return avif | {
        "jpeg": encoded(rgb, "JPEG", exif=tags, icc_profile=srgb),
        "progressive jpeg": encoded(rgb, "JPEG", progressive=True),
        "cmyk jpeg": encoded(Image.fromarray(rgb).convert("CMYK"), "JPEG"),
        "png": encoded(rgba, "PNG", exif=tags, icc_profile=srgb),
        "palette png": encoded(Image.fromarray(rgb).convert("P"), "PNG", transparency=3),
        "1-bit png": encoded(Image.fromarray(rgb).convert("1"), "PNG"),
        "16-bit png": deep_png(wide),
        "16-bit grey png": deep_png(wide[..., 0]),
        "webp": encoded(rgba, "WEBP", exif=tags),
        "lossless webp": encoded(rgba, "WEBP", lossless=True),
        "gif": encoded(Image.fromarray(rgb).convert("P"), "GIF"),
        "bmp": encoded(rgb, "BMP"),
        "tiff": encoded(rgb, "TIFF"),
        "lzw tiff": encoded(rgb, "TIFF", compression="tiff_lzw"),
        "16-bit tiff": tiff(wide),
        "float tiff": tiff((rgb / 255).astype(np.float32)),
        "heic": HEIC,
    }


def png_header(width: int, height: int, color_type: int = 2) -> bytes:
    """A PNG that promises a size and holds next to nothing."""
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in (
            (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, color_type, 0, 0, 0)),
            (b"IDAT", zlib.compress(bytes(1000))),
            (b"IEND", b""),
        )
    )


def gzipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)  # the time would make test names differ between workers


def _s15(*values: float) -> bytes:
    return struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))


def _profile(space: bytes, connection: bytes, device: bytes, tags: dict[bytes, bytes]) -> bytes:
    """A version 2 ICC profile of the given tags."""
    tags = {b"desc": b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(78), **tags}
    at, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, content in tags.items():
        table += name + struct.pack(">II", at + len(body), len(content))
        body += content + bytes(-len(content) % 4)
    header = struct.pack(">I", at + len(body)) + bytes(4) + struct.pack(">I", 0x02100000) + device + space + connection
    header += bytes(12) + b"acsp" + bytes(28) + _s15(0.9642, 1.0, 0.8249)
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def _xyz(*values: float) -> bytes:
    return b"XYZ " + bytes(4) + _s15(*values)


def _gamma(value: float) -> bytes:
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(value * 256)) + bytes(2)


ADOBE_RGB_TO_D50 = np.array([[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]])
"""Adobe RGB (1998) specification, section 4.3.6.1: linear RGB to XYZ under D50."""


def adobe_rgb_profile() -> bytes:
    columns = {name: _xyz(*ADOBE_RGB_TO_D50[:, i]) for i, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))}
    curves = dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), _gamma(2.19921875))
    return _profile(b"RGB ", b"XYZ ", b"mntr", {b"wtpt": _xyz(0.9642, 1.0, 0.8249), **columns, **curves})


def linear_grey_profile() -> bytes:
    return _profile(b"GRAY", b"XYZ ", b"mntr", {b"wtpt": _xyz(0.9642, 1.0, 0.8249), b"kTRC": _gamma(1.0)})


def ink_profile(cyan_lab: tuple[int, int, int]) -> bytes:
    """CMYK to Lab by a table of 2x2x2x2 colours: paper white, cyan as given, everything else black."""
    corners = np.zeros((2, 2, 2, 2, 3), np.uint8)
    corners[...] = (0, 128, 128)
    corners[0, 0, 0, 0] = (255, 128, 128)
    corners[1, 0, 0, 0] = (round(cyan_lab[0] * 2.55), cyan_lab[1] + 128, cyan_lab[2] + 128)
    straight = bytes(range(256))
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + _s15(1, 0, 0, 0, 1, 0, 0, 0, 1)
    table += straight * 4 + corners.tobytes() + straight * 3
    return _profile(b"CMYK", b"Lab ", b"prtr", {b"wtpt": _xyz(0.9642, 1.0, 0.8249), b"A2B0": table, b"A2B1": table})
