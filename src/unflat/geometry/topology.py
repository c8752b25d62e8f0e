"""How faces hang together: edges, boundaries, fans, parts, handles. Faces are of a welded mesh (shared vertices)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int32, Int64
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

_PACKED_BITS = 63
"""Room in an int64 for an edge's two vertices and the number of its side."""


class EdgeTable(NamedTuple):
    """All undirected edges of a mesh. Side ``3 * f + c`` is the edge from corner c to corner c + 1 of face f."""

    edges: Int32[np.ndarray, "e 2"]
    """Vertex numbers, the lower one first; in ascending order, each edge once."""
    face_count: Int32[np.ndarray, "e"]
    """How many faces use each edge: 1 boundary, 2 inside, more non-manifold."""
    edge_of_side: Int32[np.ndarray, "f 3"]
    """The edge of each side of each face."""
    sides: Int32[np.ndarray, "s"]
    """All sides, edge by edge: those of edge e are ``sides[first[e] : first[e] + face_count[e]]``."""
    first: Int32[np.ndarray, "e"]


def sides_of(faces: Int32[np.ndarray, "f 3"]) -> Int32[np.ndarray, "s 2"]:
    """The three directed edges of every face, face by face."""
    return np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2)


def edge_table(faces: Int32[np.ndarray, "f 3"]) -> EdgeTable:
    """Every undirected edge once, with the faces on it. One sort: about 0.1 s for 400,000 faces."""
    count = int(faces.max(initial=-1)) + 1
    key, order = _sorted_edges(faces)
    starts = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]])) if len(key) else np.zeros(0, np.int64)
    face_count = np.diff(np.append(starts, len(key)))
    edge_of_side = np.empty(len(key), np.int32)
    edge_of_side[order] = np.repeat(np.arange(len(starts), dtype=np.int32), face_count)
    edges = np.column_stack(np.divmod(key[starts], max(count, 1))).astype(np.int32)
    return EdgeTable(
        edges, face_count.astype(np.int32), edge_of_side.reshape(-1, 3), order.astype(np.int32), starts.astype(np.int32)
    )


def boundary_edges(faces: Int32[np.ndarray, "f 3"]) -> Int32[np.ndarray, "b 2"]:
    """Edges with one face only, in the direction in which that face runs along them."""
    table = edge_table(faces)
    return sides_of(faces)[np.sort(table.sides[table.first[table.face_count == 1]])]


def is_closed(faces: Int32[np.ndarray, "f 3"]) -> bool:
    """Whether every edge has exactly two faces that run along it in opposite directions (so: consistently turned).

    A face that uses a vertex twice makes a mesh not closed. Pinched vertices are not looked at: see `is_manifold`.
    """
    if len(faces) == 0 or len(faces) % 2 or _uses_a_vertex_twice(faces):
        return False
    key, ascending = _edge_keys(faces, int(faces.max()) + 1)
    return _all_opposite(np.sort(key * 2 + ascending))


def is_manifold(faces: Int32[np.ndarray, "f 3"]) -> bool:
    """Whether no edge has more than two faces, no face a vertex twice, and the faces at each vertex are one fan."""
    if len(faces) == 0 or _uses_a_vertex_twice(faces):
        return False
    key, order = _sorted_edges(faces)
    if bool((key[2:] == key[:-2]).any()):
        return False
    pairs = _runs_of_two(key, order)
    vertex = faces.ravel()
    if len(pairs) * 2 == faces.size and bool((vertex[pairs[:, 0]] != vertex[pairs[:, 1]]).all()):
        return _one_ring_each(vertex, pairs)
    return int(_fans(faces, pairs).max()) + 1 == int(np.count_nonzero(np.bincount(vertex)))


def is_closed_manifold(faces: Int32[np.ndarray, "f 3"]) -> bool:
    """Whether the faces are both closed and manifold, in the time of `is_manifold`."""
    if len(faces) == 0 or len(faces) % 2 or _uses_a_vertex_twice(faces):
        return False
    count = int(faces.max()) + 1
    key, ascending = _edge_keys(faces, count)
    directed, order = _sorted_with_order(key * 2 + ascending, 2 * count * count)
    return _all_opposite(directed) and _one_ring_each(faces.ravel(), order.reshape(-1, 2).astype(np.int32))


