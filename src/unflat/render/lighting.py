"""A small photo studio: a key light with soft shadow, a fill, a rim, and a bright room around."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from unflat.core import Camera
from unflat.core.conventions import UP_AXIS
from unflat.render.surface import Surface
from unflat.render.trace import Samples


@dataclass(frozen=True)
class Light:
    """A far light that moves with the camera, so that a turning object is lit like one on a turntable."""

    right: float
    up: float
    back: float
    """Direction towards the light in the camera's terms; `back` is towards the viewer."""
    color: tuple[float, float, float]
    """Linear; a white surface that faces the light takes this colour."""


KEY = Light(-0.55, 0.70, 0.62, (0.62, 0.60, 0.57))
FILL = Light(0.85, 0.10, 0.55, (0.13, 0.14, 0.16))
RIM = Light(0.35, 0.55, -0.85, (0.30, 0.31, 0.33))
SKY = (0.50, 0.51, 0.53)
"""Light of the room from above, linear."""
GROUND = (0.26, 0.255, 0.25)
"""Light of the room from below: what a pale table sends back."""
_SHOULDER = 0.80
"""Light above this is compressed instead of clipped, so that highlights keep their colour."""
_DIELECTRIC = 0.04
"""Reflectance of non-metals at normal incidence (glTF 2.0, appendix B)."""


def light_direction(light: Light, camera: Camera) -> Float32[np.ndarray, "3"]:
    """Unit direction towards the light, in the world."""
    right, down, forward = camera.world_from_camera[:3, :3].T
    direction = light.right * right - light.up * down - light.back * forward
    return (direction / np.linalg.norm(direction)).astype(np.float32)


def lit(
    samples: Samples,
    surface: Surface,
    camera: Camera,
    open_sky: Float32[np.ndarray, "n"],
    key_seen: Float32[np.ndarray, "n"],
) -> Float32[np.ndarray, "n 3"]:
    """Linear colours under the studio's light: Lambert and GGX (Walter et al. 2007), glTF 2.0 appendix B.

    `open_sky` is the unoccluded share of the hemisphere, `key_seen` the visible share of the key light.
    """
    normal, eye = surface.normal, samples.to_eye
    metallic = surface.metallic[:, None]
    diffuse = surface.albedo * (1 - metallic)
    reflectance = _DIELECTRIC * (1 - metallic) + surface.albedo * metallic
    alpha = np.maximum(surface.roughness, 0.06) ** 2
    facing = np.clip(_dot(normal, eye), 1e-3, 1)
    ambient = _room(normal) * (open_sky * surface.occlusion)[:, None]
    mirrored = 2 * facing[:, None] * normal - eye
    color = (
        diffuse * ambient
        + _room_reflection(reflectance, surface.roughness, facing)
        * _room(mirrored)
        * (open_sky * surface.occlusion)[:, None]
    )
    for light, visible in ((KEY, key_seen), (FILL, None), (RIM, open_sky)):
        towards = light_direction(light, camera)
        incidence = np.clip(normal @ towards, 0, 1)
        if visible is not None:
            incidence = incidence * visible
        lobe = _ggx(normal, eye, towards, alpha, facing)
        color = color + incidence[:, None] * np.array(light.color, np.float32) * (diffuse + reflectance * lobe[:, None])
    return _shouldered(color)


def _room(direction: Float32[np.ndarray, "n 3"]) -> Float32[np.ndarray, "n 3"]:
    height = (direction @ UP_AXIS.astype(np.float32) * 0.5 + 0.5)[:, None]
    return np.array(GROUND, np.float32) * (1 - height) + np.array(SKY, np.float32) * height


def _ggx(normal: np.ndarray, eye: np.ndarray, towards: np.ndarray, alpha: np.ndarray, facing: np.ndarray) -> np.ndarray:
    """The GGX lobe times pi, without Fresnel: distribution and Smith's visibility."""
    half = eye + towards
    half = half / np.maximum(np.linalg.norm(half, axis=1, keepdims=True), 1e-6)
    n_h, n_l = np.clip(_dot(normal, half), 0, 1), np.clip(normal @ towards, 1e-3, 1)
    a2 = alpha * alpha
    distribution = a2 / (n_h * n_h * (a2 - 1) + 1) ** 2
    visibility = 0.5 / (n_l * np.sqrt(facing * facing * (1 - a2) + a2) + facing * np.sqrt(n_l * n_l * (1 - a2) + a2))
    return np.minimum(distribution * visibility, 20.0)


def _room_reflection(reflectance: np.ndarray, roughness: np.ndarray, facing: np.ndarray) -> Float32[np.ndarray, "n 3"]:
    """Share of the room's light that is mirrored: Karis' fit of the split sum (2014)."""
    ramp = np.minimum((1 - roughness) ** 2, np.exp2(-9.28 * facing)) * (1 - roughness) + (-0.0275 * roughness + 0.0425)
    scale = -1.04 * ramp + (1.04 - 0.572 * roughness)
    bias = 1.04 * ramp + (0.022 * roughness - 0.04)
    return np.maximum(reflectance * np.clip(scale, 0, 1)[:, None] + bias[:, None], 0)


def _shouldered(color: np.ndarray) -> Float32[np.ndarray, "n 3"]:
    room = 1 - _SHOULDER
    over = np.maximum(color - _SHOULDER, 0)
    return np.where(color > _SHOULDER, _SHOULDER + room * (1 - np.exp(-over / room)), color).astype(np.float32)


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.einsum("ij,ij->i", a, b)
