"""Small facts of meshes."""

import numpy as np
import trimesh

from unflat.core import Mesh
from unflat.geometry.meshes import (
    face_areas,
    face_normals,
    signed_volume,
    transformed,
    vertex_normals,
    weld_map,
    welded,
)


def ball(subdivisions=3):
    solid = trimesh.creation.icosphere(subdivisions)
    return Mesh(solid.vertices.astype(np.float32), solid.faces.astype(np.int32))


def split(mesh):
    """The same surface with each triangle's corners standing alone, as after a cut along every edge."""
    return Mesh(mesh.triangles.reshape(-1, 3), np.arange(len(mesh.faces) * 3, dtype=np.int32).reshape(-1, 3))


def test_the_ball_has_the_volume_and_area_of_a_ball():
    assert abs(signed_volume(ball()) / (4 / 3 * np.pi) - 1) < 0.02
    assert abs(face_areas(ball()).sum() / (4 * np.pi) - 1) < 0.02


def test_a_ball_turned_inside_out_has_negative_volume():
    mesh = ball()
    assert signed_volume(Mesh(mesh.vertices, mesh.faces[:, ::-1].copy())) < 0


def test_normals_of_a_ball_point_outward():
    mesh = ball()
    assert (np.einsum("vi,vi->v", vertex_normals(mesh), mesh.vertices) > 0.99).all()
    assert (np.einsum("fi,fi->f", face_normals(mesh), mesh.triangles.mean(axis=1)) > 0.9).all()


def test_normals_are_the_same_on_both_sides_of_a_cut():
    mesh = ball()
    assert np.allclose(vertex_normals(split(mesh)), vertex_normals(mesh)[mesh.faces.ravel()], atol=1e-6)


def test_welding_undoes_cutting():
    mesh = ball()
    together = welded(split(mesh))
    assert len(together.vertices) == len(mesh.vertices)
    assert np.array_equal(together.triangles, mesh.triangles)


def test_zero_and_minus_zero_are_the_same_place():
    assert len(np.unique(weld_map(np.array([[0.0, 0, 0], [-0.0, 0, 0]], np.float32)))) == 1


def test_scaling_a_mesh_cubes_its_volume():
    similarity = np.diag([2.0, 2.0, 2.0, 1.0])
    assert np.isclose(signed_volume(transformed(ball(), similarity)) / signed_volume(ball()), 8, rtol=1e-5)
