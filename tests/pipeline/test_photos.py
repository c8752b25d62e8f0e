"""Photos of one thing to an asset: whole runs, and runs that were killed and begun again."""

import shutil
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest

from unflat.core import Context, InputError, Reconstruction, Views
from unflat.pipeline.request import Request, fulfil, prepare
from unflat.pipeline.run import run
from unflat.stages.pose.structure_from_motion import StructureFromMotion
from unflat.stages.reconstruct import multi_view_stereo
from unflat.synth.photo_set_files import write_photo_set
from unflat.synth.photo_sets import PhotoSetStyle, photo_set
from unflat.synth.procedural import procedural_object

SMALL = {
    "pose.side_px": 640,
    "reconstruct.side_px": 300,
    "finish.decimate.faces": 4000,
    "texture.size_px": 512,
    "texture.occlusion": False,
}
"""A whole run in half a minute."""


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Sixteen small photos around a thing on a table."""
    folder = tmp_path_factory.mktemp("photos")
    style = PhotoSetStyle(views=16, left_out=0, size_px=(640, 480), faulty=False)
    write_photo_set(photo_set(procedural_object(3), 0, style), folder)
    return folder / "images"


def wish(photos, run_folder, **more):
    return Request(pictures=[photos], kind="photos", quality="draft", settings=SMALL, run_folder=run_folder, **more)


@pytest.fixture(scope="module")
def made(photos, tmp_path_factory):
    """The asset, its reconstructions by stage, and the folder of the run."""
    folder = tmp_path_factory.mktemp("run")
    prepared = prepare(wish(photos, folder))
    reconstructions: dict[str, Reconstruction] = {}
    options = replace(prepared.options, on_reconstruction=reconstructions.__setitem__)
    return run(prepared.plan, prepared.intake, options)[0], reconstructions, folder


@pytest.mark.slow
def test_photos_become_a_closed_textured_asset(made):
    asset, _, _ = made
    assert asset.report.watertight
    part = asset.parts[0]
    assert part.material.base_color.shape == (512, 512, 3)
    assert 0 < part.mesh.confidence.mean() < 1


@pytest.mark.slow
def test_all_cameras_are_found_and_look_at_the_object(made):
    asset, reconstructions, _ = made
    views = reconstructions["finish"].views.items
    assert len(views) >= 14
    middle = asset.parts[0].mesh.vertices.mean(axis=0)
    for view in views:
        towards = (middle - view.camera.center) / np.linalg.norm(middle - view.camera.center)
        assert towards @ view.camera.forward > 0.9


@pytest.mark.slow
def test_known_cameras_of_several_lenses_stay_and_get_their_points(made):
    """Two lenses in turn, which COLMAP's database numbers in another order than the views."""
    _, reconstructions, _ = made
    views = [view for view in reconstructions["finish"].views.items[:5]]
    for index in (1, 3):
        photo, camera = views[index].photo, views[index].camera
        pixels = np.ascontiguousarray(photo.pixels[:, 20:])
        moved = replace(camera, width_px=camera.width_px - 20, cx=camera.cx - 20)
        views[index] = replace(views[index], photo=replace(photo, pixels=pixels), camera=moved)
    placed = StructureFromMotion(side_px=640)(Views(tuple(views)), Context())
    for before, after in zip(views, placed.items, strict=True):
        assert np.allclose(before.camera.world_from_camera, after.camera.world_from_camera)
        assert before.camera.cx == after.camera.cx
    assert len(placed.tracks.points) > 150 and np.median(placed.tracks.error_px) < 1
    assert all(len(placed.tracks.seen_by(index)) > 50 for index in range(5))


@pytest.mark.slow
def test_the_object_stands_upright_on_the_floor(made):
    """The photos were taken from 20 to 42 degrees above the table."""
    asset, reconstructions, _ = made
    assert asset.parts[0].mesh.vertices[:, 1].min() == pytest.approx(0, abs=1e-5)
    for view in reconstructions["finish"].views.items:
        across = np.linalg.norm(view.camera.center[[0, 2]])
        assert 10 < np.degrees(np.arctan2(view.camera.center[1], across)) < 60


@pytest.mark.slow
def test_a_run_that_was_killed_goes_on_and_gives_the_same_as_one_in_one_go(photos, made, tmp_path, monkeypatch):
    in_one_go, _, its_folder = made
    folder = tmp_path / "run"
    shutil.copytree(
        its_folder, folder, ignore=shutil.ignore_patterns("reconstruct*", "surface*", "finish*", "texture*")
    )
    settings = [f"--set={key}={value}" for key, value in SMALL.items()]
    command = [sys.executable, "-m", "unflat.apps.cli.main", str(photos), "--together", "--quality", "draft", *settings,
               "--run-folder", str(folder), "-o", str(tmp_path / "out.glb"), "--quiet"]  # fmt: skip
    process = subprocess.Popen(command)
    deadline = time.monotonic() + 300
    while process.poll() is None and time.monotonic() < deadline:
        if list(folder.glob("reconstruct-*/scratch/first-planes-0002.npy")):
            process.kill()
            break
        time.sleep(0.02)
    process.wait()
    assert not (tmp_path / "out.glb").exists()
    # of the three files of a picture the last one says that all are there
    kept = list(folder.rglob("first-seen-*.npy"))
    assert kept
    search, searched = multi_view_stereo.photometric_planes, []
    monkeypatch.setattr(
        multi_view_stereo, "photometric_planes", lambda *given: searched.append(given) or search(*given)
    )
    again = fulfil(wish(photos, folder))[0]
    assert len(searched) == len(again.provenance.inputs) - len(kept), "some were looked for a second time"
    assert not list(folder.rglob("*-planes-*.npy")), "only the way to the depth maps needed them"
    assert np.array_equal(again.parts[0].mesh.vertices, in_one_go.parts[0].mesh.vertices)
    assert np.array_equal(again.parts[0].material.base_color, in_one_go.parts[0].material.base_color)


@pytest.mark.slow
def test_a_corrupt_photo_among_good_ones_is_left_out_with_its_name(photos, tmp_path):
    bad = tmp_path / "bad.jpg"
    bad.write_bytes(b"\xff\xd8\xff\xe0 not a picture")
    prepared = prepare(Request(pictures=[*sorted(photos.iterdir())[:2], bad], kind="photos", store=False))
    assert len(prepared.intake.photos) == 2
    assert "bad.jpg" in prepared.intake.left_out[0]


def test_the_same_photo_again_and_again_is_refused(photos, tmp_path):
    one = sorted(photos.iterdir())[0]
    copies = []
    for number in range(3):
        copies.append(tmp_path / f"copy{number}.jpg")
        copies[-1].write_bytes(one.read_bytes())
    with pytest.raises(InputError) as error:
        fulfil(Request(pictures=copies, kind="photos", store=False))
    assert error.value.code == "photos-identical"


def test_one_photo_is_too_few(photos):
    with pytest.raises(InputError) as error:
        fulfil(Request(pictures=[sorted(photos.iterdir())[0]], kind="photos", store=False))
    assert error.value.code == "too-few-views"
