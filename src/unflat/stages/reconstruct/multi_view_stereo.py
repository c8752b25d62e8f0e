"""Multi-view stereo: the surface that many photos with known cameras agree on, as a cloud of points with normals."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Literal, TypeVar

import cv2
import numpy as np
from jaxtyping import UInt8

from unflat.core import (
    Context,
    DepthMap,
    Drawing,
    InputError,
    PointCloud,
    RecipeError,
    Reconstruction,
    View,
    Views,
)
from unflat.core.context import SCRATCH
from unflat.geometry.depth_fusion import Agreement, DepthPicture, agreeing_counts, fused, outvoted
from unflat.geometry.object_cloud import object_in_cloud
from unflat.geometry.stereo_depth import (
    Effort,
    Planes,
    StereoPicture,
    StereoTask,
    agreeing_planes,
    photometric_planes,
    plane_normals,
)
from unflat.geometry.stereo_views import StereoView, nearest_points_depth, stereo_views
from unflat.geometry.undistortion import undistorted
from unflat.io.mapped import each_with_depth, let_go, mapped, open_mapped

_MOST_SOURCES = 8
_DEAREST = 0.7
"""Matches that cost more (one minus correlation) are not believed, whoever agrees."""
_SURE = 4
"""So many agreeing pictures make a depth as sure as it can be."""
_PAIR_NORMAL_DEG = 60.0
"""Normals that a single partner tells are rough: of two photos they may differ so much where depths agree."""
_SMOOTHEST = 1e-9
_FIRST_ROUND_END, _ROUNDS_END = 0.75, 0.9
"""Shares of the stage's time after which planes are found, and agree."""
_KEPT_PICTURES = 24
"""Pictures whose depth and normals are held at once: one and its partners, and those of its neighbours."""

_T = TypeVar("_T")


@dataclass(frozen=True)
class MultiViewStereo:
    """Depth of every photo by PatchMatch, kept where several photos agree, and joined into one cloud."""

    side_px: int = 1000
    """Longest side of the pictures that are matched; time grows with its square."""
    sources: int = 5
    """Other photos that each photo is compared with, at most 8."""
    passes: int = 1
    """Rounds in which the depth maps are made to agree with each other."""
    agree: int = 2
    """Other photos that must agree on a point."""
    keep: Literal["object", "all"] = "object"
    """What masks show, or else what stands on the ground where the cameras look; or everything."""

    def __post_init__(self) -> None:
        for name, low, high in (
            ("side_px", 160, 4096),
            ("sources", 1, _MOST_SOURCES),
            ("passes", 0, 4),
            ("agree", 1, 8),
        ):
            if not low <= getattr(self, name) <= high:
                raise RecipeError(f"multi-view-stereo.{name} can't be {getattr(self, name)}.", code="bad-option",
                                  hint=f"Give {low} to {high}.")  # fmt: skip

    def __call__(self, source: Views | Drawing, context: Context) -> Reconstruction:
        """The cloud, the views, and their undistorted copies with depth, normals and confidence.

        Raises `InputError`: ``no-camera``, ``no-depth``. Linear in photos, sources and
        pixels. Depth maps are kept in the run folder, so that a run that was stopped goes on.
        """
        views = _with_cameras(source)
        work = _Work(self, views, context)
        pictures = work.pictures()
        planes = work.planes(pictures)
        dense, cloud = work.joined(pictures, planes)
        crop = self.keep == "object" and not self._masks_decide(views)
        cloud, ground = _object_alone(cloud, views, context) if crop else (cloud, None)
        assert views.tracks is not None
        return Reconstruction(cloud, views, views.tracks.scale, dense=dense, ground=ground)

    def _masks_decide(self, views: Views) -> bool:
        """Whether what lies beside the masks can't have become points: too few photos without a mask to agree."""
        others = min(self.agree, len(views.items) - 1)
        return sum(view.mask is None for view in views.items) <= others


def _object_alone(
    cloud: PointCloud, views: Views, context: Context
) -> tuple[PointCloud, tuple[float, float, float, float] | None]:
    """The points of the object and around its foot, and the plane that cuts it off the ground."""
    cameras = tuple(view.camera for view in views.items if view.camera is not None)
    found = object_in_cloud(cloud.points, cameras, context.seed)
    if found is None:
        context.warn("No single object stands out of the photos: everything they show was kept.")
        return cloud, None
    assert cloud.normals is not None and cloud.colors is not None
    alone = PointCloud(cloud.points[found.kept], cloud.normals[found.kept], cloud.colors[found.kept])
    return alone, found.ground


def _with_cameras(source: Views | Drawing) -> Views:
    if isinstance(source, Drawing) or any(view.camera is None for view in source.items) or source.tracks is None:
        raise InputError(
            "Multi-view stereo needs photos whose cameras and common points are known.",
            code="no-camera",
            hint="Keep the pose stage in the recipe.",
        )
    return source