def is_oriented(faces: Int32[np.ndarray, "f 3"]) -> bool:
    """Whether no two faces run along an edge in the same direction."""
    start, end = sides_of(faces).astype(np.int64).T
    keys = np.sort(start * (int(faces.max(initial=-1)) + 1) + end)
    return not bool((keys[1:] == keys[:-1]).any())


def paired_sides(faces: Int32[np.ndarray, "f 3"]) -> Int32[np.ndarray, "p 2"]:
    """The two sides of every edge that has exactly two faces; side 3 f + c starts at corner c of face f."""
    return _runs_of_two(*_sorted_edges(faces))


def corner_fans(faces: Int32[np.ndarray, "f 3"]) -> Int32[np.ndarray, "f 3"]:
    """For each corner the number of its fan: the corners at one vertex that hang together over two-faced edges.

    A manifold has as many fans as vertices; more mean pinched vertices or non-manifold edges. Faces may be turned
    inconsistently.
    """
    return _fans(faces, paired_sides(faces))


def connected_parts(faces: Int32[np.ndarray, "f 3"], n_vertices: int) -> Int32[np.ndarray, "f"]:
    """For each face the number of its part, 0 .. n-1: faces that share a vertex are in the same part."""
    rows, columns = faces[:, :2].ravel(), faces[:, 1:].ravel()
    label = _components(rows, columns, n_vertices)[faces[:, 0]]
    return np.unique(label, return_inverse=True)[1].ravel().astype(np.int32)


def genus(faces: Int32[np.ndarray, "f 3"]) -> int | None:
    """Number of handles of all parts together (ball 0, ring 1); None unless closed. Pinched vertices count apart."""
    if not is_closed(faces):
        return None
    fans = corner_fans(faces)
    vertices, edges = int(fans.max()) + 1, len(faces) * 3 // 2
    parts = int(connected_parts(fans, vertices).max()) + 1
    return parts - (vertices - edges + len(faces)) // 2


def boundary_loops(faces: Int32[np.ndarray, "f 3"]) -> list[Int32[np.ndarray, "_k"]]:
    """The rims of the holes: vertices of each in the direction of its faces (a fill runs the other way round).

    A loop that passes a pinched vertex goes on with the same fan. Chains that do not close, which happens only where
    neighbours are turned against each other, are left out. Cost is linear in the boundary's length.
    """
    table = edge_table(faces)
    sides = np.sort(table.sides[table.first[table.face_count == 1]])
    if len(sides) == 0:
        return []
    vertex = faces.ravel()
    place = vertex
    if len(np.unique(vertex[sides])) < len(sides):
        place = corner_fans(faces).ravel()
    following = dict(zip(place[_next_side(sides)].tolist(), sides.tolist(), strict=True))
    starts = {int(place[side]): int(side) for side in sides}
    successor = {side: starts.get(end) for end, side in following.items()}
    return [vertex[np.array(loop)] for loop in _cycles(successor)]


def compacted(
    faces: Int32[np.ndarray, "f 3"], n_vertices: int
) -> tuple[Int32[np.ndarray, "f 3"], Int64[np.ndarray, "used"]]:
    """Faces renumbered without unused vertices, and the old numbers of those that stay."""
    used: Bool[np.ndarray, "n"] = np.zeros(n_vertices, bool)
    used[faces] = True
    number = np.cumsum(used, dtype=np.int32) - np.int32(1)
    return number[faces], np.flatnonzero(used)


def _fans(faces: Int32[np.ndarray, "f 3"], pairs: Int32[np.ndarray, "p 2"]) -> Int32[np.ndarray, "f 3"]:
    vertex = faces.ravel()
    here, there = pairs[:, 0], pairs[:, 1]
    here_end, there_end = _next_side(here), _next_side(there)
    same_direction = vertex[here] == vertex[there]
    rows = np.concatenate([here, here_end])
    columns = np.concatenate([np.where(same_direction, there, there_end), np.where(same_direction, there_end, there)])
    return _components(rows, columns, faces.size).reshape(-1, 3)


