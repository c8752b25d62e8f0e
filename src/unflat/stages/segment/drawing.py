"""A drawing on paper: the sheet seen straight on, shadows removed, outlines closed and filled."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from unflat.core import Context, Drawing, InputError, Mask, Photo, RecipeError
from unflat.geometry.image_edges import reduced_size, resized
from unflat.geometry.ink import filled, grown, opened, stroke_width_px, strokes_of
from unflat.geometry.masks import grouped_pieces, without_specks
from unflat.geometry.paper import find_sheet, rectified
from unflat.geometry.paper_light import distance_from_white, flattened
from unflat.geometry.tones import background_is_dark, is_two_tone, two_tones

_KEPT_SIDE_PX, _WORK_SIDE_PX = 2048, 1200
"""Longer side of the picture that is handed on, and of the copy on which strokes are found."""
_SHEET_MARGIN_SHARE = 0.012
"""A sheet's edge throws a shadow and curls; so far inside of it (share of the longer side) nothing is ink."""
_SPECK_SHARE = 2e-5
"""Smaller marks (share of the picture) are dust."""
_BRIDGE_SHARE = 0.012
"""Pieces nearer than this share of the diagonal belong together."""
_CRUMB_SHARE = 0.01
"""Loose pieces smaller than this share of the body are left out."""
_SOLID_SHARE, _SOLID_RADIUS_SHARE = 0.6, 0.025
"""A silhouette, not strokes, if discs of this radius (share of the longer side) fit into so much of it."""
_EDGE_SIGMA_PX = 0.6
"""The mask's edge is one pixel soft."""
_LINE_SHARE, _LINE_LAB = 0.02, 25.0
"""Lines on a coloured body are narrower than this share of the longer side, and darker than it by this much."""
_ROOMY_SHARE = 0.3
"""A body fills at least this share of its box; bare strokes fill less."""
_NAME = "drawing"


