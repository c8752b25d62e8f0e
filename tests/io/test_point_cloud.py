"""Point clouds: what is written reads back, here and in trimesh; what other programs write is read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import trimesh

from unflat.core import InputError, PointCloud
from unflat.io.point_cloud import read_point_cloud, write_point_cloud

POINTS = np.array([[0, 0.5, -1], [3, 1e-3, 7], [1e4, 2, 2]], np.float32)
NORMALS = np.array([[0, 0, 1], [0, -1, 0], [0.6, 0.8, 0]], np.float32)
COLORS = np.array([[0, 128, 255], [1, 2, 3], [200, 100, 50]], np.uint8)


@pytest.mark.parametrize("normals", [None, NORMALS])
@pytest.mark.parametrize("colors", [None, COLORS])
def test_what_is_written_reads_back(normals: np.ndarray | None, colors: np.ndarray | None, tmp_path: Path) -> None:
    path = write_point_cloud(tmp_path / "punkte ä.ply", PointCloud(POINTS, normals, colors))
    back = read_point_cloud(path)
    assert np.array_equal(back.points, POINTS)
    for given, read in ((normals, back.normals), (colors, back.colors)):
        assert (given is None and read is None) or np.allclose(read, given)  # type: ignore[arg-type]


def test_trimesh_reads_it_too(tmp_path: Path) -> None:
    theirs = trimesh.load(write_point_cloud(tmp_path / "a.ply", PointCloud(POINTS, NORMALS, COLORS)))
    assert np.array_equal(theirs.vertices, POINTS) and np.array_equal(theirs.colors[:, :3], COLORS)


def test_a_cloud_of_no_points_is_one(tmp_path: Path) -> None:
    path = write_point_cloud(tmp_path / "a.ply", PointCloud(np.zeros((0, 3), np.float32)))
    assert read_point_cloud(path).points.shape == (0, 3)


def header(form: str, count: int, *columns: str, rest: str = "") -> bytes:
    lines = ["ply", f"format {form} 1.0", "comment of another program", f"element vertex {count}"]
    return "\n".join([*lines, *(f"property {one}" for one in columns), rest + "end_header\n"]).encode()


XYZ = ("double x", "double y", "double z")


def test_text_with_other_columns_in_another_order_is_read(tmp_path: Path) -> None:
    columns = ("uchar red", "uchar green", "uchar blue", "float z", "float y", "float x", "int label")
    faces = "element face 1\nproperty list uchar int vertex_indices\n"
    (tmp_path / "a.ply").write_bytes(
        header("ascii", 2, *columns, rest=faces) + b"1 2 3 30 20 10 7\n4 5 6 3 2 1 7\n3 0 1 1\n"
    )
    cloud = read_point_cloud(tmp_path / "a.ply")
    assert cloud.points.tolist() == [[10, 20, 30], [1, 2, 3]] and cloud.normals is None
    assert cloud.colors is not None and cloud.colors.tolist() == [[1, 2, 3], [4, 5, 6]]


def test_big_endian_doubles_and_lines_of_windows_are_read(tmp_path: Path) -> None:
    content = header("binary_big_endian", 3, *XYZ).replace(b"\n", b"\r\n") + POINTS.astype(">f8").tobytes()
    (tmp_path / "a.ply").write_bytes(content)
    assert np.array_equal(read_point_cloud(tmp_path / "a.ply").points, POINTS)


def test_colours_from_0_to_1_normals_of_any_length_and_points_at_infinity(tmp_path: Path) -> None:
    columns = (*XYZ, "float nx", "float ny", "float nz", "float red", "float green", "float blue")
    rows = b"0 0 0 0 2 0 1 0.5 0\ninf 0 0 1 0 0 1 1 1\n0 1e99 0 1 0 0 1 1 1\n1 1 1 0 0 0 0 0 2\n"
    (tmp_path / "a.ply").write_bytes(header("ascii", 4, *columns) + rows)
    cloud = read_point_cloud(tmp_path / "a.ply")
    assert cloud.points.tolist() == [[0, 0, 0], [1, 1, 1]]
    assert cloud.normals is not None and cloud.colors is not None
    assert cloud.normals[0].tolist() == [0, 1, 0] and np.isnan(cloud.normals[1]).all()
    assert cloud.colors.tolist() == [[255, 128, 0], [0, 0, 255]]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"solid cube",
        b"ply\nformat ascii 1.0\nelement vertex 1\n",
        header("binary_little_endian", 9, *XYZ) + bytes(40),
        header("binary_middle_endian", 0, *XYZ),
        header("ascii", 2, *XYZ) + b"0 0 0\n",
        header("ascii", 1, *XYZ) + b"0 0 zero\n",
        header("ascii", 1, "float x", "float y"),
        header("ascii", 1, *XYZ, "list uchar int neighbours") + b"0 0 0 0\n",
        header("ascii", 0, *XYZ, "float x"),
        b"ply\nformat ascii 1.0\nelement vertex many\nproperty float x\nend_header\n",
        b"ply\nformat ascii 1.0\nelement face 0\nelement vertex 0\nend_header\n",
        b"ply\nformat ascii 1.0\nend_header\n",
    ],
)
def test_damaged_files_are_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.ply").write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_point_cloud(tmp_path / "a.ply")
    assert caught.value.code in ("corrupt-model", "empty-file") and caught.value.hint
