"""What a camera and a segmenter do to a picture: white balance, blur, grain, JPEG; masks that are not quite right."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from unflat.core.color import srgb_from_linear


def photographed(
    linear: Float32[np.ndarray, "s s 3"],
    alpha: Float32[np.ndarray, "s s"],
    ground: Float32[np.ndarray, "s s 3"],
    rng: np.random.Generator,
) -> UInt8[np.ndarray, "s s 3"]:
    """The object on its ground (both linear), as a camera with some white balance, blur, grain and JPEG shows it."""
    balance = (1 + rng.normal(0, 0.05, 3)).astype(np.float32)
    mixed = (linear * alpha[..., None] + ground * (1 - alpha[..., None])) * balance
    over = np.maximum(mixed - 0.7, 0)
    mixed = np.where(mixed > 0.7, 0.7 + 0.3 * (1 - np.exp(-over / 0.3)), mixed)
    if rng.random() < 0.3:
        mixed = cv2.GaussianBlur(mixed, (0, 0), rng.uniform(0.3, 1.0) * len(alpha) / 128)
    image = srgb_from_linear(mixed).astype(np.float32)
    if rng.random() < 0.5:
        image += rng.normal(0, rng.uniform(1, 7), image.shape).astype(np.float32)
    if rng.random() < 0.08:
        image[:] = image.mean(axis=2, keepdims=True)
    image = np.clip(image, 0, 255).astype(np.uint8)
    quality = int(rng.integers(45, 96))
    packed = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR))


def random_ground(rng: np.random.Generator, size: int) -> Float32[np.ndarray, "s s 3"]:
    """A linear background: white, grey, one colour, a gradient, or soft clutter. Fringes of it stay in cut-outs."""
    kind = rng.random()
    base = np.ones(3) * rng.uniform(0, 1) if kind < 0.4 else rng.uniform(0, 1, 3)
    ground = np.broadcast_to(base.astype(np.float32), (size, size, 3)).copy()
    if kind > 0.7:
        coarse = rng.uniform(0, 1, (int(rng.integers(2, 12)), int(rng.integers(2, 12)), 3)).astype(np.float32)
        ground = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(ground, 0, 1), np.float32)


def imperfect_mask(alpha: Float32[np.ndarray, "s s"], rng: np.random.Generator) -> Float32[np.ndarray, "s s"]:
    """The mask as a segmenter might give it: often right, else wider, narrower, soft, with a bite or an addition."""
    kind, size = rng.random(), len(alpha)
    if kind < 0.45:
        return alpha
    radius = max(1, round(size / 128 * rng.uniform(1, 2.5)))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    if kind < 0.6:
        changed = cv2.dilate(alpha, disc)
    elif kind < 0.72:
        changed = cv2.erode(alpha, disc)
    elif kind < 0.85:
        changed = cv2.GaussianBlur(alpha, (0, 0), rng.uniform(0.8, 2.0) * size / 128)
    else:
        changed = alpha.copy()
        edge = np.argwhere((alpha > 0.5) & (cv2.erode(alpha, disc) < 0.5))
        if len(edge):
            row, column = (int(place) for place in edge[int(rng.integers(len(edge)))])
            value = float(rng.random() < 0.4)
            cv2.circle(changed, (column, row), int(size * rng.uniform(0.02, 0.07)), value, -1, cv2.LINE_AA)
    # what is left of a needle may be nothing at all
    return np.asarray(changed if changed.max() > 0.5 else alpha, np.float32)
