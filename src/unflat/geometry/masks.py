"""Masks: their objects, holes and specks."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Int32

from unflat.core import Mask

_BRIDGE_SHARE = 0.008
"""Pieces nearer than this share of the picture's diagonal belong together: thin handles break there."""
_SPECK_SHARE = 0.02
"""Pieces smaller than this share of the largest are specks, not objects."""


def objects_of(mask: Mask, *, keep: Literal["main", "all"] = "main") -> tuple[Mask, ...]:
    """The separate objects of a mask, the most important first; `main` gives the first one only.

    Importance is area, up to doubled for standing in the middle. Parts that touch or nearly touch stay together;
    specks are dropped. Each mask has the size and the soft edges of the whole. Cost: linear in pixels.
    """
    labels, count = grouped_pieces(mask.solid, _BRIDGE_SHARE)
    scores = _importance(labels, count)
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    worthy = [piece for piece in np.argsort(-scores) if areas[piece] >= _SPECK_SHARE * areas.max()]
    chosen = worthy[:1] if keep == "main" else worthy
    nearest = _nearest_label(labels)
    return tuple(replace(mask, alpha=np.where(nearest == piece + 1, mask.alpha, np.float32(0))) for piece in chosen)


def grouped_pieces(solid: Bool[np.ndarray, "h w"], bridge_share: float) -> tuple[Int32[np.ndarray, "h w"], int]:
    """Labels 1..count of the connected pieces (0 outside), pieces across a gap of `bridge_share` x diagonal as one."""
    gap_px = bridge_share * float(np.hypot(*solid.shape))
    reach = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * round(gap_px / 2) + 1,) * 2)
    count, labels = cv2.connectedComponents(cv2.dilate(solid.astype(np.uint8), reach), connectivity=8)
    return np.where(solid, labels, 0).astype(np.int32), count - 1


def _importance(labels: Int32[np.ndarray, "h w"], count: int) -> Float32[np.ndarray, "n"]:
    """Area of each piece, weighted by how near to the picture's centre it lies (2 at the centre, 1 in a corner)."""
    height, width = labels.shape
    down, across = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    weight = 2.0 - np.hypot(down, across) / np.sqrt(2)
    return np.bincount(labels.ravel(), weight.ravel(), minlength=count + 1)[1:].astype(np.float32)


def _nearest_label(labels: Int32[np.ndarray, "h w"]) -> Int32[np.ndarray, "h w"]:
    """Each pixel's nearest piece, so that a soft edge goes with its object."""
    outside = (labels == 0).astype(np.uint8)
    _, nearest = cv2.distanceTransformWithLabels(outside, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    piece_of_pixel = np.zeros(int(nearest.max()) + 1, dtype=np.int32)
    piece_of_pixel[nearest[labels > 0]] = labels[labels > 0]
    return np.asarray(piece_of_pixel[nearest], dtype=np.int32)


def intersection_over_union(one: Bool[np.ndarray, "h w"], other: Bool[np.ndarray, "h w"]) -> float:
    """Overlap of two solid masks, 0 apart to 1 equal (Jaccard); two empty masks are equal."""
    union = int((one | other).sum())
    return 1.0 if union == 0 else float((one & other).sum() / union)


def without_specks(solid: Bool[np.ndarray, "h w"], least_px: int) -> Bool[np.ndarray, "h w"]:
    """The mask without connected pieces of fewer than `least_px` pixels."""
    count, labels = cv2.connectedComponents(solid.astype(np.uint8), connectivity=8)
    keep = np.bincount(labels.ravel(), minlength=count) >= least_px
    keep[0] = False
    return np.asarray(keep[labels])


def reached_from_frame(region: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """The part of the region that is connected (4-neighbours) to the picture's frame."""
    count, labels = cv2.connectedComponents(region.astype(np.uint8), connectivity=4)
    frame = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    keep = np.bincount(frame, minlength=count) > 0
    keep[0] = False
    return np.asarray(keep[labels])


def filled_pinholes(solid: Bool[np.ndarray, "h w"], most_px: int) -> Bool[np.ndarray, "h w"]:
    """The mask with its enclosed holes of up to `most_px` pixels filled."""
    count, labels = cv2.connectedComponents((~solid).astype(np.uint8), connectivity=4)
    small = np.bincount(labels.ravel(), minlength=count) <= most_px
    small[0] = True
    enclosed = ~reached_from_frame(~solid)
    return np.asarray(solid | (small[labels] & enclosed))
