"""An object before a plain or smoothly shaded background, as in product shots."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Int32, UInt8

from unflat.core import Context, InputError, Mask, Photo, RecipeError, View
from unflat.core.color import linear_from_srgb, luminance
from unflat.geometry.background import Background, border_of, fit_background
from unflat.geometry.image_edges import edge_strength, lab_from_srgb, reduced_size, resized, soft_edges
from unflat.geometry.masks import reached_from_frame, without_specks

_LEAST_LAB, _NOISE_FACTOR = 2.5, 3.5
"""What counts as different: this many Lab units, and this many times the background's usual deviation."""
_HALO_REACH_PX = 4
"""JPEG rings this far around an edge."""
_HALO_SHARE, _HALO_MOST_LAB = 0.25, 16.0
"""A ring has at most this share of the edge's own step, and at most this many Lab units."""
_SPECK_SHARE = 2e-4
"""Smaller pieces (share of the picture) are dust on the background."""
_BAND_PX = 1.6
"""Edges are mixed over about this far to either side."""
_SHARP_LAB_PER_PX = 0.75
"""A shadow changes slower than this in a picture of `_SHADOW_SIDE_PX`; an outline faster."""
_DRIFT_LAB = 12.0
"""A background may drift this far from its model where no outline is crossed on the way."""
_TEXTURE_LAB_PER_PX = 1.5
"""A border that changes faster is a texture or a scene, not a plain background."""
_CLEAR_STEP_LAB = 12.0
"""An object whose edge is this far from the background can't be mistaken."""
_CROSSED_SHARE = 0.03
"""More than this share of a side covered: the mask leaves the picture there."""
_TRUST_BY_SIDES = (1.0, 1.0, 0.9, 0.5, 0.2)
"""A bust leaves at one side; what leaves at three or four is rather a table, a wall or a pattern."""
_SHADOW_SIDE_PX = 640
"""Longer side of the copy on which shadows are judged."""
_NARROW_SHARE = 0.006
"""A shadow does not squeeze through gaps in an outline narrower than twice this share of the longer side."""
_MOST_SHARPER = 2.5
"""In small pictures shadows change faster per pixel, at most by this factor."""
_SURROUNDED_SHARE = 0.75
"""A shadow lies beside its object; what the object surrounds by more than this share is part of it."""
_SHADOW_BAND_PX = 4.0
"""Beside a shadow the outline is sought over this far, because the shadow's end is found less exactly."""
_SHADOW_DARKEST = 0.3
"""A soft shadow leaves at least this share of the light."""
_SHADOW_TINT = 0.06
"""Shadows keep the background's colour: each channel's share of light stays within this of their mean."""
_HOLE_CONTRAST, _HOLE_CALM, _LEAST_HOLE_PX = 4.0, 0.9, 9
"""A hole's rim steps up by this many thresholds within a few pixels (a highlight fades), its middle is this calm."""
_LEAST_TRUST = 0.1
"""Below this confidence nobody will take the mask."""


@dataclass(frozen=True)
class Plain:
    """Finds what differs from a plain background, without its shadow, with holes kept."""

    threshold_lab: float | None = None
    """How far from the background a pixel must be, in Lab units; none: by the background's own noise."""
    remove_shadow: bool = True
    """Take soft shadows on the background for background."""

    def __post_init__(self) -> None:
        if self.threshold_lab is not None and not 0 < self.threshold_lab <= 100:
            raise RecipeError(
                f"segment.threshold_lab can't be {self.threshold_lab:g}.",
                code="bad-option",
                hint="Give a colour distance above 0 and at most 100, such as 5; or none.",
            )

    def __call__(self, photo: Photo, context: Context) -> View:
        """The photo with the mask of what stands before its background. Raises `InputError` where nothing does."""
        lab = lab_from_srgb(photo.pixels)
        background = fit_background(lab)
        context.progress(0.3)
        behind = background.colors(photo.height, photo.width)
        distance = background.difference_lab(lab)
        weak = self.threshold_lab or max(_LEAST_LAB, _NOISE_FACTOR * background.noise_lab)
        solid = _without_halo(_distinct(distance, weak), distance)
        shadow = _soft_shadow(photo.pixels, behind, solid) if self.remove_shadow else np.zeros_like(solid)
        solid &= ~shadow
        context.progress(0.6)
        solid = _keep_true_holes(solid, distance, weak)
        solid = without_specks(solid, max(4, round(_SPECK_SHARE * solid.size)))
        if not solid.any():
            raise InputError(
                f"There is nothing in “{photo.name}” that differs from its background.",
                code="nothing-in-picture",
                hint="Give a picture with one clear object, or mark it with --box or --mask.",
            )
        confidence = _confidence(background, lab, distance, solid)
        # Where the background is not plain the mask is wrong in the large: soft edges would only take time.
        trusted = confidence > _LEAST_TRUST
        alpha = _soft_alpha(lab, solid, behind, shadow & ~solid) if trusted else solid.astype(np.float32)
        return View(photo, Mask(alpha, made_by="plain", confidence=confidence))


