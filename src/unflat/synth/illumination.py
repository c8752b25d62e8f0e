"""Light for renders: an environment that comes from everywhere, and a sun."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float32

from unflat.core.color import luminance
from unflat.render.trace import Samples

_ROWS, _COLUMNS = 32, 64
"""Size of an environment map: row 0 is the zenith, columns go round the horizon."""
_DIELECTRIC = 0.04
"""Reflectance of non-metals at normal incidence (glTF 2.0, appendix B)."""
_LAMBERT = np.array([1.0] + [2 / 3] * 3 + [1 / 4] * 5, np.float32)
"""Cosine lobe over pi per spherical harmonic band (Ramamoorthi and Hanrahan 2001, equation 8)."""

EnvironmentMap = Float32[np.ndarray, "32 64 3"]
"""Linear radiance, equirectangular."""


@dataclass(frozen=True, eq=False)
class Illumination:
    """An environment with a sun, both in the world's frame, Y up."""

    environment: EnvironmentMap
    harmonics: Float32[np.ndarray, "9 3"]
    """Irradiance over pi of the environment as spherical harmonics of the normal."""
    sun_direction: Float32[np.ndarray, "3"]
    """Unit, towards the sun."""
    sun_color: Float32[np.ndarray, "3"]
    """Irradiance over pi that a surface facing the sun takes; zero for none."""
    sun_spread: float
    """Tangent of the sun's or the lamp's radius: how soft its shadows are."""


@dataclass(frozen=True, eq=False)
class Coat:
    """What n samples of one surface are made of."""

    albedo: Float32[np.ndarray, "n 3"]
    """Linear base colour."""
    roughness: float
    metallic: float


def random_illumination(rng: np.random.Generator, environments: Sequence[EnvironmentMap] = ()) -> Illumination:
    """A place's light, turned at random, or a made-up sky; often with a sun or a lamp as strong as the rest."""
    if environments and rng.random() < 0.7:
        picked = environments[int(rng.integers(len(environments)))]
        environment = np.roll(picked, int(rng.integers(_COLUMNS)), axis=1).astype(np.float32)
        environment = np.minimum(environment, 12 * np.median(environment) + 1e-3)
    else:
        environment = _made_sky(rng)
    environment = environment / max(float(luminance(environment).mean()), 1e-3)
    azimuth, height = rng.uniform(0, 2 * np.pi), rng.uniform(0.15, 1.0)
    flat = np.sqrt(1 - height * height)
    direction = np.array([flat * np.sin(azimuth), height, flat * np.cos(azimuth)], np.float32)
    strength = rng.choice([0.0, rng.uniform(0.2, 0.8), rng.uniform(0.8, 2.5)], p=[0.35, 0.4, 0.25])
    warmth = rng.normal(0, 0.12)
    color = np.array([1 + warmth, 1, 1 - warmth], np.float32) * np.float32(strength)
    spread = float(rng.choice([0.01, 0.1, 0.3]))
    return Illumination(environment, harmonics_of(environment), direction, color, spread)


def shaded(
    light: Illumination,
    samples: Samples,
    coat: Coat,
    open_sky: Float32[np.ndarray, "n"],
    sun_seen: Float32[np.ndarray, "n"],
) -> Float32[np.ndarray, "n 3"]:
    """Linear colours: Lambert, and Blinn-Phong with Schlick's Fresnel for the gloss."""
    albedo, roughness, metallic = coat.albedo, coat.roughness, coat.metallic
    normal, eye = samples.normal, samples.to_eye
    facing = np.clip(np.einsum("ij,ij->i", normal, eye), 0, 1)
    fresnel = (1 - facing) ** 5 * (1 - roughness)
    reflectance = _DIELECTRIC * (1 - metallic) + albedo * metallic
    reflectance = reflectance + (1 - reflectance) * fresnel[:, None]
    mirrored = 2 * facing[:, None] * normal - eye
    ambient = np.maximum(harmonic_basis(normal) @ light.harmonics, 0) * open_sky[:, None]
    mirror = _reflection(light, mirrored, roughness) * open_sky[:, None]
    color = albedo * (1 - metallic) * ambient + reflectance * mirror
    if not light.sun_color.any():
        return color.astype(np.float32)
    incidence = np.clip(normal @ light.sun_direction, 0, 1) * sun_seen
    half = eye + light.sun_direction
    half /= np.maximum(np.linalg.norm(half, axis=1, keepdims=True), 1e-6)
    power = np.clip(2 / max(roughness, 0.12) ** 4 - 2, 0, 2000)
    lobe = (power + 2) / 8 * np.clip(np.einsum("ij,ij->i", normal, half), 0, 1) ** power
    gloss = reflectance * np.minimum(lobe, 30.0)[:, None]
    return (color + (albedo * (1 - metallic) + gloss) * incidence[:, None] * light.sun_color).astype(np.float32)