@dataclass(frozen=True)
class PaperDrawing:
    """Takes a drawing off its paper: the mask is the drawn body with its outlines filled."""

    largest_gap: float = 0.06
    """Gaps in outlines are closed up to this share of the picture's longer side."""
    thinnest_limb: float = 0.02
    """Single strokes, such as arms of stick figures, are drawn at least so thick, as a share of the body's diagonal."""
    straighten: bool = True
    """See the sheet straight on where all four of its corners are in the picture."""

    def __post_init__(self) -> None:
        for name, most in (("largest_gap", 0.3), ("thinnest_limb", 0.2)):
            value = getattr(self, name)
            if not 0 <= value <= most:
                raise RecipeError(
                    f"segment.{name} can't be {value:g}.", code="bad-option", hint=f"Give a share from 0 to {most:g}."
                )

    def __call__(self, photo: Photo, context: Context) -> Drawing:
        """The drawing with its body and its strokes. Raises `InputError` (nothing-in-picture) on blank paper."""
        small = _shrunk(photo, _KEPT_SIDE_PX)
        if small.alpha is not None and _cuts_out(small.alpha):
            if _is_solid(small.alpha > 127):
                return _cut_out(small)
            return self._from_ink(_named(_over_white(small), photo), resized(small.alpha, _work_size(small)) > 127)
        work = np.ascontiguousarray(resized(small.pixels, _work_size(small)))
        if is_two_tone(work):
            ink = two_tones(work) != background_is_dark(work)
            if not ink.any():
                raise _nothing_in(photo)
            return _silhouette(small, ink) if _is_solid(ink) else self._from_ink(_named(small.pixels, photo), ink)
        return self._from_paper(photo, small, context)

    def _from_paper(self, photo: Photo, small: Photo, context: Context) -> Drawing:
        """A drawing on a sheet, which is found, straightened and lit evenly first."""
        sheet = find_sheet(small.pixels)
        context.progress(0.2)
        if sheet.corners is not None and self.straighten:
            corners = sheet.corners * np.float32(photo.width / small.width)
            pixels = rectified(photo.pixels, corners, _KEPT_SIDE_PX)
            region = np.zeros(pixels.shape[:2], dtype=bool)
            margin = _margin_px(region.shape)
            region[margin:-margin, margin:-margin] = True
        else:
            pixels, region = small.pixels, sheet.region
            if not region.all():
                region = region & ~grown(~region, _margin_px(region.shape))
        context.progress(0.4)
        even = flattened(pixels, region)
        context.progress(0.7)
        picture = _named(even, photo)
        return self._from_ink(picture, strokes_of(distance_from_white(resized(even, _work_size(picture)))))

    def _from_ink(self, photo: Photo, ink: Bool[np.ndarray, "h w"]) -> Drawing:
        """The body around the strokes of an evenly lit picture; the strokes come on a copy of any size."""
        side = max(ink.shape)
        ink = without_specks(ink, max(4, round(_SPECK_SHARE * ink.size)))
        if not ink.any():
            raise _nothing_in(photo)
        body = filled(ink, self.largest_gap * side)
        main = _main_body(body)
        size = photo.height, photo.width
        confidence = _confidence(body, main)
        lines = _dark_lines(photo.pixels, resized(main.astype(np.uint8), size) > 0) if _is_solid(ink) else ink & main
        body = self._with_thick_limbs(main, ink & main)
        strokes = _mask(lines, size, confidence) if lines.any() else None
        return Drawing(photo, _without_crumbs(_mask(body, size, confidence)), strokes)

    def _with_thick_limbs(self, body: Bool[np.ndarray, "h w"], ink: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
        """The body with strokes that enclose nothing thickened to the least limb."""
        rows, columns = np.nonzero(body)
        wanted = self.thinnest_limb * float(np.hypot(np.ptp(rows), np.ptp(columns)))
        width = stroke_width_px(ink)
        if wanted <= width:
            return body
        thick = opened(body, max(width, wanted / 2) + 1)
        limbs = without_specks(body & ~grown(thick, 2), round(width * wanted))
        return body | grown(limbs, (wanted - width) / 2)


def _main_body(body: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """The most important piece with what nearly touches it: area, up to doubled in the middle."""
    labels, count = grouped_pieces(body, _BRIDGE_SHARE)
    height, width = body.shape
    down, across = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    near = 2.0 - np.hypot(down, across) / np.sqrt(2)
    scores = np.bincount(labels.ravel(), near.ravel(), minlength=count + 1)
    scores[0] = -1
    chosen = np.asarray(labels == int(np.argmax(scores)))
    reach = round(_BRIDGE_SHARE * float(np.hypot(height, width)) / 2) + 1
    pieces, _ = cv2.connectedComponents(chosen.astype(np.uint8), connectivity=8)
    joined = chosen if pieces <= 2 else chosen | ~grown(~grown(chosen, reach), reach)
    return without_specks(joined, round(_CRUMB_SHARE * joined.sum()))


def _confidence(body: Bool[np.ndarray, "h w"], main: Bool[np.ndarray, "h w"]) -> float:
    """How much of all that is drawn the body is, and how much of it is more than bare strokes, 0..0.95."""
    alone = float(main.sum() / body.sum())
    rows, columns = np.nonzero(main)
    box = (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
    roomy = min(1.0, float(main.sum() / box) / _ROOMY_SHARE)
    return round(min(1.0, 0.95 * alone * (0.4 + 0.6 * roomy)), 3)


def _silhouette(photo: Photo, solid: Bool[np.ndarray, "h w"]) -> Drawing:
    """A picture of two tones whose figure is solid: its holes are holes, and there are no strokes."""
    main = _main_body(solid)
    return Drawing(photo, _mask(main, (photo.height, photo.width), _confidence(solid, main)), None)


def _cut_out(photo: Photo) -> Drawing:
    """A drawing that its file cuts out already."""
    assert photo.alpha is not None
    lines = _dark_lines(photo.pixels, photo.alpha > 127)
    body = Mask(photo.alpha.astype(np.float32) / np.float32(255), _NAME, 1.0)
    return Drawing(photo, body, _mask(lines, lines.shape, 1.0) if lines.any() else None)


def _dark_lines(pixels: UInt8[np.ndarray, "h w 3"], body: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Lines on a coloured body: narrow, and darker than what is around them within it."""
    light = cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB)[..., 0].astype(np.float32) * np.float32(100 / 255)
    light = np.where(body, light, np.float32(100))
    wide = 2 * round(_LINE_SHARE * max(body.shape)) + 1
    around = cv2.morphologyEx(light, cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (wide, wide)))
    return without_specks((around - light > _LINE_LAB) & body, max(4, round(_SPECK_SHARE * body.size)))


def _cuts_out(alpha: UInt8[np.ndarray, "h w"]) -> bool:
    """Whether transparency says something: some is clear, some is not."""
    return bool(0.005 < (alpha > 127).mean() < 0.995)


def _is_solid(figure: Bool[np.ndarray, "h w"]) -> bool:
    """Whether a figure is an area rather than strokes."""
    wide = opened(figure, _SOLID_RADIUS_SHARE * max(figure.shape))
    return bool(wide.sum() > _SOLID_SHARE * figure.sum())


def _mask(solid: Bool[np.ndarray, "h w"], size: tuple[int, int], confidence: float) -> Mask:
    return Mask(_soft(solid, size), _NAME, confidence)


def _without_crumbs(mask: Mask) -> Mask:
    """The mask without what thin ends of strokes fall into where edges are softened."""
    kept = without_specks(mask.solid, round(_CRUMB_SHARE * float(mask.solid.sum())))
    return replace(mask, alpha=np.where(grown(kept, 2), mask.alpha, np.float32(0)))


def _soft(solid: Bool[np.ndarray, "h w"], size: tuple[int, int]) -> Float32[np.ndarray, "height width"]:
    """The mask at another size with an edge one pixel soft, where the solid one has it."""
    factor = max(1.0, size[0] / solid.shape[0])
    smooth = cv2.GaussianBlur(solid.astype(np.float32), (0, 0), _EDGE_SIGMA_PX)
    big = cv2.resize(smooth, size[::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(np.clip((big - np.float32(0.5)) * np.float32(factor) + np.float32(0.5), 0, 1), dtype=np.float32)


def _shrunk(photo: Photo, side_px: int) -> Photo:
    size = reduced_size(photo.height, photo.width, side_px)
    alpha = None if photo.alpha is None else np.ascontiguousarray(resized(photo.alpha, size))
    return Photo(np.ascontiguousarray(resized(photo.pixels, size)), photo.name, alpha, sha256=photo.sha256)


def _over_white(photo: Photo) -> UInt8[np.ndarray, "h w 3"]:
    assert photo.alpha is not None
    share = photo.alpha.astype(np.float32)[..., None] / np.float32(255)
    return np.asarray(photo.pixels * share + (1 - share) * 255, dtype=np.uint8)


def _named(pixels: UInt8[np.ndarray, "h w 3"], photo: Photo) -> Photo:
    return Photo(np.ascontiguousarray(pixels), photo.name, sha256=photo.sha256)


def _work_size(photo: Photo) -> tuple[int, int]:
    return reduced_size(photo.height, photo.width, _WORK_SIDE_PX)


def _margin_px(shape: tuple[int, ...]) -> int:
    return max(1, round(_SHEET_MARGIN_SHARE * max(shape)))


def _nothing_in(photo: Photo) -> InputError:
    return InputError(
        f"There is no drawing in “{photo.name}”: nothing stands out from the paper.",
        code="nothing-in-picture",
        hint="Draw with a darker pen, take the picture in more light, or give the body with --mask.",
    )
