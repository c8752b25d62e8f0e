"""GrabCut: an object before any background, started by itself, by a box or by clicks."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from unflat.core import Context, InputError, Mask, Photo, RecipeError, View
from unflat.geometry.graph_cut import BACKGROUND, OBJECT, cut_apart, refined_cut, stability, trimap_of_guess
from unflat.geometry.image_edges import lab_from_srgb, reduced_size, resized, soft_edges
from unflat.geometry.masks import filled_pinholes, without_specks
from unflat.geometry.saliency import saliency
from unflat.stages.segment.marks import points_of, refuse_marks_outside

_COARSE_SIDE_PX = 320
"""Longer side of the copy on which colours are learnt and the object is found."""
_LEAST_SHARE = 5e-4
"""Smaller pieces and holes (share of the picture) are noise of the graph cut."""
_CLICK_SHARE = 0.012
"""A click marks a disc of this radius, as a share of the longer side."""
_CLICK_REACH_SHARE, _CLICK_LAB = 0.2, 18.0
"""How far a click speaks for its surroundings: in place (share of the longer side) and in colour."""
_BOX_MARGIN = 0.12
"""This much around a box, as a share of it, is looked at to learn what its background is."""


@dataclass(frozen=True)
class GrabCut:
    """Learns the colours of object and background and cuts between them along edges (Rother 2004)."""

    box: tuple[int, int, int, int] | None = None
    """The object's box in pixels: left, top, right, bottom."""
    clicks: tuple[int, ...] = ()
    """Points on the object in pixels: x, y, x, y …"""
    background_clicks: tuple[int, ...] = ()
    """Points beside the object in pixels: x, y, x, y …"""
    iterations: int = 4
    """Rounds of learning the colours and cutting."""
    side_px: int = 512
    """Longer side of the copy that is cut last; edges are then refined at full size."""

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
        refuse_marks_outside(photo, self.box, self.clicks + self.background_clicks)
        coarse = resized(photo.pixels, reduced_size(photo.height, photo.width, _COARSE_SIDE_PX))
        guess, allowed = self._guess(photo, coarse)
        if float(guess.max()) <= 0:
            raise _nothing_in(photo)
        level = _otsu(guess)
        context.progress(0.2)
        trimap = self._with_clicks(trimap_of_guess(guess, level, allowed), photo)
        found = cut_apart(coarse, trimap, self.iterations, context.seed)
        context.progress(0.5)
        confidence = stability(coarse, found, guess, level, context.seed)
        context.progress(0.7)
        fine = resized(photo.pixels, reduced_size(photo.height, photo.width, self.side_px))
        solid = _cleaned(refined_cut(fine, found, context.seed))
        if not solid.any():
            raise _nothing_in(photo)
        return View(photo, Mask(_at_full_size(photo, solid), made_by="grabcut", confidence=confidence))

    def _guess(
        self, photo: Photo, coarse: UInt8[np.ndarray, "h w 3"]
    ) -> tuple[Float32[np.ndarray, "h w"], Bool[np.ndarray, "h w"] | None]:
        """How likely each coarse pixel is the object, 0..1, and where it may be at all (None: anywhere)."""
        if self.box is not None:
            guess, allowed = _guess_in_box(coarse, _scaled_box(self.box, coarse.shape[1] / photo.width))
        else:
            guess, allowed = saliency(coarse), None
        if self.clicks:
            guess = _drawn_to_clicks(guess, coarse, self._places(self.clicks, photo, coarse.shape[1]))
        return guess, allowed

    def _with_clicks(self, trimap: UInt8[np.ndarray, "h w"], photo: Photo) -> UInt8[np.ndarray, "h w"]:
        """The trimap with the user's clicks as certain."""
        marked = trimap.copy()
        radius = max(1, round(_CLICK_SHARE * max(trimap.shape)))
        for points, kind in ((self.clicks, OBJECT), (self.background_clicks, BACKGROUND)):
            for place in self._places(points, photo, trimap.shape[1]):
                cv2.circle(marked, place, radius, kind, thickness=-1)
        return marked

    def _places(self, points: tuple[int, ...], photo: Photo, width: int) -> list[tuple[int, int]]:
        factor = width / photo.width
        return [(int(x * factor), int(y * factor)) for x, y in points_of(points)]