def _uses_a_vertex_twice(faces: Int32[np.ndarray, "f 3"]) -> bool:
    a, b, c = faces.T
    return bool(((a == b) | (b == c) | (c == a)).any())


def _all_opposite(directed: Int64[np.ndarray, "s"]) -> bool:
    """Whether sorted numbers 2 * edge + direction are each edge once in each direction."""
    first, second = directed[::2], directed[1::2]
    return bool((second == first + 1).all() and (first % 2 == 0).all())


def _sorted_edges(faces: Int32[np.ndarray, "f 3"]) -> tuple[Int64[np.ndarray, "s"], Int64[np.ndarray, "s"]]:
    """The sides sorted by undirected edge: a number per edge, and which side it is."""
    count = int(faces.max(initial=-1)) + 1
    return _sorted_with_order(_edge_keys(faces, count)[0], count * count)


def _runs_of_two(key: Int64[np.ndarray, "s"], order: Int64[np.ndarray, "s"]) -> Int32[np.ndarray, "p 2"]:
    same = np.concatenate([[False], key[1:] == key[:-1], [False]])
    first = np.flatnonzero(same[1:-1] & ~same[:-2] & ~same[2:])
    return np.column_stack([order[first], order[first + 1]]).astype(np.int32)


def _one_ring_each(vertex: Int32[np.ndarray, "s"], pairs: Int32[np.ndarray, "p 2"]) -> bool:
    """Whether at each vertex of a closed, oriented mesh a walk from face to face meets all its faces.

    All vertices walk at once; three times as fast as looking for connected corners.
    """
    twin = np.empty(len(vertex), np.int32)
    twin[pairs[:, 0]], twin[pairs[:, 1]] = pairs[:, 1], pairs[:, 0]
    after = twin[np.where(np.arange(len(vertex)) % 3 == 0, np.arange(len(vertex)) + 2, np.arange(len(vertex)) - 1)]
    valence = np.bincount(vertex)
    start = np.zeros(len(valence), np.int32)
    start[vertex] = np.arange(len(vertex), dtype=np.int32)
    start, valence = start[valence > 0], valence[valence > 0]
    here, steps = after[start], 1
    while len(start):
        home = here == start
        if bool((valence[home] != steps).any()):
            return False
        start, valence, here = start[~home], valence[~home], after[here[~home]]
        steps += 1
    return True


def _cycles(successor: dict[int, int | None]) -> list[list[int]]:
    cycles = []
    while successor:
        start, here = successor.popitem()
        walked = [start]
        while here is not None and here in successor:
            walked.append(here)
            here = successor.pop(here)
        if here == start:
            cycles.append(walked)
    return cycles


def _next_side(sides: Int32[np.ndarray, "n"]) -> Int32[np.ndarray, "n"]:
    return np.where(sides % 3 == 2, sides - 2, sides + 1).astype(np.int32)


def _components(
    rows: Int32[np.ndarray, "n"], columns: Int32[np.ndarray, "n"], count: int
) -> Int32[np.ndarray, "count"]:
    graph = coo_matrix((np.ones(len(rows), bool), (rows, columns)), shape=(count, count))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int32)


def _edge_keys(faces: Int32[np.ndarray, "f 3"], count: int) -> tuple[Int64[np.ndarray, "s"], Bool[np.ndarray, "s"]]:
    """One number per side that names its undirected edge, and whether the side runs to the higher vertex."""
    start, end = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    return np.minimum(start, end).astype(np.int64) * count + np.maximum(start, end), start < end


def _sorted_with_order(
    key: Int64[np.ndarray, "n"], key_limit: int
) -> tuple[Int64[np.ndarray, "n"], Int64[np.ndarray, "n"]]:
    """The sorted keys and where each came from, stable. Packs both into one number where they fit: sorts far faster."""
    place_bits = max(len(key) - 1, 1).bit_length()
    if key_limit.bit_length() + place_bits > _PACKED_BITS:
        order = np.argsort(key, kind="stable")
        return key[order], order
    packed = np.sort((key << place_bits) | np.arange(len(key)))
    return packed >> place_bits, packed & ((1 << place_bits) - 1)
