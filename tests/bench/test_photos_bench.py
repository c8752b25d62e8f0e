"""The photo-set benchmark goes on where it stopped, tells failures apart, and puts all methods into the same tables."""

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from unflat.apps.cli.main import main
from unflat.bench import photos, photos_engine, photos_methods
from unflat.bench.photos import PhotosBench
from unflat.bench.photos_cases import LEFT_OUT, PhotosCase, photographed, photos_cases, photos_entries, speed_case
from unflat.bench.photos_engine import reconstruct_photos
from unflat.bench.photos_methods import method_of
from unflat.bench.photos_pixelmap import VARIABLE, outcome_of, pixelmap_outcome
from unflat.bench.photos_rows import PROTOCOL, PhotosRow, PhotosRowFile, all_photos_rows
from unflat.bench.photos_table import speed_report, truth_report, values_of
from unflat.bench.photos_truth import Outcome
from unflat.core import (
    Asset,
    Camera,
    InputError,
    Photo,
    RecipeError,
    Reconstruction,
    SetupError,
    StageFailed,
    View,
    Views,
)  # fmt: skip
from unflat.core.events import RunFinished, StageFinished
from unflat.geometry.cameras import look_at, project
from unflat.io.obj import write_obj
from unflat.pipeline.store import encode
from unflat.render.frame import render_frame
from unflat.synth.letter import letter_f
from unflat.synth.objects import ModelFolder, ObjectEntry

WIDTH = 160


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("objects")
    for name in ("a", "b"):
        write_obj(Asset((letter_f(),), name=name), folder / name / "f.obj")
    return folder


def row(**changes: object) -> PhotosRow:
    scores = {"f_1": 0.8, "f_0.5": 0.5, "right": 1.0, "registered": 1.0, "psnr_db": 20.0}
    return replace(PhotosRow("unflat", "cup", "ware", 24, 1600, scores=scores, total_s=10.0), **changes)


def test_cases_are_the_textured_objects_set_aside_and_numbered_for_good() -> None:
    class Library:
        entries = tuple(
            ObjectEntry(str(index), "", "", "", "", "", split="bench" if index % 2 else "train", textured=index != 3)
            for index in range(20)
        )

        def part(self, entry: ObjectEntry) -> None:
            raise AssertionError

    assert [entry.id for entry in photos_entries(Library())] == ["1", "5", "7", "9", "11", "13", "15", "17", "19"]
    few = list(photos_cases(Library(), (24, 48), 3))
    assert [(case.entry.id, case.index, case.views) for case in few] == [
        ("1", 0, 24), ("1", 0, 48), ("9", 3, 24), ("9", 3, 48), ("15", 6, 24), ("15", 6, 48)
    ]  # fmt: skip
    assert all(case in list(photos_cases(Library())) for case in few)
    assert speed_case(Library(), 8).entry.id == "7"


def test_a_case_is_photographed_once_with_its_truth(objects: Path, tmp_path: Path) -> None:
    library = ModelFolder(objects)
    case = PhotosCase(0, library.entries[0], 4, WIDTH)
    told: list[str] = []
    taken = photographed(case, library, tmp_path, told.append)
    assert len(taken.paths) == 4 == len(taken.truth.cameras) and all(path.is_file() for path in taken.paths)
    assert {path.name for path in taken.paths} == set(taken.truth.cameras)
    assert len(told) == 4 + LEFT_OUT == 4 + len(taken.truth.left_out)
    photographed(case, library, tmp_path, told.append)
    assert len(told) == 4 + LEFT_OUT, "nothing is rendered twice"
    view = taken.truth.left_out[0]
    assert view.camera is not None and view.mask is not None
    pixels, _ = project(view.camera, taken.truth.part.mesh.vertices.astype(np.float64))
    left, top, right, bottom = view.mask.box
    assert np.abs(pixels.min(axis=0) - [left, top]).max() < 3 and np.abs(pixels.max(axis=0) - [right, bottom]).max() < 3


