"""GrabCut: an object before any background, started by itself, by a box or by clicks."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from unflat.core import Context, InputError, Mask, Photo, RecipeError, View
from unflat.geometry.background import border_of
from unflat.geometry.image_edges import edge_strength, lab_from_srgb, reduced_size, resized, soft_edges
from unflat.geometry.masks import filled_pinholes, intersection_over_union, without_specks
from unflat.geometry.saliency import saliency

_LEAST_SHARE = 5e-4
"""Smaller pieces and holes (share of the picture) are noise of the graph cut."""
_CLICK_SHARE = 0.012
"""A click marks a disc of this radius, as a share of the longer side."""
_SURE, _UNSURE = 0.9, 0.5
"""Saliency between the threshold and the top: above `_SURE` of the way it is taken for certain, below `_UNSURE`
of the threshold along the frame as certainly background."""
_CLEAR_EDGE_LAB_PER_PX = 5.0
"""An outline this strong on the reduced copy is beyond doubt."""


@dataclass(frozen=True)
class GrabCut:
    """Colour models of object and background, cut apart along edges (Rother 2004)."""

    box: tuple[int, int, int, int] | None = None
    """The object's box in pixels: left, top, right, bottom."""
    clicks: tuple[int, ...] = ()
    """Points on the object in pixels: x, y, x, y …"""
    background_clicks: tuple[int, ...] = ()
    """Points beside the object in pixels: x, y, x, y …"""
    iterations: int = 4
    """Rounds of learning the colours and cutting."""
    side_px: int = 448
    """Longer side of the copy that is cut; edges are refined at full size."""

    def __post_init__(self) -> None:
        for name in ("clicks", "background_clicks"):
            if len(getattr(self, name)) % 2:
                raise _bad(name, getattr(self, name), "x and y for each point")
        if self.box is not None and not (self.box[0] < self.box[2] and self.box[1] < self.box[3]):
            raise _bad("box", self.box, "left, top, right, bottom with left < right and top < bottom")
        if not 1 <= self.iterations <= 50:
            raise _bad("iterations", self.iterations, "1 to 50")
        if not 64 <= self.side_px <= 2048:
            raise _bad("side_px", self.side_px, "64 to 2048")

    def __call__(self, photo: Photo, context: Context) -> View:
        """The photo with a mask. Raises `InputError` where nothing stands out or a mark lies outside the photo."""
        size = reduced_size(photo.height, photo.width, self.side_px)
        small = np.ascontiguousarray(resized(photo.pixels, size))
        start = saliency(small)
        context.progress(0.3)
        trimap = self._trimap(photo, start)
        solid = _cut(small, trimap, self.iterations, context)
        context.progress(0.8)
        least = max(4, round(_LEAST_SHARE * solid.size))
        solid = filled_pinholes(without_specks(solid, least), least // 4)
        if not solid.any():
            raise _nothing_in(photo)
        guided = self.box is not None or len(self.clicks) > 0
        confidence = _confidence(small, solid, start, guided)
        return View(photo, Mask(_at_full_size(photo, solid), made_by="grabcut", confidence=confidence))

    def _trimap(self, photo: Photo, start: Float32[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w"]:
        """OpenCV's four classes from saliency and the user's marks."""
        factor = start.shape[1] / photo.width
        if self.box is None:
            trimap = _trimap_of_saliency(start, photo)
        else:
            trimap = _trimap_of_box(start, _scaled_box(self.box, factor, photo))
        radius = max(1, round(_CLICK_SHARE * max(start.shape)))
        for points, kind in ((self.clicks, cv2.GC_FGD), (self.background_clicks, cv2.GC_BGD)):
            for x, y in zip(points[::2], points[1::2], strict=True):
                if not (0 <= x < photo.width and 0 <= y < photo.height):
                    raise _outside(f"The click {x},{y}", photo)
                cv2.circle(trimap, (int(x * factor), int(y * factor)), radius, int(kind), thickness=-1)
        return trimap


def _trimap_of_saliency(start: Float32[np.ndarray, "h w"], photo: Photo) -> UInt8[np.ndarray, "h w"]:
    """Salient is probably object, the most salient surely; the frame is background unless it is salient."""
    if float(start.max()) <= 0:
        raise _nothing_in(photo)
    level = _otsu(start)
    trimap = np.where(start > level, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    trimap[border_of(*start.shape) & (start < level)] = cv2.GC_BGD
    trimap[start < _UNSURE * level] = cv2.GC_BGD
    trimap[start > level + _SURE * (float(start.max()) - level)] = cv2.GC_FGD
    return trimap


def _trimap_of_box(
    start: Float32[np.ndarray, "h w"], box: tuple[int, int, int, int]
) -> UInt8[np.ndarray, "h w"]:
    """Outside the box is background; inside, what is salient within it is probably object."""
    left, top, right, bottom = box
    trimap = np.full(start.shape, cv2.GC_BGD, dtype=np.uint8)
    trimap[top:bottom, left:right] = cv2.GC_PR_FGD
    return trimap


def _cut(
    pixels: UInt8[np.ndarray, "h w 3"], trimap: UInt8[np.ndarray, "h w"], iterations: int, context: Context
) -> Bool[np.ndarray, "h w"]:
    """OpenCV's GrabCut. Its k-means draws from OpenCV's one global generator, which is seeded here for that reason."""
    cv2.setRNGSeed(context.seed)
    labels = trimap.copy()
    if not np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD)).any() or not np.isin(labels, (cv2.GC_BGD, cv2.GC_PR_BGD)).any():
        return np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))
    models = np.zeros((1, 65)), np.zeros((1, 65))
    for done in range(iterations):
        mode = cv2.GC_INIT_WITH_MASK if done == 0 else cv2.GC_EVAL
        cv2.grabCut(pixels, labels, None, *models, 1, mode)
        context.progress(0.3 + 0.5 * (done + 1) / iterations)
    return np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))


