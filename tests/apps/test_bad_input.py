"""Bad input gets one clear line, a code, a hint and its exit status; nothing made is lost."""

import errno
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image

DRAFT = ("--quality", "draft", "--texture", "512")


def save(path, pixels, **options):
    Image.fromarray(pixels).save(path, **options)
    return path


def noise(height, width):
    return np.random.default_rng(0).integers(0, 255, (height, width, 3), np.uint8)


def png_header_of_a_giant():
    """A PNG that claims 30000 x 30000 pixels and holds none."""
    import struct
    import zlib

    head = b"IHDR" + struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0)
    chunks = [head, b"IDAT" + zlib.compress(b""), b"IEND"]
    framed = [struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def bad_pictures(folder, pear):
    whole = save(folder / "whole.jpg", pear(alpha=False)).read_bytes()
    transparent = pear()
    transparent[..., 3] = 0
    (folder / "empty.png").write_bytes(b"")
    (folder / "truncated.jpg").write_bytes(whole[: len(whole) // 3])
    (folder / "words.jpg").write_text("this is no picture")
    (folder / "giant.png").write_bytes(png_header_of_a_giant())
    save(folder / "one.png", noise(1, 1))
    save(folder / "line.png", noise(4000, 1))
    save(folder / "blank.png", np.full((120, 160, 3), 255, np.uint8))
    save(folder / "transparent.png", transparent)
    save(folder / "nothing.png", np.clip(noise(160, 160) // 8 + 120, 0, 255).astype(np.uint8))


@pytest.mark.parametrize(
    "name", ["empty.png", "truncated.jpg", "words.jpg", "giant.png", "one.png", "line.png", "blank.png",
             "transparent.png", "nothing.png", "not there.png"],
)  # fmt: skip
def test_a_picture_that_cannot_become_a_model_is_refused_with_advice(unflat, tmp_path, name, pear):
    bad_pictures(tmp_path, pear)
    started = time.perf_counter()
    status, out, err = unflat(tmp_path / name, *DRAFT)
    assert status == 2, err
    assert "→" in err, "there is a hint"
    assert out == ""
    assert time.perf_counter() - started < 20
    assert not list(tmp_path.glob("*.glb"))


def test_a_wrong_ending_is_no_obstacle(unflat, tmp_path, pear):
    save(tmp_path / "pear.png", pear()).rename(tmp_path / "pear.jpg")
    assert unflat(tmp_path / "pear.jpg", *DRAFT)[0] == 0


def test_a_mask_of_another_size_is_refused(unflat, tmp_path, photo):
    mask = save(tmp_path / "mask.png", np.full((50, 60), 255, np.uint8))
    status, _, err = unflat(photo, "--mask", mask, *DRAFT)
    assert status == 2
    assert "60x50" in err


def test_a_depth_map_without_a_number_is_refused(unflat, tmp_path, photo):
    np.save(tmp_path / "depth.npy", np.full((160, 160), np.nan, np.float32))
    assert unflat(photo, "--depth", tmp_path / "depth.npy", *DRAFT)[0] == 2


def test_unicode_names_survive(unflat, tmp_path, pear):
    folder = tmp_path / "ordner mit ü und 梨"
    folder.mkdir()
    status, *_ = unflat(save(folder / "birne 梨 é.png", pear()), *DRAFT, "-o", folder)
    assert status == 0
    assert (folder / "birne 梨 é.glb").exists()


@pytest.mark.parametrize(
    ("arguments", "status", "word"),
    [
        (("--recipe", "foto"), 3, "photo"),
        (("--set", "texture.size=512"), 3, "size_px"),
        (("--set", "texture.size_px=large"), 3, "whole number"),
        (("--set", "nonsense"), 3, "STEP.OPTION"),
        (("--set", "segment.backend=grabcat"), 3, "grabcut"),
        (("--for", "tabletop"), 3, "game"),
        (("-o", "model.xyz"), 3, "glb"),
        (("--height", "tall"), 3, "cm"),
        (("--from", "texture", "x.ply"), 3, "surface"),
        (("--from", "surface", "x.ply"), 2, "x.ply"),
        (("--recipe", "relief"), 2, "depth"),
    ],
)
def test_what_does_not_exist_is_refused_with_what_does(unflat, photo, arguments, status, word):
    found, _, err = unflat(photo, *DRAFT, *arguments) if "--recipe" not in arguments else unflat(photo, *arguments)
    assert found == status, err
    assert word in err


def test_an_extra_that_is_not_installed_is_named_with_its_pip_line(unflat, photo):
    pytest.importorskip("numpy")
    status, _, err = unflat(photo, *DRAFT, "--set", "segment.backend=rembg")
    if status == 0:
        pytest.skip("rembg is installed here")
    assert status == 4
    assert "pip install" in err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_refused_before_any_work(unflat, photo, tmp_path):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    assert unflat(photo, *DRAFT, "-o", locked)[0] == 4


def test_a_full_disk_is_said_and_leaves_no_half_file(unflat, photo, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    status, _, err = unflat(photo, *DRAFT, "--no-cache", "-o", "out/model.glb")
    assert status == 4
    assert "disk" in err
    assert not list((tmp_path / "out").iterdir())


def test_errors_are_json_when_json_was_asked_for(unflat, tmp_path):
    import json

    status, out, _ = unflat(tmp_path / "not there.png", "--json")
    assert status == 2
    assert json.loads(out)["error"]["code"] == "file-not-found"


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C is sent in another way there")
@pytest.mark.parametrize("finished", ["segment", "reconstruct", "surface", "finish"])
def test_ctrl_c_after_any_stage_keeps_it_and_the_next_run_goes_on(tmp_path, photo, finished):
    command = [sys.executable, "-m", "unflat.apps.cli.main", str(photo), "--texture", "2048", "--run-folder", "run"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path) as process:
        for line in process.stderr:
            if line.strip().startswith(finished):
                process.send_signal(signal.SIGINT)
                break
        rest = process.stderr.read()
        assert process.wait(timeout=60) == 130, rest
    assert "Traceback" not in rest
    assert not (tmp_path / "pear.glb").exists()
    again = subprocess.run(command, stderr=subprocess.PIPE, text=True, cwd=tmp_path, check=False)
    assert again.returncode == 0, again.stderr
    kept = [line.split()[0] for line in again.stderr.splitlines() if "kept" in line]
    order = ["segment", "reconstruct", "surface", "finish"]
    assert kept[: order.index(finished) + 1] == order[: order.index(finished) + 1]
