"""How faces hang together."""

import numpy as np
import pytest

from unflat.geometry.topology import (
    boundary_edges,
    boundary_loops,
    compacted,
    connected_parts,
    corner_fans,
    edge_table,
    genus,
    is_closed,
    is_closed_manifold,
    is_manifold,
    is_oriented,
    paired_sides,
    sides_of,
)
from unflat.synth import solids

TETRAHEDRON = np.array([[0, 1, 2], [0, 2, 3], [0, 3, 1], [1, 3, 2]], np.int32)
TWO_AT_A_VERTEX = np.concatenate([TETRAHEDRON, np.where(TETRAHEDRON == 0, 0, TETRAHEDRON + 3)]).astype(np.int32)
TWO_AT_AN_EDGE = np.concatenate([TETRAHEDRON, np.where(TETRAHEDRON < 2, TETRAHEDRON, TETRAHEDRON + 2)]).astype(np.int32)


def test_a_tetrahedron_has_six_edges_of_two_faces():
    table = edge_table(TETRAHEDRON)
    assert table.edges.tolist() == [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]
    assert (table.face_count == 2).all()


def test_the_edge_table_agrees_with_counting_one_by_one():
    faces = np.random.default_rng(0).integers(0, 30, (200, 3), dtype=np.int32)
    table, counted = edge_table(faces), {}
    for side, (start, end) in enumerate(sides_of(faces).tolist()):
        counted.setdefault((min(start, end), max(start, end)), []).append(side)
    assert [tuple(edge) for edge in table.edges.tolist()] == sorted(counted)
    for index, (edge, first, count) in enumerate(zip(table.edges, table.first, table.face_count, strict=True)):
        sides = counted[tuple(edge.tolist())]
        assert table.sides[first : first + count].tolist() == sides
        assert (table.edge_of_side.ravel()[sides] == index).all()


def test_vertex_numbers_too_large_to_pack_give_the_same_edges():
    far = (TETRAHEDRON.astype(np.int64) + 2_000_000_000).astype(np.int32)
    assert np.array_equal(edge_table(far).edges - 2_000_000_000, edge_table(TETRAHEDRON).edges)
    assert is_closed(far)


@pytest.mark.parametrize(
    ("solid", "handles"), [(solids.box(), 0), (solids.sphere(), 0), (solids.torus(), 1), (solids.mug(), 1)]
)
def test_solids_are_closed_manifolds_of_known_genus(solid, handles):
    assert is_closed(solid.faces)
    assert is_manifold(solid.faces)
    assert is_closed_manifold(solid.faces)
    assert genus(solid.faces) == handles


def test_handles_of_several_parts_add_up():
    ring = solids.torus()
    assert genus(solids.merged([ring, solids.moved(ring, (2, 0, 0)), solids.box()]).faces) == 2


@pytest.mark.parametrize(
    "faces",
    [
        TETRAHEDRON[:3],
        np.concatenate([TETRAHEDRON[:3], TETRAHEDRON[3:, ::-1]]),
        np.concatenate([TETRAHEDRON, TETRAHEDRON]),
        np.concatenate([TETRAHEDRON, np.array([[0, 0, 1], [1, 0, 0]], np.int32)]),
        np.zeros((0, 3), np.int32),
    ],
    ids=["hole", "one face turned", "everything twice", "face that uses a vertex twice", "nothing"],
)
def test_what_is_not_closed_is_said_to_be_open(faces):
    assert not is_closed(faces)
    assert not is_closed_manifold(faces)
    assert genus(faces) is None


def test_two_solids_that_touch_in_a_vertex_are_closed_but_not_manifold():
    assert is_closed(TWO_AT_A_VERTEX)
    assert not is_manifold(TWO_AT_A_VERTEX)
    assert not is_closed_manifold(TWO_AT_A_VERTEX)
    assert genus(TWO_AT_A_VERTEX) == 0
    assert corner_fans(TWO_AT_A_VERTEX).max() + 1 == 8


def test_two_solids_that_touch_along_an_edge_are_neither():
    assert not is_closed(TWO_AT_AN_EDGE)
    assert not is_manifold(TWO_AT_AN_EDGE)
    assert corner_fans(TWO_AT_AN_EDGE).max() + 1 == 8


def test_a_sheet_is_manifold_though_open_and_two_sheets_at_a_point_are_not():
    assert is_manifold(TETRAHEDRON[:2])
    assert not is_manifold(np.array([[0, 1, 2], [0, 3, 4]], np.int32))


def test_a_turned_face_is_not_oriented():
    assert is_oriented(TETRAHEDRON)
    assert not is_oriented(np.concatenate([TETRAHEDRON[:3], TETRAHEDRON[3:, ::-1]]))


def test_the_boundary_runs_as_its_faces_do():
    assert boundary_edges(TETRAHEDRON[:3]).tolist() == [[1, 2], [2, 3], [3, 1]]
    assert len(boundary_edges(TETRAHEDRON)) == 0


def test_each_hole_is_one_loop():
    ball = solids.sphere(1.0, 32)
    height = ball.triangles.mean(axis=1)[:, 1]
    loops = boundary_loops(ball.faces[np.abs(height) < 0.7])
    assert len(loops) == 2
    assert sorted(len(loop) for loop in loops) == [32, 32]
    edges = {tuple(edge) for edge in boundary_edges(ball.faces[np.abs(height) < 0.7]).tolist()}
    assert {
        tuple(edge) for loop in loops for edge in zip(loop.tolist(), np.roll(loop, -1).tolist(), strict=True)
    } == edges


def test_loops_do_not_jump_between_surfaces_at_a_pinched_vertex():
    loops = boundary_loops(np.delete(TWO_AT_A_VERTEX, [0, 4], axis=0))
    assert sorted(sorted(loop.tolist()) for loop in loops) == [[0, 1, 2], [0, 4, 5]]


def test_closed_meshes_have_no_loops():
    assert boundary_loops(TETRAHEDRON) == []


def test_parts_are_numbered_from_zero():
    faces = np.concatenate([TETRAHEDRON + 10, TETRAHEDRON])
    assert connected_parts(faces, 20).tolist() == [1] * 4 + [0] * 4


def test_unused_vertices_fall_out():
    faces, used = compacted(TETRAHEDRON + 5, 20)
    assert np.array_equal(faces, TETRAHEDRON)
    assert used.tolist() == [5, 6, 7, 8]


def test_pairs_are_the_sides_of_edges_with_exactly_two_faces():
    faces = np.random.default_rng(1).integers(0, 12, (60, 3), dtype=np.int32)
    table = edge_table(faces)
    expected = {tuple(table.sides[first : first + 2].tolist()) for first in table.first[table.face_count == 2]}
    assert {tuple(pair) for pair in paired_sides(faces).tolist()} == expected