def _at_full_size(photo: Photo, solid: Bool[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    """The mask at the photo's size, its edges drawn to the photo's own."""
    factor = photo.width / solid.shape[1]
    grown = resized(cv2.GaussianBlur(solid.astype(np.float32), (0, 0), 0.7), (photo.height, photo.width))
    lab = lab_from_srgb(photo.pixels)
    return soft_edges(lab, grown > 0.5, band_px=1.0 + 1.2 * factor)


def _confidence(
    pixels: UInt8[np.ndarray, "h w 3"],
    solid: Bool[np.ndarray, "h w"],
    start: Float32[np.ndarray, "h w"],
    guided: bool,
) -> float:
    """How strong the outline is in the picture, how far the cut agrees with the start, how free the frame is, 0..1."""
    return float(np.prod(_evidence(pixels, solid, start, guided)))


def _evidence(pixels, solid, start, guided):  # type: ignore
    rim = solid & ~cv2.erode(solid.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
    edges = edge_strength(lab_from_srgb(pixels))
    outline = cv2.dilate(edges, np.ones((3, 3), np.uint8))[rim]
    clear = float((outline > 2.0).mean())
    over = float(np.median(outline) / max(np.median(edges[~solid]), .3)) if (~solid).any() else 0
    agreement = intersection_over_union(solid, start > _otsu(start))
    free = float((~solid[border_of(*solid.shape)]).mean())
    return clear, over, agreement, free


def _otsu(values: Float32[np.ndarray, "h w"]) -> float:
    """Otsu's threshold of values 0..1."""
    level, _ = cv2.threshold((values * 255).astype(np.uint8), 0, 255, cv2.THRESH_OTSU)
    return float(level) / 255


def _scaled_box(box: tuple[int, int, int, int], factor: float, photo: Photo) -> tuple[int, int, int, int]:
    left, top, right, bottom = box
    if left < 0 or top < 0 or right > photo.width or bottom > photo.height:
        raise _outside(f"The box {left},{top},{right},{bottom}", photo)
    low = int(left * factor), int(top * factor)
    return (*low, max(low[0] + 1, round(right * factor)), max(low[1] + 1, round(bottom * factor)))


def _bad(name: str, value: object, expected: str) -> RecipeError:
    return RecipeError(f"segment.{name} can't be {value}.", code="bad-option", hint=f"Give {expected}.")


def _outside(what: str, photo: Photo) -> InputError:
    return InputError(
        f"{what} lies outside “{photo.name}”, which is {photo.width}x{photo.height} pixels.",
        code="mark-outside",
        hint="Give pixels of the picture as it is shown upright, at the size that it was read.",
    )


def _nothing_in(photo: Photo) -> InputError:
    return InputError(
        f"Nothing stands out in “{photo.name}”.",
        code="nothing-in-picture",
        hint="Give a picture with one clear object, or mark it with --box or --mask.",
    )
