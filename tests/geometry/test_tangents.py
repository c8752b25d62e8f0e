"""Tangent frames: where u points, at right angles, with the right hand; what normal maps stand on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unflat.core import InputError, Mesh
from unflat.geometry.meshes import vertex_normals
from unflat.geometry.tangents import vertex_tangents


def square(uv: list[list[float]]) -> Mesh:
    """A unit square in the XY plane that faces +Z."""
    points = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32)
    return Mesh(points, np.array([[0, 1, 2], [0, 2, 3]], np.int32), uv=np.array(uv, np.float32))


def tangents_of(mesh: Mesh) -> np.ndarray:
    return vertex_tangents(mesh, vertex_normals(mesh))


def test_a_picture_hung_upright_has_its_tangent_to_the_right_and_the_right_hand():
    # v runs downwards, as in glTF.
    hung = square([[0, 1], [1, 1], [1, 0], [0, 0]])
    np.testing.assert_allclose(tangents_of(hung), np.tile([1, 0, 0, 1], (4, 1)), atol=1e-6)


def test_a_mirrored_picture_has_the_left_hand():
    mirrored = square([[1, 1], [0, 1], [0, 0], [1, 0]])
    np.testing.assert_allclose(tangents_of(mirrored), np.tile([-1, 0, 0, -1], (4, 1)), atol=1e-6)


def test_a_picture_turned_a_quarter_turns_its_tangent():
    turned = square([[0, 0], [0, 1], [1, 1], [1, 0]])
    np.testing.assert_allclose(tangents_of(turned), np.tile([0, 1, 0, 1], (4, 1)), atol=1e-6)


def test_the_bitangent_points_up_in_the_picture():
    sheared = square([[0.1, 0.9], [0.8, 0.7], [0.9, 0.1], [0.2, 0.2]])
    tangents, normals = tangents_of(sheared), vertex_normals(sheared)
    bitangent = tangents[:, 3:] * np.cross(normals, tangents[:, :3])
    assert (bitangent[:, 1] > 0).all()


def test_on_a_sphere_tangents_follow_the_circles_of_latitude():
    u, v = np.meshgrid(np.linspace(0, 1, 65), np.linspace(0.2, 0.8, 33))
    around, down = u * 2 * np.pi, v * np.pi
    points = np.stack([np.sin(down) * np.sin(around), np.cos(down), np.sin(down) * np.cos(around)], -1).reshape(-1, 3)
    row, column = np.mgrid[:32, :64]
    a = (row * 65 + column).ravel()
    faces = np.concatenate([np.stack([a, a + 65, a + 66], 1), np.stack([a, a + 66, a + 1], 1)])
    mesh = Mesh(
        points.astype(np.float32), faces.astype(np.int32), uv=np.stack([u, v], -1).reshape(-1, 2).astype(np.float32)
    )
    tangents = tangents_of(mesh)
    east = np.stack([np.cos(around), np.zeros_like(around), -np.sin(around)], -1).reshape(-1, 3)
    assert (tangents[:, :3] * east).sum(axis=1).min() > 0.998
    assert (tangents[:, 3] == 1).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(3, 30))
def test_tangents_are_always_unit_perpendicular_and_signed(seed, count):
    random = np.random.default_rng(seed)
    points = random.normal(size=(count, 3)).astype(np.float32)
    faces = random.integers(0, count, (2 * count, 3)).astype(np.int32)
    uv = random.integers(0, 3, (count, 2)).astype(np.float32)
    mesh = Mesh(points, faces, uv=uv)
    normals = vertex_normals(mesh)
    normals[~normals.any(axis=1)] = (0, 1, 0)
    tangents = vertex_tangents(mesh, normals)
    np.testing.assert_allclose(np.linalg.norm(tangents[:, :3], axis=1), 1, atol=1e-5)
    np.testing.assert_allclose((tangents[:, :3] * normals).sum(axis=1), 0, atol=1e-5)
    assert set(np.unique(tangents[:, 3])) <= {-1.0, 1.0}


def test_a_mesh_without_uv_is_refused():
    mesh = Mesh(np.eye(3, dtype=np.float32), np.array([[0, 1, 2]], np.int32))
    with pytest.raises(InputError) as caught:
        tangents_of(mesh)
    assert caught.value.code == "no-uv"
