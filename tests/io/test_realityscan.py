"""RealityScan's CSV: angles as its own files have them, focal length and lens as its templates say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from unflat.core import Camera, InputError
from unflat.geometry.cameras import project
from unflat.io.cameras import read_cameras
from unflat.io.realityscan import read_realityscan, rotation_of_angles

from .pictures import encoded, gradient

HEADER = "#name,x,y,alt,heading,pitch,roll,f,px,py,k1,k2,k3,k4,t1,t2"
LEVEL_NORTH = "a.png,1,2,3,0,90,0,18,0.01,-0.02,0.1,0.02,0.003,0,0.004,0.005"


def saved(folder: Path, *lines: str, picture: str = "a.png") -> Path:
    (folder / picture).parent.mkdir(exist_ok=True)
    (folder / picture).write_bytes(encoded(gradient(40, 60), "PNG"))
    path = folder / "cameras.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def only(path: Path) -> Camera:
    (camera,) = read_cameras(path).values()
    return camera


def test_angles_are_those_of_a_published_pair_of_exports() -> None:
    """The same camera as CSV and as XMP, from a thread of the makers' forum on the two (unrealengine.com, 710449)."""
    rotation = rotation_of_angles(163.736597399311, 83.4154313461628, 174.386496244756)
    expected = [
        [0.982594073038806, 0.185426733553445, -0.0112166890261935],
        [-0.032113633044729, 0.11008102707942, -0.993403685341366],
        [-0.18296885582437, 0.976472781986697, 0.114],
    ]
    assert np.allclose(rotation, expected, atol=2e-4)
    assert np.allclose(rotation[:2], expected[:2], atol=1e-7)


def test_all_angles_zero_looks_down_with_north_on_top() -> None:
    assert np.allclose(rotation_of_angles(0, 0, 0), np.diag([1, -1, -1]))
    forward = rotation_of_angles(90, 90, 0)[2]  # heading east, level
    assert np.allclose(forward, [1, 0, 0])


def test_a_level_camera_that_looks_north(tmp_path: Path) -> None:
    camera = only(saved(tmp_path, HEADER, LEVEL_NORTH))
    assert np.allclose(camera.center, [1, 3, -2]) and np.allclose(camera.forward, [0, 0, -1])  # north is -Z of ours
    assert (camera.width_px, camera.height_px, camera.fx, camera.fy) == (60, 40, 30, 30)
    assert (camera.cx, camera.cy) == pytest.approx((30.6, 18.8))
    assert camera.distortion == (0.1, 0.02, 0.005, 0.004, 0.003)
    pixels, _ = project(camera, np.array([[1, 3, -3], [1.1, 3, -3], [1, 3.1, -3]], np.float64))
    assert np.allclose(pixels[0], [30.6, 18.8]) and pixels[1, 0] > 33 and pixels[2, 1] < 16
    assert np.allclose(read_realityscan(tmp_path / "cameras.csv", up="y")["a.png"].center, [1, 2, 3])


def test_the_columns_of_newer_versions_and_the_count_of_cameras(tmp_path: Path) -> None:
    header = "#name,x,y,alt,yaw,pitch,roll,f_35mm,px_norm,py_norm,k1,k2,k3,k4,t1,t2"
    newer = only(saved(tmp_path, "#cameras 1", header, LEVEL_NORTH))
    older = only(saved(tmp_path, "\ufeff" + HEADER, LEVEL_NORTH))
    assert np.array_equal(newer.world_from_camera, older.world_from_camera)
    assert (newer.fx, newer.cx, newer.distortion) == (older.fx, older.cx, older.distortion)


def test_columns_that_are_left_out_are_zero(tmp_path: Path) -> None:
    camera = only(saved(tmp_path, "name,x,y,alt,heading,pitch,roll,f", "a.png,0,0,0,0,0,0,36"))
    assert (camera.fx, camera.cx, camera.cy) == (60, 30, 20) and not any(camera.distortion)


def test_pictures_may_lie_in_a_folder_beside_the_file(tmp_path: Path) -> None:
    assert only(saved(tmp_path, HEADER, LEVEL_NORTH, picture="images/a.png")).width_px == 60


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        ((HEADER, LEVEL_NORTH.replace(",0.003,0,", ",0.003,0.1,")), "unsupported-camera"),
        ((HEADER, LEVEL_NORTH.replace("a.png", "b.png")), "bad-cameras"),
        ((HEADER, LEVEL_NORTH, LEVEL_NORTH), "bad-cameras"),
        ((HEADER, LEVEL_NORTH.replace("a.png", "")), "bad-cameras"),
        ((HEADER, LEVEL_NORTH + ",0"), "bad-cameras"),
        ((HEADER, LEVEL_NORTH.replace("18", "wide")), "bad-cameras"),
        ((HEADER, LEVEL_NORTH.replace("18", "inf")), "bad-cameras"),
        ((HEADER, LEVEL_NORTH.replace("18", "0")), "bad-cameras"),
        ((HEADER.replace("heading", "omega"), LEVEL_NORTH), "bad-cameras"),
        ((HEADER,), "bad-cameras"),
        (("",), "bad-cameras"),
    ],
)
def test_gaps_are_named(lines: tuple[str, ...], code: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_cameras(saved(tmp_path, *lines))
    assert caught.value.code == code and caught.value.hint
