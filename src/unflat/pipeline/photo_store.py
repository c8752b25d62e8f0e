"""Photos of a set, read one after the other into files from which they are mapped: no more than one is in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from unflat.core import InputError, Photo
from unflat.io.mapped import mapped, open_mapped
from unflat.io.photo import read_photo


def read_photos(pictures: Sequence[Any], side_px: int, folder: Path | None) -> tuple[tuple[Photo, ...], tuple[str, ...]]:
    """The photos, no larger than `side_px`, mapped from files in the folder (None: in memory); and what is wrong with the rest.

    Photos that are there already are not decoded again. Raises what `read_photo` raises where fewer than two can be read.
    """
    photos: list[Photo] = []
    refused: list[tuple[str, InputError]] = []
    for picture in pictures:
        try:
            photos.append(_read(picture, side_px, folder))
        except InputError as error:
            refused.append((str(picture), error))
    if refused and len(photos) < 2:
        raise refused[0][1]
    sentences = tuple(f"“{Path(name).name}” was left out: {error.message} [{error.code}]" for name, error in refused)
    return _named_apart(photos), sentences


def _read(picture: Any, side_px: int, folder: Path | None) -> Photo:
    photo = read_photo(picture, max_side_px=side_px)
    if folder is None:
        return photo
    digest = photo.sha256 or hashlib.sha256(photo.pixels.tobytes()).hexdigest()
    path = folder / f"{digest[:24]}-{side_px}.npy"
    try:
        pixels = open_mapped(path)
    except (OSError, ValueError):
        pixels = mapped(path, photo.pixels)
    if pixels.shape != photo.pixels.shape or pixels.dtype != np.uint8:
        pixels = mapped(path, photo.pixels)
    return replace(photo, pixels=pixels)


def _named_apart(photos: list[Photo]) -> tuple[Photo, ...]:
    """Photos of the same name from different folders get a number, since stages tell photos apart by name."""
    seen: dict[str, int] = {}
    named = []
    for photo in photos:
        count = seen.get(photo.name, 0)
        seen[photo.name] = count + 1
        named.append(replace(photo, name=f"{photo.name}#{count + 1}") if count else photo)
    return tuple(named)
