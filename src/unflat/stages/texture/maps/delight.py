"""Take the light out of the base colour: fit low-order spherical-harmonic light, divide it out, touch no hue."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int32

from unflat.core.color import luminance
from unflat.stages.texture.atlas import Atlas

_PAIR_STEP_SHARE = 0.02
"""Pairs lie this part of the texture's side apart: far enough for the normal to turn, near enough to be one paint."""

_MAX_PAIRS = 60_000
_MOST_ROWS = 2048
"""Rows of the texture that pairs are taken from: enough for many more than are used."""
_ALBEDO_EDGE = 0.08
"""Log-luminance steps well above this are edges of paint (Land & McCann 1971, Retinex), and lose their weight."""

_FIT_ROUNDS = 20
_FIT_SETTLED = 1e-4
"""A round that changes the light by less is the last: a ten-thousandth of the mean brightness."""
_RIDGE = 1e-5
"""Keeps light from directions that no texel faces near zero."""

_DARKEST = 1e-3
_DARKEST_SHADE = 0.1

_MAX_SHADING = 2.5
"""Shading is kept within a factor of this: more would be guessing what black once was."""

_MIN_EXPLAINED = 0.15
"""Share of the smooth brightness changes that light must explain; below it the brightness is paint, and stays."""


@dataclass(frozen=True, eq=False)
class Delit:
    """Colours without light, and what the fit was worth."""

    linear: Float32[np.ndarray, "n 3"]
    shading: Float32[np.ndarray, "n"]
    """What the colours were divided by; 1 everywhere where the fit was not believed."""
    explained: float
    """Share 0..1 of the smooth brightness changes that the light explains."""


def delight(
    atlas: Atlas, linear: Float32[np.ndarray, "n 3"], seen: Bool[np.ndarray, "n"], strength: float = 1.0
) -> Delit:
    """Divide grey second-order spherical-harmonic light (Ramamoorthi & Hanrahan 2001) out of seen linear colours.

    The light is fitted to *differences* of log luminance between near texels of the same chart, with weights that fall
    for large steps: those are paint. So a two-coloured object does not turn its paint into light. Colours of unseen
    texels pass through (NaN stays NaN). Strength 1 takes all of the fitted light, 0 nothing.
    """
    nothing = Delit(linear, np.ones(len(linear), np.float32), 0.0)
    first, second = _near_pairs(atlas, seen)
    if strength == 0 or len(first) < 10 * 8:
        return nothing
    steps = _log_luminance(linear[second]) - _log_luminance(linear[first])
    normals = [_harmonics(atlas.at(side.astype(np.int64)).normal) for side in (first, second)]
    light, explained = _robust_fit(normals[0], normals[1], steps)
    if explained < _MIN_EXPLAINED:
        return Delit(linear, nothing.shading, explained)
    shading = np.empty(len(atlas), np.float32)
    for run, piece in atlas.pieces():
        shading[run] = _shade_of_all(piece.normal, light.astype(np.float32))
    usual = np.median(shading[seen][:: max(int(seen.sum()) // _MAX_PAIRS, 1)])
    shading = np.clip(shading / usual, 1 / _MAX_SHADING, _MAX_SHADING) ** np.float32(strength)
    shading[~seen] = 1.0
    unlit = linear / shading[:, None]
    return Delit(np.minimum(unlit, 1.0, out=unlit), shading, explained)


def _near_pairs(atlas: Atlas, seen: Bool[np.ndarray, "n"]) -> tuple[Int32[np.ndarray, "p"], Int32[np.ndarray, "p"]]:
    """Pairs of seen texels, a step apart along u or v in the same chart (the same place on the surface, too)."""
    step = max(int(_PAIR_STEP_SHARE * atlas.width), 2)
    place = np.full((atlas.height, atlas.width), -1, np.int32)
    place.reshape(-1)[atlas.texel[seen]] = np.flatnonzero(seen).astype(np.int32)
    skip = max(atlas.height // _MOST_ROWS, 1)
    pairs = [(place[::skip, :-step], place[::skip, step:]), (place[:-step:skip], place[step::skip])]
    both = [(one >= 0) & (other >= 0) for one, other in pairs]
    first, second = (
        np.concatenate([pair[side][kept] for pair, kept in zip(pairs, both, strict=True)]) for side in range(2)
    )
    thin = slice(None, None, max(len(first) // _MAX_PAIRS, 1))
    first, second = first[thin], second[thin]
    if not len(first):
        return first, second
    ends = [atlas.at(side.astype(np.int64)).position for side in (first, second)]
    distance = np.linalg.norm(ends[0] - ends[1], axis=1)
    same_chart = distance < 3 * np.median(distance)
    return first[same_chart], second[same_chart]


def _robust_fit(
    first: Float64[np.ndarray, "p 8"], second: Float64[np.ndarray, "p 8"], steps: Float64[np.ndarray, "p"]
) -> tuple[Float64[np.ndarray, "8"], float]:
    """Light whose shading explains the log-brightness steps, and the share that it does.

    Gauss-Newton on the logarithm of the shading, with Cauchy weights renewed each round.
    """
    light = np.zeros(first.shape[1])
    residual, weights = steps, 1 / (1 + (steps / _ALBEDO_EDGE) ** 2)
    for _ in range(_FIT_ROUNDS):
        slope = second / _shade(second, light)[:, None] - first / _shade(first, light)[:, None]
        weighted = slope * weights[:, None]
        ridge = _RIDGE * len(steps) * np.eye(len(light))
        change = np.linalg.solve(weighted.T @ slope + ridge, weighted.T @ residual - ridge @ light)
        light = light + change
        residual = steps - np.log(_shade(second, light) / _shade(first, light))
        weights = 1 / (1 + (residual / _ALBEDO_EDGE) ** 2)
        if np.abs(change).max() < _FIT_SETTLED:
            break
    before, after = weights @ steps**2, weights @ residual**2
    return light, float(np.clip(1 - after / max(before, 1e-12), 0, 1))


def _shade(harmonics: Float64[np.ndarray, "n 8"], light: Float64[np.ndarray, "8"]) -> Float64[np.ndarray, "n"]:
    """Brightness of a white surface relative to the light's mean, never black."""
    return np.maximum(1 + harmonics @ light, _DARKEST_SHADE)


def _shade_of_all(normals: Float32[np.ndarray, "n 3"], light: Float32[np.ndarray, "8"]) -> Float32[np.ndarray, "n"]:
    """As `_shade` of `_harmonics`, for millions of normals: single precision, no table in between."""
    x, y, z = np.ascontiguousarray(normals.T)
    a, b, c, xy, yz, xz, difference, pole = light
    shade = x * (a + xy * y + xz * z + difference * x) + y * (b + yz * z - difference * y) + z * (c + 3 * pole * z)
    return np.maximum(shade + (1 - pole), np.float32(_DARKEST_SHADE))


def _log_luminance(linear: Float32[np.ndarray, "p 3"]) -> Float64[np.ndarray, "p"]:
    return np.log(np.maximum(luminance(linear), _DARKEST).astype(np.float64))


def _harmonics(normals: Float32[np.ndarray, "n 3"]) -> Float64[np.ndarray, "n 8"]:
    """Real spherical harmonics of orders 1 and 2, without their constants (order 0 is exposure, and stays)."""
    x, y, z = normals.astype(np.float64).T
    return np.column_stack([x, y, z, x * y, y * z, x * z, x * x - y * y, 3 * z * z - 1])
