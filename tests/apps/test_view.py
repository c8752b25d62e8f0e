"""`unflat view` with the cameras of a capture: found, sent to the page, and drawn where the photos were taken."""

import json
import shutil
import subprocess
import threading
import urllib.request
from importlib import resources

import numpy as np
import pytest

from unflat.apps.cli.view import capture_cameras, server_for
from unflat.core import Camera, InputError, Photo, View, Views
from unflat.geometry.cameras import look_at, unproject
from unflat.io.cameras import write_cameras


def camera(eye):
    pose = look_at(np.array(eye), np.zeros(3), np.array([0.0, 1.0, 0.0]))
    return Camera(600, 400, 500.0, 450.0, 300.0, 200.0, pose)


CAMERAS = {"IMG_1.jpg": camera([0.0, 1.0, 3.0]), "IMG_2.jpg": camera([2.0, 0.5, -1.0])}


def save_capture(folder):
    pixels = np.zeros((400, 600, 3), np.uint8)
    return write_cameras(
        Views(tuple(View(Photo(pixels, name=name), camera=one) for name, one in CAMERAS.items())),
        folder / "transforms.json",
    )


def answer(path, **given):
    with server_for(b"glTF", 0, **given) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        said = urllib.request.urlopen(f"http://127.0.0.1:{server.server_address[1]}{path}").read()
        server.shutdown()
    return said


def test_the_page_is_given_each_cameras_pose_and_field_of_view():
    told = json.loads(answer("/cameras.json", cameras=CAMERAS))["cameras"]
    assert [one["name"] for one in told] == ["IMG_1.jpg", "IMG_2.jpg"]
    for one, known in zip(told, CAMERAS.values(), strict=True):
        assert np.allclose(np.reshape(one["matrix"], (4, 4)), known.world_from_camera)
        assert np.tan(np.radians(one["fov_deg"]) / 2) == pytest.approx([300 / 500, 200 / 450])


def test_a_model_alone_has_no_cameras():
    assert json.loads(answer("/cameras.json")) == {"cameras": []}


def test_the_page_loads_nothing_from_elsewhere():
    for page in ("/", "/scene.js", "/cameras.js", "/glb.js"):
        text = answer(page).decode()
        assert "http:" not in text and "https:" not in text


@pytest.mark.parametrize("place", [".", "capture"])
def test_a_capture_beside_the_model_is_found(tmp_path, place):
    (tmp_path / place).mkdir(exist_ok=True)
    save_capture(tmp_path / place)
    assert list(capture_cameras(tmp_path / "cup.glb", None)) == list(CAMERAS)


def test_a_named_capture_counts_and_is_in_the_assets_frame(tmp_path):
    (tmp_path / "far away").mkdir()
    save_capture(tmp_path / "far away")
    for named in (tmp_path / "far away", tmp_path / "far away" / "transforms.json"):
        found = capture_cameras(tmp_path / "cup.glb", str(named))
        for name, known in CAMERAS.items():
            assert np.allclose(found[name].world_from_camera, known.world_from_camera)


def test_no_capture_is_no_trouble_but_a_named_one_must_be_there(tmp_path):
    assert capture_cameras(tmp_path / "cup.glb", None) == {}
    with pytest.raises(InputError):
        capture_cameras(tmp_path / "cup.glb", str(tmp_path))


def test_a_broken_capture_beside_the_model_is_told_and_the_model_is_shown(tmp_path, capsys):
    (tmp_path / "transforms.json").write_text("{}")
    assert capture_cameras(tmp_path / "cup.glb", None) == {}
    assert "bad-cameras" in capsys.readouterr().err


@pytest.mark.skipif(shutil.which("node") is None, reason="the page's own script runs where there is Node")
def test_a_pyramid_stands_at_its_camera_and_opens_as_wide_as_it_sees(tmp_path):
    (tmp_path / "cameras.mjs").write_bytes((resources.files("unflat.apps.cli") / "cameras.js").read_bytes())
    known = CAMERAS["IMG_1.jpg"]
    told = json.loads(answer("/cameras.json", cameras=CAMERAS))["cameras"]
    script = (
        f"import {{ frustumLines, reachOf }} from '{(tmp_path / 'cameras.mjs').as_uri()}';"
        f"const cameras = {json.dumps(told)};"
        "const reach = reachOf(cameras, { center: [0, 0, 0], radius: 0.1 });"
        "console.log(JSON.stringify([reach, frustumLines(cameras[0], reach)]));"
    )
    said = subprocess.run(
        ["node", "--input-type=module", "-e", script], capture_output=True, text=True, check=True
    ).stdout
    reach, ends = json.loads(said)
    assert reach == pytest.approx(np.linalg.norm(known.center))
    lines = np.reshape(ends, (8, 2, 3))
    edges, frame = lines[0::2], lines[1::2]
    assert np.allclose(edges[:, 0], known.center)
    corners = np.array([[0.0, 0.0], [600.0, 0.0], [600.0, 400.0], [0.0, 400.0]])
    assert np.allclose(edges[:, 1], unproject(known, corners, np.full(4, 0.06 * reach)))
    assert np.allclose(frame[:, 0], edges[:, 1]) and np.allclose(frame[:, 1], np.roll(edges[:, 1], -1, axis=0))
