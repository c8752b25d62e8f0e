"""Procedural objects are closed, different, upright in the unit sphere, and the same again for the same seed."""

import manifold3d
import numpy as np
import pytest

from unflat.geometry.meshes import signed_volume, welded
from unflat.geometry.topology import is_closed
from unflat.synth import blocks
from unflat.synth.procedural import FAMILIES, procedural_object, procedural_shape

SEEDS = range(60)


@pytest.fixture(scope="module")
def objects():
    return [procedural_object(seed) for seed in SEEDS]


def test_every_object_is_closed_solid_and_inside_the_unit_sphere(objects):
    for part in objects:
        # parts that touch may share an edge once the seams are welded, so: an even number of faces, not two
        edges = np.sort(welded(part.mesh).faces[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2), axis=1)
        _, faces_of_edge = np.unique(edges, axis=0, return_counts=True)
        assert (faces_of_edge % 2 == 0).all(), part.name
        assert (faces_of_edge == 2).mean() > 0.98, part.name
        assert signed_volume(part.mesh) > 0, part.name
        assert np.linalg.norm(part.mesh.vertices, axis=1).max() == pytest.approx(1, abs=1e-4), part.name
        assert np.allclose(part.mesh.vertices.min(axis=0), -part.mesh.vertices.max(axis=0), atol=1e-5), part.name
        assert 4 <= len(part.mesh.faces) <= 8000, part.name


def test_every_object_has_a_texture_that_its_uv_reach(objects):
    for part in objects:
        assert part.material.base_color is not None
        assert part.mesh.uv is not None
        assert np.isfinite(part.mesh.uv).all()


def test_the_same_seed_gives_the_same_object_and_another_seed_another():
    first, again, other = procedural_object(11), procedural_object(11), procedural_object(12)
    assert np.array_equal(first.mesh.vertices, again.mesh.vertices)
    assert np.array_equal(first.mesh.uv, again.mesh.uv)
    assert np.array_equal(first.material.base_color, again.material.base_color)
    assert first.mesh.vertices.shape != other.mesh.vertices.shape


def test_there_are_flat_long_and_compact_ones(objects):
    sides = np.array([np.sort(part.mesh.extent) for part in objects])
    flat, slender = sides[:, 0] / sides[:, 2], sides[:, 1] / sides[:, 2]
    assert (flat < 0.3).sum() >= 5
    assert (slender < 0.5).sum() >= 5
    assert (flat > 0.6).sum() >= 5


@pytest.mark.parametrize("family", FAMILIES)
def test_every_kind_of_object_can_be_made(family):
    for seed in range(3):
        solids = FAMILIES[family][1](np.random.default_rng(seed))
        solid = blocks.union(solids)
        assert solid.status() == manifold3d.Error.NoError
        assert solid.num_tri() > 0


def test_furniture_creatures_and_vehicles_are_symmetric_left_to_right():
    for family in ("creature", "vehicle"):
        solid = blocks.union(FAMILIES[family][1](np.random.default_rng(1)))
        low, high = np.reshape(solid.bounding_box(), (2, 3))
        assert low[0] == pytest.approx(-high[0], abs=0.02)


def test_the_bare_shapes_are_closed():
    for seed in range(20):
        assert is_closed(procedural_shape(np.random.default_rng(seed))[0].faces)


def test_labels_tell_the_pieces_apart():
    mesh, labels, _ = procedural_shape(np.random.default_rng(3))
    assert len(labels) == len(mesh.faces)
    assert labels.min() == 0
    assert np.array_equal(np.unique(labels), np.arange(labels.max() + 1))


@pytest.mark.parametrize(
    ("solid", "volume"),
    [
        (blocks.superquadric(), 4 / 3 * np.pi),
        (blocks.prism(64), 2 * np.pi),
        (blocks.prism(64, 0.0), 2 * np.pi / 3),
        (blocks.rounded_box((1, 1, 1), 0.01), 8.0),
        (blocks.torus(0.25), 2 * np.pi**2 * 0.75 * 0.25**2),
        (blocks.capsule(1.0), 4 / 3 * np.pi + 2 * np.pi),
    ],
)
def test_blocks_have_the_volume_of_their_formula(solid, volume):
    assert solid.volume() == pytest.approx(volume, rel=0.06)
