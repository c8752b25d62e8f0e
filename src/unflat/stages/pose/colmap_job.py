"""What the program that runs COLMAP is asked, and what it answers: two JSON files in its folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from unflat.io.atomic import write_atomically

JOB, ANSWER, LOG = "job.json", "answer.json", "colmap.log"
PICTURES, MASKS, MODEL = "images", "masks", "model"
"""The photos, their masks, and a model whose cameras are known."""
DATABASE, AFFINE_DATABASE, AFFINE = "database.db", "affine.db", "affine"
"""COLMAP's features and matches; the same with affine matches of weak pictures; the folder of those features."""

LENS_TOLD_FROM = 4
"""Photos from which on their common points tell the focal length; of two it came out up to half off."""


@dataclass(frozen=True)
class Lens:
    """Photos that were taken through the same lens at the same size."""

    width: int
    height: int
    focal_px: float | None
    """Known from EXIF, or None."""
    pictures: tuple[str, ...]


@dataclass(frozen=True)
class ColmapJob:
    """One set of photos."""

    lenses: tuple[Lens, ...]
    matching: Literal["exhaustive", "sequential", "retrieval"]
    order: tuple[str, ...]
    """All pictures in the order they were taken."""
    features: int
    finest_octave: int
    """-1 looks for features in the doubled picture first, 0 begins at the picture's own size."""
    seed: int
    cameras_known: bool = False
    """The model in `MODEL` holds the cameras: only triangulate."""
    masked: bool = False
    """`MASKS` holds a mask for every picture (its name and .png): where that is black no feature counts."""

    def write(self, folder: Path) -> None:
        """Put it where the program looks."""
        write_atomically(folder / JOB, json.dumps(asdict(self)).encode())

    @staticmethod
    def read(folder: Path) -> ColmapJob:
        """The job of a folder."""
        found = json.loads((folder / JOB).read_text("utf-8"))
        lenses = tuple(Lens(**{**lens, "pictures": tuple(lens["pictures"])}) for lens in found.pop("lenses"))
        return ColmapJob(**{**found, "lenses": lenses, "order": tuple(found["order"])})


@dataclass(frozen=True)
class ColmapAnswer:
    """What became of it."""

    mapper: str
    """Which way to a model was the better one; empty if none was found."""
    registered: int
    error_px: float
    pairs: tuple[tuple[str, str, int], ...]
    """Pictures that match and in how many points, after verification."""
    features: dict[str, int]
    flat_pairs: int
    """Pairs that a single plane or a turn of the camera explains."""
    turned: bool = False
    """The camera only turned, or did not move at all: no model was tried."""

    def write(self, folder: Path) -> None:
        """Put it where the caller looks."""
        write_atomically(folder / ANSWER, json.dumps(asdict(self)).encode())

    @staticmethod
    def read(folder: Path) -> ColmapAnswer:
        """The answer in a folder."""
        found = json.loads((folder / ANSWER).read_text("utf-8"))
        return ColmapAnswer(**{**found, "pairs": tuple((a, b, count) for a, b, count in found["pairs"])})
