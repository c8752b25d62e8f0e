"""Structure from motion: cameras of loose photos from points that they share, by COLMAP."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, get_args

import cv2
import numpy as np

from unflat.core import Context, InputError, Photo, RecipeError, Scale, StageFailed, View, Views
from unflat.core.device import cores
from unflat.geometry.known_lengths import parse_known_length
from unflat.geometry.lengths import parse_length_m
from unflat.geometry.markers import COMMON_KINDS, MARKER_KINDS
from unflat.geometry.scene_frame import upright_frame
from unflat.io.atomic import write_atomically
from unflat.io.mapped import let_go
from unflat.stages.pose.colmap_job import ANSWER, LOG, MASKS, MODEL, PICTURES, ColmapAnswer, ColmapJob, Lens
from unflat.stages.pose.colmap_model import FoundModel
from unflat.stages.pose.doubts import left_out_warnings, lens_warnings, refuse_unplaceable, without_twins
from unflat.stages.pose.panoramas import without_panoramas
from unflat.stages.pose.true_scale import ScaleClues, moved, refuse_unmarkable, truly_scaled

_FEWEST = 2
_EXHAUSTIVE_UP_TO = 50
"""Photos up to which all pairs are compared; beyond, those that look alike."""
_FINE_FROM_PX = 1200
"""Photos from this size on have features enough at their own size; smaller ones are doubled first."""
_JPEG_QUALITY = 97
_POSE_SHARE = 0.95
"""Of the time, the rest is for the scale."""

MarkerChoice = Literal[
    "auto", "apriltag-36h11", "apriltag-25h9", "apriltag-16h5", "aruco-4x4", "aruco-5x5", "aruco-6x6", "aruco-7x7",
    "aruco-original",
]  # fmt: skip
"""Families of markers; auto looks for the common ones."""


@dataclass(frozen=True)
class StructureFromMotion:
    """Finds the cameras of loose photos, and the lens where it is not known."""

    side_px: int = 1600
    """Longest side at which features are looked for; larger is more exact and slower."""
    features: int = 8192
    """Most features of a photo."""
    matching: Literal["auto", "exhaustive", "sequential", "retrieval"] = "auto"
    """Which photos are compared: all; those near in order (a video); those that look alike; auto by their number."""
    marker: str | None = None
    """Side of the black squares of markers in the scene, with its unit, such as 50mm; makes it true to scale."""
    marker_dictionary: MarkerChoice = "auto"
    """Family of the markers; auto looks for the common ones."""
    lengths: tuple[str, ...] = ()
    """Known lengths: “12cm = IMG_1.jpg 812,400 1510,420; IMG_2.jpg 640,380 1402,410”, the ends in the file's pixels."""
    gps: bool = True
    """Whether GPS in the photos may tell the scale and north, where nothing better does."""

    def __post_init__(self) -> None:
        if not 320 <= self.side_px <= 8192:
            raise RecipeError(f"pose.side_px can't be {self.side_px}.", code="bad-option", hint="Give 320 to 8192.")
        if not 256 <= self.features <= 65536:
            raise RecipeError(f"pose.features can't be {self.features}.", code="bad-option", hint="Give 256 to 65536.")
        if self.matching not in ("auto", "exhaustive", "sequential", "retrieval"):
            raise RecipeError(f"pose.matching can't be “{self.matching}”.", code="bad-option",
                              hint="Give auto, exhaustive, sequential or retrieval.")  # fmt: skip
        self._clues()

    def __call__(self, source: Views, context: Context) -> Views:
        """The views that could be placed, upright, with their tracks; cameras that are known are scaled at most.

        Where a view has a mask, only what lies on it is looked at: the object may turn before a room that stands still.

        Raises `InputError`: ``too-few-views``, ``photos-identical``, ``panoramas``, ``photos-without-detail``,
        ``photos-do-not-overlap``, ``photos-contradict``, ``no-parallax``, ``no-such-photo``, ``point-outside``. About
        3 CPU-seconds a photo of 1600 pixels and 0.3 a pair of photos; 10 to 15 more a photo where photos hang by few
        points and are looked at more closely, half a second more where markers are looked for.
        """
        clues = self._clues()
        refuse_unmarkable(clues.lengths, source)
        source = without_panoramas(without_twins(source, context.warn), context.warn)
        if len(source.items) < _FEWEST:
            raise InputError(
                f"Photogrammetry needs at least {_FEWEST} photos of the object, found {len(source.items)}.",
                code="too-few-views",
                hint="Give more photos from around it; for a single photo leave out --together.",
            )
        with _folder(context) as folder:
            names = _write_pictures(source, folder / PICTURES, self.side_px)
            _write_masks(source, names, folder / MASKS, self.side_px)
            answer = self._run(source, names, folder, context.part(0.0, _POSE_SHARE))
            refuse_unplaceable(answer, dict(zip(names, source.names, strict=True)), masked=_any_masked(source))
            placed = _read_model(folder, source, names)
        known = _all_known(source)
        for warning in (*left_out_warnings(answer, source, placed, names), *(() if known else lens_warnings(placed))):
            context.warn(warning)
        upright = _upright(placed, keep=known, seed=context.seed)
        return truly_scaled(upright, clues, context.part(_POSE_SHARE, 1.0), keep_frame=known)

    def _clues(self) -> ScaleClues:
        """What may tell the scale. Raises `RecipeError`: ``bad-option``, ``bad-length``, ``bad-known-length``."""
        if self.marker_dictionary not in get_args(MarkerChoice):
            raise RecipeError(f"pose.marker_dictionary can't be “{self.marker_dictionary}”.", code="bad-option",
                              hint=f"Give auto, {', '.join(MARKER_KINDS)}.")  # fmt: skip
        return ScaleClues(
            None if self.marker is None else parse_length_m(self.marker),
            COMMON_KINDS if self.marker_dictionary == "auto" else (self.marker_dictionary,),
            tuple(parse_known_length(text) for text in self.lengths),
            self.gps,
        )

    def _run(self, source: Views, names: tuple[str, ...], folder: Path, context: Context) -> ColmapAnswer:
        if (folder / ANSWER).exists():
            return ColmapAnswer.read(folder)
        known = _all_known(source)
        count = len(names)
        matching = self.matching
        if matching == "auto":
            matching = "exhaustive" if count <= _EXHAUSTIVE_UP_TO else "retrieval"
        side = max(max(view.photo.width, view.photo.height) for view in source.items)
        finest = 0 if min(side, self.side_px) >= _FINE_FROM_PX else -1
        lenses = _lenses(source, names, self.side_px)
        masked = _any_masked(source)
        ColmapJob(lenses, matching, names, self.features, finest, context.seed, known, masked).write(folder)
        if known:
            _write_known(source, names, folder, self.side_px)
        _run_worker(folder, context.progress)
        return ColmapAnswer.read(folder)


