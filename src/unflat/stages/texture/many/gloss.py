"""Gloss: how rough a surface is, told by how quickly its highlights pass when the camera moves."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Float64

from unflat.core import Camera
from unflat.core.color import luminance
from unflat.geometry.cameras import directions_to_camera
from unflat.stages.texture.many.agreement import DARK, Agreement
from unflat.stages.texture.many.candidates import Candidates
from unflat.stages.texture.many.sites import Sites
from unflat.stages.texture.maps.shininess import MATTE_ROUGHNESS, Shininess

_LEAST_GAIN = 0.06
"""Linear light by which a highlight must exceed the darkest photo that agrees: less is grain, or light that changed."""
_FEWEST = 200
"""Observations that a highlight must consist of."""
_PEAK_WIDTH_RAD = 0.3
_PEAK_ROUNDS = 8
_BIN_RAD = np.deg2rad(1.0)
_BINS = 45
_FEWEST_IN_BIN = 20
_LEAST_CONTRAST = 5.0
"""How much more a highlight's middle must gleam than what lies three of its widths away, on average."""
_SHINIEST = 0.15


def gloss_of(
    sites: Sites,
    candidates: Candidates,
    gains: Float32[np.ndarray, "v 3"],
    agreement: Agreement,
    cameras: tuple[Camera, ...],
) -> Shininess:
    """Roughness from the change between views, for an object that stood still under light that did; else matte.

    What a view shows more than the darkest one that agrees is mirrored light. It depends on the mirrored direction of
    sight alone; where it falls to 1/e of its peak, half of the angle to the peak is the slope of the microfacets:
    alpha = tan(angle), roughness = sqrt(alpha) (Beckmann; Walter et al. 2007, "Microfacet models for refraction through
    rough surfaces"). Only the strongest highlight is looked at. Matte where there is none, where it is too wide to be
    told from the paint, or where it moves with the camera, as a flash's does. Metallic is not told: 0.
    """
    matte = Shininess(MATTE_ROUGHNESS, 0.0, False)
    mirrored, extra = _mirrored_light(sites, candidates, gains, agreement, cameras)
    bright = extra > _LEAST_GAIN
    if bright.sum() < _FEWEST:
        return matte
    peak = _peak(mirrored[bright], extra[bright])
    angle = np.arccos(np.clip(mirrored @ peak, -1, 1)) / 2
    width = _width(angle, extra)
    if width is None or not stands_out(angle, extra, width):
        return matte
    roughness = float(np.clip(np.sqrt(np.tan(width)), _SHINIEST, MATTE_ROUGHNESS))
    return Shininess(roughness, 0.0, True)


def _mirrored_light(
    sites: Sites,
    candidates: Candidates,
    gains: Float32[np.ndarray, "v 3"],
    agreement: Agreement,
    cameras: tuple[Camera, ...],
) -> tuple[Float64[np.ndarray, "m 3"], Float64[np.ndarray, "m"]]:
    """For each look at a site where several agree: the mirrored direction of sight, and the light beyond paint."""
    known = candidates.whole & (agreement.inlier.sum(axis=1, keepdims=True) > 1)
    light = luminance(np.nan_to_num(candidates.color * gains[candidates.view]))
    paint = np.where(agreement.inlier, light, np.float32(np.inf)).min(axis=1)
    site, slot = np.nonzero(known)
    extra = light[site, slot].astype(np.float64) - paint[site]
    normal = sites.normals[sites.corners].sum(axis=1)
    normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), DARK)
    middle = sites.vertices[sites.corners].mean(axis=1).astype(np.float64)
    mirrored = np.empty((len(site), 3))
    view = candidates.view[site, slot]
    for number, camera in enumerate(cameras):
        here = np.flatnonzero(view == number)
        towards = directions_to_camera(camera, middle[site[here]])
        facing = np.einsum("mi,mi->m", towards, normal[site[here]])
        mirrored[here] = 2 * facing[:, None] * normal[site[here]] - towards
    return mirrored, np.maximum(extra - np.median(extra), 0) if len(extra) else extra


def _peak(directions: Float64[np.ndarray, "m 3"], weight: Float64[np.ndarray, "m"]) -> Float64[np.ndarray, "3"]:
    """The direction that the weights gather around, by mean shift from their maximum."""
    peak = directions[np.argmax(weight)]
    for _ in range(_PEAK_ROUNDS):
        near = np.exp(-(np.arccos(np.clip(directions @ peak, -1, 1)) ** 2) / (2 * _PEAK_WIDTH_RAD**2))
        peak = (weight * near) @ directions
        peak = peak / max(float(np.linalg.norm(peak)), 1e-12)
    return np.asarray(peak)


def stands_out(angle: Float64[np.ndarray, "m"], extra: Float64[np.ndarray, "m"], width: float) -> bool:
    """Whether the middle gleams much more than what lies far from it; not where nothing lies there."""
    middle, far = extra[angle < width], extra[angle > 3 * width]
    return len(middle) > 0 and len(far) > 0 and bool(middle.mean() >= _LEAST_CONTRAST * far.mean())


def _width(angle: Float64[np.ndarray, "m"], extra: Float64[np.ndarray, "m"]) -> float | None:
    """The angle at which the mean light falls to 1/e of its maximum; None where it does not."""
    ring = np.minimum(angle / _BIN_RAD, _BINS).astype(np.int64)
    count = np.bincount(ring, minlength=_BINS + 1)
    light = np.bincount(ring, extra, _BINS + 1) / np.maximum(count, 1)
    rings = np.flatnonzero(count[:_BINS] >= _FEWEST_IN_BIN)
    if len(rings) == 0:
        return None
    top = int(np.argmax(light[rings]))
    below = np.flatnonzero(light[rings][top:] < light[rings][top] / np.e)
    if len(below) == 0:
        return None
    outer = top + int(below[0])
    low, high = light[rings[outer]], light[rings[max(outer - 1, 0)]]
    share = (high - light[rings[top]] / np.e) / max(high - low, 1e-12)
    return float(_BIN_RAD * (rings[outer - 1] + 0.5 + share * (rings[outer] - rings[outer - 1])))
