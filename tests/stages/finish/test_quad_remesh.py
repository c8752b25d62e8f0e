"""Real quads, about as many as asked for."""

from dataclasses import replace

import numpy as np
import pytest

from unflat.core import Context, Mesh, RecipeError, StageFailed
from unflat.geometry import quads as quads_module
from unflat.geometry.closest import NearestSurface
from unflat.geometry.meshes import signed_volume
from unflat.geometry.topology import genus, is_closed, is_manifold
from unflat.stages.finish.quad_remesh import QuadRemesh
from unflat.synth import solids


@pytest.mark.parametrize(("solid", "handles"), [(solids.sphere(), 0), (solids.torus(), 1)], ids=["ball", "ring"])
def test_a_solid_becomes_closed_quads_on_its_surface(solid, handles, around, capfd):
    result = QuadRemesh(quads=800)(around(solid), Context())
    mesh = result.mesh
    assert mesh.quads
    assert 600 <= len(mesh.faces) // 2 <= 1000
    assert is_closed(mesh.faces)
    assert is_manifold(mesh.faces)
    assert genus(mesh.faces) == handles
    assert signed_volume(mesh) == pytest.approx(signed_volume(solid), rel=0.05)
    assert NearestSurface(solid, 0.005).query(mesh.vertices.astype(np.float64)).distance.mean() < 1e-3
    assert result.detail is solid
    assert capfd.readouterr().out == ""


def test_triangles_come_in_pairs_of_a_quad(around):
    faces = QuadRemesh(quads=300)(around(solids.sphere()), Context()).mesh.faces.reshape(-1, 2, 3)
    assert np.array_equal(faces[:, 0, 0], faces[:, 1, 0])
    assert np.array_equal(faces[:, 0, 2], faces[:, 1, 1])
    corners = np.column_stack([faces[:, 0], faces[:, 1, 2]])
    assert (np.diff(np.sort(corners, axis=1), axis=1) > 0).all()


def test_the_same_mesh_gives_the_same_quads(around):
    first, second = (QuadRemesh(quads=300)(around(solids.torus()), Context()).mesh for _ in range(2))
    assert np.array_equal(first.vertices, second.vertices)
    assert np.array_equal(first.faces, second.faces)


def test_confidence_is_carried_over(ball, around):
    mesh = QuadRemesh(quads=500)(around(ball), Context()).mesh
    clear = np.abs(mesh.vertices[:, 2]) > 0.15
    assert np.allclose(mesh.confidence[clear], mesh.vertices[clear, 2] > 0, atol=0.05)


def test_an_earlier_detail_stays(around):
    fine = solids.sphere(0.5, 128)
    assert QuadRemesh(quads=300)(replace(around(solids.sphere()), detail=fine), Context()).detail is fine


def test_turning_quads_over_keeps_them_quads():
    quads = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    assert quads_module._turned(quads).tolist() == [[0, 3, 2], [0, 2, 1]]


def test_a_crash_of_the_library_is_an_error_with_advice(around, monkeypatch):
    monkeypatch.setattr(quads_module, "_remesh", lambda mesh, count, progress: None)
    with pytest.raises(StageFailed) as caught:
        QuadRemesh()(around(solids.box()), Context())
    assert caught.value.code == "quads-failed"
    assert "watertight" in caught.value.hint


def test_quads_with_holes_are_closed_with_triangles_and_this_is_said(around, monkeypatch, told):
    warnings, context = told
    whole = quads_module.quad_mesh(solids.sphere(), 400)
    holed = Mesh(whole.vertices, whole.faces[4:], quads=True)
    monkeypatch.setattr("unflat.stages.finish.quad_remesh.quad_mesh", lambda mesh, count, progress: holed)
    result = QuadRemesh(quads=400)(around(solids.sphere()), context).mesh
    assert is_closed(result.faces)
    assert not result.quads
    assert "triangles" in warnings[-1]


def test_quads_that_lost_a_wall_are_refused_with_advice(around, monkeypatch):
    whole = quads_module.quad_mesh(solids.sphere(), 400)
    middle = whole.triangles.reshape(-1, 6, 3).mean(axis=1)[:, 0].repeat(2) < -0.1
    torn = Mesh(whole.vertices, whole.faces[middle], quads=True)
    monkeypatch.setattr("unflat.stages.finish.quad_remesh.quad_mesh", lambda mesh, count, progress: torn)
    with pytest.raises(StageFailed) as caught:
        QuadRemesh(quads=400)(around(solids.sphere()), Context())
    assert caught.value.code == "quads-torn"
    assert "quads" in caught.value.hint


def test_degenerate_input_does_not_kill_the_program(around):
    needle = Mesh(np.float32([[0, 0, 0], [1, 0, 0], [2, 0, 0]]), np.int32([[0, 1, 2]]))
    with pytest.raises(StageFailed):
        QuadRemesh(quads=100)(around(needle), Context())


def test_cancelling_ends_the_worker(around):
    def stop(fraction):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        QuadRemesh(quads=2000)(around(solids.sphere()), Context(progress=stop))


@pytest.mark.parametrize("quads", [0, 10**7])
def test_a_senseless_number_is_refused(quads):
    with pytest.raises(RecipeError):
        QuadRemesh(quads=quads)
