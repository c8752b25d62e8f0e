"""A second, wider look at pictures that hang by few matches: COLMAP's database with affine matches added."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import combinations
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pycolmap
from jaxtyping import Int64

from unflat.io.atomic import write_atomically
from unflat.stages.pose.affine_features import AffineFeatures, affine_features, affine_matches
from unflat.stages.pose.colmap_job import AFFINE, AFFINE_DATABASE, DATABASE, MASKS, PICTURES, ColmapJob
from unflat.stages.pose.colmap_verifying import add_matches, fresh_copy, verify

_AT_ONCE = 4
"""Pairs that are compared side by side at most: each holds a product of 6000 by 6000."""
_KEPT_PICTURES = 64
"""Pictures whose features are held at once, 3 MB each."""


@dataclass(frozen=True, eq=False)
class _Picture:
    """A picture, and where its affine features begin in the database."""

    image_id: int
    first: int


def with_affine_matches(
    folder: Path, weak: Sequence[str], job: ColmapJob, threads: int, tell: Callable[[float], None]
) -> Path:
    """A copy of the database in which every pair with a weak picture was compared once more; pairs that chance
    explains as well are out. Goes on where an earlier run stopped: features are kept, matching begins again."""
    database = folder / AFFINE_DATABASE
    if database.exists():
        return database
    begun = fresh_copy(folder / DATABASE, database.with_suffix(".begun"))
    _find_features(folder, job, threads, lambda share: tell(0.4 * share))
    features = lru_cache(maxsize=_KEPT_PICTURES)(partial(_features_of, folder))
    with pycolmap.Database.open(begun) as known:
        ids = {image.name: image.image_id for image in known.read_all_images()}
        pictures = {name: _appended(known, ids[name], features(name)) for name in job.order}
        pairs = [pair for pair in combinations(job.order, 2) if pair[0] in weak or pair[1] in weak]
        with ThreadPoolExecutor(min(max(threads, 1), _AT_ONCE)) as workers:
            alike = workers.map(lambda pair: affine_matches(features(pair[0]), features(pair[1])), pairs)
            pairs = _matched(known, pairs, pictures, alike, lambda share: tell(0.4 + 0.4 * share))
    verify(begun, pairs, job, lambda share: tell(0.8 + 0.2 * share))
    begun.replace(database)
    return database


def _find_features(folder: Path, job: ColmapJob, threads: int, tell: Callable[[float], None]) -> None:
    """Write those of all pictures to files, but where they were found before."""
    (folder / AFFINE).mkdir(exist_ok=True)

    def find(name: str) -> None:
        kept = folder / AFFINE / f"{name}.npz"
        if not kept.exists():
            picture = cv2.imread(str(folder / PICTURES / name), cv2.IMREAD_GRAYSCALE)
            mask = cv2.imread(str(folder / MASKS / f"{name}.png"), cv2.IMREAD_GRAYSCALE) if job.masked else None
            features = affine_features(np.asarray(picture), None if mask is None else np.asarray(mask))
            packed = io.BytesIO()
            np.savez(packed, points=features.points, descriptors=features.descriptors)
            write_atomically(kept, packed.getvalue())

    with ThreadPoolExecutor(max(threads, 1)) as workers:
        for done, _ in enumerate(workers.map(find, job.order)):
            tell((done + 1) / len(job.order))


def _features_of(folder: Path, name: str) -> AffineFeatures:
    """Read again: those of hundreds of pictures take a gigabyte."""
    with np.load(folder / AFFINE / f"{name}.npz") as stored:
        return AffineFeatures(stored["points"], stored["descriptors"])


def _appended(known: Any, image_id: int, features: AffineFeatures) -> _Picture:
    """Add the features behind the picture's own."""
    own = known.read_keypoints(image_id)
    added = np.zeros((len(features.points), own.shape[1]), np.float32)
    added[:, :2] = features.points
    known.update_keypoints(image_id, np.vstack([own, added]))
    return _Picture(image_id, len(own))


def _matched(
    known: Any,
    pairs: Sequence[tuple[str, str]],
    pictures: dict[str, _Picture],
    alike: Iterable[Int64[np.ndarray, "_ 2"]],
    tell: Callable[[float], None],
) -> list[tuple[str, str]]:
    """Write old and new matches of each pair as matches to be verified; give the pairs that have any."""
    left = []
    for done, ((a, b), new) in enumerate(zip(pairs, alike, strict=True)):
        one, other = pictures[a], pictures[b]
        if add_matches(known, one.image_id, other.image_id, np.add(new, [one.first, other.first])):
            left.append((a, b))
        tell(done / len(pairs))
    return left