def _reflection(
    light: Illumination, directions: Float32[np.ndarray, "n 3"], roughness: float
) -> Float32[np.ndarray, "n 3"]:
    """The environment in these directions; between sharp and the irradiance by roughness."""
    row = np.arccos(np.clip(directions[:, 1], -1, 1)) / np.pi * _ROWS
    column = (np.arctan2(directions[:, 0], directions[:, 2]) / (2 * np.pi) + 0.5) * _COLUMNS
    sharp = light.environment[np.minimum(row.astype(int), _ROWS - 1), column.astype(int) % _COLUMNS]
    blurred = np.maximum(harmonic_basis(directions) @ light.harmonics, 0)
    share = np.float32(min(roughness * 1.5, 1.0))
    return np.asarray(sharp * (1 - share) + blurred * share, np.float32)


def _made_sky(rng: np.random.Generator) -> EnvironmentMap:
    """A bright upper and a darker lower half of slightly different tints, with a few soft boxes."""
    directions, _ = map_directions()
    tints = 1 + rng.normal(0, 0.1, (2, 3))
    ground = rng.uniform(0.15, 0.9)
    up = directions[..., 1:2] * 0.5 + 0.5
    sky = (tints[0] * up + tints[1] * ground * (1 - up)).astype(np.float32)
    for _ in range(int(rng.integers(0, 4))):
        towards = rng.normal(size=3)
        towards[1] = abs(towards[1])
        towards /= np.linalg.norm(towards)
        near = np.clip((directions @ towards - rng.uniform(0.8, 0.95)) / 0.05, 0, 1)[..., None]
        sky += (near * rng.uniform(1, 6)).astype(np.float32)
    return sky


def harmonics_of(environment: EnvironmentMap) -> Float32[np.ndarray, "9 3"]:
    """Irradiance over pi as spherical harmonics of the normal."""
    directions, solid_angle = map_directions()
    basis = harmonic_basis(directions.reshape(-1, 3)) * solid_angle.ravel()[:, None]
    return (_LAMBERT[:, None] * (basis.T @ environment.reshape(-1, 3))).astype(np.float32)


@lru_cache(maxsize=1)
def map_directions() -> tuple[Float32[np.ndarray, "32 64 3"], Float32[np.ndarray, "32 64"]]:
    """Unit direction and solid angle of each texel."""
    height = np.pi * (np.arange(_ROWS) + 0.5) / _ROWS
    turn = 2 * np.pi * ((np.arange(_COLUMNS) + 0.5) / _COLUMNS - 0.5)
    x, z = np.outer(np.sin(height), np.sin(turn)), np.outer(np.sin(height), np.cos(turn))
    y = np.broadcast_to(np.cos(height)[:, None], x.shape)
    solid_angle = np.broadcast_to(np.sin(height)[:, None], x.shape) * (np.pi / _ROWS) * (2 * np.pi / _COLUMNS)
    return np.stack([x, y, z], axis=-1).astype(np.float32), solid_angle.astype(np.float32)


def harmonic_basis(n: Float32[np.ndarray, "n 3"]) -> Float32[np.ndarray, "n 9"]:
    """The first nine real spherical harmonics of unit directions."""
    x, y, z = n.T
    columns = [
        np.full(len(n), 0.282095), 0.488603 * y, 0.488603 * z, 0.488603 * x, 1.092548 * x * y, 1.092548 * y * z,
        0.315392 * (3 * z * z - 1), 1.092548 * x * z, 0.546274 * (x * x - y * y),
    ]  # fmt: skip
    return np.column_stack(columns).astype(np.float32)