def test_the_benchmark_goes_on_where_it_stopped(
    objects: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls: list[str] = []

    def refused(paths: tuple[Path, ...], quality: str = "standard") -> Outcome:
        calls.append(quality)
        raise StageFailed("Nothing matches.", code="too-few-matches", hint="Take more.")

    monkeypatch.setattr(photos_methods, "reconstruct_photos", refused)
    bench = PhotosBench(objects, tmp_path / "results", ("truth", "unflat:draft"), (4,), 1, WIDTH)
    tables = bench.truth(lambda _: None)
    assert "too-few-matches" in tables and calls == ["draft"]
    assert not list((tmp_path / "results" / "sets").iterdir()), "photos are removed once they were measured"
    truth, ours = (PhotosRowFile(tmp_path / "results", "truth", name) for name in ("truth", "unflat:draft"))
    (found,) = truth.rows.values()
    assert found.scores["f_0.5"] is not None and found.scores["f_0.5"] > 0.99 and found.scores["right"] == 1
    assert [row.failure for row in ours.rows.values()] == ["too-few-matches"]

    def no_more(*_: object) -> None:
        raise AssertionError("measured again")

    monkeypatch.setattr(photos, "photographed", no_more)
    command = ["bench", "photos", "--truth", "--objects", str(objects), "--views", "4", "--limit", "1", "--size"]
    command += [str(WIDTH), "--method", "truth,unflat:draft", "--results", str(tmp_path / "results")]
    command += ["--markdown", str(tmp_path / "t.md"), "--json", str(tmp_path / "t.json")]
    assert main(command) == 0
    assert (tmp_path / "t.md").read_text() == tables and tables in capsys.readouterr().out
    assert len(json.loads((tmp_path / "t.json").read_text())) == 2


@pytest.mark.slow
def test_speed_is_measured_in_a_process_of_its_own(objects: Path, tmp_path: Path) -> None:
    bench = PhotosBench(objects, tmp_path, ("truth",), (3,), width_px=WIDTH)
    table = bench.speed(lambda _: None)
    (found,) = PhotosRowFile(tmp_path, "speed", "truth").rows.values()
    assert found.views == 3 and found.peak_mb is not None and found.peak_mb > 50
    assert f"| truth | 3 |{' |' * 5} 0.0 | 0.00 |" in table.replace("  ", " ")


def test_without_objects_there_is_nothing_to_measure(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "photos", "--truth"]) == InputError.exit_status
    assert "--objects" in capsys.readouterr().err


def test_unknown_methods_are_refused_before_anything_is_rendered(tmp_path: Path, objects: Path) -> None:
    for name in ("magic", "unflat:quick", "pixelmap:best", "truth:high"):
        with pytest.raises(RecipeError) as error:
            PhotosBench(objects, tmp_path, (name,)).truth(lambda _: None)
        assert error.value.code == "unknown-method"


def test_rows_survive_and_half_written_or_old_ones_do_not(tmp_path: Path) -> None:
    file = PhotosRowFile(tmp_path, "truth", "unflat:draft")
    file.add(row())
    with file.path.open("a") as opened:
        opened.write(json.dumps({"method": "unflat", "protocol": PROTOCOL - 1}) + "\n" + '{"method": "unf')
    again = PhotosRowFile(tmp_path, "truth", "unflat:draft")
    assert list(again.rows.values()) == [row()]
    assert len(all_photos_rows(tmp_path)) == 1
    again.clear()
    assert not PhotosRowFile(tmp_path, "truth", "unflat:draft").rows


def test_failures_count_as_nothing_found() -> None:
    rows = [row(), row(object="b", failure="no-pose", scores={})]
    assert values_of(rows, "f_1") == [0.8, 0.0] and values_of(rows, "psnr_db") == [20.0]
    tables = truth_report({"unflat": rows})
    assert "| b | unflat" not in tables and "| unflat | b | 24 | no-pose |" in tables
    assert "0.400" in tables


def test_the_speed_table_tells_seconds_a_photo() -> None:
    rows = [row(views=8, seconds={"pose": 4.0}, peak_mb=512.0), row(views=16, failure="out-of-memory")]
    table = speed_report({"unflat": rows})
    assert "| unflat | 8 | 4.0 |  |  |  |  | 10.0 | 1.25 | 0.0 | 512 |  |" in table
    assert "out-of-memory" in table


