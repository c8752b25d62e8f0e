"""Weld, keep the largest part, decimate."""

from dataclasses import replace

import numpy as np
import pytest

from unflat.core import Context, Mesh, RecipeError, StageFailed
from unflat.geometry.meshes import signed_volume
from unflat.geometry.topology import connected_parts, is_closed
from unflat.stages.finish.decimate import Decimate
from unflat.stages.finish.largest_part import LargestPart
from unflat.stages.finish.weld import Weld
from unflat.synth import solids


def cut_apart(mesh):
    """Each triangle's corners stand alone, as in an STL file."""
    corners = mesh.faces.ravel()
    faces = np.arange(len(corners), dtype=np.int32).reshape(-1, 3)
    return Mesh(mesh.vertices[corners], faces, colors=mesh.colors[corners], confidence=mesh.confidence[corners])


def test_welding_closes_what_was_cut_apart_and_keeps_confidence(around, ball):
    welded = Weld()(around(cut_apart(ball)), Context()).mesh
    assert is_closed(welded.faces)
    assert len(welded.vertices) == len(ball.vertices)
    assert np.array_equal(welded.confidence, (welded.vertices[:, 2] > 0).astype(np.float32))
    assert welded.colors is not None


def test_welding_with_a_tolerance_joins_vertices_that_are_almost_together(around, ball):
    loose = cut_apart(ball)
    shaken = loose.with_vertices(
        loose.vertices + np.random.default_rng(0).uniform(-1e-5, 1e-5, loose.vertices.shape).astype(np.float32)
    )
    assert not is_closed(Weld()(around(shaken), Context()).mesh.faces)
    assert is_closed(Weld(tolerance=1e-4)(around(shaken), Context()).mesh.faces)


def test_degenerate_and_repeated_faces_go(around, ball):
    extra = np.array([ball.faces[5], ball.faces[6][::-1], [3, 3, 4]], np.int32)
    messy = Mesh(ball.vertices, np.concatenate([ball.faces, extra]))
    assert np.array_equal(Weld()(around(messy), Context()).mesh.faces, ball.faces)


def test_a_welded_mesh_stays_the_very_same(around, ball):
    before = around(ball)
    assert Weld()(before, Context()) is before


def test_welding_says_that_uv_seams_are_gone(around, ball, told):
    warnings, context = told
    loose = cut_apart(ball)
    Weld()(around(replace(loose, uv=np.zeros((len(loose.vertices), 2), np.float32))), context)
    assert "UV" in warnings[0]


def test_a_mesh_of_degenerate_faces_only_is_refused(around):
    point = Mesh(np.zeros((3, 3), np.float32), np.array([[0, 1, 2]], np.int32))
    with pytest.raises(StageFailed) as caught:
        Weld()(around(point), Context())
    assert caught.value.code == "nothing-left"


@pytest.mark.parametrize("tolerance", [-1.0, 0.5, float("nan")])
def test_a_senseless_tolerance_is_refused(tolerance):
    with pytest.raises(RecipeError) as caught:
        Weld(tolerance=tolerance)
    assert caught.value.code == "bad-option"


def several():
    """A ball of radius 0.3, a larger box, a tiny box."""
    small, tiny = solids.moved(solids.sphere(0.3), (2, 0, 0)), solids.moved(solids.box((0.1, 0.1, 0.1)), (0, 2, 0))
    return solids.merged([small, solids.box(), tiny])


def test_the_part_of_largest_volume_stays_even_with_fewer_faces(around):
    kept = LargestPart()(around(several()), Context()).mesh
    assert len(kept.faces) == 12
    assert signed_volume(kept) == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize(("share", "parts"), [(1.0, 1), (0.1, 2), (0.0, 3)])
def test_parts_above_a_share_may_stay(around, share, parts):
    kept = LargestPart(min_share=share)(around(several()), Context()).mesh
    assert connected_parts(kept.faces, len(kept.vertices)).max() + 1 == parts
    assert is_closed(kept.faces)


def test_uv_seams_do_not_part_a_mesh_and_vertex_data_stay(around, ball):
    loose = cut_apart(ball)
    loose = replace(loose, uv=loose.vertices[:, :2].copy())
    crumb = Mesh(ball.vertices[:3] + 5, np.array([[0, 1, 2]], np.int32))
    both = Mesh(
        np.concatenate([crumb.vertices, loose.vertices]),
        np.concatenate([crumb.faces, loose.faces + 3]),
        uv=np.concatenate([crumb.vertices[:, :2], loose.uv]),
    )
    kept = LargestPart()(around(both), Context()).mesh
    assert len(kept.faces) == len(ball.faces)
    assert np.array_equal(kept.uv, kept.vertices[:, :2])


def test_a_single_part_stays_the_very_same(around, ball):
    before = around(ball)
    assert LargestPart()(before, Context()) is before


def test_a_share_above_one_is_refused():
    with pytest.raises(RecipeError):
        LargestPart(min_share=1.5)


def test_decimation_meets_the_budget_and_remembers_the_fine_mesh(around, ball):
    result = Decimate(faces=500)(around(ball), Context())
    assert len(result.mesh.faces) <= 500
    assert is_closed(result.mesh.faces)
    assert result.detail is ball
    assert set(np.unique(result.mesh.confidence)) == {0.0, 1.0}


def test_decimation_keeps_an_earlier_detail(around, ball):
    earlier = solids.sphere(1.0, 128)
    assert Decimate(faces=500)(replace(around(ball), detail=earlier), Context()).detail is earlier


def test_decimation_never_adds_faces_and_leaves_detail_alone(around):
    result = Decimate(faces=500)(around(solids.box()), Context())
    assert len(result.mesh.faces) == 12
    assert result.detail is None


def test_a_budget_too_small_for_the_shape_is_said(around, told):
    warnings, context = told
    result = Decimate(faces=4)(around(solids.torus()), context)
    assert is_closed(result.mesh.faces)
    assert str(len(result.mesh.faces)) in warnings[0]


def test_a_budget_below_four_is_refused():
    with pytest.raises(RecipeError):
        Decimate(faces=3)


@pytest.mark.parametrize("step", [Weld(), LargestPart(), Decimate(faces=300)])
def test_no_step_writes_to_its_input(around, ball, step):
    copies = [array.copy() for array in (ball.vertices, ball.faces, ball.colors, ball.confidence)]
    step(around(ball), Context())
    for copy, array in zip(copies, (ball.vertices, ball.faces, ball.colors, ball.confidence), strict=True):
        assert np.array_equal(copy, array)
