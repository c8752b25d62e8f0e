"""Views with poses as a COLMAP model, for COLMAP itself and for the programs that read its files."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Float64, Int64, UInt8, UInt32
from scipy.spatial.transform import Rotation

from unflat.core.camera import Camera
from unflat.core.errors import InputError
from unflat.core.shape import PointCloud
from unflat.core.tracks import Tracks
from unflat.core.view import Views
from unflat.geometry.cameras import project
from unflat.io.atomic import write_all_atomically
from unflat.io.colmap_model import MODELS, Lens

_POINT = np.dtype([("number", "<u8"), ("at", "<f8", 3), ("color", "u1", 3), ("error", "<f8"), ("length", "<u8")])
"""What points3D.bin holds of a point before its track."""
_POINTS_AT_ONCE = 1 << 16


@dataclass(frozen=True, eq=False)
class _Image:
    """One picture as COLMAP's files have it; numbers begin at 1."""

    number: int
    name: str
    camera: int
    pose: tuple[float, ...]
    """Camera from world: quaternion w x y z, translation."""
    keypoints: Float64[np.ndarray, "k 2"]
    point_numbers: Int64[np.ndarray, "k"]


@dataclass(frozen=True, eq=False)
class _Model:
    lenses: tuple[Lens, ...]
    images: tuple[_Image, ...]
    points: Float32[np.ndarray, "n 3"]
    colors: UInt8[np.ndarray, "n 3"]
    errors: Float32[np.ndarray, "n"]
    elements: UInt32[np.ndarray, "m 2"]
    """Number of the image, index of the keypoint in it; in the order of the points."""
    lengths: Int64[np.ndarray, "n"]
    """How many of the elements are each point's."""


def write_colmap(views: Views, folder: str | Path, points: PointCloud | None = None, *, text: bool = False) -> Path:
    """Write the views' cameras as a binary COLMAP model: cameras, rigs, frames, images, points3D. Gives the folder.

    The world stays ours, +Y up. Lenses that are alike share one camera: PINHOLE without distortion, OPENCV with it,
    FULL_OPENCV where k3 is needed. Without `points` those of ``views.tracks`` are written, with where each view
    sees them; `points` themselves have no observations, and black where they have no colours, as COLMAP does it.
    `text` writes the same as text too; readers take the binary files.

    Raises `InputError` with code ``no-camera``, ``unsupported-camera`` (orthographic) or ``bad-cameras`` (two photos
    of one name), `SetupError` as the disk does.
    """
    folder = Path(folder)
    model = _model(views, points)
    contents = {
        "cameras.bin": _cameras(model),
        "rigs.bin": _rigs(model),
        "frames.bin": _frames(model),
        "images.bin": _images(model),
        "points3D.bin": _points(model),
    }
    if text:
        contents |= {name: "\n".join(lines).encode() + b"\n" for name, lines in _text_files(model).items()}
    write_all_atomically({folder / name: content for name, content in contents.items()})
    return folder


def _model(views: Views, points: PointCloud | None) -> _Model:
    cameras = [_camera_of(view.camera, view.photo.name) for view in views.items]
    if len(set(views.names)) < len(views.names):
        raise InputError(
            "Two views have the same name, which a COLMAP model can't tell apart.",
            code="bad-cameras",
            hint="Give each picture a name of its own.",
        )
    lenses = list(dict.fromkeys(_lens(camera) for camera in cameras))
    tracks = views.tracks if points is None else _unseen(points)
    tracks = tracks or _unseen(PointCloud(np.zeros((0, 3), np.float32)))
    images: list[_Image] = []
    point_of, element_of = [np.zeros(0, np.int64)], [np.zeros((0, 2), np.uint32)]
    for idx, (name, camera) in enumerate(zip(views.names, cameras, strict=True)):
        seen = tracks.seen_by(idx)
        pixels, depth = project(camera, tracks.points[seen].astype(np.float64))
        seen, pixels = seen[depth > 0].astype(np.int64), pixels[depth > 0]
        point_of.append(seen)
        element_of.append(np.column_stack([np.full(len(seen), idx + 1), np.arange(len(seen))]).astype(np.uint32))
        lens = lenses.index(_lens(camera)) + 1
        images.append(_Image(idx + 1, name, lens, _pose(camera), pixels, seen + 1))
    point = np.concatenate(point_of)
    elements = np.concatenate(element_of)[np.argsort(point, kind="stable")]
    lengths = np.bincount(point, minlength=len(tracks.points))
    return _Model(tuple(lenses), tuple(images), tracks.points, tracks.colors, tracks.error_px, elements, lengths)


