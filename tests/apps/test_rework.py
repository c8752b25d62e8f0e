"""`unflat rework MODEL`: what it writes, and what it says of wishes that can't be."""

import json

import pytest
from PIL import Image

from unflat.io.load import load_asset

DRAFT = ("--quality", "draft", "--texture", "512")


@pytest.fixture
def model(unflat, photo, tmp_path):
    assert unflat(photo, *DRAFT, "--quiet")[0] == 0
    return tmp_path / "pear.glb"


def test_a_model_becomes_lighter_of_real_size_and_another_format(unflat, model, tmp_path):
    status, out, _ = unflat(
        "rework", model, "-o", "small.usdz", "--faces", "500", "--height", "9cm", "--json", "--preview"
    )
    assert status == 0
    assert json.loads(out)["files"] == ["small.usdz", "small_preview.png"]
    report = json.loads(out)["reports"][0]
    assert report["faces"] <= 500
    assert report["size_m"][1] == pytest.approx(0.09, rel=1e-3)
    with Image.open(tmp_path / "small_preview.png") as picture:
        assert picture.size[0] > 100


def test_a_target_chooses_formats_and_judges(unflat, model, tmp_path):
    status, *_ = unflat("rework", model, "-o", "printed", "--for", "print", "--height", "9cm")
    assert status == 0
    assert {path.suffix for path in (tmp_path / "printed").iterdir()} == {".3mf", ".stl"}
    assert load_asset(tmp_path / "printed" / "pear.3mf").parts


def test_what_is_no_model_is_refused_in_words(unflat, photo, tmp_path):
    status, _, err = unflat("rework", photo, "-o", "x.glb")
    assert status == 2
    assert "unknown-format" in err
    (tmp_path / "empty.glb").write_bytes(b"")
    assert "empty-file" in unflat("rework", tmp_path / "empty.glb", "-o", "x.glb")[2]
    assert "no-such-file" in unflat("rework", "none.glb", "-o", "x.glb")[2]
