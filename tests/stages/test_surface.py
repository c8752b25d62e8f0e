"""Fields become meshes."""

import numpy as np
import pytest

from unflat.core import (
    Camera,
    Context,
    DepthMap,
    Field,
    Mesh,
    Photo,
    PointCloud,
    Reconstruction,
    StageFailed,
    View,
    Views,
)
from unflat.geometry.meshes import face_areas, signed_volume
from unflat.geometry.topology import genus, is_closed, is_manifold
from unflat.stages.surface import poisson
from unflat.stages.surface.marching_cubes import MarchingCubes
from unflat.synth import solids


def surface(shape):
    view = View(Photo(np.zeros((4, 4, 3), np.uint8)), camera=Camera(4, 4, 4.0, 4.0, 2.0, 2.0, np.eye(4)))
    return MarchingCubes()(Reconstruction(shape, Views((view,))), Context()).mesh


def field(distance, voxel=1.0, origin=(0.0, 0.0, 0.0)):
    return Field(np.ascontiguousarray(distance, np.float32), np.array(origin, np.float64), voxel)


def grid(size):
    return np.stack(np.meshgrid(*[np.linspace(-1, 1, size)] * 3, indexing="ij"))


def ball_field(size, radius=0.8, middle=(0.0, 0.0, 0.0)):
    distance = np.linalg.norm(grid(size) - np.reshape(middle, (3, 1, 1, 1)), axis=0) - radius
    return field(distance, 2 / (size - 1), (-1.0, -1.0, -1.0))


def test_a_ball_is_closed_outward_and_has_the_volume_of_a_ball():
    mesh = surface(ball_field(48))
    assert is_closed(mesh.faces)
    assert is_manifold(mesh.faces)
    assert signed_volume(mesh) == pytest.approx(4 / 3 * np.pi * 0.8**3, rel=3e-3)
    assert np.abs(np.linalg.norm(mesh.vertices, axis=1) - 0.8).max() < 0.02 * 2 / 47


def test_the_surface_lies_where_the_field_says():
    mesh = surface(ball_field(40, 0.4, (0.3, -0.2, 0.1)))
    middle = (mesh.vertices.max(axis=0) + mesh.vertices.min(axis=0)) / 2
    assert np.allclose(middle, [0.3, -0.2, 0.1], atol=0.01)


def test_a_ring_keeps_its_hole():
    x, y, z = grid(40)
    assert genus(surface(field(np.hypot(np.hypot(x, z) - 0.6, y) - 0.25)).faces) == 1


def test_a_body_that_leaves_the_grid_is_closed_at_its_border():
    mesh = surface(ball_field(32, 1.2))
    assert is_closed(mesh.faces)
    assert np.ptp(mesh.vertices) == pytest.approx(2, abs=0.15)


def test_a_field_that_is_all_inside_gives_the_whole_box():
    mesh = surface(field(np.full((5, 6, 7), -1.0)))
    assert is_closed(mesh.faces)
    assert np.allclose(mesh.extent, [5, 6, 7], atol=0.01)


@pytest.mark.parametrize("size", [(1, 1, 1), (1, 5, 5), (2, 2, 2)])
def test_tiny_grids_work(size):
    assert is_closed(surface(field(np.full(size, -1.0))).faces)


@pytest.mark.parametrize(
    "values",
    [
        lambda random: random.standard_normal((16, 16, 16)),
        lambda random: np.sign(random.standard_normal((16, 16, 16))),
        lambda random: random.integers(-1, 2, (16, 16, 16)),
        lambda random: random.standard_normal((16, 16, 16)) * 1e-6,
    ],
    ids=["noise", "two values", "many zeros", "tiny values"],
)
def test_the_wildest_field_gives_a_closed_manifold_without_slivers(values):
    mesh = surface(field(values(np.random.default_rng(3))))
    assert is_closed(mesh.faces)
    assert is_manifold(mesh.faces)
    assert face_areas(mesh).min() > 1e-6


def test_a_field_without_inside_is_refused_with_advice():
    with pytest.raises(StageFailed) as caught:
        surface(field(np.ones((8, 8, 8))))
    assert caught.value.code == "no-surface"
    assert "mask" in caught.value.hint


