"""Textures as bytes: encode, decode, pack occlusion, roughness and metallic, look colours up by UV."""

from __future__ import annotations

import io
from typing import Literal

import cv2
import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image, UnidentifiedImageError

from unflat.core.color import linear_from_srgb, srgb_from_linear
from unflat.core.errors import InputError
from unflat.core.material import Material
from unflat.core.shape import Mesh

ImageFormat = Literal["png", "jpeg", "webp"]
"""How a texture is stored."""

MIME_TYPES: dict[ImageFormat, str] = {"png": "image/png", "jpeg": "image/jpeg", "webp": "image/webp"}
EXTENSIONS: dict[ImageFormat, str] = {"png": ".png", "jpeg": ".jpg", "webp": ".webp"}

_MAX_TEXTURE_PIXELS = 16384 * 16384
"""The largest texture that graphics cards take; anything beyond is a decompression bomb."""

_INWARD = 0.02
"""Colours of corners are looked up this share of the way to the middle of the face, inside the chart's border."""

# Paeth with run lengths: on 2048² base colours, normal maps and ORM as small as zlib's level 6 and five times as fast.
_PNG_OPTIONS = [
    cv2.IMWRITE_PNG_COMPRESSION, 1,
    cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE,
    cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_PAETH,
]  # fmt: skip


def encode_image(pixels: UInt8[np.ndarray, "h w *c"], image_format: ImageFormat, quality: int = 92) -> bytes:
    """The bytes of an image file: (h, w) grey or (h, w, 3) RGB. ``quality`` 1..100 is for JPEG and WebP."""
    bgr = pixels if pixels.ndim == 2 else cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_RGB2BGR)
    # No chroma subsampling in JPEG: colours of one UV chart must not bleed into its neighbour's.
    full_chroma = [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    options = {
        "png": _PNG_OPTIONS,
        "jpeg": [cv2.IMWRITE_JPEG_QUALITY, quality, *full_chroma],
        "webp": [cv2.IMWRITE_WEBP_QUALITY, quality],
    }[image_format]
    _, encoded = cv2.imencode(EXTENSIONS[image_format], np.ascontiguousarray(bgr), options)
    return bytes(encoded)


def decode_image(content: bytes, name: str) -> UInt8[np.ndarray, "h w 3"]:
    """RGB pixels of an encoded texture; alpha is dropped, 16 bits become 8. Raises `InputError` ``bad-texture``."""
    try:
        with Image.open(io.BytesIO(content)) as header:
            width, height = header.size
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError) as error:
        raise _bad_texture(name, "it is no image that can be read") from error
    if width * height > _MAX_TEXTURE_PIXELS:
        raise _bad_texture(name, f"it has {width}x{height} pixels, more than 16384x16384")
    flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), flags)
    if pixels is None:
        raise _bad_texture(name, "its data is damaged")
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


def _bad_texture(name: str, why: str) -> InputError:
    return InputError(
        f"The texture “{name}” can't be used: {why}.", hint="Save the texture again as PNG or JPEG.", code="bad-texture"
    )


def packed_orm(material: Material) -> UInt8[np.ndarray, "h w *c"] | None:
    """Occlusion, roughness and metallic as red, green and blue; grey if there is occlusion alone, None if nothing."""
    maps = (material.occlusion, material.roughness, material.metallic)
    given = [one for one in maps if one is not None]
    if not given:
        return None
    if material.roughness is None and material.metallic is None:
        return np.asarray(given[0])
    full = np.full_like(given[0], 255)
    return np.dstack([full if one is None else one for one in maps])


def sampled_base_color(material: Material, uv: Float32[np.ndarray, "n 2"]) -> Float32[np.ndarray, "n 3"]:
    """Linear base colour at UV, bilinear, repeating beyond 0..1; the factor is included."""
    factor = np.asarray(material.base_color_factor[:3], np.float32)
    if material.base_color is None:
        return np.broadcast_to(factor, (len(uv), 3))
    height, width = material.base_color.shape[:2]
    position = np.asarray(uv, np.float64) * [width, height] - 0.5
    low = np.floor(position).astype(np.int64)
    fraction = (position - low).astype(np.float32)
    total = np.zeros((len(uv), 3), np.float32)
    for column, row in ((0, 0), (1, 0), (0, 1), (1, 1)):
        weight_u = fraction[:, 0] if column else 1 - fraction[:, 0]
        weight_v = fraction[:, 1] if row else 1 - fraction[:, 1]
        texel = material.base_color[(low[:, 1] + row) % height, (low[:, 0] + column) % width]
        total += linear_from_srgb(texel) * (weight_u * weight_v)[:, None]
    return total * factor


def corner_colors(mesh: Mesh, material: Material) -> UInt8[np.ndarray, "f 3 3"]:
    """sRGB at the corners of each face: of the texture, without one of the vertices, without any the factor."""
    if material.base_color is not None and mesh.uv is not None:
        corners = mesh.uv[mesh.faces]
        inside = corners + np.float32(_INWARD) * (corners.mean(axis=1, keepdims=True) - corners)
        linear = sampled_base_color(material, np.ascontiguousarray(inside.reshape(-1, 2), np.float32))
    elif mesh.colors is not None:
        factor = np.asarray(material.base_color_factor[:3], np.float32)
        linear = linear_from_srgb(np.asarray(mesh.colors[mesh.faces.ravel()])) * factor
    else:
        linear = sampled_base_color(material, np.zeros((mesh.faces.size, 2), np.float32))
    return srgb_from_linear(np.asarray(linear, np.float32)).reshape(-1, 3, 3)


def vertex_colors(mesh: Mesh, material: Material) -> UInt8[np.ndarray, "v 3"] | None:
    """sRGB at the vertices: the mean of their corners' colours in linear light; None if the surface has no colours."""
    has_texture = material.base_color is not None and mesh.uv is not None
    if not has_texture:
        return None if mesh.colors is None else np.asarray(mesh.colors)
    linear = linear_from_srgb(corner_colors(mesh, material).reshape(-1, 3))
    index = mesh.faces.ravel()
    count = np.maximum(np.bincount(index, minlength=len(mesh.vertices)), 1)
    sums = [np.bincount(index, linear[:, channel], len(mesh.vertices)) for channel in range(3)]
    return srgb_from_linear((np.column_stack(sums) / count[:, None]).astype(np.float32))