class _Work:
    """One run: where pieces are kept, how far it is."""

    def __init__(self, options: MultiViewStereo, views: Views, context: Context) -> None:
        self._options, self._views, self._context = options, views, context
        self._folder = context.workspace()
        assert views.tracks is not None
        cameras = tuple(view.camera for view in views.items if view.camera is not None)
        self._partners = stereo_views(cameras, views.tracks, options.sources)
        self._effort = Effort(seed=context.seed)
        if len(self._partners) < 2:
            raise InputError(
                "No two photos share enough points for stereo.",
                code="no-depth",
                hint="Take more photos, a hand's turn apart from each other.",
            )

    def pictures(self) -> dict[int, View]:
        """Undistorted, smaller views of all that have partners."""
        return {index: self._undistorted(index) for index in self._partners}

    def _undistorted(self, index: int) -> View:
        given = self._views.items[index]
        view = undistorted(given, self._options.side_px)
        let_go(*_arrays(given))
        path, mask_path = self._path("photo", index), self._path("mask", index)
        if path is None or mask_path is None:
            return view
        pixels = open_mapped(path) if path.exists() else mapped(path, view.photo.pixels)
        mask = view.mask
        if mask is not None:
            mask = replace(mask, alpha=open_mapped(mask_path) if mask_path.exists() else mapped(mask_path, mask.alpha))
            let_go(mask.alpha)
        return replace(view, photo=replace(view.photo, pixels=pixels), mask=mask)

    def planes(self, pictures: dict[int, View]) -> Mapping[int, Planes]:
        """The planes of all pictures, first by likeness alone, then in agreement with each other.

        Of the rounds in the run folder only the last one that is whole is needed; the files of those before it go.
        """
        rounds = ("first", *(f"agreed{number}" for number in range(self._options.passes)))
        whole = [number for number, name in enumerate(rounds) if all(self._is_stored(name, at) for at in pictures)]
        begin = max(whole, default=0)
        found: Mapping[int, Planes] = {}
        for number, name in enumerate(rounds[begin:], begin):
            context = self._context.part(*_share_of_round(number, len(rounds)))
            found = self._round(name, pictures, found, context)
            for before in rounds[:number]:
                self._forget(before, pictures)
        return found

    def _round(
        self, name: str, pictures: dict[int, View], before: Mapping[int, Planes], context: Context
    ) -> Mapping[int, Planes]:
        """The planes of all pictures in one round, from the planes of the one before where there was one."""
        held: dict[int, Planes] = {}
        for done, index in enumerate(pictures):
            if not self._is_stored(name, index):
                made = self._agreeing(index, pictures, before) if before else self._photometric(index, pictures)
                if not self._keep(name, index, made):
                    held[index] = made
            context.progress((done + 1) / len(pictures))
        return held or _MadeWhenAsked(pictures, partial(self._stored, name))

    def _photometric(self, index: int, pictures: dict[int, View]) -> Planes:
        task = self._task(index, pictures)
        tracks = self._views.tracks
        assert tracks is not None
        points = tracks.points[tracks.seen_by(index)]
        start = nearest_points_depth(task.picture.camera, points, *task.picture.grey.shape)
        return photometric_planes(task, start, self._effort)

    def _agreeing(self, index: int, pictures: dict[int, View], before: Mapping[int, Planes]) -> Planes:
        there = [other for other in self._partners[index].sources if other in pictures]
        depths = [before[other].inverse_depth for other in there]
        return agreeing_planes(self._task(index, pictures), before[index], depths, self._effort)

    def _task(self, index: int, pictures: dict[int, View]) -> StereoTask:
        partner = self._partners[index]
        sources = tuple(_stereo_picture(pictures[other]) for other in partner.sources if other in pictures)
        return StereoTask(_stereo_picture(pictures[index]), sources, (partner.least_inverse, partner.largest_inverse))

    def joined(self, pictures: dict[int, View], planes: Mapping[int, Planes]) -> tuple[Views, PointCloud]:
        """The views with depth, normals and confidence; and one cloud of all, without what they see through."""
        make = partial(_depth_picture, pictures, planes, self._partners)
        maps = _MadeWhenAsked(pictures, lru_cache(maxsize=_KEPT_PICTURES)(make))
        rule = Agreement(fewest=min(self._options.agree, len(pictures) - 1))
        if len(pictures) == 2:
            rule = replace(rule, normal_deg=_PAIR_NORMAL_DEG)
        dense = tuple(self._dense_view(index, pictures, maps, rule) for index in pictures)
        self._context.progress(0.95)
        cloud = fused(maps, _MadeWhenAsked(pictures, lambda index: _pixels(pictures[index])), rule)
        self._context.progress(0.98)
        kept = ~outvoted(cloud.points, cloud.normals, each_with_depth(dense))
        if not kept.any():
            raise InputError(
                "The photos do not agree on any surface.",
                code="no-depth",
                hint="Take sharper photos with more texture and smaller steps between them.",
            )
        self._context.progress(1.0)
        return Views(dense), PointCloud(cloud.points[kept], cloud.normals[kept], cloud.colors[kept])

    def _dense_view(
        self, index: int, pictures: dict[int, View], maps: Mapping[int, DepthPicture], rule: Agreement
    ) -> View:
        """The view with those depths that others agree with."""
        counts = agreeing_counts(index, maps, rule)
        agreed = counts >= rule.fewest
        depth = np.where(agreed, maps[index].depth, np.float32(np.nan))
        if not agreed.any():
            return pictures[index]
        sure = np.clip(counts / np.float32(_SURE), 0, 1) * agreed
        normals = np.where(agreed[..., None], maps[index].normals, np.float32(np.nan))
        kept = {"depth": depth, "confidence": sure.astype(np.float32), "normals": normals}
        for name, array in kept.items():
            path = self._path(name, index)
            kept[name] = array if path is None else mapped(path, array)
        known = DepthMap(kept["depth"], confidence=kept["confidence"])
        let_go(kept["depth"])
        return replace(pictures[index], depth=known, normals=kept["normals"])

    def _path(self, name: str, index: int) -> Path | None:
        return None if self._folder is None else self._folder / f"{name}-{index:04d}.npy"

    def _plane_paths(self, name: str, index: int) -> list[Path]:
        """Where the planes of a round lie: in files that go when the stage is done; nowhere without a run folder."""
        if self._folder is None:
            return []
        return [self._folder / SCRATCH / f"{name}-{part}-{index:04d}.npy" for part in ("planes", "cost", "seen")]

    def _is_stored(self, name: str, index: int) -> bool:
        paths = self._plane_paths(name, index)
        return bool(paths) and all(path.exists() for path in paths)

    def _stored(self, name: str, index: int) -> Planes:
        return Planes(*(open_mapped(path) for path in self._plane_paths(name, index)))

    def _keep(self, name: str, index: int, made: Planes) -> bool:
        """Write the planes of a round; whether there is a place for them."""
        paths = self._plane_paths(name, index)
        for path, array in zip(paths, (made.planes, made.cost, made.seen), strict=False):
            mapped(path, array)
        return bool(paths)

    def _forget(self, name: str, pictures: dict[int, View]) -> None:
        for index in pictures:
            for path in self._plane_paths(name, index):
                path.unlink(missing_ok=True)


