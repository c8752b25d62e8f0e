"""Small repairs, each alone."""

from dataclasses import replace

import numpy as np
import pytest

from unflat.core import Mesh
from unflat.geometry.carry import carried, picked_faces
from unflat.geometry.meshes import signed_volume
from unflat.geometry.parts import largest_parts, parts_of
from unflat.geometry.repair import consistently_turned, fans_split, merged, outward, part_volumes, without_degenerate
from unflat.geometry.topology import connected_parts, is_closed, is_manifold, is_oriented
from unflat.synth import solids


def moebius(segments=40):
    """A strip with half a twist."""
    angle = np.repeat(2 * np.pi * np.arange(segments) / segments, 2)
    across = np.tile([-0.2, 0.2], segments)
    radius = 1 + across * np.cos(angle / 2)
    points = np.column_stack([radius * np.cos(angle), across * np.sin(angle / 2), radius * np.sin(angle)])
    i = 2 * np.arange(segments)
    a, b, c, d = i, i + 1, (i + 2) % (2 * segments), (i + 3) % (2 * segments)
    c[-1], d[-1] = d[-1], c[-1]
    faces = np.concatenate([np.column_stack([a, b, c]), np.column_stack([b, d, c])])
    return Mesh(points.astype(np.float32), faces.astype(np.int32))


def test_faces_turned_at_random_are_turned_as_most_of_the_area_was():
    ball = solids.sphere()
    flip = np.random.default_rng(0).random(len(ball.faces)) < 0.3
    mixed = Mesh(ball.vertices, np.where(flip[:, None], ball.faces[:, ::-1], ball.faces))
    turned, orientable = consistently_turned(mixed)
    assert orientable
    assert is_closed(turned.faces)
    assert signed_volume(turned) == pytest.approx(signed_volume(ball))


def test_each_part_is_turned_on_its_own():
    ball = solids.sphere()
    inside_out = Mesh(ball.vertices + 3, ball.faces[:, ::-1].copy())
    both = solids.merged([ball, inside_out])
    turned = outward(both, connected_parts(both.faces, len(both.vertices)))
    assert (part_volumes(turned, connected_parts(turned.faces, len(turned.vertices))) > 0).all()


def test_a_cavity_stays_a_cavity():
    shell = solids.sphere(0.5)
    cavity = Mesh(shell.vertices * np.float32(0.5), shell.faces[:, ::-1].copy())
    hollow = solids.merged([shell, cavity])
    assert outward(hollow, connected_parts(hollow.faces, len(hollow.vertices))) is hollow


def test_a_moebius_strip_cannot_be_turned_alike():
    assert consistently_turned(moebius())[1] is False
    assert not is_oriented(consistently_turned(moebius())[0].faces)


def test_two_cubes_that_share_an_edge_come_apart_into_two_closed_ones():
    box = solids.box()
    touching = merged(solids.merged([box, solids.moved(box, (1, 1, 0))]))
    assert len(touching.vertices) == 14
    assert not is_manifold(touching.faces)
    apart = fans_split(touching)
    assert len(apart.vertices) == 16
    assert is_closed(apart.faces)
    assert is_manifold(apart.faces)


def test_splitting_keeps_colour_and_confidence():
    box = solids.box()
    touching = merged(solids.merged([box, solids.moved(box, (1, 1, 0))]))
    marked = replace(touching, confidence=np.linspace(0, 1, 14, dtype=np.float32))
    apart = fans_split(marked)
    place = {tuple(vertex): value for vertex, value in zip(marked.vertices.tolist(), marked.confidence, strict=True)}
    assert all(
        place[tuple(vertex)] == value for vertex, value in zip(apart.vertices.tolist(), apart.confidence, strict=True)
    )


def test_chains_of_near_vertices_become_one():
    row = Mesh(np.float32([[0, 0, 0], [0.9, 0, 0], [1.8, 0, 0], [0, 5, 0]]), np.int32([[0, 1, 3], [1, 2, 3]]))
    assert len(merged(row, 1.0).vertices) == 2
    assert without_degenerate(merged(row, 1.0)) is None
    assert merged(row, 0.5) is row


def test_repeated_faces_go_however_they_are_written():
    mesh = Mesh(np.float32([[0, 0, 0], [1, 0, 0], [0, 1, 0]]), np.int32([[0, 1, 2], [1, 2, 0], [2, 1, 0]]))
    assert without_degenerate(mesh).faces.tolist() == [[0, 1, 2]]


def test_picked_faces_leave_no_unused_vertex():
    ball = solids.sphere()
    half = picked_faces(ball, ball.triangles.mean(axis=1)[:, 0] > 0)
    assert len(np.unique(half.faces)) == len(half.vertices)


def test_surface_far_from_the_old_one_is_inferred():
    box = replace(solids.box(), confidence=np.ones(8, np.float32))
    target = Mesh(np.float32([[0.5, 0.5, 0.5], [3, 3, 3], [0.5, 0.5, 0.4]]), np.int32([[0, 1, 2]]))
    assert carried(box, target, within_m=0.2).confidence.tolist() == [1, 0, 1]
    assert carried(solids.box(), target) is target


def test_sizes_of_open_parts_are_areas_and_of_closed_ones_volumes():
    assert parts_of(solids.box())[1] == pytest.approx([6])
    small = solids.moved(solids.box((0.5, 0.5, 0.5)), (2, 0, 0))
    both = solids.merged([small, solids.box()])
    assert sorted(parts_of(both)[1]) == pytest.approx([0.125, 1], rel=1e-5)
    opened = Mesh(both.vertices, both.faces[:-1])
    assert sorted(parts_of(opened)[1]) == pytest.approx([1.5, 5.5], rel=1e-5)
    assert len(largest_parts(opened).faces) == 11