def _camera_of(camera: Camera | None, name: str) -> Camera:
    if camera is None:
        raise InputError(f"“{name}” has no camera.", code="no-camera", hint="Estimate the poses before writing them.")
    if camera.projection != "perspective":
        raise InputError(
            f"The camera of “{name}” is orthographic, which COLMAP does not know.",
            code="unsupported-camera",
            hint="Write perspective cameras only.",
        )
    return camera


def _lens(camera: Camera) -> Lens:
    size = (camera.width_px, camera.height_px)
    return Lens(*size, camera.fx, camera.fy, camera.cx, camera.cy, camera.distortion)


def _unseen(points: PointCloud) -> Tracks:
    count, none = len(points.points), np.zeros(0, np.int32)
    colors = np.zeros((count, 3), np.uint8) if points.colors is None else points.colors
    return Tracks(points.points, colors, np.zeros(count, np.float32), none, none)


def _pose(camera: Camera) -> tuple[float, ...]:
    inverse = camera.camera_from_world
    x, y, z, w = Rotation.from_matrix(inverse[:3, :3]).as_quat()
    return tuple(float(value) for value in (w, x, y, z, *inverse[:3, 3]))


def _parameters(lens: Lens) -> tuple[str, tuple[float, ...]]:
    """The simplest of COLMAP's models that says it all, and its parameters."""
    pinhole = (lens.fx, lens.fy, lens.cx, lens.cy)
    k1, k2, p1, p2, k3 = lens.distortion
    if not any(lens.distortion):
        return "PINHOLE", pinhole
    if k3 == 0:
        return "OPENCV", (*pinhole, k1, k2, p1, p2)
    return "FULL_OPENCV", (*pinhole, k1, k2, p1, p2, k3, 0.0, 0.0, 0.0)


def _cameras(model: _Model) -> bytes:
    content = struct.pack("<Q", len(model.lenses))
    for number, lens in enumerate(model.lenses, 1):
        name, values = _parameters(lens)
        content += struct.pack("<IiQQ", number, MODELS[name][0], lens.width_px, lens.height_px)
        content += struct.pack(f"<{len(values)}d", *values)
    return content


def _rigs(model: _Model) -> bytes:
    """Each camera is a rig of its own: number, one sensor, which is of the kind 0 (camera)."""
    rigs = [struct.pack("<IIiI", number, 1, 0, number) for number, _ in enumerate(model.lenses, 1)]
    return struct.pack("<Q", len(rigs)) + b"".join(rigs)


def _frames(model: _Model) -> bytes:
    """Each image is a frame of its own."""
    frames = [
        struct.pack("<II7dIiIQ", image.number, image.camera, *image.pose, 1, 0, image.camera, image.number)
        for image in model.images
    ]
    return struct.pack("<Q", len(frames)) + b"".join(frames)


def _images(model: _Model) -> bytes:
    content = [struct.pack("<Q", len(model.images))]
    for image in model.images:
        rows = np.empty(len(image.keypoints), [("at", "<f8", 2), ("point", "<i8")])
        rows["at"], rows["point"] = image.keypoints, image.point_numbers
        head = struct.pack("<I7dI", image.number, *image.pose, image.camera)
        content += [head, image.name.encode(), b"\0", struct.pack("<Q", len(rows)), rows.tobytes()]
    return b"".join(content)


