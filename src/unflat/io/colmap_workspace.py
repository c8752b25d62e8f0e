"""A folder that COLMAP's dense steps run on: undistorted pictures, model, depth and normal maps."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
from jaxtyping import Bool, Float64, Int64, UInt8

from unflat.core.camera import Camera
from unflat.core.errors import InputError
from unflat.core.photo import Photo
from unflat.core.tracks import Tracks
from unflat.core.view import View, Views
from unflat.geometry.cameras import project, unproject
from unflat.io.atomic import write_atomically
from unflat.io.colmap_maps import write_colmap_depth, write_colmap_normals
from unflat.io.colmap_write import write_colmap
from unflat.io.mapped import let_go
from unflat.io.movie import write_png

_SAMPLES_PER_SIDE = 24
"""Depths that become points of the sparse model, along the longer side: COLMAP pairs views by the points they share."""
_MOST_POINTS = 20_000
"""Of all views together: each is seen by many of them, so that observations grow with the square of the photos."""
_SAME_DEPTH = 0.02
"""Two views see the same point where their depths differ by less than this share."""
_SOURCES_PER_VIEW = 20
_DENSE_CENTER_PX = 0.5
"""COLMAP's dense steps take whole numbers for the centres of pixels, other than its sparse ones (its issue 1515): with
the principal point moved by this, the points come out where they are, else half a pixel off."""


@dataclass(frozen=True, eq=False)
class _Sketch:
    """What the model needs of a view, without its maps."""

    name: str
    camera: Camera
    points: Float64[np.ndarray, "n 3"]
    """Of some of its depths, in the world."""
    colors: UInt8[np.ndarray, "n 3"]


def write_colmap_workspace(views: Collection[View], folder: str | Path, tracks: Tracks | None = None) -> Path:
    """Write undistorted views with depth and normals so that COLMAP's stereo fusion runs on them. Gives the folder.

    ``images/`` holds the pictures as PNG under their own names with that ending, ``sparse/`` the model, ``stereo/``
    the maps as those of COLMAP's geometric patch match, ``patch-match.cfg`` and ``fusion.cfg``. The sparse points are
    those of `tracks`, else some of the depths, with the views that agree on them. The model's principal
    points are half a pixel less than the views', as the dense steps want it: for other uses, write `write_colmap`'s.

    The views are gone through three times and none is held, so that they may be made as they are asked for: hundreds
    do not fit into memory. Mapped maps are given back.

    Raises `InputError` with code ``no-camera``, ``no-depth`` (a view without depth or normals),
    ``unsupported-camera`` (distorted or orthographic) or ``bad-cameras`` (two photos of one name), `SetupError` as
    the disk does.
    """
    folder = Path(folder)
    sketches = [_sketch(view) for view in views]
    tracks = tracks or _tracks(sketches, views)
    write_colmap(Views(tuple(_for_dense(sketch) for sketch in sketches), tracks), folder / "sparse")
    stereo = folder / "stereo"
    for sketch, view in zip(sketches, views, strict=True):
        _, depth, normals = _known(view)
        write_png(view.photo.pixels, folder / "images" / sketch.name)
        write_colmap_depth(depth, stereo / "depth_maps" / f"{sketch.name}.geometric.bin")
        write_colmap_normals(normals, sketch.camera, stereo / "normal_maps" / f"{sketch.name}.geometric.bin")
        let_go(view.photo.pixels, depth, normals)
    (stereo / "consistency_graphs").mkdir(exist_ok=True)
    write_atomically(stereo / "fusion.cfg", "".join(f"{sketch.name}\n" for sketch in sketches).encode())
    pairs = "".join(f"{sketch.name}\n__auto__, {_SOURCES_PER_VIEW}\n" for sketch in sketches)
    write_atomically(stereo / "patch-match.cfg", pairs.encode())
    return folder


def tracks_of_depths(views: Collection[View]) -> Tracks:
    """Some points of the depth maps, each with the views that have about the same depth there.

    The views are gone through twice. Raises `InputError` with code ``no-camera`` or ``no-depth``.
    """
    return _tracks([_sketch(view) for view in views], views)


def _tracks(sketches: list[_Sketch], views: Collection[View]) -> Tracks:
    step = -(-sum(len(sketch.points) for sketch in sketches) // _MOST_POINTS) or 1
    points = np.concatenate([sketch.points[::step] for sketch in sketches])
    owner = np.repeat(np.arange(len(sketches)), [len(sketch.points[::step]) for sketch in sketches])
    seen = np.zeros((len(points), len(sketches)), np.bool_)
    for idx, view in enumerate(views):
        # rounding must not lose the view that the points are from
        seen[:, idx] = _agrees(view, points) | (owner == idx)
        let_go(_known(view)[1])
    point_idx, view_idx = np.nonzero(seen)
    colors = np.concatenate([sketch.colors[::step] for sketch in sketches])
    errors = np.zeros(len(points), np.float32)
    return Tracks(points.astype(np.float32), colors, errors, point_idx.astype(np.int32), view_idx.astype(np.int32))


def _sketch(view: View) -> _Sketch:
    """The view's camera, the name of its PNG, and some points. A folder in the name stays, but none that leads
    elsewhere."""
    camera, depth, _ = _known(view)
    parts = [part for part in PurePosixPath(view.photo.name.replace("\\", "/")).parts if part not in ("/", "..")]
    name = PurePosixPath(*parts).with_suffix(".png").as_posix() if parts else ""
    if camera.projection != "perspective" or any(camera.distortion):
        raise InputError(
            f"The camera of “{view.photo.name}” is distorted or orthographic, which dense stereo can't use.",
            code="unsupported-camera",
            hint="Undistort the views first.",
        )
    rows, columns = _grid(depth)
    pixels = np.column_stack([columns + 0.5, rows + 0.5])
    points = unproject(camera, pixels, depth[rows, columns].astype(np.float64))
    colors = np.asarray(view.photo.pixels[rows, columns])
    let_go(view.photo.pixels, depth)
    return _Sketch(name or "photo.png", camera, points, colors)


def _for_dense(sketch: _Sketch) -> View:
    """A view without pixels, as COLMAP's dense steps count them."""
    camera = replace(sketch.camera, cx=sketch.camera.cx - _DENSE_CENTER_PX, cy=sketch.camera.cy - _DENSE_CENTER_PX)
    nothing = np.broadcast_to(np.uint8(0), (camera.height_px, camera.width_px, 3))
    return View(Photo(nothing, name=sketch.name), camera=camera)


