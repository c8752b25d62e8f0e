"""More matches for COLMAP's database, and which of its pairs to believe after verification."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pycolmap
from jaxtyping import Int64

from unflat.stages.pose.affine_features import log10_false_alarms
from unflat.stages.pose.colmap_job import ColmapJob

_PAIRS_AT_ONCE = 16
_TRIALS = 3000
_FALSE_ALARMS = -2.0
"""Logarithm: one in a hundred runs finds a pair as good by chance."""


def fresh_copy(database: Path, begun: Path) -> Path:
    """A copy to work on, without what a run that was killed may have left beside it: SQLite replays journals."""
    for end in ("", "-wal", "-shm", "-journal"):
        begun.with_name(begun.name + end).unlink(missing_ok=True)
    shutil.copyfile(database, begun)
    return begun


def add_matches(known: Any, one: int, other: int, matches: Int64[np.ndarray, "m 2"]) -> bool:
    """Put matches of two pictures behind those that the database has, to be verified; whether there are any now."""
    if known.exists_matches(one, other):
        matches = np.vstack([known.read_matches(one, other), matches])
        known.delete_matches(one, other)
    if known.exists_two_view_geometry(one, other):
        known.delete_two_view_geometry(one, other)
    if len(matches):
        known.write_matches(one, other, matches.astype(np.uint32))
    return len(matches) > 0


def verify(database: Path, pairs: Sequence[tuple[str, str]], job: ColmapJob, tell: Callable[[float], None]) -> None:
    """Find the geometry of each pair of pictures from its matches; pairs that chance explains as well are out."""
    options = pycolmap.TwoViewGeometryOptions()
    options.ransac.random_seed, options.ransac.max_num_trials = job.seed, _TRIALS
    listed = database.with_name("pairs-to-verify.txt")
    for done, some in _batches(pairs):
        listed.write_text("".join(f"{a} {b}\n" for a, b in some), "utf-8")
        pycolmap.verify_matches(database, listed, options)
        tell(done / len(pairs))
    _without_accidents(database, pairs)


def _without_accidents(database: Path, pairs: Sequence[tuple[str, str]]) -> None:
    """Many matches of which few agree are agreed upon by chance: such pairs would tear a model apart."""
    error_px = pycolmap.TwoViewGeometryOptions().ransac.max_error
    with pycolmap.Database.open(database) as known:
        images = {image.name: image for image in known.read_all_images()}
        for a, b in pairs:
            one, other = images[a].image_id, images[b].image_id
            if not known.exists_two_view_geometry(one, other):
                continue
            inliers = len(known.read_two_view_geometry(one, other).inlier_matches)
            matches = len(known.read_matches(one, other))
            camera = known.read_camera(images[b].camera_id)
            if log10_false_alarms(matches, inliers, (camera.width, camera.height), error_px) > _FALSE_ALARMS:
                known.delete_two_view_geometry(one, other)


def _batches(pairs: Sequence[tuple[str, str]]) -> Iterator[tuple[int, Sequence[tuple[str, str]]]]:
    for start in range(0, len(pairs), _PAIRS_AT_ONCE):
        yield start, pairs[start : start + _PAIRS_AT_ONCE]
