"""Measured facts are those of the formulas, for models from anywhere."""

import math
from dataclasses import replace

import numpy as np
import pytest

from unflat.core import Asset, Material, Mesh, Part, Scale
from unflat.stages.check.measure import bare_surface, measure
from unflat.synth.capture import plain_part
from unflat.synth.letter import letter_f
from unflat.synth.solids import box, chair, merged, moved, mug, sphere, torus


def facts_of(mesh, **options):
    return measure(Asset((plain_part(mesh),), **options))


def open_box():
    return replace(box(), faces=box().faces[:-2])


def test_a_cube_is_measured_right():
    facts = facts_of(box((1.0, 2.0, 3.0)), scale=Scale.METRIC)
    assert facts.faces == 12
    assert facts.vertices == 8
    assert facts.parts == 1
    assert facts.watertight
    assert facts.manifold
    assert facts.self_intersections == 0
    assert facts.genus == 0
    assert facts.volume_m3 == pytest.approx(6.0)
    assert facts.area_m2 == pytest.approx(22.0)
    assert facts.size_m == pytest.approx((1.0, 2.0, 3.0))
    assert facts.thinnest_m == pytest.approx(1.0, rel=1e-3)
    assert facts.scale is Scale.METRIC


@pytest.mark.parametrize(
    ("mesh", "handles", "volume"),
    [(sphere(0.5, 128), 0, math.pi / 6), (torus(0.4, 0.1, 128), 1, 2 * math.pi**2 * 0.4 * 0.01), (chair(), 2, None)],
)
def test_handles_and_volume_are_those_of_the_formula(mesh, handles, volume):
    facts = facts_of(mesh)
    assert facts.genus == handles
    if volume is not None:
        assert facts.volume_m3 == pytest.approx(volume, rel=0.003)


def test_two_balls_are_two_parts_whether_in_one_mesh_or_two():
    far = moved(sphere(), (3.0, 0.0, 0.0))
    assert facts_of(merged([sphere(), far])).parts == 2
    assert measure(Asset((plain_part(sphere()), plain_part(far)))).parts == 2


def test_two_boxes_that_interpenetrate_are_found_also_across_parts():
    other = moved(box(), (0.3, 0.4, 0.5))
    assert facts_of(merged([box(), other])).self_intersections == 16
    assert measure(Asset((plain_part(box()), plain_part(other)))).self_intersections == 16


def test_an_open_box_is_not_watertight_and_has_no_volume():
    facts = facts_of(open_box())
    assert not facts.watertight
    assert facts.manifold
    assert facts.genus is None
    assert math.isnan(facts.volume_m3)
    assert math.isnan(facts.thinnest_m)


def test_seams_do_not_make_a_closed_body_open():
    letter = letter_f()
    facts = measure(Asset((letter,)))
    assert len(letter.mesh.vertices) > facts.vertices == 20
    assert facts.watertight
    assert facts.genus == 0


def test_a_body_cut_into_parts_by_material_is_still_closed():
    cube = box()
    halves = tuple(plain_part(replace(cube, faces=cube.faces[rows])) for rows in (slice(0, 5), slice(5, 12)))
    facts = measure(Asset(halves))
    assert facts.watertight
    assert facts.parts == 1


def test_collapsed_faces_are_not_holes():
    cube = box()
    extra = Mesh(cube.vertices, np.concatenate([cube.faces, np.int32([[0, 0, 1]])]))
    assert facts_of(extra).watertight
    assert len(bare_surface((plain_part(extra),)).faces) == 12


def test_an_edge_with_three_faces_is_not_manifold():
    cube = box()
    fin = Mesh(np.concatenate([cube.vertices, np.float32([[2, 2, 2]])]),
               np.concatenate([cube.faces, np.int32([[cube.faces[0, 0], cube.faces[0, 1], 8]])]))  # fmt: skip
    facts = facts_of(fin)
    assert not facts.manifold
    assert not facts.watertight


