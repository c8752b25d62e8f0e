"""The ways to show a model: lit, its colours alone, its normals, its depth, what was seen, its shape, its faces."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import cv2
import numpy as np
from jaxtyping import Float32

from unflat.core import Camera
from unflat.core.color import linear_from_srgb, luminance
from unflat.geometry.cameras import project
from unflat.render.lighting import lit
from unflat.render.scene import Scene
from unflat.render.surface import Surface, clay_surface, look_up
from unflat.render.trace import Samples

Shading = Literal["lit", "albedo", "normals", "depth", "seen", "clay", "wireframe"]
"""How a model is shown."""
LIT_STYLES = ("lit", "seen", "clay", "wireframe")
"""Those that need to know how much light reaches a pixel."""

SEEN_COLOR = (0, 158, 115)
INFERRED_COLOR = (230, 159, 0)
UNSAID_COLOR = (150, 150, 150)
"""sRGB. Green and orange of Okabe and Ito's palette (2008), told apart by every kind of colour vision; grey: unsaid."""
WIRE_COLOR = (24, 54, 84)
_WIRE_PX = 0.9
"""Width of a wireframe's lines."""
_TINT = 0.72
"""How strongly seen and inferred are coloured over the model's own brightness."""


def shade(
    scene: Scene, samples: Samples, camera: Camera, shading: Shading, visible: Float32[np.ndarray, "p 2"] | None
) -> Float32[np.ndarray, "n 3"]:
    """Linear colour of each sample. `visible` is what `visibility` gave, where the style is lit."""
    if shading == "normals":
        return _normal_colors(look_up(scene, samples, camera).normal, camera)
    if shading == "depth":
        return _depth_colors(scene, samples, camera)
    if shading == "albedo":
        return look_up(scene, samples, camera).albedo
    open_sky, key_seen = np.ones((2, len(samples)), np.float32) if visible is None else visible[samples.pixel].T
    if shading == "lit":
        return lit(samples, look_up(scene, samples, camera), camera, open_sky, key_seen)
    if shading == "seen":
        return lit(samples, _seen_surface(scene, samples, camera), camera, open_sky, key_seen)
    clay = lit(samples, clay_surface(samples), camera, open_sky, key_seen)
    return clay if shading == "clay" else _with_wires(scene, samples, camera, clay)


def _normal_colors(normal: np.ndarray, camera: Camera) -> Float32[np.ndarray, "n 3"]:
    """Red to the right, green up, blue towards the viewer, as in a tangent-space map."""
    local = normal @ camera.world_from_camera[:3, :3].astype(np.float32) * np.array([1, -1, -1], np.float32)
    return linear_from_srgb(np.rint((local * 0.5 + 0.5) * 255).clip(0, 255).astype(np.uint8))


def _depth_colors(scene: Scene, samples: Samples, camera: Camera) -> Float32[np.ndarray, "n 3"]:
    """Near is bright, far is dark (viridis), over the depth range of the whole scene."""
    _, depths = project(camera, scene.triangles.reshape(-1, 3).astype(np.float64))
    nearest, farthest = float(depths.min()), float(depths.max())
    share = (farthest - samples.depth) / max(farthest - nearest, 1e-12)
    levels = np.rint(share * 255).clip(0, 255).astype(np.uint8)
    colored = cv2.applyColorMap(levels[:, None], cv2.COLORMAP_VIRIDIS)[:, 0, ::-1]
    return linear_from_srgb(np.ascontiguousarray(colored))


def _seen_surface(scene: Scene, samples: Samples, camera: Camera) -> Surface:
    surface = look_up(scene, samples, camera)
    seen, inferred, unsaid = (
        linear_from_srgb(np.array(color, np.uint8)) for color in (SEEN_COLOR, INFERRED_COLOR, UNSAID_COLOR)
    )
    confidence = surface.confidence[:, None]
    tint = np.where(np.isnan(confidence), unsaid, inferred + np.nan_to_num(confidence) * (seen - inferred))
    # the square root lightens dark models, on which a tint would not show
    own = np.sqrt(luminance(surface.albedo))[:, None]
    return replace(surface, albedo=_TINT * tint + (1 - _TINT) * own, metallic=np.zeros_like(surface.metallic))


def _with_wires(
    scene: Scene, samples: Samples, camera: Camera, color: Float32[np.ndarray, "n 3"]
) -> Float32[np.ndarray, "n 3"]:
    """Lines along the faces' edges, as wide everywhere; the diagonals of quads are left out."""
    altitude = _altitudes_px(scene, camera)[samples.face]
    distance = samples.barycentric * altitude
    for index, part in enumerate(scene.parts):
        if part.part.mesh.quads:
            mine = scene.part_of_face[samples.face] == index
            odd = (samples.face - scene.first_face[index]) % 2 == 1
            distance[mine & ~odd, 1] = np.inf
            distance[mine & odd, 2] = np.inf
    nearest = distance.min(axis=1)
    line = np.clip(_WIRE_PX / 2 + 0.5 - nearest, 0, 1)
    # where faces are only a few pixels large the lines fade, so that the shape stays readable
    fade = np.clip(altitude.min(axis=1) / 6.0, 0.25, 1)
    wire = linear_from_srgb(np.array(WIRE_COLOR, np.uint8))
    return color + (line * fade)[:, None] * (wire - color)


def _altitudes_px(scene: Scene, camera: Camera) -> Float32[np.ndarray, "f 3"]:
    """Distance in the picture of each face's corner from its opposite edge."""
    pixels, _ = project(camera, scene.triangles.reshape(-1, 3).astype(np.float64))
    corners = np.nan_to_num(pixels).reshape(-1, 3, 2)
    opposite = corners[:, [2, 0, 1]] - corners[:, [1, 2, 0]]
    area = np.abs(opposite[:, 0, 0] * opposite[:, 1, 1] - opposite[:, 0, 1] * opposite[:, 1, 0])
    return (area[:, None] / np.maximum(np.linalg.norm(opposite, axis=2), 1e-9)).astype(np.float32)
