"""Planes that a body mirrors itself in: found, measured, and not imagined."""

import numpy as np
import pytest
import trimesh

from unflat.core import Mesh
from unflat.geometry.symmetry import SymmetryPlane, surface_samples, symmetry_planes


def mesh_of(body) -> Mesh:
    return Mesh(np.asarray(body.vertices, np.float32), np.asarray(body.faces, np.int32))


def ellipsoid(turn=None, shift=(0, 0, 0)) -> Mesh:
    body = trimesh.creation.icosphere(4)
    body.apply_scale([1.0, 0.6, 0.35])
    if turn is not None:
        body.apply_transform(turn)
    body.apply_translation(shift)
    return mesh_of(body)


def plane_along(planes, normal):
    return next(plane for plane in planes if abs(plane.normal @ normal) > 0.99)


def test_an_ellipsoid_has_its_three_planes():
    planes = symmetry_planes(ellipsoid(shift=(0.3, -0.2, 0.1)), 0.9, seed=0)
    assert len(planes) == 3
    for axis, offset in zip(np.eye(3), (0.3, -0.2, 0.1), strict=True):
        plane = plane_along(planes, axis)
        assert plane.overlap > 0.98
        assert plane.offset * np.sign(plane.normal @ axis) == pytest.approx(offset, abs=0.01)


def test_a_turned_body_is_recognised_too():
    turn = trimesh.transformations.rotation_matrix(0.7, [1, 2, 3])
    planes = symmetry_planes(ellipsoid(turn), 0.9, seed=0)
    for axis in turn[:3, :3].T:
        assert abs(plane_along(planes, axis).normal @ axis) > np.cos(np.deg2rad(1))


def test_a_plane_ten_degrees_off_every_start_is_refined():
    # A pear on its side: mirrored in one plane that is neither a world axis nor, because of the bump, a principal one.
    pear = trimesh.creation.icosphere(4)
    pear.vertices *= np.array([1.0, 0.7, 0.5])
    pear.vertices[:, 1] += 0.5 * pear.vertices[:, 0] ** 2
    pear.apply_transform(trimesh.transformations.rotation_matrix(np.deg2rad(10), [0, 1, 0]))
    axis = np.array([np.sin(np.deg2rad(10)), 0, np.cos(np.deg2rad(10))])
    plane = plane_along(symmetry_planes(mesh_of(pear), 0.9, seed=0), axis)
    assert abs(plane.normal @ axis) > np.cos(np.deg2rad(1))


def test_a_body_without_symmetry_gets_no_plane():
    parts = [((1.0, 0.3, 0.3), (0, 0, 0)), ((0.3, 0.8, 0.3), (0.35, 0.5, 0)), ((0.2, 0.2, 0.6), (-0.4, 0.1, 0.4))]
    boxes = [trimesh.creation.box(size, trimesh.transformations.translation_matrix(at)) for size, at in parts]
    assert symmetry_planes(mesh_of(trimesh.util.concatenate(boxes)), 0.9, seed=0) == ()


def test_almost_symmetric_is_said_with_its_overlap():
    body, bump = trimesh.creation.icosphere(4), trimesh.creation.icosphere(3, 0.3)
    bump.apply_translation([1.1, 0, 0])
    both = mesh_of(trimesh.util.concatenate([body, bump]))
    across = [plane for plane in symmetry_planes(both, 0.5, seed=0) if abs(plane.normal[0]) > 0.9]
    assert all(plane.overlap < 0.95 for plane in across)
    assert plane_along(symmetry_planes(both, 0.9, seed=0), np.array([0, 0, 1.0])).overlap > 0.97


def test_best_planes_come_first_and_all_meet_the_demand():
    overlaps = [plane.overlap for plane in symmetry_planes(ellipsoid(), 0.5, seed=3)]
    assert overlaps == sorted(overlaps, reverse=True)
    assert min(overlaps) >= 0.5


def test_mirroring_twice_changes_nothing_and_keeps_the_plane_fixed():
    normal = np.array([1.0, 2, -2]) / 3
    plane = SymmetryPlane(normal, 0.4, 1.0)
    points = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    assert np.allclose(plane.mirrored(plane.mirrored(points)), points, atol=1e-5)
    assert np.allclose((plane.mirrored(points) @ normal + points @ normal) / 2, 0.4, atol=1e-5)
    assert np.allclose(plane.turned(plane.turned(points)), points, atol=1e-5)
    on_plane = (points - ((points @ normal - 0.4)[:, None] * normal)).astype(np.float32)
    assert np.allclose(plane.mirrored(on_plane), on_plane, atol=1e-5)


def test_samples_are_spread_by_area_and_lie_on_the_surface():
    points, normals = surface_samples(mesh_of(trimesh.creation.box((4, 1, 1))), 6000, seed=0)
    assert np.allclose(np.abs(points / [2, 0.5, 0.5]).max(axis=1), 1)
    assert np.allclose(np.linalg.norm(normals, axis=1), 1)
    assert (np.abs(normals[:, 0]) > 0.5).mean() == pytest.approx(2 / 18, abs=0.01)


def test_the_same_seed_gives_the_same_planes():
    first, second = (symmetry_planes(ellipsoid(), 0.9, seed=1) for _ in range(2))
    assert all((one.normal == two.normal).all() for one, two in zip(first, second, strict=True))


def test_size_does_not_matter():
    turn = trimesh.transformations.rotation_matrix(0.7, [1, 2, 3])
    for factor in (1e-3, 1e3):
        mesh = ellipsoid(turn)
        scaled = Mesh(mesh.vertices * np.float32(factor), mesh.faces)
        planes = symmetry_planes(scaled, 0.9, seed=0)
        assert len(planes) == 3
        assert all(np.abs(turn[:3, :3].T @ plane.normal).max() > np.cos(np.deg2rad(1)) for plane in planes)