def _distinct(distance: Float32[np.ndarray, "h w"], weak: float) -> Bool[np.ndarray, "h w"]:
    """Pixels beyond the weak threshold that hang together with some beyond twice of it (hysteresis, Canny 1986)."""
    count, labels = cv2.connectedComponents((distance > weak).astype(np.uint8), connectivity=8)
    keep = np.bincount(labels[distance > 2 * weak], minlength=count) > 0
    keep[0] = False
    return np.asarray(keep[labels])


def _without_halo(solid: Bool[np.ndarray, "h w"], distance: Float32[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """The mask without compression rings: faint pixels beside a strong edge that hang together with the background."""
    reach = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _HALO_REACH_PX + 1,) * 2)
    step = cv2.dilate(distance, reach)
    faint = solid & (distance < np.minimum(_HALO_SHARE * step, _HALO_MOST_LAB))
    count, labels = cv2.connectedComponents((~solid | faint).astype(np.uint8), connectivity=4)
    beside_background = np.bincount(labels[~solid], minlength=count) > 0
    return solid & ~(faint & beside_background[labels])


def _soft_shadow(
    pixels: UInt8[np.ndarray, "h w 3"],
    behind: Float32[np.ndarray, "h w 3"],
    solid: Bool[np.ndarray, "h w"],
) -> Bool[np.ndarray, "h w"]:
    """Pixels that are the background with less light, reached from it without crossing an outline.

    Judged on a reduced copy: how fast a shadow fades is relative to the picture's size.
    """
    size = reduced_size(solid.shape[0], solid.shape[1], _SHADOW_SIDE_PX)
    small, plain_small = resized(pixels, size), _srgb_bytes(resized(behind, size))
    shaped = resized(solid.astype(np.uint8), size).astype(bool)
    lab = lab_from_srgb(small)
    distance = np.linalg.norm(lab - lab_from_srgb(plain_small), axis=2)
    calm = edge_strength(lab) < _SHARP_LAB_PER_PX * min(_SHADOW_SIDE_PX / max(size), _MOST_SHARPER)
    passable = ~shaped | (calm & (_is_dimmed(small, plain_small) | (distance < _DRIFT_LAB)))
    narrow = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * max(1, round(_NARROW_SHARE * max(size))) + 1,) * 2)
    wide_ways = cv2.erode(passable.astype(np.uint8), narrow, borderValue=1).astype(bool)
    reached = cv2.dilate(reached_from_frame(wide_ways).astype(np.uint8), narrow).astype(bool)
    shadow = _outside_object(reached & passable & shaped, shaped).astype(np.float32)
    return solid & (resized(shadow, solid.shape) > 0.5)


def _outside_object(shadow: Bool[np.ndarray, "h w"], solid: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """The shadow without pieces that what remains of the object surrounds almost entirely.

    A pale object before white has gaps in its outline; what was reached through them is no shadow.
    """
    count, labels = cv2.connectedComponents(shadow.astype(np.uint8), connectivity=8)
    around = cv2.dilate(labels.astype(np.float32), np.ones((5, 5), np.uint8)).astype(np.int32)
    ring = (around > 0) & ~shadow
    length = np.bincount(around[ring], minlength=count)
    touching = np.bincount(around[ring & solid], minlength=count)
    keep = touching <= _SURROUNDED_SHARE * length
    keep[0] = False
    return np.asarray(keep[labels])


def _soft_alpha(
    lab: Float32[np.ndarray, "h w 3"],
    solid: Bool[np.ndarray, "h w"],
    behind: Float32[np.ndarray, "h w 3"],
    shadow: Bool[np.ndarray, "h w"],
) -> Float32[np.ndarray, "h w"]:
    """Soft edges against the known background; beside a shadow, in a wider band, against the shadow's own colour."""
    alpha = soft_edges(lab, solid, _BAND_PX, behind)
    if not shadow.any():
        return alpha
    reach = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * round(2 * _SHADOW_BAND_PX) + 1,) * 2)
    beside = cv2.dilate(shadow.astype(np.uint8), reach).astype(bool)
    return np.where(beside, soft_edges(lab, solid, _SHADOW_BAND_PX), alpha)


