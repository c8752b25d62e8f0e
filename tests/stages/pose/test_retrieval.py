"""Pictures that share features are found to look alike."""

import numpy as np

from unflat.stages.pose.retrieval import nearest_pictures


def features_of(places, rng):
    """Every place has 60 features of its own; a picture sees a few places, with noise."""
    rows = []
    for place in places:
        own = np.random.default_rng(place).gamma(0.6, 30, (60, 128))
        rows.append(own + rng.normal(0, 4, own.shape))
    return np.clip(np.concatenate(rows), 0, 255).astype(np.uint8)


def test_a_walk_around_finds_its_neighbours():
    rng = np.random.default_rng(0)
    pictures = [features_of([(n + k) % 12 for k in range(4)], rng) for n in range(12)]
    found = nearest_pictures(pictures, 2, seed=0)
    for n, others in enumerate(found):
        assert set(others) == {(n - 1) % 12, (n + 1) % 12}


def test_no_picture_is_its_own_neighbour_and_all_are_listed_where_there_are_few():
    rng = np.random.default_rng(1)
    found = nearest_pictures([features_of([n, n + 1], rng) for n in range(4)], 10, seed=0)
    assert [set(others) for others in found] == [{0, 1, 2, 3} - {n} for n in range(4)]


def test_a_picture_without_features_harms_nobody():
    rng = np.random.default_rng(2)
    pictures = [features_of(range(n, n + 8), rng) for n in (0, 8, 1, 16)]
    pictures[1] = np.zeros((0, 128), np.uint8)
    found = nearest_pictures(pictures, 1, seed=0)
    assert found[0] == (2,)
    assert found[2] == (0,)


def test_the_same_seed_gives_the_same_answer():
    rng = np.random.default_rng(3)
    pictures = [features_of([n, n + 1, n + 2], rng) for n in range(8)]
    assert nearest_pictures(pictures, 3, seed=4) == nearest_pictures(pictures, 3, seed=4)
