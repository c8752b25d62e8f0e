"""The transforms.json of nerfstudio, instant-ngp and NeRF's Blender scenes, read and written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from unflat.core.camera import Camera
from unflat.core.errors import InputError
from unflat.core.view import Views
from unflat.io.atomic import write_atomically
from unflat.io.camera_frame import OPENGL_FROM_OPENCV, Y_UP_FROM_Z_UP, Frame, bad_cameras, camera_of_frame
from unflat.io.limits import DEFAULT_LIMITS
from unflat.io.source import read_file


def read_transforms(path: Path, up: Literal["z", "y"] = "z") -> dict[str, Camera]:
    """The cameras of a transforms.json, by the picture's path as written there, in the file's order.

    Camera axes become ours (OpenCV), and a world whose `up` is +Z, as in these files, is turned to +Y up.
    Intrinsics may stand in the frame or for all: ``fl_x`` or ``camera_angle_x``, ``w``, ``h``, ``cx``, ``cy``,
    ``k1 k2 k3 p1 p2``. Where ``w`` and ``h`` are missing, the picture beside the file is asked.

    Raises `InputError` with code ``bad-cameras``, ``unsupported-camera``, or as `read_photo` for the file itself.
    """
    content = _parse(path)
    frames = content.get("frames")
    if not isinstance(frames, list) or not frames:
        raise bad_cameras(path, "has no list of “frames”")
    cameras: dict[str, Camera] = {}
    for idx, frame in enumerate(frames):
        where = f"frame {idx}"
        if not isinstance(frame, dict) or not isinstance(frame.get("file_path"), str):
            raise bad_cameras(path, f"{where} has no “file_path”")
        name = frame["file_path"].replace("\\", "/").removeprefix("./")
        if name in cameras:
            raise bad_cameras(path, f"{where} names “{name}” a second time")
        cameras[name] = camera_of_frame(Frame(path, f"{where} (“{name}”)", {**content, **frame}), name, up)
    return cameras


def write_cameras(views: Views, path: str | Path) -> Path:
    """Write the views' cameras as transforms.json (+Z up, OpenGL camera axes), so that `read_cameras` inverts it.

    Raises `InputError` with code ``no-camera`` or ``unsupported-camera`` (orthographic), `SetupError` as the disk does.
    """
    frames = []
    for view in views.items:
        if view.camera is None:
            raise InputError(
                f"“{view.photo.name}” has no camera.", code="no-camera", hint="Estimate the poses before writing them."
            )
        frames.append(_frame(view.camera, view.photo.name))
    return write_atomically(Path(path), json.dumps({"camera_model": "OPENCV", "frames": frames}, indent=1).encode())


def _frame(camera: Camera, name: str) -> dict[str, Any]:
    if camera.projection != "perspective":
        raise InputError(
            f"The camera of “{name}” is orthographic, which transforms.json can't say.",
            code="unsupported-camera",
            hint="Write perspective cameras only.",
        )
    pose = Y_UP_FROM_Z_UP.T @ camera.world_from_camera @ OPENGL_FROM_OPENCV
    k1, k2, p1, p2, k3 = camera.distortion
    return {
        "file_path": name,
        "w": camera.width_px,
        "h": camera.height_px,
        "fl_x": camera.fx,
        "fl_y": camera.fy,
        "cx": camera.cx,
        "cy": camera.cy,
        **{"k1": k1, "k2": k2, "k3": k3, "p1": p1, "p2": p2},
        "transform_matrix": pose.tolist(),
    }


def _parse(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_file(path, DEFAULT_LIMITS))
    except (ValueError, RecursionError) as error:
        raise bad_cameras(path, f"is no valid JSON ({error})") from error
    if not isinstance(content, dict):
        raise bad_cameras(path, "holds no JSON object")
    return content
