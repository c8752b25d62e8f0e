"""transforms.json: the same world point lands on the same pixel, whoever wrote the file; gaps are named."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unflat.core import Camera, InputError, Photo, View, Views
from unflat.geometry.cameras import look_at, project
from unflat.io.cameras import camera_for, read_cameras, write_cameras

from .pictures import encoded, gradient

FRONT_OPENGL_Z_UP = [[1, 0, 0, 0], [0, 0, -1, -3], [0, 1, 0, 0], [0, 0, 0, 1]]
"""At y = -3, looking along +Y with +Z up: what Blender calls the front view."""


def written(folder: Path, **content: Any) -> Path:
    path = folder / "transforms.json"
    path.write_text(json.dumps(content))
    return path


def one_frame(folder: Path, **fields: Any) -> Path:
    frame = {"file_path": "a.png", "transform_matrix": FRONT_OPENGL_Z_UP, "fl_x": 500.0, "w": 640, "h": 480}
    return written(folder, frames=[{key: value for key, value in (frame | fields).items() if value is not None}])


def camera_of(folder: Path, **fields: Any) -> Camera:
    return read_cameras(one_frame(folder, **fields))["a.png"]


def code_of(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_cameras(path)
    assert caught.value.hint
    return caught.value.code


def test_the_front_view_of_a_z_up_world_is_our_front_view(tmp_path: Path) -> None:
    camera = camera_of(tmp_path)
    assert np.allclose(camera.center, [0, 0, 3]) and np.allclose(camera.forward, [0, 0, -1])
    # Our +X is right in the picture, our +Y is up.
    pixels, depth = project(camera, np.array([[0, 0, 0], [0.3, 0, 0], [0, 0.3, 0]], dtype=np.float64))
    assert np.allclose(pixels, [[320, 240], [370, 240], [320, 190]]) and np.allclose(depth, 3)


def test_a_y_up_world_is_left_as_it_is(tmp_path: Path) -> None:
    path = one_frame(tmp_path, transform_matrix=np.eye(4).tolist())
    assert np.allclose(read_cameras(path, up="y")["a.png"].forward, [0, 0, -1])
    assert np.allclose(read_cameras(path)["a.png"].forward, [0, -1, 0])


def test_intrinsics_may_stand_in_the_frame_or_for_all(tmp_path: Path) -> None:
    frames = [{"file_path": name, "transform_matrix": FRONT_OPENGL_Z_UP} for name in ("./a.png", "b.png")]
    frames[1] |= {"fl_x": 900, "cx": 300, "k1": 0.5}
    shared = {"fl_x": 500, "fl_y": 510, "w": 640.0, "h": 480.0, "cx": 321, "cy": 239, "k1": 0.1, "p2": 0.01}
    cameras = read_cameras(written(tmp_path, camera_model="OPENCV", **shared, frames=frames))
    assert list(cameras) == ["a.png", "b.png"]
    first, second = cameras.values()
    assert (first.fx, first.fy, first.cx, first.cy, first.width_px) == (500, 510, 321, 239, 640)
    assert first.distortion == (0.1, 0, 0, 0.01, 0)
    assert (second.fx, second.cx, second.distortion[0]) == (900, 300, 0.5)


def test_a_blender_scene_asks_its_pictures_for_their_size(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "train" / "r_0.png").write_bytes(encoded(gradient(40, 60), "PNG"))
    frame = {"file_path": "./train/r_0", "rotation": 0.01, "transform_matrix": FRONT_OPENGL_Z_UP}
    path = written(tmp_path, camera_angle_x=math.radians(90), frames=[frame])
    camera = read_cameras(path)["train/r_0"]
    assert (camera.width_px, camera.height_px, camera.cx, camera.cy) == (60, 40, 30, 20)
    assert camera.fx == pytest.approx(30) and camera.fy == pytest.approx(30)
    assert camera_for({"train/r_0": camera}, "r_0.png") is camera


def test_a_rounded_rotation_is_made_exact(tmp_path: Path) -> None:
    pose = look_at(np.array([1.0, 2, 3]), np.zeros(3), np.array([0.0, 0, 1]))
    camera = camera_of(tmp_path, transform_matrix=np.round(pose, 4).tolist())
    rotation = camera.world_from_camera[:3, :3]
    assert np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)


def test_cameras_are_found_by_path_name_and_stem() -> None:
    camera = Camera(8, 8, 9.0, 9.0, 4.0, 4.0, np.eye(4))
    cameras = {"images/cup.jpg": camera, "train/r_0": camera, "test/r_0": camera}
    assert camera_for(cameras, "images/cup.jpg") is camera
    assert camera_for(cameras, "cup.jpg") is camera
    assert camera_for(cameras, "masks/cup.png") is camera
    assert camera_for(cameras, "plate.jpg") is None
    with pytest.raises(InputError, match="may be"):
        camera_for(cameras, "r_0.png")


def view(name: str, camera: Camera | None) -> View:
    return View(Photo(np.zeros((20, 30, 3), np.uint8), name=name), camera=camera)


@settings(max_examples=30, deadline=None)
@given(
    st.tuples(*[st.floats(-3, 3)] * 3).filter(lambda eye: np.linalg.norm(eye) > 0.3),
    st.tuples(st.floats(5, 500), st.floats(5, 500), st.floats(0, 30), st.floats(0, 20)),
    st.tuples(*[st.floats(-0.2, 0.2)] * 5),
)
def test_what_is_written_reads_back(
    tmp_path_factory: pytest.TempPathFactory, eye: tuple[float, ...], lens: tuple[float, ...], bend: tuple[float, ...]
) -> None:
    pose = look_at(np.array(eye), np.array([0.01, 0.02, 0]), np.array([0.1, 1, 0.2]))
    camera = Camera(30, 20, *lens, pose, distortion=bend)  # type: ignore[arg-type]
    path = write_cameras(Views((view("ä b.png", camera),)), tmp_path_factory.mktemp("cameras") / "t.json")
    back = read_cameras(path)["ä b.png"]
    assert np.allclose(back.world_from_camera, camera.world_from_camera, atol=1e-12)
    assert (back.fx, back.fy, back.cx, back.cy, back.distortion) == (*lens, bend)
    assert (back.width_px, back.height_px) == (30, 20)


def test_only_perspective_cameras_can_be_written(tmp_path: Path) -> None:
    flat = Camera(30, 20, 9.0, 9.0, 15.0, 10.0, np.eye(4), projection="orthographic")
    for camera, code in ((flat, "unsupported-camera"), (None, "no-camera")):
        with pytest.raises(InputError) as caught:
            write_cameras(Views((view("a.png", camera),)), tmp_path / "t.json")
        assert caught.value.code == code
    assert not (tmp_path / "t.json").exists()


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"fl_x": None}, "bad-cameras"),
        ({"fl_x": -1}, "bad-cameras"),
        ({"fl_x": "wide"}, "bad-cameras"),
        ({"fl_x": True}, "bad-cameras"),
        ({"fl_x": None, "camera_angle_x": 4.0}, "bad-cameras"),
        ({"w": None}, "bad-cameras"),
        ({"h": 0}, "bad-cameras"),
        ({"file_path": None}, "bad-cameras"),
        ({"transform_matrix": None}, "bad-cameras"),
        ({"transform_matrix": [[1, 2], [3]]}, "bad-cameras"),
        ({"transform_matrix": np.eye(3).tolist()}, "bad-cameras"),
        ({"transform_matrix": (np.eye(4) * 2).tolist()}, "bad-cameras"),
        ({"transform_matrix": np.diag([1, 1, -1, 1]).tolist()}, "bad-cameras"),
        ({"camera_model": "OPENCV_FISHEYE"}, "unsupported-camera"),
        ({"k4": 0.1}, "unsupported-camera"),
        ({"is_fisheye": True}, "unsupported-camera"),
    ],
)
def test_gaps_and_contradictions_are_named(fields: dict[str, Any], code: str, tmp_path: Path) -> None:
    assert code_of(one_frame(tmp_path, **fields)) == code


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"frames": []}', '{"frames": [7]}', '{"a": NaN}', "[" * 100_000, "\udc80"]
)
def test_files_that_hold_no_cameras_are_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "transforms.json"
    path.write_bytes(text.encode(errors="surrogateescape"))
    assert code_of(path) in ("bad-cameras", "empty-file")
    assert code_of(tmp_path / "transform.json") == "file-not-found"


def test_a_name_that_stands_twice_is_refused(tmp_path: Path) -> None:
    frame = {"file_path": "a.png", "transform_matrix": FRONT_OPENGL_Z_UP, "fl_x": 5, "w": 9, "h": 9}
    assert code_of(written(tmp_path, frames=[frame, frame])) == "bad-cameras"