def _guess_in_box(
    coarse: UInt8[np.ndarray, "h w 3"], box: tuple[int, int, int, int]
) -> tuple[Float32[np.ndarray, "h w"], Bool[np.ndarray, "h w"]]:
    """Saliency within the box against its surroundings; outside the box the object can't be."""
    height, width = coarse.shape[:2]
    left, top, right, bottom = box
    across, down = round(_BOX_MARGIN * (right - left)) + 2, round(_BOX_MARGIN * (bottom - top)) + 2
    around = (slice(max(0, top - down), min(height, bottom + down)),
              slice(max(0, left - across), min(width, right + across)))  # fmt: skip
    allowed = np.zeros((height, width), dtype=bool)
    allowed[top:bottom, left:right] = True
    guess = np.zeros((height, width), dtype=np.float32)
    guess[around] = saliency(np.ascontiguousarray(coarse[around]))
    guess = np.where(allowed, guess, np.float32(0))
    return (guess if guess.any() else allowed.astype(np.float32)), allowed


def _drawn_to_clicks(
    guess: Float32[np.ndarray, "h w"], coarse: UInt8[np.ndarray, "h w 3"], places: list[tuple[int, int]]
) -> Float32[np.ndarray, "h w"]:
    """The guess near the clicks, raised where the colour is a click's."""
    lab = cv2.GaussianBlur(lab_from_srgb(coarse), (0, 0), 1.5)
    rows, columns = np.indices(guess.shape)
    near, alike = np.zeros_like(guess), np.zeros_like(guess)
    for x, y in places:
        far = np.hypot(columns - x, rows - y) / (_CLICK_REACH_SHARE * max(guess.shape))
        apart = np.linalg.norm(lab - lab[y, x], axis=2) / _CLICK_LAB
        close = np.exp(-(far**2) / 2)
        near = np.maximum(near, close.astype(np.float32))
        alike = np.maximum(alike, (close * np.exp(-(apart**2) / 2)).astype(np.float32))
    return np.asarray(np.maximum(guess * near, alike), dtype=np.float32)


def _cleaned(solid: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    least = max(4, round(_LEAST_SHARE * solid.size))
    return filled_pinholes(without_specks(solid, least), least // 4)


def _at_full_size(photo: Photo, solid: Bool[np.ndarray, "hs ws"]) -> Float32[np.ndarray, "h w"]:
    """The mask at the photo's size, its edges drawn to the photo's own."""
    factor = photo.width / solid.shape[1]
    smooth = cv2.GaussianBlur(solid.astype(np.float32), (0, 0), 0.7)
    grown = resized(smooth, (photo.height, photo.width)) > 0.5
    return soft_edges(lab_from_srgb(photo.pixels), grown, band_px=1.0 + factor)


def _otsu(values: Float32[np.ndarray, "h w"]) -> float:
    """Otsu's threshold of values 0..1."""
    level, _ = cv2.threshold((values * 255).astype(np.uint8), 0, 255, cv2.THRESH_OTSU)
    return float(level) / 255


def _scaled_box(box: tuple[int, int, int, int], factor: float) -> tuple[int, int, int, int]:
    left, top = int(box[0] * factor), int(box[1] * factor)
    return left, top, max(left + 1, round(box[2] * factor)), max(top + 1, round(box[3] * factor))


def _bad(name: str, value: object, expected: str) -> RecipeError:
    return RecipeError(f"segment.{name} can't be {value}.", code="bad-option", hint=f"Give {expected}.")


def _nothing_in(photo: Photo) -> InputError:
    return InputError(
        f"Nothing stands out in “{photo.name}”.",
        code="nothing-in-picture",
        hint="Give a picture with one clear object, or mark it with --box or --mask.",
    )
