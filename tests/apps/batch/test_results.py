"""Results: on disk and in an object store, whole or not there; one run at a time."""

import json
import subprocess
import sys
from pathlib import Path

import fsspec
import pytest
from PIL import Image

from unflat.apps.batch import lock
from unflat.apps.batch.conductor import Batch, run_batch
from unflat.apps.batch.item import Item
from unflat.apps.batch.listing import list_items
from unflat.apps.batch.lock import locked
from unflat.apps.batch.results import Results
from unflat.apps.outputs import Outputs
from unflat.core import SetupError


@pytest.fixture
def store():
    files = fsspec.filesystem("memory")
    yield files
    for path in files.ls("/", detail=False):
        files.rm(path, recursive=True)


@pytest.fixture
def run(here):
    return lambda batch: run_batch(batch, here)


def wanted(items, out, **more):
    wishes = {"quality": "draft", "settings": {"texture.size_px": 512}}
    return Batch(items, out, wishes, Outputs(preview=True), **more)


def test_from_an_object_store_and_into_one(store, photo, run):
    store.pipe_file("/shop/in/pear.png", photo.read_bytes())
    store.pipe_file("/shop/in/broken.png", b"no picture")
    items = list_items(["memory://shop/in"])
    report = run(wanted(items, "memory://shop/out"))
    assert (report.states["made"], report.states["failed"]) == (1, 1)
    assert set(store.ls("/shop/out/pear", detail=False)) == {
        f"/shop/out/pear/{name}" for name in ("pear.glb", "pear_preview.png", "report.json")
    }
    assert store.cat_file("/shop/out/pear/pear.glb")[:4] == b"glTF"
    assert store.exists("/shop/out/report.html") and store.exists("/shop/out/report.parquet")
    assert not store.exists("/shop/out/.unflat/lock")
    assert run(wanted(items, "memory://shop/out")).this_run == ()


def test_in_an_object_store_the_record_comes_last(store, monkeypatch):
    results = Results("memory://shop/out")
    order = []
    put = type(store).put_file
    monkeypatch.setattr(
        type(store), "put_file", lambda self, *given, **how: (order.append(given[1]), put(self, *given, **how))
    )
    store.pipe_file("/shop/out/cup/report.json", b"{}")
    store.pipe_file("/shop/out/cup/old.glb", b"old")
    with results.staged("cup") as folder:
        for name in ("report.json", "z.glb", "a.glb"):
            (folder / name).write_bytes(b"new")
        assert store.exists("/shop/out/cup/report.json"), "until then the old one stands"
    assert [path.rpartition("/")[2] for path in order][2:] == ["report.json"]
    assert not store.exists("/shop/out/cup/old.glb")


def test_what_fails_while_it_is_written_leaves_what_was_there():
    results = Results("out")
    for content in ("first", "second"):
        with results.staged("cup") as folder:
            (folder / "report.json").write_text(json.dumps({"name": content}))
    with pytest.raises(OSError), results.staged("cup") as folder:
        (folder / "half.glb").write_bytes(b"half")
        raise OSError
    assert results.records(["cup"])["cup"] == [{"name": "second"}]
    assert [path.name for path in Path("out/cup").iterdir()] == ["report.json"]
    assert not list(Path("out/.unflat/work").iterdir())


def test_a_damaged_record_counts_as_missing(photo, run):
    items = [Item("pear", (str(photo),))]
    run(wanted(items, "out"))
    Path("out/pear/report.json").write_text('{"half')
    assert run(wanted(items, "out")).this_run == ("pear",)


def test_two_runs_on_one_place_are_refused_and_a_killed_one_holds_nothing(tmp_path):
    code = "from unflat.apps.batch.lock import *; from unflat.apps.batch.results import *\n" \
           "with locked(Results('out')): print('held', flush=True); input()"  # fmt: skip
    other = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(SetupError) as caught, locked(Results("out")):
            pass
        assert caught.value.code == "batch-locked"
        assert str(other.pid) in caught.value.message
        other.kill()
    with locked(Results("out")):
        pass


def test_the_lock_in_an_object_store_beats_and_dies_with_its_owner(store, monkeypatch):
    with locked(Results("memory://shop/out")), pytest.raises(SetupError), locked(Results("memory://shop/out")):
        pass
    store.pipe_file("/shop/out/.unflat/lock", json.dumps({"who": "a killed run", "id": "x", "beat": 0}).encode())
    with locked(Results("memory://shop/out")):
        assert b"a killed run" not in store.cat_file("/shop/out/.unflat/lock")


def test_a_full_disk_ends_the_batch_at_once(photo, run, monkeypatch):
    def full(self, folder, name):
        raise SetupError("The disk is full.", code="disk-full", hint="Make room.")

    monkeypatch.setattr(Results, "_rename", full)
    items = [Item(name, (str(photo),)) for name in "abc"]
    with pytest.raises(SetupError) as caught:
        run(wanted(items, "out"))
    assert caught.value.code == "disk-full"


def test_what_the_machine_lacked_is_tried_again_by_itself(photo, run):
    results = Results("out")
    task = wanted([Item("pear", (str(photo),))], "out").tasks[0]
    from unflat.apps.batch.engine import lost

    results.fail(lost(task, SetupError("No weights.", hint="Get them."), 0.1))
    assert run(wanted([task.item], "out")).states["made"] == 1
    assert len(results.records(["pear"])["pear"]) == 1, "the failure is forgotten"


def test_without_its_packages_nothing_is_begun(photo, run, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(SetupError) as caught:
        run(wanted([Item("pear", (str(photo),))], "out"))
    assert caught.value.code == "missing-extra" and "unflat[batch]" in caught.value.hint
    assert not Path("out").exists()


def test_a_report_is_written_for_nothing_too(tmp_path, run):
    (tmp_path / "x.png").write_bytes(b"")
    Image.new("RGB", (4, 4)).save("y.png")
    report = run(wanted([Item("x", ("x.png",)), Item("y", ("y.png",))], "out"))
    assert set(report.failures) == {"empty-file", "too-small"}
    assert lock._DEAD_S > 3 * lock._BEAT_S
