"""Known cameras, whichever program wrote them: the one door for reading, and the match of cameras to photos."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Literal

from unflat.core.camera import Camera
from unflat.core.errors import InputError
from unflat.io.camera_frame import Y_UP_FROM_Z_UP, bad_cameras
from unflat.io.colmap_model import find_colmap_model
from unflat.io.colmap_read import read_colmap_cameras
from unflat.io.metashape import read_metashape
from unflat.io.realityscan import read_realityscan
from unflat.io.transforms_json import read_transforms, write_cameras

__all__ = ["camera_for", "read_cameras", "write_cameras"]


def read_cameras(path: str | Path, *, up: Literal["z", "y"] | None = None) -> dict[str, Camera]:
    """The cameras of a capture, by the picture's name or path as written there, in the file's order.

    Camera axes are OpenCV's, as everywhere here. Read are

    * a ``transforms.json`` (nerfstudio, instant-ngp, Blender scenes), or a folder that holds one;
    * a COLMAP model: its folder, one of its files, or the workspace with ``sparse/0``; binary or text;
    * Agisoft Metashape's ``.xml`` of cameras;
    * RealityScan's (RealityCapture's) ``.csv`` of internal and external camera parameters.

    `up` is the file's world axis that points upwards: "z" is turned to our +Y, "y" left as it is. None is what the
    format says: "z" for all but COLMAP and for a Metashape chunk without a transform, which know no up and stay as
    they are. Find a photo's camera with `camera_for`, and make it the upright photo's with `camera_of_photo`: those
    programs align pixels as they are stored, whatever EXIF says.

    Raises `InputError` with code ``bad-cameras``, ``unsupported-camera``, or as `read_photo` for the file itself.
    """
    path = Path(path)
    if path.is_dir():
        if find_colmap_model(path) is not None:
            return _turned(read_colmap_cameras(path), up or "y")
        if not (path / "transforms.json").is_file():
            raise bad_cameras(
                path, "is a folder with neither a COLMAP model nor a transforms.json", hint="Name the camera file."
            )
        path = path / "transforms.json"
    ending = path.suffix.lower()
    if ending in (".bin", ".txt"):
        return _turned(read_colmap_cameras(path), up or "y")
    if ending == ".xml":
        return read_metashape(path, up=up)
    if ending == ".csv":
        return read_realityscan(path, up=up or "z")
    return read_transforms(path, up or "z")


def camera_for(cameras: Mapping[str, Camera], photo_name: str) -> Camera | None:
    """The camera of a photo: by path, else by file name, else by file name without ending; None where there is none.

    Raises `InputError` with code ``bad-cameras`` where two cameras would do.
    """
    if photo_name in cameras:
        return cameras[photo_name]
    for part in ("name", "stem"):
        found = [name for name in cameras if getattr(Path(name), part) == getattr(Path(photo_name), part)]
        if len(found) == 1:
            return cameras[found[0]]
        if found:
            raise InputError(
                f"“{photo_name}” may be {' or '.join(f'“{name}”' for name in found[:3])} of the camera file.",
                code="bad-cameras",
                hint="Give each picture a name of its own.",
            )
    return None


def _turned(cameras: dict[str, Camera], up: Literal["z", "y"]) -> dict[str, Camera]:
    if up == "y":
        return cameras
    return {
        name: replace(camera, world_from_camera=Y_UP_FROM_Z_UP @ camera.world_from_camera)
        for name, camera in cameras.items()
    }
