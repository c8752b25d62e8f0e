"""The light of a real place: its environment map taken apart into a sun (or a lamp) and all the rest."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from unflat.core.color import luminance
from unflat.synth.environments import Environment
from unflat.synth.illumination import Illumination, harmonic_basis, harmonics_of, map_directions

_SUN_HALF_TEXELS = 1
"""A sun or a lamp is looked for in windows of 3x3 texels, 17 degrees wide."""
_LEAST_SUN_SHARE = 0.12
"""A window that brings less than this share of the light from above is no sun."""
_GUESSED_SUN_SHARE = 0.5
"""Where the light was guessed from an 8-bit picture, so much of the sun is believed."""


def light_of(environment: Environment, turn_rad: float = 0.0, gain: float = 1.0) -> Illumination:
    """The place's light turned about the vertical by whole texels, its brightest window as a sun if that stands out."""
    texels = round(turn_rad / (2 * np.pi) * environment.light.shape[1])
    radiance = np.roll(environment.light, texels, axis=1) * np.float32(gain)
    directions, solid_angle = map_directions()
    bright = luminance(radiance) * solid_angle
    row, column = (int(index) for index in np.unravel_index(int(bright.argmax()), bright.shape))
    rows = np.arange(max(row - _SUN_HALF_TEXELS, 0), min(row + _SUN_HALF_TEXELS + 1, len(bright)))
    columns = np.arange(column - _SUN_HALF_TEXELS, column + _SUN_HALF_TEXELS + 1) % bright.shape[1]
    window = np.ix_(rows, columns)
    towards = (directions[window] * bright[window][..., None]).sum(axis=(0, 1))
    towards /= max(float(np.linalg.norm(towards)), 1e-6)
    above = bright * np.maximum(directions[..., 1], 0)
    no_sun = np.zeros(3, np.float32)
    if towards[1] < 0.05 or above[window].sum() < _LEAST_SUN_SHARE * max(float(above.sum()), 1e-6):
        return Illumination(radiance, harmonics_of(radiance), np.array([0, 1, 0], np.float32), no_sun, 0.1)
    rest = radiance.copy()
    ring = np.median(radiance[rows], axis=1, keepdims=True)
    rest[window] = np.minimum(radiance[window], ring)
    taken = ((radiance - rest) * solid_angle[..., None]).sum(axis=(0, 1)) / np.pi
    if not environment.entry.hdr:
        taken = taken * _GUESSED_SUN_SHARE
    spread = 0.03 if environment.entry.kind == "outdoor" else 0.2
    return Illumination(rest, harmonics_of(rest), towards.astype(np.float32), taken.astype(np.float32), spread)


def ambient(light: Illumination, normals: Float32[np.ndarray, "n 3"]) -> Float32[np.ndarray, "n 3"]:
    """Irradiance over pi of the environment without the sun, for unit normals."""
    return np.asarray(np.maximum(harmonic_basis(normals) @ light.harmonics, 0), np.float32)


def upward_directions(
    light: Illumination, count: int, rng: np.random.Generator
) -> tuple[Float32[np.ndarray, "count 3"], float]:
    """Directions above the horizon, more where more light comes from, and the ground's irradiance over pi from all."""
    directions, solid_angle = map_directions()
    share = (light.environment.mean(axis=2) * solid_angle * np.maximum(directions[..., 1], 0)).ravel()
    total = float(share.sum())
    if total <= 0:
        share, total = np.maximum(directions[..., 1], 0).ravel(), 0.0
    running = np.cumsum(share) / share.sum()
    picks = np.searchsorted(running, (np.arange(count) + rng.random(count)) / count)
    chosen = directions.reshape(-1, 3)[np.minimum(picks, len(running) - 1)]
    jittered = chosen + rng.normal(0, 0.04, chosen.shape)
    jittered[:, 1] = np.maximum(jittered[:, 1], 0.03)
    return (jittered / np.linalg.norm(jittered, axis=1, keepdims=True)).astype(np.float32), total / np.pi
