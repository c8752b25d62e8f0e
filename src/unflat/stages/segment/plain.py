"""An object before a plain or smoothly shaded background, as in product shots."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from unflat.core import Context, InputError, Mask, Photo, RecipeError, View
from unflat.core.color import linear_from_srgb, luminance
from unflat.geometry.background import Background, border_of, fit_background
from unflat.geometry.image_edges import edge_strength, lab_from_srgb, soft_edges
from unflat.geometry.masks import reached_from_frame, without_specks

_SPECK_SHARE = 2e-4
"""Smaller pieces (share of the picture) are dust on the background."""
_BAND_PX = 1.6
"""Edges are mixed over about this far to either side."""
_SHARP_LAB_PER_PX = 1.0
"""A shadow's brightness changes slower than this; an object's outline faster."""
_SHADOW_DARKEST = 0.3
"""A soft shadow leaves at least this share of the light."""
_SHADOW_TINT = 0.06
"""Shadows keep the background's colour: each channel's share of light stays within this of their mean."""
_HOLE_CONTRAST = 2.5
"""A hole's rim steps up to at least this many thresholds within a few pixels; a highlight fades."""


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
        distance = np.linalg.norm(lab - behind, axis=2).astype(np.float32)
        weak = self.threshold_lab or max(2.2, 3.0 * background.noise_lab)
        solid = _distinct(distance, weak)
        if self.remove_shadow:
            solid &= ~_soft_shadow(photo.pixels, lab, behind, solid)
        context.progress(0.6)
        solid = _keep_true_holes(solid, distance, weak)
        solid = without_specks(solid, max(4, round(_SPECK_SHARE * solid.size)))
        if not solid.any():
            raise InputError(
                f"There is nothing in “{photo.name}” that differs from its background.",
                code="nothing-in-picture",
                hint="Give a picture with one clear object, or mark it with --box or --mask.",
            )
        alpha = soft_edges(lab, solid, _BAND_PX, behind)
        confidence = _confidence(background, distance, solid, weak)
        return View(photo, Mask(alpha, made_by="plain", confidence=confidence))


def _distinct(distance: Float32[np.ndarray, "h w"], weak: float) -> Bool[np.ndarray, "h w"]:
    """Pixels beyond the weak threshold that hang together with some beyond twice of it (hysteresis, Canny 1986)."""
    calm = cv2.GaussianBlur(distance, (0, 0), 0.7)
    count, labels = cv2.connectedComponents((calm > weak).astype(np.uint8), connectivity=8)
    keep = np.bincount(labels[calm > 2 * weak], minlength=count) > 0
    keep[0] = False
    return np.asarray(keep[labels])


def _soft_shadow(
    pixels: UInt8[np.ndarray, "h w 3"],
    lab: Float32[np.ndarray, "h w 3"],
    behind: Float32[np.ndarray, "h w 3"],
    solid: Bool[np.ndarray, "h w"],
) -> Bool[np.ndarray, "h w"]:
    """Pixels that are the background with less light, reached from it without crossing an outline."""
    light = linear_from_srgb(pixels)
    plain_light = linear_from_srgb(_srgb_bytes(behind))
    share = (light + 0.01) / (plain_light + 0.01)
    mean = share.mean(axis=2)
    tint = np.abs(share - mean[..., None]).max(axis=2) / mean
    dimmed = (mean > _SHADOW_DARKEST) & (mean < 1.03) & (tint < _SHADOW_TINT) & (luminance(plain_light) > 0.02)
    passable = ~solid | (dimmed & (edge_strength(lab) < _SHARP_LAB_PER_PX))
    narrow = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * max(1, round(0.006 * max(solid.shape))) + 1,) * 2)
    wide_ways = cv2.erode(passable.astype(np.uint8), narrow, borderValue=1).astype(bool)
    reached = cv2.dilate(reached_from_frame(wide_ways).astype(np.uint8), narrow).astype(bool)
    return reached & passable & solid


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
    inside = np.bincount(labels.ravel(), distance.ravel(), minlength=count) / np.maximum(areas, 1)
    rim = _rim_contrast(labels, distance, count)
    hole = (rim > _HOLE_CONTRAST * weak) & (inside < 0.6 * weak) & (areas >= 6)
    hole[0] = True
    return np.asarray(solid | ~hole[labels])


def _rim_contrast(
    labels: np.ndarray, distance: Float32[np.ndarray, "h w"], count: int
) -> Float32[np.ndarray, "n"]:
    """A low quartile, per labelled patch, of the distance to the background two to three pixels outside it."""
    size = (5, 5)
    grown = cv2.dilate(labels.astype(np.float32), np.ones(size, np.uint8)).astype(np.int32)
    steep = cv2.dilate(distance, np.ones((3, 3), np.uint8))
    rim = (labels == 0) & (grown > 0)
    order = np.lexsort((steep[rim], grown[rim]))
    owners, values = grown[rim][order], steep[rim][order]
    starts = np.searchsorted(owners, np.arange(count))
    ends = np.searchsorted(owners, np.arange(count), side="right")
    quartile = np.minimum(starts + (ends - starts) // 4, max(len(values) - 1, 0))
    return np.where(ends > starts, values[quartile], 0).astype(np.float32)


def _confidence(
    background: Background, distance: Float32[np.ndarray, "h w"], solid: Bool[np.ndarray, "h w"], weak: float
) -> float:
    """How plain the border is times how clearly the object's edge stands out, 0..1."""
    ring = border_of(*distance.shape)
    keeps_to_model = float((distance[ring] < 2 * weak).mean())
    plainness = np.clip((keeps_to_model - 0.5) / 0.4, 0, 1) * np.clip((7.0 - background.noise_lab) / 4.0, 0, 1)
    eroded = cv2.erode(solid.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    edge = solid & ~eroded
    separation = np.clip(float(np.median(distance[edge])) / (4 * weak), 0, 1)
    share = float(solid.mean())
    sensible = np.clip(share / 0.005, 0, 1) * np.clip((0.95 - share) / 0.15, 0, 1)
    return float(plainness * separation * sensible)
