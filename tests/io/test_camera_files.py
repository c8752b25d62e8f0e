"""One door for all camera files: whatever is given, the same cameras come out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from unflat.core import Camera, InputError, Photo, View, Views
from unflat.geometry.cameras import look_at
from unflat.io.cameras import camera_for, read_cameras, write_cameras
from unflat.io.colmap_write import write_colmap

POSE = look_at(np.array([1.0, 2, 3]), np.zeros(3), np.array([0.0, 1, 0]))
CAMERA = Camera(40, 30, 50.0, 51.0, 20.5, 14.0, POSE)
VIEWS = Views((View(Photo(np.zeros((30, 40, 3), np.uint8), name="cup.jpg"), camera=CAMERA),))


@pytest.mark.parametrize("given", ["", "sparse", "sparse/0", "sparse/0/images.bin", "sparse/0/points3D.txt"])
def test_a_model_of_colmap_is_found_from_its_workspace_its_folder_and_its_files(given: str, tmp_path: Path) -> None:
    write_colmap(VIEWS, tmp_path / "sparse" / "0", text=True)
    camera = camera_for(read_cameras(tmp_path / given), "cup.png")
    assert camera is not None and np.allclose(camera.world_from_camera, POSE)


def test_colmap_is_turned_only_where_that_is_asked_for(tmp_path: Path) -> None:
    write_colmap(VIEWS, tmp_path)
    assert np.allclose(read_cameras(tmp_path, up="y")["cup.jpg"].center, [1, 2, 3])
    assert np.allclose(read_cameras(tmp_path, up="z")["cup.jpg"].center, [1, 3, -2])


def test_a_folder_may_hold_a_transforms_json(tmp_path: Path) -> None:
    write_cameras(VIEWS, tmp_path / "transforms.json")
    assert np.allclose(read_cameras(tmp_path)["cup.jpg"].world_from_camera, POSE)
    write_colmap(VIEWS, tmp_path)  # then the model counts
    assert np.allclose(read_cameras(str(tmp_path))["cup.jpg"].world_from_camera, POSE)


def test_an_unusual_ending_is_taken_for_json(tmp_path: Path) -> None:
    write_cameras(VIEWS, tmp_path / "cameras.JSON")
    assert list(read_cameras(tmp_path / "cameras.JSON")) == ["cup.jpg"]


def test_what_holds_no_cameras_is_refused(tmp_path: Path) -> None:
    for name, code in (("", "bad-cameras"), ("a.xml", "file-not-found"), ("a.csv", "file-not-found")):
        with pytest.raises(InputError) as caught:
            read_cameras(tmp_path / name)
        assert caught.value.code == code and caught.value.hint
