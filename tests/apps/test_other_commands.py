"""plan, recipe, backends, check, view, doctor: each answers, quickly and plainly."""

import json
import subprocess
import sys
import threading
import urllib.request

import numpy as np
import pytest
import trimesh

import unflat as unflat_package
from unflat.apps.cli.view import server_for


def test_without_arguments_it_says_what_it_is(unflat):
    status, out, _ = unflat()
    assert status == 0
    assert "unflat photo.jpg" in out


def test_it_also_runs_as_a_module():
    done = subprocess.run([sys.executable, "-m", "unflat", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"unflat {unflat_package.__version__}"


def test_plan_runs_nothing_but_shows_every_step(unflat, photo, tmp_path):
    status, out, _ = unflat("plan", photo)
    assert status == 0
    for word in ("segment", "single-view", "finish.decimate", "bake"):
        assert word in out
    assert not (tmp_path / "pear.glb").exists()


def test_recipes_are_listed_and_shown(unflat):
    assert "drawing" in unflat("recipe")[1]
    shown = unflat("recipe", "show", "photo")[1]
    assert "[texture]" in shown
    assert "size_px = 2048" in shown


def test_backends_are_listed_with_their_licences(unflat):
    status, out, _ = unflat("backends")
    assert status == 0
    assert "grabcut" in out
    assert json.loads(unflat("backends", "--json")[1])[0]["licence"]


def test_check_tells_good_from_bad(unflat, tmp_path):
    trimesh.creation.box().export(tmp_path / "box.stl")
    broken = trimesh.creation.box()
    broken.update_faces(np.arange(len(broken.faces)) > 1)
    broken.export(tmp_path / "open.stl")
    assert unflat("check", tmp_path / "box.stl")[0] == 0
    assert unflat("check", tmp_path / "open.stl", "--for", "print")[0] == 6
    assert json.loads(unflat("check", tmp_path / "open.stl", "--json")[1])["watertight"] is False


@pytest.mark.parametrize("name", ["missing.glb", "text.glb"])
def test_check_of_no_model_is_an_input_error(unflat, tmp_path, name):
    (tmp_path / "text.glb").write_text("hello")
    assert unflat("check", tmp_path / name)[0] == 2


def test_the_doctor_finds_this_install_well(unflat):
    status, out, _ = unflat("doctor")
    assert status == 0
    assert "all is well" in out


def test_the_viewer_serves_its_page_and_the_model_on_this_machine_only():
    with server_for(b"glTF....", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_address[1]}"
        page = urllib.request.urlopen(address + "/").read().decode()
        assert "glb.js" in page
        assert "//" not in page.split("<script")[1].split("import")[1].split(";")[0].replace("./", "")
        assert urllib.request.urlopen(address + "/model.glb").read() == b"glTF...."
        for script in ("/glb.js", "/scene.js"):
            assert b"export" in urllib.request.urlopen(address + script).read()
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(address + "/../../etc/passwd")
        server.shutdown()


def test_import_is_quick_and_brings_no_heavy_module():
    code = "import sys, unflat; print(sorted({'cv2', 'scipy', 'trimesh', 'PIL', 'skimage'} & set(sys.modules)))"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