def _known(view: View) -> tuple[Camera, np.ndarray, np.ndarray]:
    if view.camera is None:
        raise InputError(
            f"“{view.photo.name}” has no camera.", code="no-camera", hint="Estimate the poses before writing them."
        )
    if view.depth is None or view.normals is None:
        raise InputError(
            f"“{view.photo.name}” has no depth or no normals, which COLMAP's fusion needs.",
            code="no-depth",
            hint="Compute depth and normals of each view first, or leave the view out.",
        )
    return view.camera, view.depth.depth, view.normals


def _grid(depth: np.ndarray) -> tuple[Int64[np.ndarray, "k"], Int64[np.ndarray, "k"]]:
    """Rows and columns of evenly spread pixels whose depth is known."""
    step = max(1, max(depth.shape) // _SAMPLES_PER_SIDE)
    rows, columns = (
        grid.ravel() for grid in np.mgrid[step // 2 : depth.shape[0] : step, step // 2 : depth.shape[1] : step]
    )
    known = np.isfinite(depth[rows, columns])
    return rows[known], columns[known]


def _agrees(view: View, points: Float64[np.ndarray, "n 3"]) -> Bool[np.ndarray, "n"]:
    """Where the view's depth is about that of the points."""
    camera, depth, _ = _known(view)
    pixels, distance = project(camera, points)
    size = [camera.width_px, camera.height_px]
    inside = np.asarray(np.logical_and(pixels >= 0, pixels < size).all(axis=1))
    column, row = np.where(inside[:, None], pixels, 0).astype(np.int64).T
    return np.asarray(inside & (np.abs(depth[row, column] / distance - 1) < _SAME_DEPTH))