def test_a_point_cloud_is_refused_with_advice():
    with pytest.raises(StageFailed) as caught:
        surface(PointCloud(np.zeros((3, 3), np.float32)))
    assert caught.value.code == "wrong-shape"


def test_a_mesh_passes_through_unchanged():
    box = solids.box()
    assert surface(box) is box


def test_the_field_is_not_written_to():
    shape = ball_field(16)
    before = shape.distance.copy()
    surface(shape)
    assert np.array_equal(shape.distance, before)


def test_of_a_cloud_beyond_the_most_points_some_of_all_its_places_stay_with_what_belongs_to_them(monkeypatch):
    monkeypatch.setattr(poisson, "_MOST_POINTS", 100)
    number = np.arange(900, dtype=np.float32)
    cloud = PointCloud(*(np.column_stack([number] * 3) for _ in range(2)), colors=np.zeros((900, 3), np.uint8))
    said = []
    thin = poisson._thinned(cloud, Context(warn=said.append))
    assert len(said) == 1 and "100 of the 900 points" in said[0]
    assert len(thin.points) == len(thin.colors) == 100
    assert np.array_equal(thin.points, thin.normals)
    assert np.histogram(thin.points[:, 0], 3, (0, 900))[0].min() > 20
    assert poisson._thinned(thin, Context(warn=said.append)) is thin
    assert len(said) == 1


def test_a_surface_from_fewer_points_than_there_are_is_told(monkeypatch):
    pytest.importorskip("pycolmap", reason="pycolmap, which reconstructs the surface, is not installed")
    monkeypatch.setattr(poisson, "_MOST_POINTS", 2000)
    normals = np.random.default_rng(0).normal(size=(3000, 3))
    normals = (normals / np.linalg.norm(normals, axis=1, keepdims=True)).astype(np.float32)
    view = View(Photo(np.zeros((4, 4, 3), np.uint8)), camera=Camera(4, 4, 4.0, 4.0, 2.0, 2.0, np.eye(4)))
    said = []
    ball = Reconstruction(PointCloud(normals / 2, normals), Views((view,)))
    made = poisson.Poisson(depth=5, floor=False)(ball, Context(warn=said.append)).mesh
    assert np.allclose(np.linalg.norm(made.vertices, axis=1), 0.5, atol=0.05)
    assert len(said) == 1 and "2,000 of the 3,000 points" in said[0]


def tube(rings):
    """A tube along y, a ring of twelve vertices for each true or false: whether it was seen."""
    turn = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    vertices = [[np.cos(a) / 4, ring / 10 - 2.5, np.sin(a) / 4] for ring in range(len(rings)) for a in turn]
    corner = np.arange(12 * (len(rings) - 1))
    beside = corner // 12 * 12 + (corner + 1) % 12
    faces = np.concatenate([[corner, corner + 12, beside], [beside, corner + 12, beside + 12]], axis=1).T
    return Mesh(np.float32(vertices), faces.astype(np.int32), confidence=np.repeat(np.float32(rings), 12))


def test_rags_in_the_air_go_but_what_joins_large_parts_stays():
    rag, wall, bridge, foot = [0] * 5, [1] * 20, [0] * 5, [1] * 20
    photo, depth = Photo(np.zeros((40, 40, 3), np.uint8)), DepthMap(np.full((40, 40), 50, np.float32))
    camera = Camera(40, 40, 20.0, 20.0, 20.0, 20.0, np.diag([1.0, -1, -1, 1]) + np.outer([0, 0, 4, 0], [0, 0, 0, 1]))
    views = Views((View(photo, camera=camera, depth=depth), View(photo, camera=camera, depth=depth)))
    given = tube(rag + wall + bridge + foot)
    kept = poisson._out_of_the_air(given, Reconstruction(given, views, dense=views), spacing=0.01)
    assert len(kept.faces) == len(given.faces) - 4 * 24, "the four rows of the rag"
    assert kept.vertices[:, 1].max() == given.vertices[:, 1].max()
    only = tube(wall + bridge)
    assert len(poisson._out_of_the_air(only, Reconstruction(only, views, dense=views), 0.01).faces) == 20 * 24
