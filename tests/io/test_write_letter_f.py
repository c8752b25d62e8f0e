"""The letter F goes out through every writer and comes back: red still at +X, upright, not mirrored, true to scale."""

from __future__ import annotations

import io

import numpy as np
import pytest
import trimesh

from unflat.core import Scale
from unflat.io.load import load_asset
from unflat.io.textures import corner_colors
from unflat.io.write import write_asset

from .assets import assert_reads_as_letter_f, letter_f

JPEG_TOLERANCE = 10
"""Bytes by which flat patches may differ after JPEG."""


@pytest.mark.parametrize("ending", ["glb", "usdz", "obj", "ply", "3mf"])
def test_red_stays_at_plus_x_and_the_f_is_not_mirrored(ending, tmp_path):
    if ending == "usdz":
        pytest.importorskip("pxr")
    path = write_asset(letter_f(), tmp_path / f"f.{ending}")[0]
    loaded = load_asset(path)
    mesh, material = loaded.parts[0].mesh, loaded.parts[0].material
    assert len(loaded.parts) == 1
    assert_reads_as_letter_f(mesh.vertices, mesh.faces, corner_colors(mesh, material), JPEG_TOLERANCE)
    assert loaded.scale is Scale.METRIC


def test_an_stl_holds_the_same_f_without_colours(tmp_path):
    path = write_asset(letter_f(), tmp_path / "f.stl")[0]
    mesh = load_asset(path).parts[0].mesh
    expected = load_asset(write_asset(letter_f(), tmp_path / "f.glb")[0]).parts[0].mesh
    np.testing.assert_allclose(mesh.triangles, expected.triangles, atol=1e-7)


@pytest.mark.parametrize("ending", ["glb", "obj", "ply"])
def test_trimesh_which_never_heard_of_us_reads_the_same_f(ending, tmp_path):
    path = write_asset(letter_f(), tmp_path / f"f.{ending}")[0]
    read = next(iter(trimesh.load_scene(path, process=False).geometry.values()))
    if ending == "ply":
        colors = np.asarray(read.vertex_attributes["color"])[:, :3]
    else:
        colors = read.visual.to_color().vertex_colors[:, :3]
    assert_reads_as_letter_f(read.vertices, read.faces, colors[read.faces], JPEG_TOLERANCE)


def test_a_slicer_sees_the_f_standing_on_the_bed_in_millimetres(tmp_path):
    path = write_asset(letter_f(), tmp_path / "f.stl")[0]
    read = trimesh.load_mesh(io.BytesIO(path.read_bytes()), file_type="stl")
    np.testing.assert_allclose(read.extents, [60, 20, 100], rtol=1e-5)
    assert read.is_watertight
    assert read.volume == pytest.approx(8 * 20**3, rel=1e-5)


def test_without_known_scale_the_numbers_are_the_same_but_the_file_says_so(tmp_path):
    for ending in ("glb", "obj", "ply", "stl", "3mf"):
        loaded = load_asset(write_asset(letter_f(scale=Scale.UP_TO_SCALE), tmp_path / f"f.{ending}")[0])
        assert loaded.scale is Scale.UP_TO_SCALE, ending
        np.testing.assert_allclose(loaded.parts[0].mesh.extent, [0.06, 0.1, 0.02], rtol=1e-4)
