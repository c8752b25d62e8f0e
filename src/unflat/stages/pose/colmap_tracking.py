"""A third look at pictures that hang by few matches: with a first model there is rough depth, and depth leads far.

A draft of multi-view stereo gives every placed picture its depth; points are then tracked from picture to picture over
the surface (see `depth_tracking`), which ties pictures 60 degrees apart by hundreds of points where features, even of
simulated tilts, find dozens. The matches go to the database like any others, are verified, and mapping begins again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pycolmap
from jaxtyping import Float32, Int64

from unflat.core import Camera, Mask, Photo, Tracks, View
from unflat.geometry.cameras import pixel_rays, project
from unflat.geometry.depth_tracking import DepthView, found_again, shared_share, some_points
from unflat.geometry.stereo_depth import StereoPicture, StereoTask, photometric_planes
from unflat.geometry.stereo_views import StereoView, nearest_points_depth, stereo_views
from unflat.geometry.undistortion import undistorted
from unflat.stages.pose.colmap_job import MASKS, PICTURES, ColmapJob
from unflat.stages.pose.colmap_model import FoundModel, found_in
from unflat.stages.pose.colmap_verifying import add_matches, fresh_copy, verify

_SIDE_PX = 800
_SOURCES = 4
_DEAREST = 0.5
"""Depth that costs more (one minus correlation) leads nowhere."""
_MEDIAN_PX = 5
_LEAST_SHARED, _MOST_PARTNERS = 0.08, 12
"""Share of a picture's depth that another one must see to be tracked into, and so many of them, best first."""
_CELL_SHARE = 0.02
"""One point a cell of this share of the longest side is tracked: hundreds tie two pictures, thousands take time."""
_AT_ONCE = 8
"""Pairs that are tracked side by side at most, 80 MB each."""
_DRAFTING, _TRACKING = 0.45, 0.85
"""Of the time; verification takes the rest."""


def with_tracked_matches(
    before: Path, model: Any, job: ColmapJob, threads: int, tell: Callable[[float], None]
) -> Path | None:
    """A copy of the database `before` in which placed pictures are tied by points tracked over the surface; None where
    nothing could be tracked.

    Begins anew after a run that was stopped. A core-second and a half a picture and a third of one a pair, of which a
    picture has up to twelve.
    """
    database = before.with_name(f"tracked-{before.name}")
    begun = fresh_copy(before, database.with_suffix(".begun"))
    found = found_in(model)
    views = _drafts(before.parent, found, job, lambda share: tell(_DRAFTING * share))
    pairs = _pairs(views)
    with pycolmap.Database.open(begun) as known:
        asked = _asked_for(known, job.order, found.pictures)
        pictures = [_Picture(known, name, found.camera(row), asked[name]) for row, name in enumerate(found.pictures)]
        matches = _tracked(pictures, views, pairs, threads,
                           lambda share: tell(_DRAFTING + (_TRACKING - _DRAFTING) * share))  # fmt: skip
        for picture in pictures:
            picture.write(known)
        for (a, b), added in matches.items():
            add_matches(known, pictures[a].image_id, pictures[b].image_id, added)
    names = [(found.pictures[a], found.pictures[b]) for a, b in matches]
    if not names:
        return None
    verify(begun, names, job, lambda share: tell(_TRACKING + (1 - _TRACKING) * share))
    begun.replace(database)
    return database


class _Picture:
    """A placed picture's points in the database, and those that are added to it."""

    def __init__(self, known: Any, name: str, camera: Camera, asked: set[int]) -> None:
        self.image_id = known.read_image_with_name(name).image_id
        self.camera = camera
        self._own = known.read_keypoints(self.image_id)
        self._added: list[Float32[np.ndarray, "_ 2"]] = []
        self.anchors = np.union1d(_one_a_cell(self._own[:, :2], camera), np.array(sorted(asked), np.int64))

    def at_anchors(self, pinhole: Camera) -> Float32[np.ndarray, "n 2"]:
        """Pixels of the undistorted picture where the anchors are."""
        return _carried(self._own[self.anchors, :2], self.camera, pinhole)

    def append(self, places: Float32[np.ndarray, "k 2"], pinhole: Camera) -> Int64[np.ndarray, "k"]:
        """Add pixels of the undistorted picture as points; gives their numbers."""
        first = len(self._own) + sum(len(part) for part in self._added)
        self._added.append(_carried(places, pinhole, self.camera))
        return np.arange(first, first + len(places))

    def write(self, known: Any) -> None:
        """Put the added points into the database, behind the picture's own."""
        added = np.zeros((sum(len(part) for part in self._added), self._own.shape[1]), np.float32)
        if len(added):
            added[:, :2] = np.concatenate(self._added)
        known.update_keypoints(self.image_id, np.vstack([self._own, added]))


def _asked_for(known: Any, names: Sequence[str], placed: Sequence[str]) -> dict[str, set[int]]:
    """Points of placed pictures that match ones that are not placed: tracked, they tell where those stand."""
    ids = {name: known.read_image_with_name(name).image_id for name in names}
    asked: dict[str, set[int]] = {name: set() for name in placed}
    for one in placed:
        for other in set(names) - set(placed):
            if known.exists_two_view_geometry(ids[one], ids[other]):
                geometry = known.read_two_view_geometry(ids[one], ids[other])
                asked[one].update(np.asarray(geometry.inlier_matches)[:, 0].tolist())
    return asked