def _all_known(source: Views) -> bool:
    return all(view.camera is not None for view in source.items)


@contextmanager
def _folder(context: Context) -> Iterator[Path]:
    """Where COLMAP works: kept for the next time, or gone in the end."""
    kept = context.workspace()
    if kept is not None:
        yield kept
        return
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def _scaled_size(view: View, side_px: int) -> tuple[int, int]:
    scale = min(side_px / max(view.photo.width, view.photo.height), 1.0)
    return max(round(view.photo.width * scale), 1), max(round(view.photo.height * scale), 1)


def _write_pictures(source: Views, folder: Path, side_px: int) -> tuple[str, ...]:
    """The photos as COLMAP reads them; gives their names there. Those that are there already stay."""
    names = []
    for index, view in enumerate(source.items):
        name = f"{index:05d}.jpg"
        names.append(name)
        if (folder / name).exists():
            continue
        picture = cv2.resize(view.photo.pixels, _scaled_size(view, side_px), interpolation=cv2.INTER_AREA)
        coded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1]
        write_atomically(folder / name, coded.tobytes())
        let_go(view.photo.pixels)
    return tuple(names)


def _any_masked(source: Views) -> bool:
    return any(view.mask is not None for view in source.items)


def _write_masks(source: Views, names: tuple[str, ...], folder: Path, side_px: int) -> None:
    """The views' masks, if there are any, as COLMAP reads them: white where features may be."""
    for name, view in zip(names, source.items, strict=True):
        path = folder / f"{name}.png"
        if path.exists() or not _any_masked(source):
            continue
        width, height = _scaled_size(view, side_px)
        white = np.ones((height, width), np.bool_)  # COLMAP passes over a picture without a mask of its own
        if view.mask is not None:
            white = cv2.resize(view.mask.alpha, (width, height), interpolation=cv2.INTER_AREA) > 0.5
            let_go(view.mask.alpha)
        write_atomically(path, cv2.imencode(".png", np.where(white, np.uint8(255), np.uint8(0)))[1].tobytes())


