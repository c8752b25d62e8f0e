"""`unflat batch`: what a catalogue's owner types, what lies in the folder afterwards, and what a second run does."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as parquet
import pytest
from PIL import Image

from unflat.io.load import load_asset

UNFLAT = (sys.executable, "-m", "unflat.apps.cli.main")
DRAFT = ("--quality", "draft", "--texture", "512")


def test_a_folder_becomes_a_folder_for_each_picture_and_a_report(shelf, batch, record):
    shelf("a.png", "broken.jpg", "b <&> 'c'.png")
    status, told = batch("in", "--workers", "2")
    assert status == 2, "the worst picture's"
    assert told["made"] == 2 and told["failures"] == {"not-a-picture": 1}
    assert {path.name for path in Path("out/a").iterdir()} == {"a.glb", "a_preview.png", "report.json"}
    assert load_asset("out/a/a.glb").parts
    made = record("a")
    assert made["state"] == "made" and made["assets"][0]["quality"]["watertight"]
    assert made["stages_s"]["texture"] > 0
    rows = {row["name"]: row for row in parquet.read_table("out/report.parquet").to_pylist()}
    assert rows["broken"]["error_code"] == "not-a-picture" and rows["broken"]["error_hint"]
    assert rows["a"]["seen_share"] + rows["a"]["inferred_share"] == pytest.approx(1)
    page = Path("out/report.html").read_text("utf-8")
    assert page.count("data:image/jpeg;base64,") == 2
    assert "not-a-picture" in page and "b _&amp;_ &#x27;c&#x27;" in page
    assert "http" not in page.replace("http-equiv", ""), "it needs nothing from elsewhere"
    assert not list(Path("out/.unflat/work").iterdir())


def test_a_second_run_does_only_what_is_new_or_changed(shelf, batch, record, pear):
    shelf("a.png", "b.png", "broken.png")
    batch("in")
    times = {name: record(name)["finished_at"] for name in "ab"}
    os.utime("in/a.png")
    assert batch("in")[1]["this_run"] == 0, "touched is not changed"
    Image.fromarray(pear(120)).save("in/b.png")
    Image.fromarray(pear(120)).save("in/c.png")
    assert batch("in")[1]["this_run"] == 2
    assert record("a")["finished_at"] == times["a"]
    assert batch("in", "--height", "12cm")[1]["this_run"] == 4, "other wishes are another model"
    assert record("a")["assets"][0]["quality"]["scale"] == "metric"


def test_failures_are_tried_again_when_asked(shelf, batch, photo):
    shelf("broken.png")
    status, told = batch("in")
    assert (status, told["this_run"]) == (2, 1)
    assert batch("in")[1]["this_run"] == 0
    assert batch("in", "--again", "failed")[1]["this_run"] == 1
    Path("in/broken.png").write_bytes(photo.read_bytes())
    status, told = batch("in")
    assert (status, told["made"], told["failures"]) == (0, 1, {})
    assert batch("in", "--again", "all")[1]["this_run"] == 1


def test_each_line_of_a_manifest_has_its_own_wishes(shelf, batch, record):
    shelf("a.png", "b.png")
    Path("list.csv").write_text(
        'picture,name,target,height,settings,sku\nin/a.png,for printing,print,12cm,,X-1\n'
        'in/b.png,,game,,"{""finish.decimate.faces"": 700}",X-2\nin/gone.png,,,,,X-3\n'
    )  # fmt: skip
    status, told = batch("list.csv")
    assert (status, told["made"]) == (2, 2)
    assert {path.suffix for path in Path("out/for printing").iterdir()} == {".3mf", ".stl", ".png", ".json"}
    assert record("b")["assets"][0]["quality"]["faces"] <= 700
    rows = parquet.read_table("out/report.parquet").to_pylist()
    assert [row["manifest_sku"] for row in rows] == ["X-1", "X-2", "X-3"]
    assert rows[2]["error_code"] == "file-not-found"
    assert rows[0]["gate_passed"] is True


def test_a_model_that_its_target_refuses_is_kept_and_told(shelf, batch, record):
    shelf("a.png")
    status, told = batch("in", "--for", "print")
    assert status == 6
    assert told["refused"] == 1
    assert Path("out/a/a.3mf").exists() and record("a")["state"] == "refused"
    assert batch("in", "--for", "print")[0] == 6, "the status is that of the results, not of the work"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--for", "nonsense"), "unknown-target"),
        (("--recipe", "nonsense"), "unknown-recipe"),
        (("--set", "texture.nonsense=1"), "unknown-option"),
        (("--format", "fbx"), "unknown-format"),
        (("--workers", "0"), "bad-option"),
    ],
)
def test_a_wish_that_fits_no_picture_is_refused_before_any_work(shelf, unflat, arguments, code):
    shelf("a.png")
    status, _, said = unflat("batch", "in", "-o", "out", *arguments)
    assert status == 3
    assert code in said
    assert not Path("out").exists()


def test_killed_or_stopped_it_leaves_whole_items_and_the_next_run_goes_on(shelf, batch):
    shelf(*(f"{number}.png" for number in range(4)))
    command = [*UNFLAT, "batch", "in", "-o", "out", *DRAFT, "--quiet"]
    for count, kind in ((1, signal.SIGKILL), (2, signal.SIGINT)):
        run = subprocess.Popen(command, stderr=subprocess.PIPE)
        while len(list(Path().glob("out/*/report.json"))) < count:
            assert run.poll() is None
            time.sleep(0.02)
        run.send_signal(kind)
        said = run.communicate()[1]
        done = [path.parent for path in Path().glob("out/*/report.json")]
        for folder in (path for path in Path("out").iterdir() if path.is_dir() and path.name != ".unflat"):
            assert json.loads((folder / "report.json").read_text())["state"] == "made"
            assert load_asset(folder / f"{folder.name}.glb").parts
    assert run.returncode == 130
    assert b"Run the same command again" in said
    rows = parquet.read_table("out/report.parquet").to_pylist()
    assert {row["state"] for row in rows} == {"made", "waiting"}
    assert not list(Path("out/.unflat/work").iterdir())
    status, told = batch("in")
    assert (status, told["made"], told["this_run"]) == (0, 4, 4 - len(done))
