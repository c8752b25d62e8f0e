"""Real places as panoramas: what a camera sees behind an object, its light, and surfaces to stand on."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

from unflat.core import Camera, InputError
from unflat.core.color import linear_from_srgb
from unflat.geometry.cameras import pixel_rays

Split = Literal["train", "bench"]

_HELD_OUT_EVERY = 8
"""Every eighth place and every sixth surface is kept for measuring: a mask network may learn a place by heart."""
_HELD_OUT_SURFACES_EVERY = 6
_LENS_BLUR_SHARE = 0.55
"""A magnified panorama is smoothed by this many of its own pixels, as a lens out of focus does: no pixel squares."""


@dataclass(frozen=True)
class PlaceEntry:
    """What the index tells of a place."""

    id: str
    kind: str
    """outdoor, indoor, studio, night."""
    licence: str
    author: str
    exposure: float
    """What the light is multiplied with before it becomes the picture."""
    hdr: bool
    """False where the light was guessed from an 8-bit picture."""
    split: Split


@dataclass(frozen=True, eq=False)
class Environment:
    """A place: its panorama, and its light on the same scale. Columns go round the horizon, +Z in the middle."""

    entry: PlaceEntry
    picture: UInt8[np.ndarray, "h w 3"]
    """Equirectangular sRGB, row 0 the zenith."""
    light: Float32[np.ndarray, "32 64 3"]
    """Linear radiance, 1 is the picture's white."""


class EnvironmentLibrary:
    """Panoramas with their light and pictures of surfaces, as ``index.jsonl`` files list them.

    Raises `InputError` (``no-environments``) where the folder has no index.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.places = tuple(_place_entry(row, number) for number, row in enumerate(_rows(folder)))
        self.surfaces = tuple(str(row["id"]) for row in _rows(folder / "surfaces"))

    def of_split(self, split: Split) -> tuple[PlaceEntry, ...]:
        """The places to learn from, or those kept for measuring."""
        return tuple(place for place in self.places if place.split == split)

    def surfaces_of_split(self, split: Split) -> tuple[str, ...]:
        """The surfaces to learn from, or those kept for measuring."""
        held_out = self.surfaces[::_HELD_OUT_SURFACES_EVERY]
        return held_out if split == "bench" else tuple(name for name in self.surfaces if name not in held_out)

    def environment(self, entry: PlaceEntry) -> Environment:
        """Read a place. About 10 ms."""
        light = np.load(self._folder / f"{entry.id}.npy", allow_pickle=False).astype(np.float32)
        scaled = np.nan_to_num(light * np.float32(entry.exposure), posinf=1e4)
        return Environment(entry, _read(self._folder / f"{entry.id}.jpg"), scaled)

    def surface(self, name: str) -> UInt8[np.ndarray, "h w 3"]:
        """The sRGB picture of a surface, seen straight on; most of them repeat seamlessly."""
        return _read(self._folder / "surfaces" / f"{name}.jpg")


def seen_through(
    environment: Environment, camera: Camera, turn_rad: float = 0.0, zoom: float = 1.0
) -> Float32[np.ndarray, "h w 3"]:
    """What the camera sees of the place, linear, blurred where the panorama is magnified as by a lens out of focus.

    `turn_rad` turns the place about the vertical. A `zoom` below 1 shows more of it than the camera's angle: sharper,
    and no worse as a background.
    """
    directions = _wider(camera, zoom)
    height, width = environment.picture.shape[:2]
    column, row = panorama_position(directions, width, height, turn_rad)
    magnified = 2 * np.pi / width * camera.fx / zoom
    band = _padded(environment.picture)
    seen = cv2.remap(band, column + np.float32(_PAD_PX), row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    if magnified > 1:
        seen = cv2.GaussianBlur(seen, (0, 0), _LENS_BLUR_SHARE * magnified)
    return linear_from_srgb(np.asarray(seen))


def panorama_position(
    directions: Float32[np.ndarray, "h w 3"], width: int, height: int, turn_rad: float = 0.0
) -> tuple[Float32[np.ndarray, "h w"], Float32[np.ndarray, "h w"]]:
    """Column and row of directions in an equirectangular picture, for cv2.remap (the first pixel's centre is 0)."""
    x, y, z = directions[..., 0], directions[..., 1], directions[..., 2]
    around = (np.arctan2(x, z) - np.float32(turn_rad)) / np.float32(2 * np.pi) + np.float32(0.5)
    down = np.arctan2(np.hypot(x, z), y) / np.float32(np.pi)
    column = (around - np.floor(around)) * np.float32(width) - np.float32(0.5)
    return column.astype(np.float32), (down * np.float32(height) - np.float32(0.5)).astype(np.float32)


_PAD_PX = 2
"""Columns repeated on both sides, so that interpolation crosses the seam."""


def _padded(picture: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h wp 3"]:
    return np.concatenate([picture[:, -_PAD_PX:], picture, picture[:, :_PAD_PX]], axis=1)


def _wider(camera: Camera, zoom: float) -> Float32[np.ndarray, "h w 3"]:
    """Directions of the camera's pixels, fanned out about its axis by 1 / zoom."""
    rows, columns = np.mgrid[: camera.height_px, : camera.width_px].astype(np.float64) + 0.5
    _, directions = pixel_rays(camera, np.column_stack([columns.ravel(), rows.ravel()]))
    local = directions @ camera.world_from_camera[:3, :3]
    local[:, :2] /= zoom
    fanned = local @ camera.world_from_camera[:3, :3].T
    return fanned.astype(np.float32).reshape(camera.height_px, camera.width_px, 3)


def _place_entry(row: dict[str, Any], number: int) -> PlaceEntry:
    split: Split = "bench" if number % _HELD_OUT_EVERY == 0 else "train"
    return PlaceEntry(
        row["id"], row["kind"], row["licence"], row["author"], float(row["exposure"]), bool(row["hdr"]), split
    )


def _rows(folder: Path) -> list[dict[str, Any]]:
    index = folder / "index.jsonl"
    if not index.is_file():
        raise InputError(
            f"There are no environments in {folder}: it has no index.jsonl.",
            code="no-environments",
            hint="Name the folder with the panoramas, their light and surfaces/.",
        )
    return [json.loads(line) for line in index.read_text(encoding="utf-8").splitlines()]


def _read(file: Path) -> UInt8[np.ndarray, "h w 3"]:
    with Image.open(file) as picture:
        return np.asarray(picture.convert("RGB"))