def _lenses(source: Views, names: tuple[str, ...], side_px: int) -> tuple[Lens, ...]:
    """Photos of the same size and focal length share a lens; one for each picture where all cameras are known."""
    groups: dict[Any, list[int]] = {}
    for index, view in enumerate(source.items):
        focal = None if view.photo.focal_px is None else round(view.photo.focal_px, 1)
        key = index if _all_known(source) else (view.photo.width, view.photo.height, focal)
        groups.setdefault(key, []).append(index)
    lenses = []
    for members in groups.values():
        view = source.items[members[0]]
        width, height = _scaled_size(view, side_px)
        focal = None if view.photo.focal_px is None else view.photo.focal_px * width / view.photo.width
        lenses.append(Lens(width, height, focal, tuple(names[index] for index in members)))
    return tuple(lenses)


def _run_worker(folder: Path, progress: Callable[[float], None]) -> None:
    """Run COLMAP in a process of its own; ends it where `progress` raises."""
    command = [sys.executable, "-m", "unflat.stages.pose.colmap_worker", str(folder), str(cores())]
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive", "GLOG_minloglevel": "3"}
    with (
        (folder / LOG).open("wb") as log,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, env=environment, text=True) as process,
    ):
        assert process.stdout is not None
        try:
            for line in process.stdout:
                try:
                    progress(float(line))
                except ValueError:
                    continue
            status = process.wait()
        except BaseException:
            process.kill()
            process.wait()
            raise
    if status != 0 or not (folder / ANSWER).exists():
        said = (folder / LOG).read_text("utf-8", "replace").strip().splitlines()
        raise StageFailed(
            f"COLMAP ended with status {status}: {said[-1] if said else 'it said nothing'}.",
            code="colmap-failed",
            hint="Run it again; leave out odd photos; report it with the photos if it stays.",
        )


def _read_model(folder: Path, source: Views, names: tuple[str, ...]) -> Views:
    """The placed views, in order, with cameras of their photos' size; cameras that were known stay."""
    found = FoundModel.read(folder)
    row_of = {name: row for row, name in enumerate(found.pictures)}
    items: list[View] = []
    view_of: dict[str, int] = {}
    for name, view in zip(names, source.items, strict=True):
        if name not in row_of:
            continue
        camera = view.camera or found.camera(row_of[name])
        view_of[name] = len(items)
        items.append(replace(view, camera=camera.resized(view.photo.width, view.photo.height)))
    return Views(tuple(items), found.tracks(view_of))


def _write_known(source: Views, names: tuple[str, ...], folder: Path, side_px: int) -> None:
    """The known cameras as a model without points, for COLMAP to triangulate in."""
    from unflat.io.colmap_write import write_colmap

    items = []
    for name, view in zip(names, source.items, strict=True):
        assert view.camera is not None
        width, height = _scaled_size(view, side_px)
        nothing = np.broadcast_to(np.uint8(0), (height, width, 3))  # only the size of the picture counts
        items.append(View(Photo(nothing, name=name), camera=view.camera.resized(width, height)))
    write_colmap(Views(tuple(items)), folder / MODEL)


def _upright(placed: Views, *, keep: bool, seed: int) -> Views:
    """The views in an upright world of about unit size; known cameras stay where they are."""
    if keep:
        return placed
    cameras = tuple(view.camera for view in placed.items if view.camera is not None)
    assert placed.tracks is not None
    frame = upright_frame(cameras, placed.tracks.points, keep_scale=False, seed=seed)
    return moved(placed, frame.similarity, Scale.UP_TO_SCALE)