def _carried(pixels: Float32[np.ndarray, "n 2"], here: Camera, there: Camera) -> Float32[np.ndarray, "n 2"]:
    """Pixels of one camera in another one at the same place."""
    origins, directions = pixel_rays(here, pixels.astype(np.float64))
    return project(there, origins + directions)[0].astype(np.float32)


def _one_a_cell(points: Float32[np.ndarray, "n 2"], camera: Camera) -> Int64[np.ndarray, "m"]:
    cells = np.floor(points / (_CELL_SHARE * max(camera.width_px, camera.height_px))).astype(np.int64)
    return np.sort(np.unique(cells, axis=0, return_index=True)[1])


def _drafts(folder: Path, found: FoundModel, job: ColmapJob, tell: Callable[[float], None]) -> list[DepthView]:
    """Every placed picture with rough depth; none where it has no partners."""
    views = [_view(folder, name, found.camera(row), job) for row, name in enumerate(found.pictures)]
    tracks = found.tracks({name: row for row, name in enumerate(found.pictures)})
    cameras = tuple(found.camera(row) for row in range(len(views)))
    partners = stereo_views(cameras, tracks, _SOURCES)
    drafts = []
    for index, (picture, mask) in enumerate(views):
        depth = np.full(picture.grey.shape, np.nan, np.float32)
        if index in partners:
            depth = _depth(index, [view for view, _ in views], partners[index], tracks, job.seed)
            depth[~mask] = np.nan
        drafts.append(DepthView(picture.grey, picture.camera, depth))
        tell((index + 1) / len(views))
    return drafts


def _view(folder: Path, name: str, camera: Camera, job: ColmapJob) -> tuple[StereoPicture, np.ndarray]:
    """The undistorted grey picture, and where its mask lets features be."""
    pixels = np.asarray(cv2.imread(str(folder / PICTURES / name)))[..., ::-1]
    white = cv2.imread(str(folder / MASKS / f"{name}.png"), cv2.IMREAD_GRAYSCALE) if job.masked else None
    alpha = None if white is None or not white.any() else white.astype(np.float32) / np.float32(255)
    mask = None if alpha is None else Mask(alpha, "given")
    view = undistorted(View(Photo(np.ascontiguousarray(pixels), name=name), mask, camera), _SIDE_PX)
    assert view.camera is not None
    grey = cv2.cvtColor(np.ascontiguousarray(view.photo.pixels), cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    nowhere_or_everywhere = np.full(grey.shape, not job.masked)
    return StereoPicture(grey, view.camera), nowhere_or_everywhere if view.mask is None else view.mask.solid


def _depth(
    index: int, pictures: Sequence[StereoPicture], partner: StereoView, tracks: Tracks, seed: int
) -> Float32[np.ndarray, "h w"]:
    """Rough depth of a picture, without specks; NaN where unknown."""
    here = pictures[index]
    bounds = (partner.least_inverse, partner.largest_inverse)
    task = StereoTask(here, tuple(pictures[other] for other in partner.sources), bounds)
    start = nearest_points_depth(here.camera, tracks.points[tracks.seen_by(index)], *here.grey.shape)
    planes = photometric_planes(task, start)
    inverse = np.where(planes.cost < _DEAREST, planes.inverse_depth, np.float32(0))
    smooth = cv2.medianBlur(inverse.astype(np.float32), _MEDIAN_PX)
    return np.where(smooth > 0, 1 / np.maximum(smooth, 1e-12), np.nan).astype(np.float32)


def _pairs(views: Sequence[DepthView]) -> list[tuple[int, int]]:
    """From which picture into which other ones."""
    pairs = []
    for one, here in enumerate(views):
        points = some_points(here)
        shares = {other: shared_share(here, points, there) for other, there in enumerate(views) if other != one}
        best = sorted(shares, key=lambda other: -shares[other])[:_MOST_PARTNERS]
        pairs += [(one, other) for other in best if shares[other] > _LEAST_SHARED]
    return pairs


def _tracked(
    pictures: Sequence[_Picture], views: Sequence[DepthView], pairs: Sequence[tuple[int, int]], threads: int,
    tell: Callable[[float], None],
) -> dict[tuple[int, int], Int64[np.ndarray, "m 2"]]:  # fmt: skip
    """Matches of every pair of pictures that share points, the smaller number first."""
    starts = [picture.at_anchors(view.camera) for picture, view in zip(pictures, views, strict=True)]

    def one(pair: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        return found_again(views[pair[0]], views[pair[1]], starts[pair[0]])

    matches: dict[tuple[int, int], list[np.ndarray]] = {}
    with ThreadPoolExecutor(min(max(threads, 1), _AT_ONCE)) as workers:
        for done, ((a, b), (which, places)) in enumerate(zip(pairs, workers.map(one, pairs), strict=True)):
            tell((done + 1) / len(pairs))
            if len(which) == 0:
                continue
            added = pictures[b].append(places, views[b].camera)
            both = np.column_stack([pictures[a].anchors[which], added])
            matches.setdefault((min(a, b), max(a, b)), []).append(both if a < b else both[:, ::-1])
    return {pair: np.concatenate(parts).astype(np.int64) for pair, parts in matches.items()}
