"""What the surface is made of at each sample: colour, roughness, metal, relief, occlusion, and whether it was seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from unflat.core import Camera
from unflat.core.color import linear_from_srgb
from unflat.render.scene import Scene, ScenePart
from unflat.render.textures import Texture
from unflat.render.trace import Samples, pixel_size

CLAY = (0.62, 0.60, 0.57)
"""Linear colour of modelling clay: a warm light grey."""


@dataclass(frozen=True, eq=False)
class Surface:
    """Material at n samples."""

    albedo: Float32[np.ndarray, "n 3"]
    """Linear base colour."""
    roughness: Float32[np.ndarray, "n"]
    metallic: Float32[np.ndarray, "n"]
    occlusion: Float32[np.ndarray, "n"]
    normal: Float32[np.ndarray, "n 3"]
    """Unit, with the normal map's relief, in the world's frame."""
    confidence: Float32[np.ndarray, "n"]
    """1 seen, 0 inferred, NaN where the model does not say."""


def look_up(scene: Scene, samples: Samples, camera: Camera) -> Surface:
    """The material under each sample. Textures are filtered to the size of a pixel there."""
    count = len(samples)
    found = Surface(
        np.ones((count, 3), np.float32),
        np.ones(count, np.float32),
        np.zeros(count, np.float32),
        np.ones(count, np.float32),
        samples.normal.copy(),
        np.full(count, np.nan, np.float32),
    )
    part_of_sample = scene.part_of_face[samples.face]
    for index, part in enumerate(scene.parts):
        chosen = np.arange(count) if len(scene.parts) == 1 else np.flatnonzero(part_of_sample == index)
        if len(chosen):
            rows = _PartRows(chosen, samples.face[chosen] - scene.first_face[index], samples.barycentric[chosen])
            footprint = part.texel_density[rows.face] * pixel_size(camera, samples.depth[chosen])
            _look_up_part(part, rows, footprint, found)
    return found


def clay_surface(samples: Samples) -> Surface:
    """Plain clay at every sample: the shape without its skin."""
    count = len(samples)
    return Surface(
        np.broadcast_to(np.array(CLAY, np.float32), (count, 3)),
        np.full(count, 0.75, np.float32),
        np.zeros(count, np.float32),
        np.ones(count, np.float32),
        samples.normal,
        np.full(count, np.nan, np.float32),
    )


@dataclass(frozen=True, eq=False)
class _PartRows:
    """The samples that lie on one part: which they are, on which of its faces, and where on them."""

    chosen: np.ndarray
    face: np.ndarray
    barycentric: np.ndarray


def _look_up_part(part: ScenePart, rows: _PartRows, footprint: np.ndarray, found: Surface) -> None:
    """Fill the part's rows of `found`, which `look_up` has just made."""
    mesh, material, textures = part.part.mesh, part.part.material, part.textures
    chosen, weights, corners = rows.chosen, rows.barycentric, mesh.faces[rows.face]

    def interpolated(values: np.ndarray) -> np.ndarray:
        return np.asarray(sum(weights[:, k : k + 1] * values[corners[:, k]] for k in range(3)))

    uv = None if mesh.uv is None else interpolated(mesh.uv)

    def texture(image: Texture | None) -> np.ndarray | None:
        return None if image is None or uv is None else image.sample(uv, footprint)

    def scalar(image: Texture | None, otherwise: float = 1.0) -> np.ndarray | float:
        values = texture(image)
        return otherwise if values is None else values[:, 0]

    color = texture(textures.base_color)
    albedo = np.array(material.base_color_factor[:3], np.float32) * (np.float32(1) if color is None else color)
    if mesh.colors is not None:
        albedo = albedo * interpolated(linear_from_srgb(mesh.colors))
    found.albedo[chosen] = albedo
    found.roughness[chosen] = scalar(textures.roughness) * np.float32(material.roughness_factor)
    found.metallic[chosen] = scalar(textures.metallic) * np.float32(material.metallic_factor)
    found.occlusion[chosen] = scalar(textures.occlusion)
    if mesh.confidence is not None:
        found.confidence[chosen] = interpolated(mesh.confidence[:, None])[:, 0]
    if textures.confidence is not None and uv is not None:
        found.confidence[chosen] = scalar(textures.confidence)
    stored = texture(textures.normal)
    if stored is not None and part.tangents is not None:
        relief = (stored * np.float32(255) - np.float32(128)) / np.float32(127)
        found.normal[chosen] = _bent(found.normal[chosen], interpolated(part.tangents), relief)


def _bent(
    normal: Float32[np.ndarray, "n 3"], tangent: Float32[np.ndarray, "n 4"], relief: Float32[np.ndarray, "n 3"]
) -> Float32[np.ndarray, "n 3"]:
    """The normals turned by the normal map, in the frame (tangent, bitangent, normal) of glTF."""
    across = tangent[:, :3] - np.einsum("ij,ij->i", tangent[:, :3], normal)[:, None] * normal
    across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
    upwards = np.cross(normal, across) * np.sign(tangent[:, 3:])
    bent = across * relief[:, :1] + upwards * relief[:, 1:2] + normal * relief[:, 2:]
    return bent / np.maximum(np.linalg.norm(bent, axis=1, keepdims=True), 1e-9)