def _points(model: _Model) -> bytes:
    ends = np.cumsum(model.lengths)
    parts = [struct.pack("<Q", len(model.points))]
    for start in range(0, len(model.points), _POINTS_AT_ONCE):
        some = slice(start, start + _POINTS_AT_ONCE)
        rows = np.empty(len(model.points[some]), _POINT)
        rows["number"] = np.arange(start, start + len(rows)) + 1
        rows["at"], rows["color"], rows["error"] = model.points[some], model.colors[some], model.errors[some]
        rows["length"] = model.lengths[some]
        first = ends[start] - model.lengths[start]
        parts.append(_with_tracks(rows, model.elements[first : ends[some][-1]]))
    return b"".join(parts)


def _with_tracks(rows: np.ndarray, elements: UInt32[np.ndarray, "m 2"]) -> bytes:
    """Rows of points as bytes, behind each the elements of its track."""
    if len(elements) == 0:
        return rows.tobytes()
    lengths = rows["length"].astype(np.int64)
    is_row = np.zeros(len(rows) * _POINT.itemsize + elements.nbytes, np.bool_)
    starts = np.arange(len(rows)) * _POINT.itemsize + 8 * (np.cumsum(lengths) - lengths)
    is_row[starts[:, None] + np.arange(_POINT.itemsize)] = True
    content = np.empty(len(is_row), np.uint8)
    content[is_row] = np.frombuffer(rows.tobytes(), np.uint8)
    content[~is_row] = np.frombuffer(elements.astype("<u4").tobytes(), np.uint8)
    return content.tobytes()


def _text_files(model: _Model) -> dict[str, list[str]]:
    lenses = [(number, lens, *_parameters(lens)) for number, lens in enumerate(model.lenses, 1)]
    tracks = np.split(model.elements, np.cumsum(model.lengths)[:-1])
    points = zip(model.points.tolist(), model.colors.tolist(), model.errors.tolist(), tracks, strict=False)
    images = ["# Two lines per image: IMAGE_ID, QW, QX, QY, QZ, TX, TY, TZ, CAMERA_ID, NAME; POINTS2D[] as X, Y, POINT"]
    for image in model.images:
        keypoints = zip(image.keypoints.tolist(), image.point_numbers.tolist(), strict=True)
        images.append(_words(image.number, *image.pose, image.camera, image.name))
        images.append(" ".join(_words(*at, point) for at, point in keypoints))
    return {
        "cameras.txt": [
            "# CAMERA_ID, MODEL, WIDTH, HEIGHT, PARAMS[]",
            *(_words(number, name, lens.width_px, lens.height_px, *values) for number, lens, name, values in lenses),
        ],
        "rigs.txt": [
            "# RIG_ID, NUM_SENSORS, REF_SENSOR_TYPE, REF_SENSOR_ID",
            *(_words(number, 1, "CAMERA", number) for number, *_ in lenses),
        ],
        "frames.txt": [
            "# FRAME_ID, RIG_ID, QW, QX, QY, QZ, TX, TY, TZ, NUM_DATA_IDS, SENSOR_TYPE, SENSOR_ID, DATA_ID",
            *(_words(one.number, one.camera, *one.pose, 1, "CAMERA", one.camera, one.number) for one in model.images),
        ],
        "images.txt": images,
        "points3D.txt": [
            "# POINT3D_ID, X, Y, Z, R, G, B, ERROR, TRACK[] as IMAGE_ID, POINT2D_IDX",
            *(
                _words(number, *point, *color, error, *track.ravel().tolist())
                for number, (point, color, error, track) in enumerate(points, 1)
            ),
        ],
    }


def _words(*values: object) -> str:
    return " ".join(str(value) for value in values)