class _MadeWhenAsked(Mapping[int, _T]):
    """Values by number, each made anew whenever it is asked for: all at once they would fill the memory."""

    def __init__(self, numbers: Iterable[int], make: Callable[[int], _T]) -> None:
        self._numbers, self._make = dict.fromkeys(numbers), make

    def __getitem__(self, number: int) -> _T:
        if number not in self._numbers:
            raise KeyError(number)
        return self._make(number)

    def __contains__(self, number: object) -> bool:
        return number in self._numbers

    def __iter__(self) -> Iterator[int]:
        return iter(self._numbers)

    def __len__(self) -> int:
        return len(self._numbers)


def _share_of_round(number: int, rounds: int) -> tuple[float, float]:
    """When a round begins and ends, in shares of the stage's time."""
    if number == 0:
        return 0.0, _ROUNDS_END if rounds == 1 else _FIRST_ROUND_END
    step = (_ROUNDS_END - _FIRST_ROUND_END) / (rounds - 1)
    return _FIRST_ROUND_END + step * (number - 1), _FIRST_ROUND_END + step * number


def _arrays(view: View) -> list[np.ndarray]:
    return [view.photo.pixels, *([] if view.mask is None else [view.mask.alpha])]


def _pixels(view: View) -> UInt8[np.ndarray, "h w 3"]:
    """A copy of the picture, whose file's pages are given back."""
    pixels = np.array(view.photo.pixels)
    let_go(view.photo.pixels)
    return pixels


def _stereo_picture(view: View) -> StereoPicture:
    assert view.camera is not None
    grey = cv2.cvtColor(_pixels(view), cv2.COLOR_RGB2GRAY).astype(np.float32) / 255
    return StereoPicture(grey, view.camera)


def _depth_picture(
    views: dict[int, View], planes: Mapping[int, Planes], partners: dict[int, StereoView], index: int
) -> DepthPicture:
    """Depth and normals of a picture, without what lies outside the object's mask, or costs too much to be believed."""
    view, found = views[index], planes[index]
    assert view.camera is not None
    inverse = found.inverse_depth
    known = (inverse > _SMOOTHEST) & (found.cost < _DEAREST)
    if view.mask is not None:
        known &= view.mask.solid
        let_go(view.mask.alpha)
    depth = np.where(known, 1 / np.maximum(inverse, _SMOOTHEST), np.nan).astype(np.float32)
    return DepthPicture(view.camera, depth, plane_normals(_stereo_picture(view), found), partners[index].sources)
