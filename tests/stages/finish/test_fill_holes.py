"""Holes are closed so that nobody sees where they were."""

import numpy as np
import pytest

from unflat.core import Context, Mesh, RecipeError
from unflat.geometry.holes import holes_filled
from unflat.geometry.meshes import signed_volume, vertex_normals
from unflat.geometry.patches import flat_patch, smallest_patch
from unflat.geometry.topology import boundary_edges, is_closed, is_manifold
from unflat.stages.finish.fill_holes import FillHoles
from unflat.synth import solids


def solid_again(mesh):
    return is_closed(mesh.faces) and is_manifold(mesh.faces)


def test_a_small_hole_in_a_ball_goes_on_as_a_ball(around, ball, without):
    # Away from the poles, where the triangles are even.
    holed = without(ball, lambda centre: centre @ [1.0, 0.0, 0.0] > 0.97)
    filled = FillHoles()(around(holed), Context()).mesh
    assert solid_again(filled)
    assert signed_volume(filled) == pytest.approx(signed_volume(ball), rel=2e-3)
    new = filled.vertices[len(ball.vertices) - np.count_nonzero(ball.vertices[:, 0] > 0.985) :]
    assert np.abs(np.linalg.norm(new, axis=1) - 1).max() < 0.03


def test_new_vertices_are_inferred_and_old_ones_keep_their_confidence(around, ball, without):
    holed = without(ball, lambda centre: centre[:, 2] > 0.9)
    filled = FillHoles()(around(holed), Context()).mesh
    cap = np.linalg.norm(filled.vertices, axis=1) < 0.985
    assert cap.sum() > 20
    assert (filled.confidence[cap] == 0).all()
    assert (filled.confidence[(filled.vertices[:, 2] > 0.1) & ~cap] > 0).mean() > 0.99
    assert filled.colors[cap, 2].mean() > 200


def test_a_missing_base_is_spanned_flat(around, without):
    box = solids.refined(solids.box(), 0.1)
    filled = FillHoles(largest=1.0)(around(without(box, lambda centre: centre[:, 1] < -0.499)), Context()).mesh
    assert solid_again(filled)
    assert signed_volume(filled) == pytest.approx(1, rel=1e-5)


def test_new_faces_are_turned_outward(around, ball, without):
    filled = FillHoles()(around(without(ball, lambda centre: centre[:, 1] > 0.9)), Context()).mesh
    assert (np.einsum("vi,vi->v", vertex_normals(filled), filled.vertices) > 0).all()


def test_holes_wider_than_asked_for_stay_open_and_this_is_said(around, ball, without, told):
    warnings, context = told
    holed = without(ball, lambda centre: (centre[:, 0] < -0.3) | (centre[:, 0] > 0.95))
    result = FillHoles(largest=0.3)(around(holed), context).mesh
    assert len(boundary_edges(result.faces)) > 0
    assert (result.vertices[np.unique(boundary_edges(result.faces)), 0] < 0).all()
    assert "1 holes" in warnings[0]


def test_hundreds_of_holes_are_closed(around, ball):
    keep = np.random.default_rng(1).random(len(ball.faces)) > 0.15
    filled = FillHoles()(around(Mesh(ball.vertices, ball.faces[keep])), Context()).mesh
    assert solid_again(filled)
    assert signed_volume(filled) == pytest.approx(signed_volume(ball), rel=0.01)


def test_a_closed_mesh_stays_the_very_same(around, ball):
    before = around(ball)
    assert FillHoles()(before, Context()) is before


def test_faces_turned_at_random_are_turned_alike_first(around, ball, without):
    holed = without(ball, lambda centre: centre[:, 0] > 0.9)
    flip = np.random.default_rng(0).random(len(holed.faces)) < 0.3
    mixed = Mesh(holed.vertices, np.where(flip[:, None], holed.faces[:, ::-1], holed.faces))
    filled = FillHoles()(around(mixed), Context()).mesh
    assert solid_again(filled)
    assert signed_volume(filled) > 4


@pytest.mark.parametrize("largest", [0.0, 1.5, -1.0])
def test_a_senseless_size_is_refused(largest):
    with pytest.raises(RecipeError):
        FillHoles(largest=largest)


def ring(count, wave=0.0):
    angle = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return np.column_stack([np.cos(angle), np.sin(angle), wave * np.sin(3 * angle)])


def no_chords(count):
    return np.zeros((count, count), bool)


def is_patch_of(faces, count):
    edges = {tuple(edge) for edge in boundary_edges(faces).tolist()}
    return is_manifold(faces) and edges == {(i, (i + 1) % count) for i in range(count)}


@pytest.mark.parametrize("count", [3, 4, 7, 50, 300])
def test_a_flat_patch_runs_along_its_loop_and_has_its_area(count):
    patch = flat_patch(ring(count), no_chords(count))
    assert is_patch_of(patch.faces, count)
    points = np.concatenate([ring(count), patch.new_points])[patch.faces]
    area = np.linalg.norm(np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0]), axis=1).sum() / 2
    assert area == pytest.approx(count / 2 * np.sin(2 * np.pi / count), rel=1e-6)


@pytest.mark.parametrize("count", [3, 5, 60, 400])
def test_the_smallest_patch_runs_along_its_loop_without_new_points(count):
    patch = smallest_patch(ring(count, 0.4), no_chords(count))
    assert is_patch_of(patch.faces, count)
    assert len(patch.new_points) == 0
    assert len(patch.faces) == count - 2


def test_the_smallest_patch_of_a_bent_square_takes_the_shorter_diagonal():
    bent = np.array([[0, 0, 0], [3, 0, 0], [3, 1, 0.5], [0.5, 1, 0]], float)
    areas = []
    for diagonal in ([[0, 1, 2], [0, 2, 3]], [[1, 2, 3], [1, 3, 0]]):
        corners = bent[np.array(diagonal)]
        areas.append(
            np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1).sum()
        )
    chosen = bent[smallest_patch(bent, no_chords(4)).faces]
    found = np.linalg.norm(np.cross(chosen[:, 1] - chosen[:, 0], chosen[:, 2] - chosen[:, 0]), axis=1).sum()
    assert found == pytest.approx(min(areas))


def test_chords_that_exist_already_are_not_used_twice():
    all_taken = ~np.eye(6, dtype=bool)
    patch = smallest_patch(ring(6), all_taken)
    assert is_patch_of(patch.faces, 6)
    assert len(patch.new_points) == 1
    assert flat_patch(ring(4), ~np.eye(4, dtype=bool)) is None


def test_a_loop_that_crosses_itself_has_no_flat_patch():
    eight = np.array([[0, 0, 0], [1, 1, 0], [1, 0, 0], [0, 1, 0]], float)
    assert flat_patch(eight, no_chords(4)) is None
    assert is_patch_of(smallest_patch(eight, no_chords(4)).faces, 4)


def test_filling_tells_what_it_did(ball, without):
    filling = holes_filled(without(ball, lambda centre: centre[:, 1] > 0.8))
    assert (filling.filled, filling.left) == (1, 0)
    assert filling.area_m2 == pytest.approx(np.pi * (1 - 0.8**2), rel=0.2)
