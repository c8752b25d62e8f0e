"""Roughness and metallic from the highlight of a photo: a careful estimate for the object, matte where none is seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32

from unflat.core.color import luminance

MATTE_ROUGHNESS = 0.85
"""What a surface without a highlight gets: most things are matte, and a false gloss looks worse than none."""

MAX_SAMPLES = 200_000
"""Points of the surface that are looked at, at most."""
_HIGHLIGHT_RATIO = 2.0
"""A highlight is this much brighter than the object's median …"""

_HIGHLIGHT_BRIGHTNESS = 0.4
"""… and nearly as bright as a photo can be: linear light, 1 is white."""

_MIN_HIGHLIGHT, _MAX_HIGHLIGHT = 0.002, 0.15
"""Share of the seen surface that a highlight may cover: less is noise, more is paint."""

_MAX_SPREAD_RAD = 0.7
"""Bright texels whose normals spread wider than this are a pattern, not a highlight."""

_MIN_FALLOFF = 0.5
"""Around a highlight, brightness falls with the angle: how strongly (a correlation) it must."""

_MIN_METAL_SATURATION = 0.35
_TINT_COSINE = 0.995


@dataclass(frozen=True)
class Shininess:
    """glTF roughness and metallic of an object, 0..1."""

    roughness: float
    metallic: float
    highlight_found: bool


def estimate_shininess(
    linear: Float32[np.ndarray, "n 3"], normals: Float32[np.ndarray, "n 3"], seen: Bool[np.ndarray, "n"]
) -> Shininess:
    """Estimate from the linear colours as photographed (light still in them) and unit normals of surface points.

    The normals of the brightest points spread by about the slope of the microfacets: alpha = tan(spread),
    roughness = sqrt(alpha) (Beckmann distribution; Walter et al. 2007). Metallic is claimed only where a saturated
    colour keeps its tint in the highlight, as gold and copper do; grey metal looks like grey paint in one photo.
    """
    matte = Shininess(MATTE_ROUGHNESS, 0.0, False)
    points = np.flatnonzero(seen)
    points = points[:: max(len(points) // MAX_SAMPLES, 1)]
    if len(points) == 0:
        return matte
    colors, directions = linear[points], normals[points]
    brightness = luminance(colors)
    bright = brightness > max(_HIGHLIGHT_RATIO * float(np.median(brightness)), _HIGHLIGHT_BRIGHTNESS)
    if not _MIN_HIGHLIGHT < float(bright.mean()) < _MAX_HIGHLIGHT:
        return matte
    center = directions[bright].mean(axis=0)
    center /= max(float(np.linalg.norm(center)), 1e-9)
    angle = np.arccos(np.clip(directions @ center, -1, 1))
    spread = float(np.sqrt(np.mean(angle[bright] ** 2)))
    around = angle < 3 * spread
    if spread > _MAX_SPREAD_RAD or -np.corrcoef(angle[around], brightness[around])[0, 1] < _MIN_FALLOFF:
        return matte
    roughness = float(np.clip(np.sqrt(np.tan(spread)), 0.15, MATTE_ROUGHNESS))
    return Shininess(roughness, _metallic(colors, bright), True)


def _metallic(colors: Float32[np.ndarray, "m 3"], bright: Bool[np.ndarray, "m"]) -> float:
    """1 where a saturated body's highlight has the body's own tint, else 0."""
    body, glint = np.median(colors[~bright], axis=0), colors[bright].mean(axis=0)
    saturation = 1 - float(body.min()) / max(float(body.max()), 1e-6)
    tint = float(body @ glint) / max(float(np.linalg.norm(body) * np.linalg.norm(glint)), 1e-9)
    return 1.0 if saturation > _MIN_METAL_SATURATION and tint > _TINT_COSINE else 0.0
