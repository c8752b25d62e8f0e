"""Random textures fit any mesh, keep its surface, and differ from seed to seed."""

import numpy as np
import pytest

from unflat.core import Material, Mesh, Part
from unflat.geometry.meshes import face_areas, welded
from unflat.geometry.topology import is_closed
from unflat.geometry.uv import uv_area_ratio
from unflat.synth.patterns import PATTERNS, clouds, random_color
from unflat.synth.random_textures import random_texture
from unflat.synth.solids import box, chair, merged, moved, mug, sphere


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("mesh", [box(), sphere(0.5), mug(1.0)])
def test_the_surface_stays_as_it_was(mesh, seed):
    painted = random_texture(Part(mesh, Material()), np.random.default_rng(seed)).mesh
    assert len(painted.faces) == len(mesh.faces)
    assert np.array_equal(painted.triangles, mesh.triangles)
    assert face_areas(painted).sum() == pytest.approx(face_areas(mesh).sum())
    assert is_closed(welded(painted).faces)
    assert (uv_area_ratio(painted) > 0).mean() > 0.95


def test_a_mesh_with_uv_normals_colours_and_confidence_is_repainted():
    mesh = chair()
    count = len(mesh.vertices)
    full = Mesh(
        mesh.vertices,
        mesh.faces,
        uv=np.zeros((count, 2), np.float32),
        normals=np.tile(np.array([0, 1, 0], np.float32), (count, 1)),
        colors=np.zeros((count, 3), np.uint8),
        confidence=np.ones(count, np.float32),
    )
    painted = random_texture(Part(full, Material()), np.random.default_rng(0)).mesh
    assert painted.colors is None
    assert len(painted.normals) == len(painted.confidence) == len(painted.vertices)
    assert np.ptp(painted.uv) > 0.1


def test_pieces_can_have_different_paints():
    both = merged([box((0.5, 0.5, 0.5)), moved(box((0.5, 0.5, 0.5)), (1.0, 0.0, 0.0))])
    apart = 0
    for seed in range(12):
        painted = random_texture(Part(both, Material()), np.random.default_rng(seed)).mesh
        left, right = (painted.uv[painted.faces[half]].mean(axis=(0, 1)) for half in (slice(0, 12), slice(12, 24)))
        apart += bool(np.abs(left - right).max() > 0.2)
    assert apart >= 3


def test_given_labels_decide_the_pieces():
    mesh = sphere(0.5)
    upper = (mesh.triangles[:, :, 1].mean(axis=1) > 0).astype(np.int32)
    painted = [random_texture(Part(mesh, Material()), np.random.default_rng(seed), upper) for seed in range(6)]
    assert len({len(part.mesh.vertices) for part in painted}) > 1


def test_the_same_generator_gives_the_same_texture_and_others_differ():
    parts = [random_texture(Part(box(), Material()), np.random.default_rng(seed)) for seed in (4, 4, 5)]
    assert np.array_equal(parts[0].material.base_color, parts[1].material.base_color)
    assert not np.array_equal(parts[0].material.base_color, parts[2].material.base_color)


@pytest.mark.parametrize("name", PATTERNS)
def test_every_pattern_fills_its_square(name):
    for seed in range(4):
        picture = PATTERNS[name][1](np.random.default_rng(seed), 64)
        assert picture.shape == (64, 64, 3)
        assert picture.dtype == np.uint8


def test_noise_and_colours_stay_in_range():
    rng = np.random.default_rng(0)
    noise = clouds(rng, 50, 3, 4)
    assert noise.min() == 0
    assert noise.max() == pytest.approx(1)
    colors = np.stack([random_color(rng) for _ in range(200)])
    assert colors.min() >= 0
    assert colors.max() <= 255
    assert np.ptp(colors, axis=0).min() > 150
