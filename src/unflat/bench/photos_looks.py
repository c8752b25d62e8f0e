"""How like the photos an asset looks from where nobody photographed: its base colour against the photos left out."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

from unflat.bench.picture_distance import psnr_db, structure_distance
from unflat.bench.single_view_score import Scores
from unflat.core import Camera, Part, View
from unflat.core.color import linear_from_srgb, srgb_from_linear
from unflat.render.frame import render_frame
from unflat.render.scene import build_scene

WIDTH_PX = 800
"""Photos are compared at this width, smaller ones at their own."""
_INSIDE = 0.99
"""Pixels that the true object covers by this share are compared."""
_SAMPLES_PER_PX = 4
_BLACK = (0, 0, 0)

Picture = UInt8[np.ndarray, "h w 3"]
_Compared = tuple[Picture, Picture, Bool[np.ndarray, "h w"], Bool[np.ndarray, "h w"]]
"""The asset's picture, the photo, where they are compared, where the asset covers."""
Gains = tuple[float, float, float]


def looks_scores(part: Part, left_out: Sequence[View]) -> Scores:
    """PSNR (dB, over all pixels of all views) and structure distance (mean over views) inside the true masks.

    `part` is in the true frame. Rendered is its base colour without any light, since that is what photogrammetry bakes
    the light into. Photos and asset may differ in exposure and white balance: one linear gain per channel, the same for
    the whole set, is fitted by least squares over all compared pixels that the asset covers. Where it covers none, the
    picture is black. ``covered`` is the share of compared pixels that it covers. About 1.5 s a view.
    """
    scene = build_scene((part,))
    compared = []
    for view in left_out:
        camera, photo, inside = _smaller(view)
        frame = render_frame(scene, camera, shading="albedo", background=_BLACK, samples_per_px=_SAMPLES_PER_PX)
        compared.append((frame.color, photo, inside, frame.alpha > 0.5))
    gains = _gains(compared)
    own = [_with_gains(color, gains) for color, *_ in compared]
    found = np.concatenate([color[inside] for color, (_, _, inside, _) in zip(own, compared, strict=True)])
    true = np.concatenate([photo[inside] for _, photo, inside, _ in compared])
    if len(true) == 0:
        return {}
    covered = np.concatenate([there[inside] for _, _, inside, there in compared])
    structures = [
        structure_distance(color, photo, inside) for color, (_, photo, inside, _) in zip(own, compared, strict=True)
    ]
    return {
        "psnr_db": psnr_db(found[:, None], true[:, None]),
        "structure": float(np.nanmean(structures)),
        "covered": float(covered.mean()),
    }


def _smaller(view: View) -> tuple[Camera, Picture, Bool[np.ndarray, "h w"]]:
    """Camera, photo and inside of the mask at the size at which pictures are compared."""
    assert view.camera is not None and view.mask is not None
    width = min(WIDTH_PX, view.photo.width)
    size = (width, round(width * view.photo.height / view.photo.width))
    photo: Picture = cv2.resize(view.photo.pixels, size, interpolation=cv2.INTER_AREA)
    alpha = cv2.resize(view.mask.alpha, size, interpolation=cv2.INTER_AREA)
    return view.camera.resized(*size), photo, alpha >= _INSIDE


def _gains(compared: Sequence[_Compared]) -> Gains:
    """Linear factors of red, green, blue that bring the asset nearest to the photos; 1 where it is black."""
    products, squares = np.zeros(3), np.zeros(3)
    for color, photo, inside, there in compared:
        own, wanted = (linear_from_srgb(picture[inside & there]).astype(np.float64) for picture in (color, photo))
        products += (own * wanted).sum(axis=0)
        squares += (own * own).sum(axis=0)
    gains = np.where(squares > 0, products / np.where(squares > 0, squares, 1), 1.0)
    return float(gains[0]), float(gains[1]), float(gains[2])


def _with_gains(color: Picture, gains: Gains) -> Picture:
    linear: Float32[np.ndarray, "h w 3"] = linear_from_srgb(color) * np.array(gains, np.float32)
    return srgb_from_linear(linear)
