"""A folder that COLMAP's dense steps run on: undistorted pictures, model, depth and normal maps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np
from jaxtyping import Bool, Float64, Int64

from unflat.core.camera import Camera
from unflat.core.errors import InputError
from unflat.core.tracks import Tracks
from unflat.core.view import View, Views
from unflat.geometry.cameras import project, unproject
from unflat.io.atomic import write_atomically
from unflat.io.colmap_maps import write_colmap_depth, write_colmap_normals
from unflat.io.colmap_write import write_colmap
from unflat.io.movie import write_png

_SAMPLES_PER_SIDE = 24
"""Depths that become points of the sparse model, along the longer side: COLMAP pairs views by the points they share."""
_SAME_DEPTH = 0.02
"""Two views see the same point where their depths differ by less than this share."""
_SOURCES_PER_VIEW = 20
_DENSE_CENTER_PX = 0.5
"""COLMAP's dense steps take whole numbers for the centres of pixels, other than its sparse ones (its issue 1515): with
the principal point moved by this, the points come out where they are, else half a pixel off."""


def write_colmap_workspace(views: Views, folder: str | Path) -> Path:
    """Write undistorted views with depth and normals so that COLMAP's stereo fusion runs on them. Gives the folder.

    ``images/`` holds the pictures as PNG under their own names with that ending, ``sparse/`` the model, ``stereo/``
    the maps as those of COLMAP's geometric patch match, ``patch-match.cfg`` and ``fusion.cfg``. The sparse points are
    those of ``views.tracks``, else some of the depths, with the views that agree on them. The model's principal
    points are half a pixel less than the views', as the dense steps want it: for other uses, write `write_colmap`'s.

    Raises `InputError` with code ``no-camera``, ``no-depth`` (a view without depth or normals),
    ``unsupported-camera`` (distorted or orthographic) or ``bad-cameras`` (two photos of one name), `SetupError` as
    the disk does.
    """
    folder = Path(folder)
    named = [_named(view) for view in views.items]
    tracks = views.tracks or tracks_of_depths(named)
    write_colmap(Views(tuple(_for_dense(view) for view in named), tracks), folder / "sparse")
    stereo = folder / "stereo"
    for view in named:
        camera, depth, normals = _known(view)
        write_png(view.photo.pixels, folder / "images" / view.photo.name)
        write_colmap_depth(depth, stereo / "depth_maps" / f"{view.photo.name}.geometric.bin")
        write_colmap_normals(normals, camera, stereo / "normal_maps" / f"{view.photo.name}.geometric.bin")
    (stereo / "consistency_graphs").mkdir(exist_ok=True)
    names = [view.photo.name for view in named]
    write_atomically(stereo / "fusion.cfg", "".join(f"{name}\n" for name in names).encode())
    pairs = "".join(f"{name}\n__auto__, {_SOURCES_PER_VIEW}\n" for name in names)
    write_atomically(stereo / "patch-match.cfg", pairs.encode())
    return folder


def tracks_of_depths(views: list[View]) -> Tracks:
    """Some points of the depth maps, each with the views that have about the same depth there.

    Raises `InputError` with code ``no-camera`` or ``no-depth``.
    """
    points, colors, seen = [], [], []
    for idx, view in enumerate(views):
        camera, depth, _ = _known(view)
        rows, columns = _grid(depth)
        pixels = np.column_stack([columns + 0.5, rows + 0.5])
        found = unproject(camera, pixels, depth[rows, columns].astype(np.float64))
        points.append(found)
        colors.append(view.photo.pixels[rows, columns])
        agreeing = [_agrees(other, found) for other in views]
        agreeing[idx] = np.ones(len(found), bool)  # rounding must not lose the view that the points are from
        seen.append(np.stack(agreeing, axis=1))
    point_idx, view_idx = np.nonzero(np.concatenate(seen))
    positions = np.concatenate(points).astype(np.float32)
    errors = np.zeros(len(positions), np.float32)
    return Tracks(positions, np.concatenate(colors), errors, point_idx.astype(np.int32), view_idx.astype(np.int32))


def _named(view: View) -> View:
    """The view under the name of its PNG. A folder in the name stays, but none that leads elsewhere."""
    parts = [part for part in PurePosixPath(view.photo.name.replace("\\", "/")).parts if part not in ("/", "..")]
    name = PurePosixPath(*parts).with_suffix(".png").as_posix() if parts else ""
    camera, _, _ = _known(view)
    if camera.projection != "perspective" or any(camera.distortion):
        raise InputError(
            f"The camera of “{view.photo.name}” is distorted or orthographic, which dense stereo can't use.",
            code="unsupported-camera",
            hint="Undistort the views first.",
        )
    return replace(view, photo=replace(view.photo, name=name or "photo.png"))


def _for_dense(view: View) -> View:
    camera, _, _ = _known(view)
    return replace(view, camera=replace(camera, cx=camera.cx - _DENSE_CENTER_PX, cy=camera.cy - _DENSE_CENTER_PX))


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
