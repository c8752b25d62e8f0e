"""The benchmark's command: refuses what it can't measure, measures a folder of models, writes its tables."""

import json

import pytest
import trimesh

from unflat.apps.cli.bench import _split_methods


def test_without_objects_there_is_nothing_to_measure(unflat):
    status, _, errors = unflat("bench", "single-view")
    assert status == 2
    assert "no-objects" in errors


def test_an_unknown_method_is_refused_with_a_near_name(unflat, tmp_path):
    trimesh.creation.box().export(tmp_path / "box.stl")
    status, _, errors = unflat("bench", "single-view", "--objects", tmp_path, "--method", "inflte")
    assert status == 3
    assert "inflate" in errors


def test_any_folder_of_models_can_be_measured(unflat, tmp_path):
    trimesh.creation.box((1, 2, 3)).export(tmp_path / "box.stl")
    files = ("--markdown", tmp_path / "tables.md", "--json", tmp_path / "rows.json")
    status, out, _ = unflat("bench", "single-view", "--objects", tmp_path, "--method", "two-layers", *files)
    assert status == 0
    assert "| two-layers | 4 |" in out
    assert "### Shape" in (tmp_path / "tables.md").read_text()
    rows = json.loads((tmp_path / "rows.json").read_text())
    assert [row["view"] for row in rows] == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("inflate,truth", ["inflate", "truth"]),
        ("inflate:back=flat,thickness=0.5,truth", ["inflate:back=flat,thickness=0.5", "truth"]),
        ("inflate, inflate:back=flat", ["inflate", "inflate:back=flat"]),
    ],
)
def test_methods_are_named_with_commas_between_and_so_are_their_options(text, names):
    assert _split_methods(text) == names