def test_an_inside_out_body_has_negative_volume_and_no_walls():
    cube = box()
    facts = facts_of(replace(cube, faces=cube.faces[:, ::-1].copy()))
    assert facts.watertight
    assert facts.volume_m3 == pytest.approx(-1.0)
    assert math.isnan(facts.thinnest_m)


def test_walls_of_a_mug_are_found():
    assert facts_of(mug(0.1)).thinnest_m == pytest.approx(0.005, rel=0.05)


def test_a_plain_model_has_no_texture_facts():
    facts = facts_of(box())
    assert math.isnan(facts.texels_per_m)
    assert math.isnan(facts.uv_overlap)
    assert math.isnan(facts.seen_share)


def square(size=2.0, uv_side=0.5, **material):
    corners = np.float32([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]) * np.float32(size)
    uv = np.float32([[0, 1], [1, 1], [1, 0], [0, 0]]) * np.float32(uv_side)
    return Part(Mesh(corners, np.int32([[0, 1, 2], [0, 2, 3]]), uv=uv), Material(**material))


def test_texel_density_is_texels_along_a_metre():
    part = square(size=2.0, uv_side=0.5, base_color=np.zeros((1024, 1024, 3), np.uint8))
    assert measure(Asset((part,))).texels_per_m == pytest.approx(256.0)
    wide = square(size=1.0, uv_side=1.0, base_color=np.zeros((256, 1024, 3), np.uint8))
    assert measure(Asset((wide,))).texels_per_m == pytest.approx(512.0)


def test_a_doubled_chart_is_found():
    part = square(base_color=np.zeros((8, 8, 3), np.uint8))
    folded = Mesh(
        np.concatenate([part.mesh.vertices, part.mesh.vertices + np.float32([0, 0, 1])]),
        np.concatenate([part.mesh.faces, part.mesh.faces + 4]).astype(np.int32),
        uv=np.concatenate([part.mesh.uv, part.mesh.uv]),
    )
    assert measure(Asset((replace(part, mesh=folded),))).uv_overlap == 1.0
    assert measure(Asset((part,))).uv_overlap == 0.0


def test_seen_share_comes_from_vertices_or_from_the_texture():
    by_vertex = replace(square().mesh, confidence=np.float32([1, 1, 0, 0]))
    assert measure(Asset((Part(by_vertex, Material()),))).seen_share == pytest.approx(0.5)
    half = np.zeros((64, 64), np.uint8)
    half[:, :32] = 255
    textured = square(uv_side=1.0, confidence=half)
    assert measure(Asset((textured,))).seen_share == pytest.approx(0.5, abs=0.01)
    silent = replace(textured, material=Material())
    assert measure(Asset((textured, silent))).seen_share == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    "vertices",
    [
        [[0, 0, 0], [0, 0, 0], [0, 0, 0]],
        [[0, 0, 0], [1, 0, 0], [2, 0, 0]],
        [[1e6, 1e6, 1e6], [1e6 + 1, 1e6, 1e6], [1e6, 1e6 + 1, 1e6]],
        [[0, 0, 0], [1e-8, 0, 0], [0, 1e-8, 0]],
    ],
)
def test_nasty_meshes_are_measured_without_complaint(vertices):
    mesh = Mesh(np.float32(vertices), np.int32([[0, 1, 2]]), uv=np.zeros((3, 2), np.float32))
    facts = measure(Asset((Part(mesh, Material(base_color=np.zeros((4, 4, 3), np.uint8))),)))
    assert not facts.watertight
    assert facts.self_intersections == 0


def test_measuring_changes_nothing():
    letter = letter_f()
    before = letter.mesh.vertices.copy(), letter.mesh.faces.copy(), letter.mesh.uv.copy()
    measure(Asset((letter,)))
    for old, new in zip(before, (letter.mesh.vertices, letter.mesh.faces, letter.mesh.uv), strict=True):
        assert np.array_equal(old, new)
