"""The cases of the photo-set benchmark: textured scans, photographed on a table from 24 or 48 sides, with the truth."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np

from unflat.bench.photos_truth import PhotosTruth
from unflat.core import Mask, Photo, View
from unflat.io.photo import read_photo
from unflat.synth.objects import ObjectEntry, ObjectLibrary
from unflat.synth.photo_set_files import write_photo_set
from unflat.synth.photo_sets import PhotoSet, PhotoSetStyle, photo_set

VIEWS = (24, 48)
WIDTH_PX = 1600
LEFT_OUT = 6
_ASPECT = 3 / 4


@dataclass(frozen=True)
class PhotosCase:
    """One object, photographed from so many places; nothing is rendered before it is asked for."""

    index: int
    """Among all objects of the benchmark; also the seed. Even ones have the focal length in their EXIF data."""
    entry: ObjectEntry
    views: int
    width_px: int

    @property
    def key(self) -> tuple[str, int, int]:
        """What names it in the rows."""
        return self.entry.id, self.views, self.width_px

    @property
    def style(self) -> PhotoSetStyle:
        """How the photos are taken."""
        return PhotoSetStyle(self.views, LEFT_OUT, (self.width_px, round(self.width_px * _ASPECT)))

    def folder_in(self, results: Path) -> Path:
        """Where its photos lie while it is measured."""
        safe = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in self.entry.id)
        return results / "sets" / f"{safe}-{self.views}-{self.width_px}"


@dataclass(frozen=True, eq=False)
class Photographed:
    """A case on disk: what methods get, and what they are judged by."""

    paths: tuple[Path, ...]
    truth: PhotosTruth


def photos_entries(library: ObjectLibrary) -> tuple[ObjectEntry, ...]:
    """The textured objects set aside for measuring; all that are set aside where none is textured, else all."""
    chosen = tuple(entry for entry in library.entries if entry.split == "bench") or library.entries
    return tuple(entry for entry in chosen if entry.textured) or chosen


def photos_cases(
    library: ObjectLibrary, views: Sequence[int] = VIEWS, limit: int | None = None, width_px: int = WIDTH_PX
) -> Iterator[PhotosCase]:
    """The cases, object by object; `limit` takes that many objects, spread over the list."""
    entries = photos_entries(library)
    count = min(limit or len(entries), len(entries))
    for number in range(count):
        index = number * len(entries) // count
        for many in views:
            yield PhotosCase(index, entries[index], many, width_px)


def speed_case(library: ObjectLibrary, views: int, width_px: int = WIDTH_PX) -> PhotosCase:
    """The case by which speed is measured: always the same object, a quarter down the list."""
    entries = photos_entries(library)
    index = len(entries) // 4
    return PhotosCase(index, entries[index], views, width_px)


def photographed(
    case: PhotosCase, library: ObjectLibrary, results: Path, tell: Callable[[str], None] = lambda _: None
) -> Photographed:
    """Render the case's photos into the results folder (2 s each on one core), unless they are there already."""
    taken = photo_set(library.part(case.entry), case.index, case.style, case.entry.id)
    folder = case.folder_in(results)
    write_photo_set(taken, folder, exif_focal=case.index % 2 == 0, tell=tell)
    names = [taken.photo_name(index) for index in range(len(taken.cameras))]
    cameras = dict(zip(names, taken.cameras, strict=True))
    truth = PhotosTruth(taken.name, taken.truth, cameras, _left_out(taken, folder))
    return Photographed(tuple(folder / "images" / name for name in names), truth)


def forget(case: PhotosCase, results: Path) -> None:
    """Remove the case's photos."""
    shutil.rmtree(case.folder_in(results), ignore_errors=True)


def _left_out(taken: PhotoSet, folder: Path) -> tuple[View, ...]:
    """The photos that were left out, as they lie in the folder."""
    views = []
    for index, camera in enumerate(taken.left_out):
        photo: Photo = read_photo(folder / "left_out" / f"left_out_{index:03d}.png")
        mask = cv2.imread(str(folder / "left_out_masks" / f"left_out_{index:03d}.png"), cv2.IMREAD_GRAYSCALE)
        alpha = np.asarray(mask, np.float32) / np.float32(255)
        views.append(View(replace(photo, focal_px=None), Mask(alpha, "synth"), camera))
    return tuple(views)
