"""A tour around a painted body with a camera that changes its exposure and is never quite where it says it is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import trimesh

from unflat.core import Camera, Mesh, Photo, Reconstruction, View, Views
from unflat.core.color import linear_from_srgb, srgb_from_linear

STRANGER = (230, 30, 160)
"""Colour of who walks through the picture: nothing is painted like it."""


@dataclass(frozen=True)
class Tour:
    """Photos of a body, and what is known of it."""

    scene: Reconstruction
    gains: np.ndarray
    stranger: tuple[int, np.ndarray] | None
    """Which photo shows one, and where (boolean picture)."""

    @property
    def views(self) -> tuple[View, ...]:
        return self.scene.views.items

    @property
    def mesh(self) -> Mesh:
        return self.scene.mesh


def lattice(points: np.ndarray) -> np.ndarray:
    """Soft coloured waves under a dark lattice of thin lines, in sRGB bytes: tones to level, lines to keep whole."""
    x, y, z = np.asarray(points, np.float64).T
    waves = np.column_stack([np.sin(5 * x + 2 * z), np.sin(4 * y - 3 * z + 1), np.cos(6 * z + 2 * y)])
    color = 130 + 55 * waves
    lines = (np.abs(np.asarray(points, np.float64) * 4 % 1 - 0.5) < 0.09).any(axis=1)
    return np.rint(np.where(lines[:, None], 0.35 * color, color)).astype(np.uint8)


def directions(count: int) -> list[np.ndarray]:
    """Evenly spread over the sphere (Fibonacci)."""
    order = np.arange(count) + 0.5
    up, turn = 1 - 2 * order / count, np.pi * (1 + 5**0.5) * order
    level = np.sqrt(1 - up**2)
    return list(np.column_stack([level * np.sin(turn), 0.9 * up, level * np.cos(turn)]))


def turned(camera: Camera, pixels: float, rng: np.random.Generator) -> Camera:
    """The camera turned so that its picture moves by about some pixels."""
    pose = camera.world_from_camera.copy()
    pose[:3, :3] = pose[:3, :3] @ trimesh.transformations.euler_matrix(*rng.normal(0, pixels / camera.fx, 3))[:3, :3]
    return replace(camera, world_from_camera=pose)


def tour(studio, mesh, paint, *, count=12, size=256, exposure=0.0, vignette=0.0, misplaced=0.0, stranger=None) -> Tour:
    """Photos from all sides. `exposure` is the spread of its logarithm, `vignette` the loss in the corners,
    `misplaced` the error of the poses in pixels, `stranger` the number of a photo that somebody walked through."""
    rng = np.random.default_rng(3)
    gains = np.exp(rng.normal(0, exposure, (count, 1)) + rng.normal(0, exposure / 4, (count, 3)))
    v, u = np.mgrid[0:size, 0:size] + 0.5
    fall_off = 1 - vignette * ((u / size - 0.5) ** 2 + (v / size - 0.5) ** 2) * 2
    walker = np.hypot(u - 0.5 * size, v - 0.45 * size) < 0.14 * size
    views = []
    for number, direction in enumerate(directions(count)):
        camera = studio.camera_at(direction, size)
        view = studio.photograph(mesh, camera, paint)
        light = linear_from_srgb(view.photo.pixels) * 0.8 * gains[number] * fall_off[..., None]
        pixels = srgb_from_linear(light.astype(np.float32))
        if number == stranger:
            pixels[walker] = STRANGER
        views.append(View(Photo(pixels, name=f"photo {number}"), None, turned(camera, misplaced, rng)))
    seen = None if stranger is None else (stranger, walker)
    return Tour(Reconstruction(mesh, Views(tuple(views))), gains, seen)
