"""RealityScan's (formerly RealityCapture's) export "Internal/External camera parameters", a CSV.

Sources: Epic's "RealityCapture XMP Camera Math" and "Registration export and camera orientations", and the export
templates that come with the program (calibration.xml).
"""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float64

from unflat.core.camera import Camera
from unflat.core.errors import InputError
from unflat.io.camera_frame import Y_UP_FROM_Z_UP, bad_cameras, size_of_picture_beside
from unflat.io.limits import DEFAULT_LIMITS
from unflat.io.source import read_file

_HINT = (
    "Export the registration from RealityScan as “Internal/External camera parameters”, "
    "and save it beside the pictures."
)
_FILM_SIDE_MM = 36.0
_ALIASES = {"yaw": "heading", "f_35mm": "f", "px_norm": "px", "py_norm": "py", "z": "alt"}
"""Names of columns that differ between versions."""
_NEEDED = ("name", "x", "y", "alt", "heading", "pitch", "roll", "f")
_PICTURE_FOLDERS = ("", "images")


def read_realityscan(path: str | Path, up: Literal["z", "y"] = "z") -> dict[str, Camera]:
    """The cameras of the CSV by their pictures' names, in the file's order, in a world of +Y up.

    The file does not say how large the pictures are: they must lie beside it, or in ``images`` beside it.

    Assumed: x east, y north, alt up, in metres; heading, pitch and roll in degrees, all zero for a camera that looks
    down with north at the top of its picture; f as on 36 mm film, px and py from the picture's middle in shares of
    its longer side; the lens is one of the program's Brown models, with t1 and t2 in the order that is OpenCV's
    swapped. The division model, which no column tells apart, must not be used. Missing columns of px, py, k and t
    are zero.

    Raises `InputError` with code ``bad-cameras``, ``unsupported-camera`` (k4), or as `read_photo` for the files.
    """
    path = Path(path)
    cameras: dict[str, Camera] = {}
    for row in _rows(path):
        name = row["name"].strip().replace("\\", "/")
        if not name or name in cameras:
            raise bad_cameras(path, f"names “{name}” twice" if name else "has a line without a name", _HINT)
        cameras[name] = _camera(path, name, row, up)
    if not cameras:
        raise bad_cameras(path, "has no camera", _HINT)
    return cameras


def rotation_of_angles(heading_deg: float, pitch_deg: float, roll_deg: float) -> Float64[np.ndarray, "3 3"]:
    """Camera from world (east, north, up): the camera looks down, is tilted, rolled, and heads clockwise from north."""
    sine_h, sine_p, sine_r = (math.sin(math.radians(angle)) for angle in (heading_deg, pitch_deg, roll_deg))
    cosine_h, cosine_p, cosine_r = (math.cos(math.radians(angle)) for angle in (heading_deg, pitch_deg, roll_deg))
    heading = np.array([[cosine_h, -sine_h, 0], [sine_h, cosine_h, 0], [0, 0, 1]])
    pitch = np.array([[1, 0, 0], [0, cosine_p, sine_p], [0, -sine_p, cosine_p]])
    roll = np.array([[cosine_r, 0, -sine_r], [0, 1, 0], [sine_r, 0, cosine_r]])
    looking_down = np.diag([1.0, -1.0, -1.0])
    return np.asarray(looking_down @ roll @ pitch @ heading)


def _rows(path: Path) -> list[dict[str, str]]:
    text = read_file(path, DEFAULT_LIMITS).decode("utf-8-sig", errors="replace")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#cameras")]
    header = [column.strip().lstrip("#").lower() for column in next(csv.reader(lines[:1]), [])]
    header = [_ALIASES.get(column, column) for column in header]
    missing = [column for column in _NEEDED if column not in header]
    if missing:
        raise bad_cameras(path, f"has no column “{missing[0]}” in its first line", _HINT)
    rows = []
    for words in csv.reader(lines[1:]):
        if len(words) != len(header):
            raise bad_cameras(path, f"has {len(words)} values in a line, expected {len(header)}", _HINT)
        rows.append(dict(zip(header, words, strict=True)))
    return rows


def _camera(path: Path, name: str, row: dict[str, str], up: Literal["z", "y"]) -> Camera:
    values = {key: _number(path, name, key, text) for key, text in row.items() if key in _NUMBERS}
    if values.get("k4"):
        raise InputError(
            f"“{name}” of “{path.name}” has a fourth radial coefficient, which a camera can't hold here.",
            code="unsupported-camera",
            hint="Choose the distortion model Brown3 with tangential2 in RealityScan, and align again.",
        )
    size = size_of_picture_beside(path, name, _PICTURE_FOLDERS)
    if size is None:
        raise bad_cameras(path, f"names “{name}”, which does not lie beside it: its size in pixels is unknown", _HINT)
    width, height = size
    longer = max(size)
    focal = values["f"] / _FILM_SIDE_MM * longer
    if focal <= 0:
        raise bad_cameras(path, f"has the focal length {values['f']:g} for “{name}”", _HINT)
    pose = np.eye(4)
    pose[:3, :3] = rotation_of_angles(values["heading"], values["pitch"], values["roll"]).T
    pose[:3, 3] = values["x"], values["y"], values["alt"]
    return Camera(
        width,
        height,
        focal,
        focal,
        width / 2 + values.get("px", 0.0) * longer,
        height / 2 + values.get("py", 0.0) * longer,
        Y_UP_FROM_Z_UP @ pose if up == "z" else pose,
        distortion=tuple(values.get(key, 0.0) for key in ("k1", "k2", "t2", "t1", "k3")),  # type: ignore[arg-type]
    )


_NUMBERS = (*_NEEDED[1:], "px", "py", "k1", "k2", "k3", "k4", "t1", "t2")


def _number(path: Path, name: str, key: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise bad_cameras(path, f"has {key} = “{text}” for “{name}”, expected a number", _HINT)
    return value
