"""What nobody saw becomes smooth; what was seen stays."""

from dataclasses import replace

import numpy as np
import pytest

from unflat.core import Context, RecipeError
from unflat.geometry.intersections import crossing_faces
from unflat.geometry.topology import is_closed
from unflat.stages.finish.fair import Fair
from unflat.synth import solids


@pytest.fixture(scope="module")
def half_seen():
    """A ball of radius 0.5 with a rough, unseen lower half."""
    ball = solids.refined(solids.sphere(), 0.03)
    unseen = ball.vertices[:, 1] < 0
    rough = np.random.default_rng(0).normal(0, 0.004, ball.vertices.shape) * unseen[:, None]
    ball = ball.with_vertices((ball.vertices + rough).astype(np.float32))
    return replace(ball, confidence=(~unseen).astype(np.float32)), unseen


def off_the_ball(vertices):
    return np.sqrt(((np.linalg.norm(vertices, axis=1) - 0.5) ** 2).mean())


def test_the_unseen_half_of_a_ball_becomes_round_again_and_the_seen_half_stays(half_seen, around):
    mesh, unseen = half_seen
    fair = Fair(reach=0.05)(around(mesh), Context()).mesh
    assert np.array_equal(fair.vertices[~unseen], mesh.vertices[~unseen])
    assert off_the_ball(fair.vertices[unseen]) < 0.4 * off_the_ball(mesh.vertices[unseen])
    assert abs(np.linalg.norm(fair.vertices[unseen], axis=1).mean() - 0.5) < 0.002, "it neither shrinks nor swells"
    assert is_closed(fair.faces) and len(crossing_faces(fair)) == 0
    assert np.array_equal(fair.confidence, mesh.confidence)


def test_a_mesh_that_was_seen_all_over_or_says_nothing_of_it_stays(half_seen, around):
    mesh, _ = half_seen
    for other in (replace(mesh, confidence=np.ones(len(mesh.vertices), np.float32)), replace(mesh, confidence=None)):
        assert np.array_equal(Fair()(around(other), Context()).mesh.vertices, mesh.vertices)
    assert np.array_equal(Fair(reach=0)(around(mesh), Context()).mesh.vertices, mesh.vertices)


def test_a_reach_beyond_the_object_is_refused():
    with pytest.raises(RecipeError) as caught:
        Fair(reach=0.5)
    assert caught.value.code == "bad-option"
