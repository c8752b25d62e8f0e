"""glTF materials to `Material`: factors, textures, and where they lie on the surface."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from unflat.core.material import Material
from unflat.io.gltf_container import GltfContainer
from unflat.io.textures import decode_image

UvMap = Callable[[Float32[np.ndarray, "v 2"]], Float32[np.ndarray, "v 2"]]
"""From the file's texture coordinates to those of the noun."""


def read_material(container: GltfContainer, index: int | None) -> Material:
    """The material; glTF's default one for None. Emission, transmission and the like are left out."""
    described: dict[str, Any] = {} if index is None else container.item("materials", index)
    surface = described.get("pbrMetallicRoughness", {})
    packed = _image(container, surface.get("metallicRoughnessTexture"))
    occlusion_info = described.get("occlusionTexture")
    occlusion = _channel(_image(container, occlusion_info), 0)
    roughness, metallic = _channel(packed, 1), _channel(packed, 2)
    if occlusion is not None and occlusion_info is not None:
        occlusion = _weakened(occlusion, occlusion_info.get("strength", 1.0))
    occlusion, roughness, metallic = _same_size(occlusion, roughness, metallic)
    ours = (described.get("extras") or {}).get("unflat", {})
    red, green, blue, alpha = (_unit_interval(value) for value in surface.get("baseColorFactor", (1.0,) * 4))
    return Material(
        name=str(described.get("name") or "material"),
        base_color=_image(container, surface.get("baseColorTexture")),
        normal=_image(container, described.get("normalTexture")),
        occlusion=occlusion,
        roughness=roughness,
        metallic=metallic,
        confidence=_channel(_image(container, ours.get("confidenceTexture")), 0, keep_white=True),
        base_color_factor=(red, green, blue, alpha),
        roughness_factor=_unit_interval(surface.get("roughnessFactor", 1.0)),
        metallic_factor=_unit_interval(surface.get("metallicFactor", 1.0)),
        double_sided=bool(described.get("doubleSided", False)),
    )


def texture_transform(container: GltfContainer, material: int | None) -> tuple[int, UvMap]:
    """Which set of texture coordinates the material uses, and how KHR_texture_transform moves them.

    The base colour decides; without one, the first texture there is. All textures are taken to share this layout.
    """
    described: dict[str, Any] = {} if material is None else container.item("materials", material)
    surface = described.get("pbrMetallicRoughness", {})
    candidates = (
        surface.get("baseColorTexture"),
        described.get("normalTexture"),
        surface.get("metallicRoughnessTexture"),
        described.get("occlusionTexture"),
    )
    info: dict[str, Any] = next((one for one in candidates if one), {})
    moved = info.get("extensions", {}).get("KHR_texture_transform", {})
    if not moved:
        return int(info.get("texCoord", 0)), lambda uv: uv
    angle = float(moved.get("rotation", 0.0))
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    linear = turn @ np.diag(np.array(moved.get("scale", (1.0, 1.0)), np.float64))
    offset = np.array(moved.get("offset", (0.0, 0.0)), np.float64)
    return int(moved.get("texCoord", info.get("texCoord", 0))), lambda uv: (uv @ linear.T + offset).astype(np.float32)


def _image(container: GltfContainer, info: dict[str, Any] | None) -> UInt8[np.ndarray, "h w 3"] | None:
    if not info:
        return None
    texture = container.item("textures", info["index"])
    webp = texture.get("extensions", {}).get("EXT_texture_webp", {})
    source = webp.get("source", texture.get("source"))
    if source is None:
        return None
    image = container.item("images", source)
    content = container.view(image["bufferView"]) if "bufferView" in image else container.side_file(image["uri"])
    return decode_image(content, str(image.get("name") or f"image {source}"))


def _channel(
    pixels: UInt8[np.ndarray, "h w 3"] | None, channel: int, *, keep_white: bool = False
) -> UInt8[np.ndarray, "h w"] | None:
    """One channel; None for one that is 255 everywhere, which says nothing in a factor's texture."""
    if pixels is None:
        return None
    plane = np.ascontiguousarray(pixels[:, :, channel])
    return plane if keep_white or plane.min() < 255 else None


def _weakened(occlusion: UInt8[np.ndarray, "h w"], strength: float) -> UInt8[np.ndarray, "h w"]:
    if strength == 1.0:
        return occlusion
    return np.asarray(np.rint(255 + strength * (occlusion.astype(np.float32) - 255)), np.uint8)


def _same_size(*maps: np.ndarray | None) -> tuple[np.ndarray | None, ...]:
    """All at the largest size, as the noun wants them."""
    sizes = [one.shape for one in maps if one is not None]
    if len(set(sizes)) <= 1:
        return maps
    height, width = max(sizes)
    return tuple(
        one if one is None or one.shape == (height, width) else np.asarray(cv2.resize(one, (width, height)), np.uint8)
        for one in maps
    )


def _unit_interval(value: Any) -> float:
    return min(max(float(value), 0.0), 1.0)
