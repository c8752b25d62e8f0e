"""Noise goes, edges stay."""

from dataclasses import replace

import numpy as np
import pytest

from unflat.core import Context, Mesh, RecipeError
from unflat.geometry.meshes import face_normals, signed_volume
from unflat.geometry.topology import boundary_edges, is_closed
from unflat.stages.finish.smooth import Smooth
from unflat.synth import solids

EDGE = 1 / 32


@pytest.fixture(scope="module")
def box():
    return solids.refined(solids.box(), EDGE * 1.5)


def noisy(mesh, share=0.1, edge=EDGE):
    noise = np.random.default_rng(0).normal(0, share * edge, mesh.vertices.shape)
    return mesh.with_vertices((mesh.vertices + noise).astype(np.float32))


def smooth(mesh, around, **options):
    return Smooth(**options)(around(mesh), Context()).mesh


def off_the_box(vertices):
    return np.abs(np.abs(vertices).max(axis=1) - 0.5)


def test_more_than_half_of_the_noise_of_a_box_goes(box, around):
    before, after = noisy(box), smooth(noisy(box), around)
    assert np.sqrt((off_the_box(after.vertices) ** 2).mean()) < 0.5 * np.sqrt(
        (off_the_box(before.vertices) ** 2).mean()
    )


def test_the_sides_of_a_noisy_box_become_flat(box, around):
    def tilt(mesh):
        return np.rad2deg(np.arccos(np.abs(face_normals(mesh)).max(axis=1).clip(0, 1))).mean()

    assert tilt(smooth(noisy(box), around)) < 0.35 * tilt(noisy(box))


def test_the_edges_of_a_noisy_box_stay_where_they_are(box, around):
    on_edge = (np.abs(np.abs(box.vertices) - 0.5) < 1e-6).sum(axis=1) >= 2
    after = np.sort(np.abs(smooth(noisy(box), around).vertices[on_edge]), axis=1)[:, 1:]
    assert np.linalg.norm(after - 0.5, axis=1).mean() < 0.1 * EDGE


def test_a_clean_box_stays_as_it_is(box, around):
    assert np.abs(smooth(box, around).vertices - box.vertices).max() < 0.02 * EDGE


@pytest.mark.parametrize("solid", [solids.sphere(), solids.torus(), solids.mug(1.0)], ids=["ball", "ring", "mug"])
def test_the_volume_stays(solid, around):
    rough = noisy(solid, 0.1, 0.03)
    result = smooth(rough, around, rounds=20)
    assert is_closed(result.faces)
    assert signed_volume(result) == pytest.approx(signed_volume(rough), rel=0.002)


def test_more_rounds_smooth_more(box, around):
    errors = [(off_the_box(smooth(noisy(box), around, rounds=rounds).vertices) ** 2).mean() for rounds in (0, 2, 10)]
    assert errors[0] > errors[1] > errors[2]


def test_an_open_border_does_not_move(box, around):
    opened = Mesh(box.vertices, box.faces[box.triangles.mean(axis=1)[:, 1] < 0.49])
    rough = noisy(opened)
    rim = np.unique(boundary_edges(rough.faces))
    assert np.array_equal(smooth(rough, around).vertices[rim], rough.vertices[rim])


def test_copies_at_uv_seams_move_together(box, around):
    rough = noisy(box)
    loose = Mesh(rough.triangles.reshape(-1, 3), np.arange(rough.faces.size, dtype=np.int32).reshape(-1, 3))
    loose = replace(loose, uv=loose.vertices[:, :2].copy())
    result = smooth(loose, around)
    assert np.allclose(result.triangles, smooth(rough, around).triangles, atol=1e-5)
    assert np.array_equal(result.uv, loose.uv)


def test_vertex_data_stay_and_nothing_is_written_to(ball, around):
    vertices = ball.vertices.copy()
    result = smooth(ball, around)
    assert np.array_equal(result.confidence, ball.confidence)
    assert np.array_equal(result.colors, ball.colors)
    assert np.array_equal(ball.vertices, vertices)


def test_the_same_far_from_the_origin(box, around):
    far = np.float32(100)
    near, away = smooth(noisy(box), around), smooth(noisy(box).with_vertices(noisy(box).vertices + far), around)
    assert np.abs(away.vertices - far - near.vertices).max() < 1e-3


def test_faces_without_area_do_no_harm(around):
    ball = solids.sphere()
    flat = Mesh(
        np.concatenate([ball.vertices, ball.vertices[:1]]),
        np.concatenate([ball.faces, np.int32([[0, 1, len(ball.vertices)]])]),
    )
    assert np.isfinite(smooth(flat, around).vertices).all()


@pytest.mark.parametrize("options", [{"rounds": -1}, {"rounds": 1000}, {"crease_deg": 0.0}, {"crease_deg": 200.0}])
def test_senseless_options_are_refused(options):
    with pytest.raises(RecipeError) as caught:
        Smooth(**options)
    assert caught.value.code == "bad-option"
