"""Drawings whose true body is known."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from unflat.core import Photo

DRAWINGS = Path(__file__).parents[4] / "shared" / "drawings"
PHOTOS = Path(__file__).parents[4] / "shared" / "photos"
PAPER, PEN = (236, 232, 222), (30, 30, 90)


def sheet(height: int = 480, width: int = 640) -> np.ndarray:
    return np.full((height, width, 3), PAPER, np.uint8)


def noisy(pixels: np.ndarray, sigma: float, seed: int = 0) -> np.ndarray:
    grain = np.random.default_rng(seed).normal(0, sigma, pixels.shape)
    return np.clip(pixels + grain, 0, 255).astype(np.uint8)


def circle(gap_deg: float = 0, radius: int = 140, pen_px: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """A circle's outline with a gap on its right side, and the disc."""
    pixels, body = sheet(), np.zeros((480, 640), np.uint8)
    ends = gap_deg / 2, 360 - gap_deg / 2
    cv2.ellipse(pixels, (320, 240), (radius, radius), 0, *ends, PEN, pen_px, cv2.LINE_AA)
    cv2.circle(body, (320, 240), radius + pen_px // 2, 1, -1)
    return pixels, body > 0


def read(path: Path) -> Photo:
    """A picture file as it is stored."""
    found = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_UNCHANGED)
    alpha = np.ascontiguousarray(found[..., 3]) if found.shape[2] == 4 else None
    return Photo(np.ascontiguousarray(found[..., 2::-1]), path.name, alpha)