def test_our_pipeline_tells_cameras_and_seconds(tmp_path: Path, objects: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    part = letter_f()
    taken = photographed(PhotosCase(0, ModelFolder(objects).entries[0], 3, WIDTH), ModelFolder(objects), tmp_path)
    cameras = dict(taken.truth.cameras)
    views = Views(tuple(
        View(Photo(np.zeros((camera.height_px, camera.width_px, 3), np.uint8), name=name), camera=camera)
        for name, camera in cameras.items()
    ))  # fmt: skip

    def pretend(request: object, on_event: object) -> tuple[Asset, ...]:
        assert request.kind == "photos" and request.pictures == [str(path) for path in taken.paths]
        folder = Path(request.run_folder)
        (folder / "pose-0.npz").write_bytes(encode(Views(views.items[:1])))
        (folder / "finish-0.npz").write_bytes(encode(Reconstruction(part.mesh, views)))
        on_event(StageFinished("pose", "sfm", 2.0, False, ""))
        on_event(StageFinished("finish", "weld", 1.0, False, ""))
        on_event(RunFinished(3.0))
        return (Asset((part,)),)

    monkeypatch.setattr(photos_engine, "fulfil", pretend)
    outcome = reconstruct_photos(taken.paths)
    assert outcome.seconds == {"pose": 2.0, "finish": 1.0} and outcome.total_s > 0
    assert set(outcome.cameras) == set(cameras)
    name = taken.paths[0].name
    assert np.allclose(outcome.cameras[name].world_from_camera, cameras[name].world_from_camera)


def test_the_other_program_runs_in_its_own_interpreter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    with pytest.raises(SetupError) as error:
        pixelmap_outcome([tmp_path / "a.jpg"])
    assert error.value.code == "no-pixelmap"
    monkeypatch.setenv(VARIABLE, sys.executable)
    with pytest.raises(StageFailed) as failed:
        pixelmap_outcome([tmp_path / "a.jpg"])
    assert "pixelmap" in failed.value.message


def test_the_other_programs_arrays_become_a_textured_asset_with_cameras() -> None:
    pose = look_at(np.array([0.0, 0, 4.0]), np.zeros(3), np.array([0, 1.0, 0]))
    camera = Camera(100, 100, 100.0, 100.0, 50.0, 50.0, pose)
    atlas = np.zeros((4, 4, 4), np.uint8)
    atlas[0, :] = (255, 0, 0, 255)
    atlas[3, :] = (0, 0, 255, 255)
    data = {
        "vertices": np.array([[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]),
        "triangles": np.array([[0, 1, 2], [0, 2, 3]], np.uint32),
        "texcoords": np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0.1, 0.0]], np.float32),
        "face_texcoords": np.array([[0, 1, 2], [4, 2, 3]], np.uint32),
        "atlas": atlas,
        "names": np.array(["a.jpg"]),
        "camera_from_world": camera.camera_from_world[None, :3],
        "intrinsics": np.array([camera.fx, camera.fy, camera.cx, camera.cy]),
        "size_px": np.array([camera.width_px, camera.height_px]),
        "seconds": np.array(3.0),
        "cpu_s": np.array(5.0),
    }
    outcome = outcome_of(data)
    (part,) = outcome.asset.parts
    assert len(part.mesh.vertices) == 5 and len(part.mesh.faces) == 2
    assert np.allclose(outcome.cameras["a.jpg"].world_from_camera, camera.world_from_camera)
    shown = render_frame((part,), camera, shading="albedo").color
    top, bottom = shown[camera.height_px // 2 - 20, 50], shown[camera.height_px // 2 + 20, 50]
    assert top[0] > top[2] and bottom[2] > bottom[0], "the texture's upper rows lie at the upper edge"
    assert (outcome.total_s, outcome.cpu_s) == (3.0, 5.0)


def test_methods_by_name_get_the_photos(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[object, ...]] = []
    monkeypatch.setattr(photos_methods, "reconstruct_photos", lambda paths, quality: seen.append((paths, quality)))
    monkeypatch.setattr(photos_methods, "pixelmap_outcome", lambda paths, quality: seen.append((paths, quality)))

    class Taken:
        paths = ("p",)

    for name in ("unflat", "unflat:high", "pixelmap", "pixelmap:low"):
        method_of(name)(Taken())
    assert seen == [(("p",), "standard"), (("p",), "high"), (("p",), "medium"), (("p",), "low")]
