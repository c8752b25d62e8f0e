"""Objects with a known outline before backgrounds of all kinds."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from unflat.core import Context, Photo

SIZE = (240, 320)


@dataclass(frozen=True)
class Scene:
    """A picture and its true alpha."""

    photo: Photo
    truth: np.ndarray

    def overlap(self, mask) -> float:
        found, true = mask.solid, self.truth > 0.5
        return float((found & true).sum() / (found | true).sum())


def mug(tone=(190, 60, 40)):
    """A shaded mug with a handle: colour and alpha. The handle's hole is at about (235, 120)."""
    large = np.zeros((SIZE[0] * 4, SIZE[1] * 4), np.uint8)
    cv2.ellipse(large, (235 * 4, 120 * 4), (34 * 4, 40 * 4), 0, 0, 360, 255, 12 * 4)
    cv2.rectangle(large, (100 * 4, 60 * 4), (220 * 4, 190 * 4), 255, -1)
    alpha = cv2.resize(large, SIZE[::-1], interpolation=cv2.INTER_AREA) / 255.0
    across = np.arange(SIZE[1])
    shade = 0.45 + 0.55 * np.exp(-(((across - 140) / 60.0) ** 2))
    return np.asarray(tone) * shade[None, :, None] * np.ones((SIZE[0], 1, 1)), alpha


def backdrop(kind, seed=0):
    random = np.random.default_rng(seed)
    down, across = np.mgrid[0 : 1 : SIZE[0] * 1j, 0 : 1 : SIZE[1] * 1j]
    if kind == "white":
        return np.full((*SIZE, 3), 255.0)
    if kind == "gradient":
        shade = (0.6 * down + 0.4 * across)[..., None]
        return (
            np.array([90, 140, 190.0]) * (1 - shade)
            + np.array([210, 215, 220.0]) * shade
            + random.normal(0, 2, (*SIZE, 3))
        )
    if kind == "shadow":
        dark = 1 - 0.35 * np.exp(-(((across - 0.5) / 0.3) ** 2 + ((down - 0.82) / 0.09) ** 2))
        return np.array([225, 222, 215.0]) * dark[..., None] + random.normal(0, 1, (*SIZE, 3))
    blobs = cv2.GaussianBlur(random.normal(0, 1, (*SIZE, 3)), (0, 0), 6)
    return 110 + 45 * blobs / blobs.std() * np.array([0.5, 1.0, 0.7])


def scene_of(color, alpha, behind, name="scene"):
    pixels = color * alpha[..., None] + behind * (1 - alpha[..., None])
    return Scene(Photo(np.clip(np.rint(pixels), 0, 255).astype(np.uint8), name), alpha)


@pytest.fixture
def scene():
    """`scene("gradient")`: the mug before a backdrop; `tone` is its colour."""
    return lambda kind, tone=(190, 60, 40): scene_of(*mug(tone), backdrop(kind), kind)


@pytest.fixture
def listener():
    """A context that keeps its warnings in a list, and the list."""
    heard: list[str] = []
    return Context(warn=heard.append), heard
