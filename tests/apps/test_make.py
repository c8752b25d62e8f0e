"""`unflat PHOTO`: what a newcomer types, and what comes out."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from unflat.io.load import load_asset

DRAFT = ("--quality", "draft", "--texture", "512")


def test_a_photo_becomes_a_glb_beside_where_one_stands(unflat, photo, tmp_path):
    status, _, err = unflat(photo, *DRAFT)
    assert status == 0
    assert "watertight" in err
    assert load_asset(tmp_path / "pear.glb").parts


def test_pictures_and_report_are_written_when_asked(unflat, photo, tmp_path):
    status, *_ = unflat(photo, *DRAFT, "-o", "out/model.glb", "--preview", "--sheet", "--report", "--turntable", "webp")
    assert status == 0
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"model.glb", "model_preview.png", "model_sheet.png", "model_report.json", "model_turntable.webp"}


def test_formats_are_written_side_by_side(unflat, photo, tmp_path):
    status, *_ = unflat(photo, *DRAFT, "--height", "12cm", "--format", "glb,stl,3mf,usdz,ply,obj", "-o", "out")
    assert status == 0
    assert {path.suffix for path in (tmp_path / "out").iterdir()} >= {".glb", ".stl", ".3mf", ".usdz", ".ply", ".obj"}


def test_the_height_asked_for_is_the_height_of_the_model(unflat, photo, tmp_path):
    unflat(photo, *DRAFT, "--height", "12cm")
    vertices = load_asset(tmp_path / "pear.glb").parts[0].mesh.vertices
    assert np.isclose(np.ptp(vertices[:, 1]), 0.12, rtol=1e-3)
    assert np.isclose(vertices[:, 1].min(), 0, atol=1e-5), "it stands on the ground"


def test_json_is_one_object_on_stdout(unflat, photo):
    status, out, err = unflat(photo, *DRAFT, "--json")
    result = json.loads(out)
    assert status == 0
    assert err == ""
    assert result["files"] == ["pear.glb"]
    assert result["reports"][0]["watertight"] is True


def test_photos_are_taken_in_the_order_of_their_sides(unflat, tmp_path, pear):
    Image.fromarray(pear(220)).save(tmp_path / "z_front.png")
    Image.fromarray(np.ascontiguousarray(pear(220)[:, ::-1])).save(tmp_path / "a_back.png")
    pictures = (tmp_path / "z_front.png", tmp_path / "a_back.png")
    status, *_ = unflat(*pictures, "--sides", "front,back", *DRAFT)
    assert status == 0
    assert load_asset(tmp_path / "z_front.glb").parts, "the first picture names the model"
    status, _, err = unflat(*pictures, "--sides", "front,left,back", *DRAFT)
    assert status == 2 and "[sides-do-not-fit]" in err
    status, _, err = unflat(*pictures, "--sides", "front,north", *DRAFT)
    assert status != 0 and "[bad-option]" in err


def test_a_folder_becomes_a_model_each_and_one_bad_picture_stops_nothing(unflat, tmp_path, pear):
    folder = tmp_path / "in"
    folder.mkdir()
    Image.fromarray(pear()).save(folder / "a.png")
    (folder / "b.jpg").write_bytes(b"no picture")
    Image.fromarray(pear()[:, ::-1]).save(folder / "c.png")
    status, _, err = unflat(folder, *DRAFT, "-o", "models", "--contact-sheet", "sheet.png")
    assert status == 2
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == ["a.glb", "c.glb"]
    assert "b.jpg" in err
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.height > 2 * 200, "a row for each model"
    assert "2 of 3 pictures" in err


def test_a_pipe_in_and_a_pipe_out(photo, tmp_path):
    command = [sys.executable, "-m", "unflat.apps.cli.main", "-", *DRAFT, "--quiet", "-o", "-"]
    finished = subprocess.run(command, input=photo.read_bytes(), capture_output=True, check=False, cwd=tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout[:4] == b"glTF"


def test_all_objects_of_a_picture_become_models(unflat, tmp_path, pear):
    two = np.zeros((160, 330, 4), np.uint8)
    two[:, :160], two[20:150, 190:320] = pear(), pear(130)
    Image.fromarray(two).save(tmp_path / "two.png")
    status, *_ = unflat(tmp_path / "two.png", *DRAFT, "--all")
    assert status == 0
    assert (tmp_path / "two.glb").exists()
    assert (tmp_path / "two_2.glb").exists()


def test_levels_of_detail_are_coarser_each_time(unflat, photo, tmp_path):
    unflat(photo, *DRAFT, "--faces", "4000", "--levels", "2")
    faces = [len(load_asset(path).parts[0].mesh.faces) for path in
             (tmp_path / "pear.glb", tmp_path / "pear_lod1.glb", tmp_path / "pear_lod2.glb")]  # fmt: skip
    assert faces[0] > 2 * faces[1] > 4 * faces[2]


def test_a_second_run_takes_what_the_first_one_kept(unflat, photo):
    unflat(photo, *DRAFT)
    _, _, err = unflat(photo, *DRAFT)
    assert err.count("kept") == 5


def test_a_changed_option_repeats_only_what_depends_on_it(unflat, photo):
    unflat(photo, *DRAFT)
    _, _, err = unflat(photo, *DRAFT, "--set", "texture.delight=false")
    assert err.count("kept") == 4


def test_a_run_can_be_entered_in_the_middle_with_an_edited_mesh(unflat, photo, tmp_path):
    import trimesh

    trimesh.creation.box((0.4, 0.9, 0.3)).export(tmp_path / "edited.ply")
    status, *_ = unflat(photo, *DRAFT, "--from", "surface", tmp_path / "edited.ply", "--height", "9cm")
    assert status == 0
    extent = load_asset(tmp_path / "pear.glb").parts[0].mesh.extent
    assert np.allclose(extent, [0.04, 0.09, 0.03], rtol=0.05)


def test_the_same_seed_gives_the_same_bytes(unflat, photo, tmp_path):
    unflat(photo, *DRAFT, "--no-cache", "-o", "a.glb")
    unflat(photo, *DRAFT, "--no-cache", "-o", "b.glb")
    first, second = load_asset(tmp_path / "a.glb").parts[0], load_asset(tmp_path / "b.glb").parts[0]
    assert np.array_equal(first.mesh.vertices, second.mesh.vertices)
    assert np.array_equal(first.material.base_color, second.material.base_color)


@pytest.mark.parametrize("target", ["game", "ar", "print", "web"])
def test_each_target_passes_its_own_check(unflat, photo, target, tmp_path):
    status, _, err = unflat(photo, "--for", target, "--height", "12cm", "--texture", "512", "-o", "out")
    assert status == 0, err
    assert list((tmp_path / "out").iterdir())


def test_print_without_a_size_is_written_but_refused(unflat, photo, tmp_path):
    status, _, err = unflat(photo, "--for", "print", *DRAFT)
    assert status == 6
    assert "--height" in err
    assert (tmp_path / "pear.3mf").exists()