def _is_dimmed(pixels: UInt8[np.ndarray, "h w 3"], plain_pixels: UInt8[np.ndarray, "h w 3"]) -> Bool[np.ndarray, "h w"]:
    """Whether each pixel may be the background with less light: the same share of it in every channel."""
    plain_light = linear_from_srgb(plain_pixels)
    share = (linear_from_srgb(pixels) + 0.01) / (plain_light + 0.01)
    mean = share.mean(axis=2)
    tint = np.abs(share - mean[..., None]).max(axis=2) / mean
    bright_enough = luminance(plain_light) > 0.02
    return np.asarray((mean > _SHADOW_DARKEST) & (mean < 1.03) & (tint < _SHADOW_TINT) & bright_enough)


def _srgb_bytes(lab: Float32[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h w 3"]:
    rgb = cv2.cvtColor(lab, cv2.COLOR_LAB2RGB)
    return np.asarray(np.rint(np.clip(rgb, 0, 1) * 255), dtype=np.uint8)


def _keep_true_holes(
    solid: Bool[np.ndarray, "h w"], distance: Float32[np.ndarray, "h w"], weak: float
) -> Bool[np.ndarray, "h w"]:
    """Fill enclosed patches of background colour unless they are holes: calm inside, with a rim that steps up."""
    enclosed = ~solid & ~reached_from_frame(~solid)
    count, labels = cv2.connectedComponents(enclosed.astype(np.uint8), connectivity=4)
    if count == 1:
        return solid
    areas = np.bincount(labels.ravel(), minlength=count)
    inside = _low_quartile(labels[enclosed], distance[enclosed], count)
    grown = cv2.dilate(labels.astype(np.float32), np.ones((5, 5), np.uint8)).astype(np.int32)
    rim = (grown > 0) & ~enclosed
    steep = _low_quartile(grown[rim], cv2.dilate(distance, np.ones((3, 3), np.uint8))[rim], count)
    hole = (steep > _HOLE_CONTRAST * weak) & (inside < _HOLE_CALM * weak) & (areas >= _LEAST_HOLE_PX)
    hole[0] = True
    return np.asarray(solid | ~hole[labels])


def _low_quartile(
    owners: Int32[np.ndarray, "n"], values: Float32[np.ndarray, "n"], count: int
) -> Float32[np.ndarray, "count"]:
    """The lower quartile of the values of each owner 0..count-1; 0 for who owns none."""
    order = np.lexsort((values, owners))
    owners, values = owners[order], np.append(values[order], np.float32(0))
    starts = np.searchsorted(owners, np.arange(count))
    ends = np.searchsorted(owners, np.arange(count), side="right")
    return np.where(ends > starts, values[starts + (ends - starts) // 4], np.float32(0))


def _confidence(
    background: Background,
    lab: Float32[np.ndarray, "h w 3"],
    distance: Float32[np.ndarray, "h w"],
    solid: Bool[np.ndarray, "h w"],
) -> float:
    """How free, calm and close to the model the border is, times how clearly the object's edge stands out, 0..1."""
    crossed = sum(float(side.mean()) > _CROSSED_SHARE for side in (solid[0], solid[-1], solid[:, 0], solid[:, -1]))
    ring = border_of(*distance.shape)
    free = np.clip((float((~solid[ring]).mean()) - 0.5) / 0.4, 0, 1)
    calm = np.clip((float((edge_strength(lab)[ring] < _TEXTURE_LAB_PER_PX).mean()) - 0.5) / 0.4, 0, 1)
    close = np.clip((7.0 - background.noise_lab) / 4.0, 0, 1)
    eroded = cv2.erode(solid.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    separation = np.clip(float(np.median(distance[solid & ~eroded])) / _CLEAR_STEP_LAB, 0, 1)
    share = float(solid.mean())
    sensible = np.clip(share / 0.005, 0, 1) * np.clip((0.95 - share) / 0.15, 0, 1)
    return float(free * calm * close * separation * sensible * _TRUST_BY_SIDES[crossed])
