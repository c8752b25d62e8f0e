"""Charts that lie flat, apart, upright and the right way round."""

import numpy as np
import pytest
import trimesh

from unflat.core import Mesh
from unflat.geometry.uv import uv_area_ratio, uv_overlap, uv_signed_area
from unflat.stages.texture.atlas import atlas_of, scan_converted
from unflat.stages.texture.charts import charts_of
from unflat.stages.texture.unwrap import unwrapped

SIZE = 1024
GUTTER = 4 / SIZE


def spiral_ramp(turns=2.5, steps=200) -> Mesh:
    """A ramp that winds above itself: seen from above it lies on itself, but it is one connected smooth piece."""
    t = np.linspace(0, turns * 2 * np.pi, steps)
    rails = [np.column_stack([r * np.cos(t), 0.05 * t, -r * np.sin(t)]) for r in (0.3, 0.6)]
    inner = np.arange(steps - 1)
    faces = np.concatenate(
        [
            np.stack([inner, inner + steps, inner + 1], axis=1),
            np.stack([inner + 1, inner + steps, inner + steps + 1], axis=1),
        ]
    )
    return Mesh(np.vstack(rails).astype(np.float32), faces.astype(np.int32))


def knot() -> Mesh:
    t = np.linspace(0, 2 * np.pi, 121)[:-1]
    path = np.column_stack([np.sin(t) + 2 * np.sin(2 * t), np.cos(t) - 2 * np.cos(2 * t), -np.sin(3 * t)]) / 3
    angle = np.linspace(0, 2 * np.pi, 17)[:-1]
    along = np.roll(path, -1, 0) - np.roll(path, 1, 0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    side = np.cross(along, [0.0, 0, 1])
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    up = np.cross(along, side)
    points = path[:, None] + 0.12 * (np.cos(angle)[:, None] * side[:, None] + np.sin(angle)[:, None] * up[:, None])
    i, j = np.mgrid[0:120, 0:16]
    a, b = i * 16 + j, (i + 1) % 120 * 16 + j
    c, d = (i + 1) % 120 * 16 + (j + 1) % 16, i * 16 + (j + 1) % 16
    faces = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    mesh = trimesh.Trimesh(points.reshape(-1, 3), faces)
    trimesh.repair.fix_inversion(mesh)
    return Mesh(mesh.vertices.astype(np.float32), mesh.faces.astype(np.int32))


@pytest.fixture(scope="module")
def bodies(studio):
    torus = studio.mesh_of(trimesh.creation.torus(0.5, 0.2))
    return {"ball": studio.ball(), "box": studio.box(), "torus": torus, "ramp": spiral_ramp(), "knot": knot()}


@pytest.mark.parametrize("name", ["ball", "box", "torus", "ramp", "knot"])
def test_no_texel_belongs_to_two_faces_and_no_chart_is_mirrored(bodies, name):
    mesh = unwrapped(bodies[name], np.eye(3), GUTTER)
    texel, _ = scan_converted(mesh.uv[mesh.faces].astype(np.float64) * SIZE, SIZE)
    assert len(texel) - len(np.unique(texel)) <= 1e-5 * len(texel)
    assert uv_overlap(mesh) < 1e-4
    assert (uv_signed_area(mesh) > 0).all()
    assert mesh.uv.min() >= 0
    assert mesh.uv.max() <= 1


@pytest.mark.parametrize("name", ["ball", "torus", "knot"])
def test_charts_keep_their_distance(bodies, name):
    body = bodies[name]
    chart, _ = charts_of(body, np.eye(3))
    atlas = atlas_of(unwrapped(body, np.eye(3), GUTTER), SIZE)
    picture = atlas.image(chart[atlas.face] + 1, 0)
    for step in (1, 2, 3, 4):
        for first, second in ((picture[:, :-step], picture[:, step:]), (picture[:-step], picture[step:])):
            assert not ((first != second) & (first > 0) & (second > 0)).any()


def test_the_surface_stays_as_it_was_face_by_face(bodies):
    for body in bodies.values():
        mesh = unwrapped(body, np.eye(3), GUTTER)
        assert (mesh.triangles == body.triangles).all()


def test_no_face_is_stretched_more_than_six_times(bodies):
    for body in bodies.values():
        ratio = uv_area_ratio(unwrapped(body, np.eye(3), GUTTER))
        assert ratio.max() / ratio.min() < 1 / 0.17


def test_the_front_of_a_box_is_one_upright_chart_not_mirrored(studio):
    mesh = unwrapped(studio.box(divisions=2), np.eye(3), GUTTER)
    front = np.unique(mesh.faces[(mesh.triangles[:, :, 2] > 0.499).all(axis=1)])
    place = np.column_stack([mesh.vertices[front, 0], -mesh.vertices[front, 1], np.ones(len(front))])
    fit, *_ = np.linalg.lstsq(place, mesh.uv[front], rcond=None)
    assert np.allclose(place @ fit, mesh.uv[front], atol=1e-5)
    assert fit[0, 0] == pytest.approx(fit[1, 1], rel=1e-3)
    assert fit[0, 0] > 0.1
    assert abs(fit[0, 1]) < 1e-5


def test_a_box_has_six_charts_and_a_ball_few(bodies):
    assert charts_of(bodies["box"], np.eye(3))[0].max() + 1 == 6
    assert charts_of(bodies["ball"], np.eye(3))[0].max() + 1 <= 8


def test_what_every_vertex_carried_goes_along(studio):
    body = studio.ball(2)
    count = np.arange(len(body.vertices))
    painted = Mesh(
        body.vertices,
        body.faces,
        colors=np.column_stack([count % 256] * 3).astype(np.uint8),
        confidence=(count / count.max()).astype(np.float32),
    )
    mesh = unwrapped(painted, np.eye(3), GUTTER)
    assert (mesh.colors[mesh.faces] == painted.colors[painted.faces]).all()
    assert (mesh.confidence[mesh.faces] == painted.confidence[painted.faces]).all()


def test_normals_are_the_same_on_both_sides_of_a_seam(studio):
    mesh = unwrapped(studio.ball(3), np.eye(3), GUTTER)
    assert len(mesh.vertices) > len(studio.ball(3).vertices)
    assert (np.einsum("vc,vc->v", mesh.normals, mesh.vertices / 0.5) > 0.999).all()


def test_both_halves_of_a_quad_stay_in_one_chart():
    angle = np.linspace(0, 2 * np.pi, 25)[:-1]
    rings = [np.column_stack([np.cos(angle), np.full(24, y), np.sin(angle)]) for y in np.linspace(-1, 1, 9)]
    i, j = np.mgrid[0:8, 0:24]
    a, b, c, d = i * 24 + j, (i + 1) * 24 + j, (i + 1) * 24 + (j + 1) % 24, i * 24 + (j + 1) % 24
    faces = np.stack([np.stack([a, b, c], -1), np.stack([a, c, d], -1)], axis=2).reshape(-1, 3)
    mesh = unwrapped(Mesh(np.vstack(rings).astype(np.float32), faces.astype(np.int32), quads=True), np.eye(3), GUTTER)
    halves = mesh.faces.reshape(-1, 2, 3)
    assert mesh.quads
    assert (halves[:, 0, 0] == halves[:, 1, 0]).all()
    assert (halves[:, 0, 2] == halves[:, 1, 1]).all()


def test_faces_without_area_harm_nobody(studio):
    body = studio.ball(2)
    with_needles = np.vstack([body.faces, [[0, 0, 1], [5, 5, 5]]]).astype(np.int32)
    mesh = unwrapped(Mesh(body.vertices, with_needles), np.eye(3), GUTTER)
    assert np.isfinite(mesh.uv).all()
    assert uv_overlap(mesh) < 1e-4


def test_unwrapping_does_not_depend_on_the_size_of_the_thing(studio):
    body = studio.ball(3)
    for factor in (1e-3, 1e3):
        tiny = Mesh(body.vertices * np.float32(factor), body.faces)
        assert uv_overlap(unwrapped(tiny, np.eye(3), GUTTER)) < 1e-4


def test_unwrapping_twice_gives_the_same(studio):
    body = studio.ball(3)
    assert (unwrapped(body, np.eye(3), GUTTER).uv == unwrapped(body, np.eye(3), GUTTER).uv).all()


def test_a_speck_that_the_packer_leaves_out_has_a_place_all_the_same(studio):
    box, speck = studio.box(), studio.mesh_of(trimesh.creation.icosphere(subdivisions=0, radius=1e-7))
    faces = np.concatenate([box.faces, speck.faces + len(box.vertices)])
    mesh = unwrapped(Mesh(np.concatenate([box.vertices, speck.vertices]), faces), np.eye(3), GUTTER)
    assert mesh.uv.min() >= 0 and mesh.uv.max() <= 1
    assert uv_overlap(mesh) < 0.01
