"""Rework: a model becomes closed, lighter, upright or of another size, and looks as before."""

from dataclasses import replace

import numpy as np
import pytest

from unflat.core import Asset, Cancelled, Material, Mesh, Part, RecipeError, Scale
from unflat.geometry.meshes import welded
from unflat.geometry.topology import is_closed_manifold
from unflat.pipeline.rework import Rework, rework
from unflat.render.cameras import orbit_camera
from unflat.render.frame import render_frame
from unflat.render.scene import build_scene
from unflat.stages.texture.atlas import atlas_of
from unflat.stages.texture.padding import nearest_texel
from unflat.stages.texture.unwrap import unwrapped
from unflat.synth.solids import sphere


def painted_ball(side_px=256):
    """A ball whose upper half is red and whose lower half is blue, by its texture."""
    mesh = unwrapped(sphere(0.5, 48), np.eye(3), 4 / side_px)
    atlas = atlas_of(mesh, side_px)
    color = np.where(atlas.position[:, 1:2] > 0, np.uint8([200, 30, 30]), np.uint8([30, 30, 200])).astype(np.uint8)
    seen = np.where(atlas.position[:, 2] > 0, 255, 0).astype(np.uint8)
    near = nearest_texel(atlas)
    return Asset((Part(mesh, Material(base_color=color[near], confidence=seen[near], roughness_factor=0.4)),), "ball")


@pytest.fixture(scope="module")
def ball():
    return painted_ball()


def look(asset, azimuth):
    points = np.concatenate([part.mesh.vertices for part in asset.parts])
    return render_frame(build_scene(asset), orbit_camera(points, azimuth, 0.0, size_px=128), shading="albedo").color


def test_fewer_faces_keep_the_looks(ball):
    lighter = rework(ball, Rework(faces=600))
    assert len(lighter.parts[0].mesh.faces) <= 600
    assert lighter.report.watertight
    for azimuth in (0, 90, 180, 270):
        before, after = look(ball, azimuth).astype(int), look(lighter, azimuth).astype(int)
        assert np.abs(before - after).mean() < 4
    assert lighter.parts[0].material.roughness_factor == pytest.approx(0.4)


def test_what_was_inferred_stays_inferred(ball):
    mesh = rework(ball, Rework(faces=600)).parts[0].mesh
    front, back = mesh.vertices[:, 2] > 0.1, mesh.vertices[:, 2] < -0.1
    assert mesh.confidence[front].min() > 0.9
    assert mesh.confidence[back].max() < 0.1


def test_a_torn_model_is_closed_and_the_patch_counts_as_inferred(ball):
    (part,) = ball.parts
    bare = welded(part.mesh)
    middles = bare.triangles.mean(axis=1)
    torn = Mesh(bare.vertices, bare.faces[middles[:, 2] < 0.42], colors=np.full((len(bare.vertices), 3), 90, np.uint8))
    torn = replace(torn, confidence=np.ones(len(torn.vertices), np.float32))
    closed = rework(Asset((Part(torn, Material()),)), Rework(watertight=True))
    mesh = closed.parts[0].mesh
    assert is_closed_manifold(welded(mesh).faces)
    assert any("watertight" in warning for warning in closed.provenance.warnings)
    assert abs(int(closed.parts[0].material.base_color.mean()) - 90) <= 2


def test_quads_are_quads(ball):
    made = rework(ball, Rework(quads=True, faces=1200))
    assert made.parts[0].mesh.quads
    assert 600 < len(made.parts[0].mesh.faces) < 2400


def test_size_and_up_leave_mesh_and_texture_as_they_are(ball):
    turned = rework(ball, Rework(height="12cm", up="z"))
    mesh = turned.parts[0].mesh
    assert np.ptp(mesh.vertices[:, 1]) == pytest.approx(0.12, rel=1e-4)
    assert mesh.vertices[:, 1].min() == pytest.approx(0, abs=1e-6)
    assert turned.scale is Scale.METRIC
    assert np.array_equal(mesh.faces, ball.parts[0].mesh.faces)
    assert turned.parts[0].material.base_color is ball.parts[0].material.base_color
    assert mesh.confidence is None or mesh.confidence[mesh.vertices[:, 1] > 0.07].min() > 0.5


def test_a_texture_becomes_smaller_but_never_larger(ball):
    small = rework(ball, Rework(texture_px=64)).parts[0].material
    assert small.base_color.shape == (64, 64, 3)
    assert small.confidence.shape == (64, 64)
    same = rework(ball, Rework(texture_px=1024))
    assert same.parts[0].material.base_color.shape == (256, 256, 3)
    assert any("no more detail" in warning for warning in same.provenance.warnings)


def test_several_parts_with_their_own_materials_become_one(ball):
    red, green = (
        Material(base_color_factor=(1, 0, 0, 1), roughness_factor=0.2),
        Material(base_color_factor=(0, 1, 0, 1), roughness_factor=0.8),
    )
    left = sphere(0.5, 24)
    right = left.with_vertices(left.vertices + np.float32([2, 0, 0]))
    made = rework(Asset((Part(left, red), Part(right, green))), Rework(faces=800))
    (part,) = made.parts
    picture, roughness = part.material.base_color, part.material.roughness
    assert {tuple(color) for color in np.unique(picture.reshape(-1, 3), axis=0)} >= {(255, 0, 0), (0, 255, 0)}
    assert {51, 204} <= set(np.unique(roughness))


def test_a_target_brings_its_budgets_and_its_judgement(ball):
    made = rework(ball, Rework(target="print", height="5cm"))
    assert made.report.target == "print"
    assert made.report.watertight


@pytest.mark.parametrize(
    "wishes",
    [{"faces": 2}, {"texture_px": 7}, {"up": "w"}, {"height": "1m", "size": "1m"}, {"height": "tall"}],
)
def test_wishes_that_cannot_be_are_refused(wishes):
    with pytest.raises(RecipeError):
        Rework(**wishes)


def test_it_can_be_cancelled(ball):
    with pytest.raises(Cancelled):
        rework(ball, Rework(faces=600), cancelled=lambda: True)
