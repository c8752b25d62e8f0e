"""Agisoft Metashape's exported cameras (File > Export > Export Cameras, "Agisoft XML").

Sources: the Metashape Professional manual, appendix "Camera models", and files that Metashape wrote.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal
from xml.etree.ElementTree import Element

import numpy as np
from jaxtyping import Float64

from unflat.core.camera import Camera
from unflat.core.errors import InputError
from unflat.io.camera_frame import Y_UP_FROM_Z_UP, bad_cameras, exact_rotation
from unflat.io.earth import level_frame, on_earth
from unflat.io.plain_xml import parse_xml

_HINT = "Export the cameras again from Metashape: File > Export > Export Cameras, type Agisoft XML."
_SKEW_TOLERANCE_PX = 0.5
"""Skew (b2) that moves no pixel by more than this is left out: adaptive fitting leaves a little in many files."""
_PARAMETERS = ("f", "cx", "cy", "b1", "b2", "k1", "k2", "k3", "k4", "p1", "p2", "p3", "p4")
_UNKNOWN_PARAMETERS = ("k4", "p3", "p4")


@dataclass(frozen=True)
class _World:
    """From the chunk's coordinates to the world's."""

    rotation: Float64[np.ndarray, "3 3"]
    translation: Float64[np.ndarray, "3"]
    scale: float

    def place(self, pose: Float64[np.ndarray, "4 4"]) -> Float64[np.ndarray, "4 4"]:
        """The pose in the world; its rotation stays one."""
        placed = np.eye(4)
        placed[:3, :3] = self.rotation @ pose[:3, :3]
        placed[:3, 3] = self.scale * self.rotation @ pose[:3, 3] + self.translation
        return placed


def read_metashape(path: str | Path, up: Literal["z", "y"] | None = None) -> dict[str, Camera]:
    """The aligned cameras by their labels, in the file's order; those that Metashape could not align are left out.

    Where the camera's component, or the chunk, has a transform, the world is the one that it leads to: metres, +Z up,
    turned to our +Y. If that is the Earth-centred one of a geographic coordinate system, the ground below the cameras
    becomes level, with their middle as origin and +Z south. Without a transform the chunk's own coordinates stay.
    `up` overrules what is turned. The region is ignored.

    Assumed: f, cx, cy, b1, b2 in pixels, cx and cy from the image's middle, p1 and p2 in the order that is OpenCV's
    swapped; poses are those of the pixels as stored, so that ``orientation`` (EXIF's) changes nothing.

    Raises `InputError` with code ``bad-cameras`` or ``unsupported-camera`` (not a frame camera, k4, p3, p4 or a skew
    that matters, several chunks, rigs of cameras), or as `read_photo` for the file itself.
    """
    path = Path(path)
    chunk = _chunk(path, parse_xml(path))
    sensors = {sensor.get("id"): sensor for sensor in chunk.iterfind("sensors/sensor")}
    cameras: dict[str, Camera] = {}
    worlds: list[_World | None] = []
    for element in _aligned(chunk):
        name = (element.get("label") or "").replace("\\", "/")
        where = f"camera “{name}”"
        sensor = sensors.get(element.get("sensor_id"))
        if sensor is None or element.get("master_id") is not None:
            raise _unsupported(path, where, "a camera without a sensor of its own, or one of a rig")
        if not name or name in cameras:
            raise bad_cameras(path, f"names {where} twice" if name else "has a camera without a label", _HINT)
        pose = _pose(path, element, where)
        world = _world(path, chunk, element)
        worlds.append(world)
        cameras[name] = _camera(path, sensor, pose if world is None else world.place(pose), where)
    if not cameras:
        raise bad_cameras(path, "has no aligned camera", _HINT)
    if None in worlds and any(worlds):
        raise _unsupported(
            path, "a component", "no transform, where others have one: its cameras are in no common world"
        )
    return _in_our_world(cameras, chunk, up or ("z" if any(worlds) else "y"))


def _aligned(chunk: Element) -> list[Element]:
    """The cameras with a pose; they may lie in groups."""
    return [camera for camera in chunk.iterfind("cameras//camera") if camera.find("transform") is not None]


def _chunk(path: Path, root: Element) -> Element:
    chunks = [chunk for chunk in root.iter("chunk") if _aligned(chunk)]
    if not chunks:
        raise bad_cameras(path, "has no chunk with an aligned camera", _HINT)
    if len(chunks) > 1:
        raise _unsupported(path, f"{len(chunks)} chunks", "one chunk, which is one world")
    return chunks[0]


def _camera(path: Path, sensor: Element, pose: Float64[np.ndarray, "4 4"], where: str) -> Camera:
    calibration = _calibration(path, sensor, where)
    size = calibration.find("resolution")
    size = sensor.find("resolution") if size is None else size
    width, height = (0, 0) if size is None else (_whole(path, size.get(side), where) for side in ("width", "height"))
    values = {child.tag: _numbers(path, child, 1, where)[0] for child in calibration if child.tag in _PARAMETERS}
    focal = values.get("f", 0.0)
    if not (focal > 0 and width > 0 and height > 0):
        raise bad_cameras(path, f"has no focal length “f” or no resolution for {where}", _HINT)
    if any(values.get(key) for key in _UNKNOWN_PARAMETERS):
        raise _unsupported(path, where, f"{', '.join(_UNKNOWN_PARAMETERS)} in its calibration")
    if abs(values.get("b2", 0.0)) * height / 2 / focal > _SKEW_TOLERANCE_PX:
        raise _unsupported(path, where, f"a skew (b2) of {values['b2']:g} pixels")
    return Camera(
        width,
        height,
        focal + values.get("b1", 0.0),
        focal,
        width / 2 + values.get("cx", 0.0),
        height / 2 + values.get("cy", 0.0),
        pose,
        distortion=tuple(values.get(key, 0.0) for key in ("k1", "k2", "p2", "p1", "k3")),  # type: ignore[arg-type]
    )


def _calibration(path: Path, sensor: Element, where: str) -> Element:
    """The calibration that the alignment found, else the one it began with."""
    found = sensor.findall("calibration")
    adjusted = [one for one in found if one.get("class") == "adjusted"]
    if not found:
        raise bad_cameras(path, f"has no calibration for {where}", _HINT)
    calibration = (adjusted or found)[0]
    kind = calibration.get("type") or sensor.get("type") or "frame"
    if kind != "frame" or sensor.get("type", "frame") != "frame":
        raise _unsupported(path, where, f"the camera type {sensor.get('type', kind)}, expected frame")
    return calibration


def _pose(path: Path, element: Element, where: str) -> Float64[np.ndarray, "4 4"]:
    pose = np.array(_numbers(path, element.find("transform"), 16, where)).reshape(4, 4)
    rotation = exact_rotation(pose[:3, :3])
    if rotation is None:
        raise bad_cameras(path, f"has a transform for {where} that is no rotation and translation", _HINT)
    exact = np.eye(4)
    exact[:3, :3], exact[:3, 3] = rotation, pose[:3, 3]
    return exact


def _world(path: Path, chunk: Element, camera: Element) -> _World | None:
    """The transform of the camera's component, else of the chunk."""
    number = camera.get("component_id")
    components = [one for one in chunk.iterfind("components/component") if one.get("id") == number]
    for owner in (*components, chunk):
        transform = owner.find("transform")
        if transform is None or transform.find("rotation") is None:
            continue
        rotation = exact_rotation(np.array(_numbers(path, transform.find("rotation"), 9, "rotation")).reshape(3, 3))
        translation = _numbers(path, transform.find("translation"), 3, "the chunk's translation")
        scale = _numbers(path, transform.find("scale"), 1, "the chunk's scale")[0]
        if rotation is None or scale <= 0:
            raise bad_cameras(path, "has a chunk transform that is no rotation and scale", _HINT)
        return _World(rotation, np.array(translation), scale)
    return None


def _in_our_world(cameras: dict[str, Camera], chunk: Element, up: Literal["z", "y"]) -> dict[str, Camera]:
    middle = np.mean([camera.center for camera in cameras.values()], axis=0)
    local = (chunk.findtext("reference") or "").lstrip().startswith("LOCAL_CS")
    turn = np.eye(4) if up == "y" else Y_UP_FROM_Z_UP
    if not local and on_earth(middle):
        turn = turn @ level_frame(middle)
    return {name: replace(one, world_from_camera=turn @ one.world_from_camera) for name, one in cameras.items()}


def _numbers(path: Path, element: Element | None, count: int, where: str) -> Sequence[float]:
    try:
        values = [float(word) for word in ((element.text if element is not None else None) or "").split()]
    except ValueError as error:
        raise bad_cameras(path, f"has words instead of numbers for {where}", _HINT) from error
    if len(values) != count or not all(math.isfinite(value) for value in values):
        raise bad_cameras(path, f"has not {count} finite number(s) for {where}", _HINT)
    return values


def _whole(path: Path, text: str | None, where: str) -> int:
    if text is None or not text.isdecimal():
        raise bad_cameras(path, f"has the size “{text}” for {where}", _HINT)
    return int(text)


def _unsupported(path: Path, where: str, what: str) -> InputError:
    return InputError(
        f"{where} of “{path.name}” has {what}.",
        code="unsupported-camera",
        hint="Export undistorted pictures and their cameras from one chunk of Metashape (Export > Convert Images).",
    )
