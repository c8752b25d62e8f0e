"""The Python door, and the examples of the docs, run as they stand."""

import doctest
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import unflat
from unflat.apps import python as door

EXAMPLES = Path(__file__).parents[2] / "examples"
WISHES = {"quality": "draft", "settings": {"texture.size_px": 512}}


def test_path_bytes_array_and_pil_give_the_same_asset(photo, pear):
    sources = [photo, photo.read_bytes(), pear(), Image.fromarray(pear())]
    faces = [unflat.reconstruct(source, **WISHES).parts[0].mesh.faces for source in sources]
    assert all(np.array_equal(faces[0], other) for other in faces[1:])


def test_an_asset_knows_how_it_was_made(photo):
    provenance = unflat.reconstruct(photo, **WISHES, seed=7).provenance
    assert provenance.seed == 7
    assert "[texture]" in provenance.recipe
    assert len(provenance.inputs[0][1]) == 64
    assert dict(provenance.licences)["texture/bake"]
    assert {"segment", "reconstruct", "surface", "finish", "texture"} <= set(dict(provenance.timings_s))


def test_events_tell_the_run_from_start_to_finish(photo):
    events = []
    unflat.reconstruct(photo, **WISHES, on_event=events.append)
    kinds = [type(event).__name__ for event in events]
    assert kinds[-1] == "RunFinished"
    assert kinds.count("StageStarted") == kinds.count("StageFinished") == 5
    fractions = [event.fraction for event in events if hasattr(event, "fraction")]
    assert fractions == sorted(fractions)


def test_nothing_is_kept_on_disk_unless_asked(photo, tmp_path):
    unflat.reconstruct(photo, **WISHES)
    assert not (tmp_path / "cache").exists()
    unflat.reconstruct(photo, **WISHES, run_folder=tmp_path / "kept")
    assert len(list((tmp_path / "kept").glob("*.npz"))) == 5


def test_an_unforeseen_error_leaves_as_stage_failed_with_its_cause(photo, monkeypatch):
    from unflat.stages.reconstruct.single_view import SingleView

    def broken(*_):
        raise ZeroDivisionError("by zero")

    monkeypatch.setattr(SingleView, "__call__", broken)
    with pytest.raises(unflat.StageFailed) as caught:
        unflat.reconstruct(photo, **WISHES)
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_trimesh_goes_in_and_out(photo):
    mesh = unflat.reconstruct(photo, **WISHES).parts[0].mesh
    again = unflat.mesh_from_trimesh(unflat.trimesh_from_mesh(mesh))
    assert np.allclose(again.vertices, mesh.vertices)
    assert np.array_equal(again.faces, mesh.faces)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError):
        unflat.reconstrct


def test_every_public_name_can_be_had():
    assert all(getattr(unflat, name) is not None for name in dir(unflat))


def test_the_examples_in_docstrings_are_true():
    assert doctest.testmod(door).failed == 0


@pytest.mark.parametrize("name", ["photo_to_glb.py", "single_stages.py"])
def test_the_examples_run(photo, tmp_path, monkeypatch, capsys, name):
    monkeypatch.setattr(sys, "argv", [name, str(photo), str(tmp_path / "out.glb")])
    runpy.run_path(str(EXAMPLES / name), run_name="__main__")
    assert unflat.load(tmp_path / "out.glb").parts
