"""A second, wider look at pictures that hang by few matches: COLMAP's database with affine matches added."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import combinations
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pycolmap

from unflat.io.atomic import write_atomically
from unflat.stages.pose.affine_features import AffineFeatures, affine_features, affine_matches, log10_false_alarms
from unflat.stages.pose.colmap_job import AFFINE, AFFINE_DATABASE, DATABASE, MASKS, PICTURES, ColmapJob

_PAIRS_AT_ONCE = 16
_KEPT_PICTURES = 64
"""Pictures whose features are held at once, 3 MB each."""
_TRIALS = 3000
_FALSE_ALARMS = -2.0
"""Logarithm: one in a hundred runs finds a pair as good by chance."""


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
    begun = database.with_suffix(".begun")
    shutil.copyfile(folder / DATABASE, begun)
    _find_features(folder, job, threads, lambda share: tell(0.4 * share))
    features = lru_cache(maxsize=_KEPT_PICTURES)(partial(_features_of, folder))
    with pycolmap.Database.open(begun) as known:
        ids = {image.name: image.image_id for image in known.read_all_images()}
        pictures = {name: _appended(known, ids[name], features(name)) for name in job.order}
        pairs = [pair for pair in combinations(job.order, 2) if pair[0] in weak or pair[1] in weak]
        pairs = _matched(known, pairs, pictures, features, lambda share: tell(0.4 + 0.4 * share))
    _verified(begun, pairs, job, lambda share: tell(0.8 + 0.2 * share))
    _without_accidents(begun, pairs, ids)
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
    features: Callable[[str], AffineFeatures],
    tell: Callable[[float], None],
) -> list[tuple[str, str]]:
    """Write old and new matches of each pair as matches to be verified; give the pairs that have any."""
    left = []
    for done, (a, b) in enumerate(pairs):
        one, other = pictures[a], pictures[b]
        matches = np.add(affine_matches(features(a), features(b)), [one.first, other.first])
        if known.exists_matches(one.image_id, other.image_id):
            matches = np.vstack([known.read_matches(one.image_id, other.image_id), matches])
            known.delete_matches(one.image_id, other.image_id)
        if known.exists_two_view_geometry(one.image_id, other.image_id):
            known.delete_two_view_geometry(one.image_id, other.image_id)
        if len(matches):
            known.write_matches(one.image_id, other.image_id, matches.astype(np.uint32))
            left.append((a, b))
        tell(done / len(pairs))
    return left


def _verified(database: Path, pairs: Sequence[tuple[str, str]], job: ColmapJob, tell: Callable[[float], None]) -> None:
    options = _verification(job)
    listed = database.with_name("affine-pairs.txt")
    for done, some in _batches(pairs):
        listed.write_text("".join(f"{a} {b}\n" for a, b in some), "utf-8")
        pycolmap.verify_matches(database, listed, options)
        tell(done / len(pairs))


def _verification(job: ColmapJob) -> Any:
    options = pycolmap.TwoViewGeometryOptions()
    options.ransac.random_seed, options.ransac.max_num_trials = job.seed, _TRIALS
    return options


def _without_accidents(database: Path, pairs: Sequence[tuple[str, str]], ids: dict[str, int]) -> None:
    """Many matches of which few agree are agreed upon by chance: such pairs would tear a model apart."""
    error_px = pycolmap.TwoViewGeometryOptions().ransac.max_error
    with pycolmap.Database.open(database) as known:
        camera_of = {image.image_id: image.camera_id for image in known.read_all_images()}
        for a, b in pairs:
            if not known.exists_two_view_geometry(ids[a], ids[b]):
                continue
            inliers = len(known.read_two_view_geometry(ids[a], ids[b]).inlier_matches)
            matches = len(known.read_matches(ids[a], ids[b]))
            camera = known.read_camera(camera_of[ids[b]])
            if log10_false_alarms(matches, inliers, (camera.width, camera.height), error_px) > _FALSE_ALARMS:
                known.delete_two_view_geometry(ids[a], ids[b])


def _batches(pairs: Sequence[tuple[str, str]]) -> Iterator[tuple[int, Sequence[tuple[str, str]]]]:
    for start in range(0, len(pairs), _PAIRS_AT_ONCE):
        yield start, pairs[start : start + _PAIRS_AT_ONCE]
