"""Texture lookup: bilinear, prefiltered to the size at which it is seen, in linear light."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from unflat.core import Material
from unflat.core.color import linear_from_srgb

_MAX_LEVEL = 4
"""Coarsest mip level used: beyond this, padding between charts no longer keeps neighbours apart."""


@dataclass(frozen=True, eq=False)
class Texture:
    """An image as a pyramid of halved copies: float32 as it is, uint8 for 0..1 in 255 steps."""

    levels: tuple[Float32[np.ndarray, "_ _ c"] | UInt8[np.ndarray, "_ _ c"], ...]

    @property
    def size_px(self) -> float:
        """Side of a square of as many texels."""
        return float(np.sqrt(self.levels[0].shape[0] * self.levels[0].shape[1]))

    def sample(
        self, uv: Float32[np.ndarray, "n 2"], footprint: Float32[np.ndarray, "n"] | None = None
    ) -> Float32[np.ndarray, "n c"]:
        """Bilinear value at each UV; UV outside 0..1 repeats, as in glTF.

        `footprint` is the UV length that a picture's pixel covers; it chooses the level (Williams 1983).
        """
        if footprint is None or len(self.levels) == 1:
            return _bilinear(self.levels[0], uv)
        texels = np.maximum(footprint * self.size_px, 1.0)
        level = np.minimum(np.log2(texels).astype(np.int32), len(self.levels) - 1)
        values = np.empty((len(uv), self.levels[0].shape[2]), np.float32)
        for index in np.unique(level):
            chosen = level == index
            values[chosen] = _bilinear(self.levels[index], uv[chosen])
        return values


def build_texture(image: Float32[np.ndarray, "h w c"] | UInt8[np.ndarray, "h w c"]) -> Texture:
    """The pyramid of an image, by area means."""
    levels = [image]
    while len(levels) <= _MAX_LEVEL and min(levels[-1].shape[:2]) >= 64:
        height, width, channels = levels[-1].shape
        half = cv2.resize(levels[-1], (width // 2, height // 2), interpolation=cv2.INTER_AREA)
        levels.append(half.reshape(height // 2, width // 2, channels))
    return Texture(tuple(levels))


class MaterialTextures:
    """A material's textures, decoded at first use."""

    def __init__(self, material: Material) -> None:
        self._material = material

    @cached_property
    def base_color(self) -> Texture | None:
        """Linear RGB."""
        pixels = self._material.base_color
        return None if pixels is None else build_texture(linear_from_srgb(pixels))

    @cached_property
    def normal(self) -> Texture | None:
        """Tangent-space vectors, stored from 0 to 1 with 128/255 as zero."""
        pixels = self._material.normal
        return None if pixels is None else build_texture(pixels)

    @cached_property
    def occlusion(self) -> Texture | None:
        """1 open, 0 occluded."""
        return _of_bytes(self._material.occlusion)

    @cached_property
    def roughness(self) -> Texture | None:
        """0..1, without the factor."""
        return _of_bytes(self._material.roughness)

    @cached_property
    def metallic(self) -> Texture | None:
        """0..1, without the factor."""
        return _of_bytes(self._material.metallic)

    @cached_property
    def confidence(self) -> Texture | None:
        """1 seen, 0 inferred."""
        return _of_bytes(self._material.confidence)


def _of_bytes(pixels: UInt8[np.ndarray, "h w"] | None) -> Texture | None:
    return None if pixels is None else build_texture(pixels[..., None])


def _bilinear(image: np.ndarray, uv: Float32[np.ndarray, "n 2"]) -> Float32[np.ndarray, "n c"]:
    """cv2.remap looks n texels up at once, as a picture of n pixels."""
    height, width, channels = image.shape
    wrapped = uv - np.floor(uv)
    # at exactly 1 the last texel is meant, not the first of the next repeat
    wrapped = np.where((wrapped == 0) & (uv == 1), np.float32(1), wrapped)
    columns = _REMAP_COLUMNS
    rows = -(-len(uv) // columns)
    position = np.zeros((rows * columns, 2), np.float32)
    position[: len(uv)] = wrapped * np.array([width, height], np.float32) - np.float32(0.5)
    grid = position.reshape(rows, columns, 2)
    found = cv2.remap(image, grid[..., 0], grid[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    values = found.reshape(-1, channels)[: len(uv)]
    return values.astype(np.float32) / np.float32(255) if values.dtype == np.uint8 else values


_REMAP_COLUMNS = 1024
"""Width of the pictures handed to cv2.remap, which takes at most 32767 a side."""
