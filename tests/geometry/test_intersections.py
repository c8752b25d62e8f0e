"""Crossing faces: found wherever they are, and only there."""

import numpy as np
import pytest

from unflat.core import Mesh
from unflat.geometry.intersections import crossing_faces
from unflat.synth.solids import box, cone, merged, moved, mug, sphere, torus


def soup(count, spread, seed=0):
    rng = np.random.default_rng(seed)
    sizes = np.exp(rng.normal(size=(count, 1, 1)) * spread - 2)
    corners = (rng.random((count, 1, 3)) + rng.normal(size=(count, 3, 3)) * sizes).astype(np.float32)
    return Mesh(corners.reshape(-1, 3), np.arange(3 * count, dtype=np.int32).reshape(-1, 3))


def pierced(triangles):
    """The plain twin: faces cross where an edge of one passes through the inside of the other."""
    found = set()
    for i, a in enumerate(triangles):
        for j, b in enumerate(triangles):
            if i != j and any(passes(a[k], a[(k + 1) % 3], b) for k in range(3)):
                found.add((min(i, j), max(i, j)))
    return found


def passes(start, end, triangle):
    volume = [
        np.linalg.det(np.stack([triangle[k] - start, triangle[(k + 1) % 3] - start, end - start])) for k in range(3)
    ]
    normal = np.cross(triangle[1] - triangle[0], triangle[2] - triangle[0])
    opposite = np.dot(start - triangle[0], normal) * np.dot(end - triangle[0], normal) < 0
    return opposite and (min(volume) > 0 or max(volume) < 0)


@pytest.mark.parametrize("spread", [0.1, 1.0, 2.0])
def test_a_soup_of_all_sizes_gives_what_the_plain_twin_gives(spread):
    mesh = soup(60, spread, seed=3)
    expected = pierced(mesh.triangles.astype(np.float64))
    assert {tuple(pair) for pair in crossing_faces(mesh).tolist()} == expected
    assert len(expected) > 10


@pytest.mark.parametrize("mesh", [box(), sphere(), torus(), cone(), mug()])
def test_a_clean_solid_has_none(mesh):
    assert len(crossing_faces(mesh)) == 0


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
@pytest.mark.parametrize("offset", [0.0, 100.0])
def test_two_boxes_that_interpenetrate_cross_at_any_size_and_place(scale, offset):
    both = merged([box(), moved(box(), (0.3, 0.4, 0.5))])
    placed = both.with_vertices(((both.vertices + np.float32(offset)) * np.float32(scale)).astype(np.float32))
    pairs = crossing_faces(placed)
    assert len(pairs) == 16
    assert (pairs[:, 0] < 12).all()
    assert (pairs[:, 1] >= 12).all()


def test_parts_that_touch_or_share_a_side_do_not_cross():
    assert len(crossing_faces(merged([box(), moved(box(), (1.0, 0.0, 0.0))]))) == 0
    assert len(crossing_faces(merged([box(), moved(box(), (1.0, 0.25, 0.25))]))) == 0
    assert len(crossing_faces(merged([box(), box()]))) == 0


def test_a_part_inside_another_does_not_cross_it():
    assert len(crossing_faces(merged([sphere(0.5), sphere(0.3)]))) == 0


def test_faces_with_one_common_corner_cross_only_beyond_it():
    fan = np.float32([[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 0.5, -0.5], [1, 0.5, 0.5], [-1, 0.5, -0.5], [-1, 0.5, 0.5]])
    through = Mesh(fan, np.int32([[0, 1, 2], [0, 3, 4]]))
    beside = Mesh(fan, np.int32([[0, 1, 2], [0, 5, 6]]))
    assert len(crossing_faces(through)) == 1
    assert len(crossing_faces(beside)) == 0


def test_a_giant_face_among_thousands_of_small_ones_is_found():
    ball = sphere(0.5, 64)
    giant = Mesh(np.float32([[-50, 0.011, -50], [50, 0.012, -50], [0, 0.013, 70]]), np.int32([[0, 1, 2]]))
    pairs = crossing_faces(merged([ball, giant]))
    assert (pairs[:, 1] == len(ball.faces)).all()
    heights = ball.triangles[..., 1]
    assert len(pairs) == pytest.approx(((heights.min(axis=1) < 0.012) & (heights.max(axis=1) > 0.012)).sum(), abs=4)


def test_faces_without_area_and_single_faces_are_left_alone():
    line = Mesh(np.float32([[0, 0, 0], [1, 0, 0], [2, 0, 0]]), np.int32([[0, 1, 2]]))
    assert crossing_faces(line).shape == (0, 2)
    point = Mesh(np.zeros((3, 3), np.float32), np.int32([[0, 1, 2], [0, 1, 2]]))
    assert crossing_faces(point).shape == (0, 2)


@pytest.mark.slow
def test_the_cost_grows_with_the_faces_not_with_their_square():
    import time

    seconds = []
    for segments in (140, 280):
        ring = torus(segments=segments)
        both = merged([ring, moved(ring, (0.1, 0.05, 0.0))])
        start = time.process_time()
        crossing_faces(both)
        seconds.append(time.process_time() - start)
    assert seconds[1] < 9 * seconds[0]  # four times the faces; generous, for a busy machine
