"""Two clouds of the same surface find each other, whatever was done to one of them."""

import numpy as np
import pytest

from unflat.geometry.compare import sample_surface
from unflat.geometry.registration import fitted_similarity, register, register_from
from unflat.geometry.similarities import rotation_deg
from unflat.synth.letter import letter_f
from unflat.synth.solids import box


def points_of(mesh, seed):
    return sample_surface(mesh, 4000, seed)[0].astype(np.float64)


def angle_deg(one, other):
    cosine = (np.trace(one @ other.T) - 1) / 2
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


@pytest.fixture(scope="module")
def lopsided():
    """A body without symmetry, about 1 long."""
    return letter_f().mesh


def disturbed(points, rotation, scale=1.7, offset=(1.0, -2.0, 3.0)):
    return scale * points @ rotation.T + np.array(offset)


@pytest.mark.parametrize("angles", [(0, 0, 0), (20, -170, 80), (95, 40, -120)])
def test_a_turned_and_scaled_shape_is_brought_back(lopsided, angles):
    fixed, rotation = points_of(lopsided, 0), rotation_deg(*angles)
    found = register(disturbed(points_of(lopsided, 1), rotation), fixed)
    scale = np.cbrt(np.linalg.det(found.similarity[:3, :3]))
    assert scale == pytest.approx(1 / 1.7, rel=0.01)
    assert angle_deg(found.similarity[:3, :3] / scale, rotation.T) < 1.0
    spacing = np.sqrt(1 / 4000)
    assert found.distance < spacing


def test_a_shape_is_never_mirrored(lopsided):
    fixed = points_of(lopsided, 0)
    found = register(fixed * np.array([-1, 1, 1]), fixed)
    assert np.linalg.det(found.similarity[:3, :3]) > 0


def test_a_good_start_needs_no_search(lopsided):
    fixed, rotation = points_of(lopsided, 0), rotation_deg(0, 50, 0)
    moving = disturbed(points_of(lopsided, 1), rotation)
    near = rotation.T @ rotation_deg(5, -5, 5)
    assert register_from(moving, fixed, near).distance < 0.02


def test_a_wrong_start_stays_wrong_without_a_search_and_does_no_harm_with_one(lopsided):
    fixed = points_of(lopsided, 0)
    moving, wrong = points_of(lopsided, 1), rotation_deg(0, 180, 0)
    assert register_from(moving, fixed, wrong).distance > 2 * register(moving, fixed, wrong).distance


def test_the_scale_does_not_collapse_where_shapes_differ(lopsided):
    fixed = points_of(lopsided, 0)
    moving = points_of(box((1.0, 1.0, 0.2)), 1)
    found = register(moving, fixed)
    assert 0.4 < np.cbrt(np.linalg.det(found.similarity[:3, :3])) < 2.0


def test_pairs_tell_their_similarity_exactly():
    source = np.random.default_rng(0).normal(size=(20, 3))
    rotation = rotation_deg(10, 200, 30)
    matrix = fitted_similarity(source, disturbed(source, rotation), np.ones(20))
    np.testing.assert_allclose(matrix[:3, :3], 1.7 * rotation, atol=1e-9)
    np.testing.assert_allclose(matrix[:3, 3], (1.0, -2.0, 3.0), atol=1e-9)


def test_the_same_question_has_the_same_answer(lopsided):
    fixed, moving = points_of(lopsided, 0), points_of(lopsided, 1)
    np.testing.assert_array_equal(register(moving, fixed).similarity, register(moving, fixed).similarity)
