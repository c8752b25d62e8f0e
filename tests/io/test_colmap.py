"""COLMAP's models: what COLMAP wrote projects here as there, and what is written here COLMAP reads."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pycolmap
import pytest

from unflat.core import Camera, InputError, Photo, PointCloud, Tracks, View, Views
from unflat.geometry.cameras import look_at, project
from unflat.io import colmap_write
from unflat.io.cameras import read_cameras
from unflat.io.colmap_read import read_colmap_cameras, read_colmap_points
from unflat.io.colmap_write import write_colmap

SUPPORTED = {
    "SIMPLE_PINHOLE": [900.0, 510.0, 390.0],
    "PINHOLE": [900.0, 910.0, 510.0, 390.0],
    "SIMPLE_RADIAL": [900.0, 510.0, 390.0, 0.05],
    "RADIAL": [900.0, 510.0, 390.0, 0.05, -0.02],
    "OPENCV": [900.0, 910.0, 510.0, 390.0, 0.05, -0.02, 0.003, -0.004],
    "FULL_OPENCV": [900.0, 910.0, 510.0, 390.0, 0.05, -0.02, 0.003, -0.004, 0.01, 0.0, 0.0, 0.0],
}
FOREIGN = {
    "OPENCV_FISHEYE": [900.0, 910.0, 510.0, 390.0, 0.05, 0.0, 0.0, 0.0],
    "FOV": [900.0, 910.0, 510.0, 390.0, 0.1],
    "FULL_OPENCV": [900.0, 910.0, 510.0, 390.0, 0.05, -0.02, 0.003, -0.004, 0.01, 0.2, 0.0, 0.0],
}


def of_colmap(model: str, parameters: list[float], cameras_per_rig: int = 1) -> Any:
    options = pycolmap.SyntheticDatasetOptions()
    options.num_rigs, options.num_cameras_per_rig, options.num_frames_per_rig = 1, cameras_per_rig, 3
    options.num_points3D = 6
    options.camera_model_id = getattr(pycolmap.CameraModelId, model)
    options.camera_params = parameters
    return pycolmap.synthesize_dataset(options)


def written_by_colmap(reconstruction: Any, folder: Path, kind: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for point in reconstruction.points3D.values():
        point.color = [10, 200, point.track.length()]
    (reconstruction.write_binary if kind == "bin" else reconstruction.write_text)(str(folder))
    return folder


@pytest.mark.parametrize("kind", ["bin", "txt"])
@pytest.mark.parametrize("model", SUPPORTED)
def test_every_lens_that_fits_projects_as_in_colmap(model: str, kind: str, tmp_path: Path) -> None:
    theirs = of_colmap(model, SUPPORTED[model])
    cameras = read_colmap_cameras(written_by_colmap(theirs, tmp_path, kind))
    assert sorted(cameras) == sorted(image.name for image in theirs.images.values())
    points = np.array([point.xyz for point in theirs.points3D.values()])
    for image in theirs.images.values():
        expected = np.array([image.project_point(point) for point in points])
        pixels, _ = project(cameras[image.name], points)
        assert np.allclose(pixels, expected, atol=1e-6)
        assert (cameras[image.name].width_px, cameras[image.name].height_px) == (1024, 768)


@pytest.mark.parametrize("kind", ["bin", "txt"])
def test_points_come_with_their_colours(kind: str, tmp_path: Path) -> None:
    theirs = of_colmap("PINHOLE", SUPPORTED["PINHOLE"])
    cloud = read_colmap_points(written_by_colmap(theirs, tmp_path, kind))
    expected = np.array([point.xyz for point in theirs.points3D.values()])
    assert cloud.colors is not None and cloud.colors.tolist() == [[10, 200, 3]] * 6
    assert np.allclose(np.sort(cloud.points, axis=0), np.sort(expected, axis=0), atol=1e-6)


def test_cameras_on_a_rig_stand_where_the_rig_puts_them(tmp_path: Path) -> None:
    theirs = of_colmap("PINHOLE", SUPPORTED["PINHOLE"], cameras_per_rig=2)
    cameras = read_colmap_cameras(written_by_colmap(theirs, tmp_path, "bin"))
    assert len(cameras) == 6 and (tmp_path / "rigs.bin").is_file()
    for image in theirs.images.values():
        assert np.allclose(cameras[image.name].camera_from_world[:3], image.cam_from_world().matrix(), atol=1e-12)


@pytest.mark.parametrize("kind", ["bin", "txt"])
@pytest.mark.parametrize("model", FOREIGN)
def test_other_lenses_are_refused(model: str, kind: str, tmp_path: Path) -> None:
    folder = written_by_colmap(of_colmap(model, FOREIGN[model]), tmp_path, kind)
    with pytest.raises(InputError) as caught:
        read_cameras(folder)
    assert caught.value.code == "unsupported-camera" and f"model {model}" in caught.value.message


def ring(distortions: list[tuple[float, ...]]) -> tuple[Camera, ...]:
    up = np.array([0.0, 1, 0])
    eyes = [np.array([3 * np.sin(turn), 1.0, 3 * np.cos(turn)]) for turn in np.arange(len(distortions)) * 0.4]
    return tuple(
        Camera(40, 30, 50.0, 51.0, 20.5, 14.0, look_at(eye, np.zeros(3), up), distortion=distortion)  # type: ignore[arg-type]
        for eye, distortion in zip(eyes, distortions, strict=True)
    )


def views_of(cameras: tuple[Camera | None, ...], tracks: Tracks | None = None, name: str = "der Krug {}.jpg") -> Views:
    photo = np.zeros((30, 40, 3), np.uint8)
    return Views(tuple(View(Photo(photo, name=name.format(i)), camera=one) for i, one in enumerate(cameras)), tracks)


NONE, OPENCV, FULL = (0.0,) * 5, (0.1, 0.01, 0.001, 0.002, 0.0), (0.1, 0.01, 0.001, 0.002, 0.003)


def tracks_in(views: int) -> Tracks:
    points = np.random.default_rng(1).normal(0, 0.3, (8, 3)).astype(np.float32)
    colors = np.arange(24, dtype=np.uint8).reshape(8, 3)
    point_idx = np.array([p for p in range(8) for v in range(views) if (p + v) % 3], np.int32)
    view_idx = np.array([v for p in range(8) for v in range(views) if (p + v) % 3], np.int32)
    return Tracks(points, colors, np.full(8, 0.25, np.float32), point_idx, view_idx)


@pytest.mark.parametrize("kind", ["bin", "txt"])
def test_colmap_reads_what_is_written_here(kind: str, tmp_path: Path) -> None:
    cameras, tracks = ring([NONE, NONE, OPENCV, FULL]), tracks_in(4)
    folder = write_colmap(views_of(cameras, tracks), tmp_path / "sparse" / "0", text=True)
    theirs = pycolmap.Reconstruction()
    (theirs.read_binary if kind == "bin" else theirs.read_text)(str(folder))
    assert [theirs.cameras[number].model.name for number in (1, 2, 3)] == ["PINHOLE", "OPENCV", "FULL_OPENCV"]
    assert len(theirs.cameras) == 3 and len(theirs.images) == 4
    for number, image in theirs.images.items():
        if kind == "bin":  # COLMAP's text reader ends names at a space
            assert image.name == f"der Krug {number - 1}.jpg"
        for idx, point in theirs.points3D.items():
            ours, _ = project(cameras[number - 1], tracks.points[[idx - 1]].astype(np.float64))
            assert np.allclose(image.project_point(point.xyz), ours[0], atol=1e-9)


def test_colmap_finds_each_point_where_the_views_see_it(tmp_path: Path) -> None:
    tracks = tracks_in(4)
    theirs = pycolmap.Reconstruction(str(write_colmap(views_of(ring([NONE] * 4), tracks), tmp_path)))
    assert theirs.compute_mean_reprojection_error() == 0.25
    theirs.update_point_3d_errors()
    assert theirs.compute_mean_reprojection_error() < 1e-6
    for idx, point in theirs.points3D.items():
        seen = {element.image_id - 1 for element in point.track.elements}
        assert seen == set(tracks.view_idx[tracks.point_idx == idx - 1].tolist())
        assert point.color.tolist() == tracks.colors[idx - 1].tolist()


@pytest.mark.parametrize("kind", ["bin", "txt"])
def test_what_is_written_reads_back(kind: str, tmp_path: Path) -> None:
    cameras, tracks = ring([NONE, FULL, OPENCV]), tracks_in(3)
    write_colmap(views_of(cameras, tracks), tmp_path, text=True)
    if kind == "txt":
        for file in tmp_path.glob("*.bin"):
            file.unlink()
    back = read_colmap_cameras(tmp_path / f"images.{kind}")
    assert list(back) == ["der Krug 0.jpg", "der Krug 1.jpg", "der Krug 2.jpg"]
    for one, other in zip(cameras, back.values(), strict=True):
        assert np.allclose(one.world_from_camera, other.world_from_camera, atol=1e-12)
        assert (one.fx, one.fy, one.cx, one.cy, one.distortion) == (
            other.fx, other.fy, other.cx, other.cy, other.distortion,
        )  # fmt: skip
    cloud = read_colmap_points(tmp_path)
    assert np.array_equal(cloud.points, tracks.points) and np.array_equal(cloud.colors, tracks.colors)


def test_given_points_take_the_place_of_tracks_and_are_black_without_colours(tmp_path: Path) -> None:
    points = PointCloud(np.array([[1, 2, 3]], np.float32))
    theirs = pycolmap.Reconstruction(str(write_colmap(views_of(ring([NONE]), tracks_in(1)), tmp_path, points)))
    (point,) = theirs.points3D.values()
    assert point.xyz.tolist() == [1, 2, 3] and point.color.tolist() == [0, 0, 0] and point.track.length() == 0
    write_colmap(views_of(ring([NONE])), tmp_path)
    assert len(read_colmap_points(tmp_path).points) == 0


def test_a_point_behind_a_camera_is_not_seen_by_it(tmp_path: Path) -> None:
    behind = Tracks(
        np.array([[0, 0, 9]], np.float32), np.zeros((1, 3), np.uint8), np.zeros(1, np.float32),
        np.zeros(1, np.int32), np.zeros(1, np.int32),
    )  # fmt: skip
    theirs = pycolmap.Reconstruction(str(write_colmap(views_of(ring([NONE]), behind), tmp_path)))
    assert theirs.points3D[1].track.length() == 0


def test_what_colmap_cannot_hold_is_refused(tmp_path: Path) -> None:
    (camera,) = ring([NONE])
    flat = Camera(40, 30, 9.0, 9.0, 20.0, 15.0, np.eye(4), projection="orthographic")
    cases = [
        (views_of((None,)), "no-camera"),
        (views_of((flat,)), "unsupported-camera"),
        (views_of((camera, camera), name="cup.jpg"), "bad-cameras"),
    ]
    for views, code in cases:
        with pytest.raises(InputError) as caught:
            write_colmap(views, tmp_path / "model")
        assert caught.value.code == code and caught.value.hint
    assert not (tmp_path / "model").exists()


def refused(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        read_colmap_cameras(path)
        read_colmap_points(path)
    assert caught.value.hint
    return caught.value.code


@pytest.mark.parametrize("name", ["cameras.bin", "images.bin", "points3D.bin"])
@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_cut_files_are_refused(name: str, share: float, tmp_path: Path) -> None:
    write_colmap(views_of(ring([NONE, OPENCV]), tracks_in(2)), tmp_path)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: max(9, int(len(content) * share))])
    assert refused(tmp_path) == "bad-cameras"


def test_counts_that_lie_end_at_once(tmp_path: Path) -> None:
    write_colmap(views_of(ring([NONE])), tmp_path)
    (tmp_path / "points3D.bin").write_bytes(struct.pack("<Q", 2**63) + bytes(51))
    assert refused(tmp_path) == "bad-cameras"
    pose = struct.pack("<QI7dI", 1, 1, 1, 0, 0, 0, 0, 0, 0, 1)
    (tmp_path / "images.bin").write_bytes(pose + b"a.jpg\0" + struct.pack("<Q", 2**62))
    assert refused(tmp_path) == "bad-cameras"


@pytest.mark.parametrize(
    ("name", "text", "code"),
    [
        ("cameras.txt", "1 PINHOLE 40 30 50 50 20", "bad-cameras"),
        ("cameras.txt", "1 PINHOLE 40 30 50 50 20 nan", "bad-cameras"),
        ("cameras.txt", "1 PINHOLE 40 30 -50 50 20 15", "bad-cameras"),
        ("cameras.txt", "1 PINHOLE 0 30 50 50 20 15", "bad-cameras"),
        ("cameras.txt", "one PINHOLE 40 30 50 50 20 15", "bad-cameras"),
        ("cameras.txt", "1 PINHOLE", "bad-cameras"),
        ("cameras.txt", "1 MAGIC 40 30 50", "unsupported-camera"),
        ("cameras.txt", "2 PINHOLE 40 30 50 50 20 15", "bad-cameras"),
        ("images.txt", "# nothing", "bad-cameras"),
        ("images.txt", "1 1 0 0 0 0 0 0 1", "bad-cameras"),
        ("images.txt", "1 0 0 0 0 0 0 0 1 a.jpg\n", "bad-cameras"),
        ("images.txt", "1 1 0 0 0 0 inf 0 1 a.jpg\n", "bad-cameras"),
        ("images.txt", "1 1 0 0 0 0 0 0 1 a.jpg\n\n2 1 0 0 0 0 0 0 1 a.jpg\n", "bad-cameras"),
        ("points3D.txt", "1 0 0", "bad-cameras"),
        ("points3D.txt", "1 0 0 nan 1 2 3 0", "bad-cameras"),
        ("points3D.txt", "1 0 0 0 1 2 300 0", "bad-cameras"),
        ("points3D.txt", "1 0 0 1e200 1 2 3 0", "bad-cameras"),
    ],
)
def test_text_that_says_too_little_is_refused(name: str, text: str, code: str, tmp_path: Path) -> None:
    (tmp_path / "cameras.txt").write_text("1 PINHOLE 40 30 50 50 20 15\n")
    (tmp_path / "images.txt").write_text("1 1 0 0 0 0 0 0 1 a.jpg\n\n")
    (tmp_path / "points3D.txt").write_text("1 0 0 0 1 2 3 0\n")
    assert list(read_colmap_cameras(tmp_path)) == ["a.jpg"] and len(read_colmap_points(tmp_path).points) == 1
    (tmp_path / name).write_text(text)
    assert refused(tmp_path) == code


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path) == "bad-cameras"
    assert refused(tmp_path / "images.bin") == "file-not-found"


def test_a_point_costs_bytes_and_not_objects(tmp_path: Path) -> None:
    count = 150_000
    cloud = PointCloud(np.ones((count, 3), np.float32), colors=np.full((count, 3), 7, np.uint8))
    tracemalloc.start()
    try:
        write_colmap(views_of(ring([NONE])), tmp_path, cloud)
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 250 * count, "clouds have millions of points"
    assert len(read_colmap_points(tmp_path).points) == count


def test_tracks_of_any_length_stand_behind_their_points_in_all_batches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cameras, tracks = ring([NONE] * 4), tracks_in(4)
    whole = write_colmap(views_of(cameras, tracks), tmp_path / "whole")
    monkeypatch.setattr(colmap_write, "_POINTS_AT_ONCE", 3)
    parts = write_colmap(views_of(cameras, tracks), tmp_path / "parts")
    assert (whole / "points3D.bin").read_bytes() == (parts / "points3D.bin").read_bytes()
