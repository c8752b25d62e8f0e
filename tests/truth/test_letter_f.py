"""The letter F guards every convention: photographed, rebuilt, textured, written, read again; red stays at +X."""

from dataclasses import replace

import numpy as np
import pytest

from unflat.core import Asset, Mesh, Scale
from unflat.io.load import load_asset
from unflat.io.write import write_asset
from unflat.pipeline.intake import Intake
from unflat.pipeline.plan import plan
from unflat.pipeline.recipe import load_recipe
from unflat.pipeline.run import RunOptions, run
from unflat.render.cameras import orbit_cameras
from unflat.render.frame import render_frame
from unflat.synth.capture import photograph
from unflat.synth.letter import DIRECTION_AXES, DIRECTION_COLORS, letter_f

SIDES = [(azimuth, elevation) for elevation in (-35.0, 10.0, 45.0) for azimuth in range(0, 360, 30)]


@pytest.fixture(scope="module")
def rebuilt():
    """The F, from 36 photographs with cameras, through the whole pipeline."""
    letter = letter_f()
    photos, cameras = [], {}
    for index, (azimuth, elevation) in enumerate(SIDES):
        camera = orbit_cameras(letter.mesh.vertices, (azimuth,), elevation, size_px=256)[0]
        view = photograph(letter, camera, shading="albedo", name=f"side_{index}")
        photos.append(type(view.photo)(view.photo.pixels, view.photo.name, np.uint8(np.rint(view.mask.alpha * 255))))
        cameras[view.photo.name] = camera
    settings = {
        "finish.steps": "largest-part,watertight,decimate",
        "texture.size_px": "512",
        "texture.delight": "false",
        "reconstruct.resolution": "128",
        "reconstruct.metric": "true",
    }
    planned = plan(load_recipe("hull").with_settings(settings), "views")
    return run(planned, Intake(tuple(photos), "views", cameras=cameras), RunOptions())[0]


def colors_by_side(asset):
    """The median colour of the pixels that face each axis, seen from that axis."""
    found = {}
    points = np.concatenate([part.mesh.vertices for part in asset.parts])
    for name, axis in DIRECTION_AXES.items():
        azimuth, elevation = np.degrees(np.arctan2(axis[0], axis[2])), 90.0 * axis[1]
        camera = orbit_cameras(points, (azimuth,), elevation, size_px=96)[0]
        frame = render_frame(asset, camera, shading="albedo")
        facing = np.nan_to_num(frame.normals) @ np.array(axis, np.float32) > 0.9
        found[name] = np.median(frame.color[facing], axis=0)
    return found


def silhouette_is_an_f(asset):
    """Seen from the front: the stem at the left reaches the ground, the arms go right and do not."""
    points = np.concatenate([part.mesh.vertices for part in asset.parts])
    frame = render_frame(asset, orbit_cameras(points, (0.0,), 0.0, size_px=96)[0], shading="clay")
    rows, columns = np.nonzero(frame.alpha > 0.5)
    bottom = columns[rows > rows.max() - 10]
    top = columns[rows < rows.min() + 10]
    return bottom.mean() < top.mean() - 5 and np.ptp(top) > 1.5 * np.ptp(bottom)


def assert_is_the_letter(asset, tolerance=45):
    assert silhouette_is_an_f(asset), "the F is mirrored or turned"
    for name, color in colors_by_side(asset).items():
        assert np.abs(color - DIRECTION_COLORS[name]).max() < tolerance, f"{name} is {color}"


def test_the_test_itself_tells_a_mirrored_letter():
    letter = letter_f()
    vertices = letter.mesh.vertices * np.float32([-1, 1, 1])
    mirrored = replace(letter, mesh=Mesh(vertices, letter.mesh.faces[:, ::-1].copy(), letter.mesh.uv))
    assert silhouette_is_an_f(Asset((letter,)))
    assert not silhouette_is_an_f(Asset((mirrored,)))


def test_the_rebuilt_letter_has_its_colours_where_they_were(rebuilt):
    assert_is_the_letter(rebuilt)
    assert rebuilt.scale is Scale.METRIC


@pytest.mark.parametrize("ending", ["glb", "obj", "usdz"])
def test_it_is_the_same_letter_after_writing_and_reading(rebuilt, tmp_path, ending):
    if ending == "usdz":
        pytest.importorskip("pxr")
    write_asset(rebuilt, tmp_path / f"f.{ending}")
    assert_is_the_letter(load_asset(tmp_path / f"f.{ending}"))


@pytest.mark.parametrize("ending", ["stl", "3mf", "ply"])
def test_formats_without_texture_keep_the_shape(rebuilt, tmp_path, ending):
    write_asset(rebuilt, tmp_path / f"f.{ending}")
    again = load_asset(tmp_path / f"f.{ending}")
    assert silhouette_is_an_f(again)
    assert np.allclose(again.parts[0].mesh.extent.max(), rebuilt.parts[0].mesh.extent.max(), rtol=0.01)


def test_the_rebuilt_letter_was_seen_nearly_everywhere(rebuilt):
    assert rebuilt.report.seen_share > 0.9
    assert rebuilt.report.watertight
