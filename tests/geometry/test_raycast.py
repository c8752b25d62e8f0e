"""Rays against triangles."""

import numpy as np

from unflat.core import Mesh
from unflat.geometry.raycast import RayCaster

TRIANGLE = Mesh(np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32), np.array([[0, 1, 2]], np.int32))


def rays(*origins_and_directions):
    pairs = np.array(origins_and_directions, np.float32)
    return pairs[:, 0], pairs[:, 1]


def test_a_hit_gives_distance_face_and_corner_weights():
    hits = RayCaster(TRIANGLE).cast(*rays([[0.25, 0.5, 2], [0, 0, -1]]))
    assert hits.hit[0]
    assert np.isclose(hits.distance[0], 2)
    assert np.allclose(hits.barycentric[0], [0.25, 0.25, 0.5], atol=1e-6)


def test_distance_counts_in_the_rays_own_length():
    hits = RayCaster(TRIANGLE).cast(*rays([[0.2, 0.2, 2], [0, 0, -4]]))
    assert np.isclose(hits.distance[0], 0.5)


def test_a_miss_is_unknown_not_zero():
    hits = RayCaster(TRIANGLE).cast(*rays([[2, 2, 2], [0, 0, -1]]))
    assert not hits.hit[0]
    assert hits.face[0] == -1
    assert np.isnan(hits.distance[0])


def test_both_sides_of_a_face_are_hit():
    assert RayCaster(TRIANGLE).cast(*rays([[0.2, 0.2, -1], [0, 0, 1]])).hit[0]


def test_blocked_only_within_the_given_distance():
    caster = RayCaster(TRIANGLE)
    origins, directions = rays([[0.2, 0.2, 1], [0, 0, -1]])
    assert caster.blocked(origins, directions)[0]
    assert not caster.blocked(origins, directions, within=0.5)[0]


def test_more_rays_than_a_batch_give_the_same_answers():
    count = 300_000
    origins = np.tile(np.array([[0.2, 0.2, 1]], np.float32), (count, 1))
    hits = RayCaster(TRIANGLE).cast(origins, np.tile(np.array([[0, 0, -1]], np.float32), (count, 1)))
    assert hits.hit.all()
    assert np.allclose(hits.distance, 1)
