"""Front and back layers become a closed mesh, whatever they hold: laws, truth and nasty grids."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from unflat.core import Camera, InputError
from unflat.geometry.cameras import look_at, project
from unflat.geometry.intersections import crossing_faces
from unflat.geometry.layers import Layers, closed_mesh_from_layers
from unflat.geometry.meshes import signed_volume, weld_map
from unflat.geometry.occlusion_edges import Cuts, no_cuts
from unflat.geometry.sheet import _triangles_of, build_sheet


def grid_camera(height, width, projection="perspective"):
    pose = look_at(np.array([0.0, 0.0, 2.0]), np.zeros(3), np.array([0.0, 1.0, 0.0]))
    focal = 1.5 * max(height, width)
    return Camera(width, height, focal, focal, width / 2, height / 2, pose, projection=projection)


def layers(front, back, coverage, cuts=None, projection="perspective"):
    camera = grid_camera(*front.shape, projection)
    return Layers(camera, front.astype(np.float32), back.astype(np.float32), coverage.astype(np.float32), cuts=cuts)


def edges_are_paired(mesh):
    """Every edge of the welded mesh has exactly two faces, in opposite directions."""
    faces = weld_map(mesh.vertices)[mesh.faces].astype(np.int64)
    start, end = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).T
    count = len(mesh.vertices)
    forward, backward = start * count + end, end * count + start
    return len(np.unique(forward)) == len(forward) and np.array_equal(np.sort(forward), np.sort(backward))


def vertices_have_one_fan(mesh):
    """Walking from face to face around each vertex comes by all its faces."""
    around = {}
    for a, b, c in mesh.faces.tolist():
        for here, first, second in ((a, b, c), (b, c, a), (c, a, b)):
            around.setdefault(here, {})[first] = second
    for ring in around.values():
        first = current = next(iter(ring))
        for _ in range(len(ring)):
            current = ring[current]
            if current == first:
                break
        steps = 1
        walker = ring[first]
        while walker != first:
            walker, steps = ring[walker], steps + 1
        if steps != len(ring):
            return False
    return True


@st.composite
def random_layers(draw):
    height, width = draw(st.integers(2, 9)), draw(st.integers(2, 9))
    unit = st.floats(0, 1, width=32)
    coverage = draw(arrays(np.float32, (height, width), elements=st.one_of(unit, st.sampled_from([0.0, 1.0]))))
    front = draw(arrays(np.float32, (height, width), elements=st.floats(0.5, 4, width=32)))
    back = draw(arrays(np.float32, (height, width), elements=st.floats(0.5, 8, width=32)))
    position = st.one_of(st.just(np.nan), st.floats(0.1875, 0.8125, width=32))
    cuts = Cuts(
        draw(arrays(np.float32, (height, width - 1), elements=position)),
        draw(arrays(np.float32, (height - 1, width), elements=position)),
    )
    return layers(front, back, coverage, cuts)


@settings(max_examples=150, deadline=None)
@given(random_layers(), st.booleans())
def test_any_layers_mask_and_cuts_give_a_closed_manifold(given_layers, join_cuts):
    try:
        mesh = closed_mesh_from_layers(given_layers, join_cuts=join_cuts)
    except InputError as error:
        assert error.code == "nothing-in-picture"
        return
    assert edges_are_paired(mesh)
    assert vertices_have_one_fan(mesh)
    assert signed_volume(mesh) > 0


@settings(max_examples=30, deadline=None)
@given(random_layers())
def test_any_sheet_lies_flat_without_folds(given_layers):
    sheet = build_sheet(given_layers.coverage, given_layers.cuts)
    if len(sheet.faces):
        a, b, c = (sheet.pixels[sheet.faces[:, corner]] for corner in range(3))
        area = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
        assert (area < -1e-4).all()  # v points down, so counter-clockwise as seen is negative


def test_no_random_mesh_crosses_itself():
    rng = np.random.default_rng(3)
    front = rng.uniform(1, 2, (12, 12))
    cuts = Cuts(
        np.where(rng.random((12, 11)) < 0.3, 0.5, np.nan).astype(np.float32),
        np.where(rng.random((11, 12)) < 0.3, 0.5, np.nan).astype(np.float32),
    )
    mesh = closed_mesh_from_layers(layers(front, front + 0.2, rng.random((12, 12)) + 0.2, cuts))
    assert len(crossing_faces(mesh)) == 0


def test_a_plate_has_its_volume():
    camera_pixels = 40
    front = np.full((camera_pixels, camera_pixels), 2.0)
    mesh = closed_mesh_from_layers(layers(front, front + 0.5, np.ones_like(front), projection="orthographic"))
    side = (camera_pixels - 1) / (1.5 * camera_pixels)
    assert np.isclose(signed_volume(mesh), side * side * 0.5, rtol=1e-5)
    assert np.allclose(mesh.extent, [side, side, 0.5], atol=1e-5)


def test_the_outline_follows_soft_coverage_to_a_fraction_of_a_sample():
    rows, columns = np.mgrid[0:64, 0:64] + 0.5
    radius = 20.3
    coverage = np.clip(radius - np.hypot(rows - 32, columns - 32) + 0.5, 0, 1)
    sheet = build_sheet(coverage.astype(np.float32), no_cuts(64, 64))
    rim = np.hypot(*(sheet.pixels[sheet.boundary[:, 0]] - 32).T)
    assert abs(rim.mean() - radius) < 0.05
    assert rim.std() < 0.1


def test_every_vertex_stays_on_its_pixel_ray():
    rng = np.random.default_rng(0)
    front = 2 + 0.1 * rng.random((20, 30))
    given_layers = layers(front, front + 1, rng.random((20, 30)) + 0.3)
    sheet = build_sheet(given_layers.coverage, no_cuts(20, 30))
    mesh = closed_mesh_from_layers(given_layers)
    pixels, _ = project(given_layers.camera, mesh.vertices.astype(np.float64))
    assert np.abs(pixels - np.concatenate([sheet.pixels, sheet.pixels])).max() < 1e-4


def test_a_ring_stays_a_ring():
    rows, columns = np.mgrid[0:40, 0:40]
    distance = np.hypot(rows - 19.5, columns - 19.5)
    front = np.full((40, 40), 2.0)
    mesh = closed_mesh_from_layers(layers(front, front + 0.1, (distance < 18) & (distance > 8)))
    edges = len(mesh.faces) * 3 // 2
    assert len(mesh.vertices) - edges + len(mesh.faces) == 0  # Euler's number of a torus


def test_pixels_that_touch_at_a_corner_become_two_bodies():
    coverage = np.zeros((6, 6))
    coverage[1:3, 1:3] = coverage[3:5, 3:5] = 1
    front = np.full((6, 6), 2.0)
    mesh = closed_mesh_from_layers(layers(front, front + 0.1, coverage))
    assert edges_are_paired(mesh)
    assert vertices_have_one_fan(mesh)
    assert len(mesh.vertices) - len(mesh.faces) * 3 // 2 + len(mesh.faces) == 4  # two spheres


def step_with_cut():
    front = np.full((10, 10), 2.0)
    front[:, 5:] = 3.0
    cuts = no_cuts(10, 10)
    right = cuts.right.copy()
    right[:, 4] = 0.5
    return layers(front, np.full((10, 10), 4.0), np.ones((10, 10)), Cuts(right, cuts.down))


def test_a_cut_becomes_a_steep_wall_or_two_bodies():
    joined, apart = (closed_mesh_from_layers(step_with_cut(), join_cuts=join) for join in (True, False))
    euler = [len(mesh.vertices) - len(mesh.faces) * 3 // 2 + len(mesh.faces) for mesh in (joined, apart)]
    assert euler == [2, 4]
    for mesh in (joined, apart):
        depths = np.unique((2 - mesh.vertices[: len(mesh.vertices) // 2, 2]).round(5))
        assert np.allclose(depths, [2, 3])  # nothing floats between the two surfaces


def test_slopes_go_on_to_the_outline():
    columns = np.arange(20.0)
    nearness = np.tile(0.5 + 0.004 * columns, (20, 1))
    coverage = np.zeros((20, 20))
    coverage[3:17, 3:17] = 1
    given_layers = layers(1 / nearness, np.full((20, 20), 4.0), coverage)
    mesh = closed_mesh_from_layers(given_layers)
    pixels, depth = project(given_layers.camera, mesh.vertices[: len(mesh.vertices) // 2].astype(np.float64))
    plane = 0.5 + 0.004 * (pixels[:, 0] - 0.5)
    away_from_corners = np.abs(pixels - 10).min(axis=1) < 4
    assert np.abs(1 / depth - plane)[away_from_corners].max() < 2e-3


def test_only_the_measured_front_is_confident():
    given_layers = step_with_cut()
    seen = np.ones((10, 10), bool)
    seen[0, 0] = False
    given_layers = Layers(
        given_layers.camera, given_layers.front, given_layers.back, given_layers.coverage, seen, given_layers.cuts
    )
    mesh = closed_mesh_from_layers(given_layers)
    # All samples but one, and the near side of the cut in each of ten rows; not its far side.
    assert mesh.confidence.sum() == 99 + 10
    assert not mesh.confidence[len(mesh.vertices) // 2 :].any()


def test_the_back_never_comes_before_the_front():
    front = np.full((5, 5), 2.0)
    mesh = closed_mesh_from_layers(layers(front, front - 1, np.ones((5, 5))), least_thickness=0.25)
    half = len(mesh.vertices) // 2
    assert np.allclose(mesh.vertices[:half, 2] - mesh.vertices[half:, 2], 0.25, atol=1e-6)


@settings(max_examples=100, deadline=None)
@given(random_layers())
def test_a_plate_behind_any_layer_is_closed_and_flat(given_layers):
    plate = replace(given_layers, back=20.0)
    try:
        mesh = closed_mesh_from_layers(plate)
    except InputError:
        return
    assert edges_are_paired(mesh)
    assert vertices_have_one_fan(mesh)
    full = closed_mesh_from_layers(replace(given_layers, back=np.full_like(given_layers.front, 20.0)))
    assert np.isclose(signed_volume(mesh), signed_volume(full), rtol=1e-3)


def test_a_plate_takes_few_triangles():
    front = np.full((200, 300), 2.0)
    given_layers = layers(front, front, np.ones_like(front))
    mesh = closed_mesh_from_layers(replace(given_layers, back=3.0))
    assert edges_are_paired(mesh)
    assert len(mesh.faces) - 2 * 199 * 299 < 15 * 2 * (200 + 300)


def test_a_coverage_of_nothing_is_refused_with_advice():
    front = np.full((5, 5), 2.0)
    with pytest.raises(InputError) as caught:
        closed_mesh_from_layers(layers(front, front + 1, np.zeros((5, 5))))
    assert caught.value.code == "nothing-in-picture"
    assert "mask" in caught.value.hint


def test_every_cell_pattern_is_tiled_without_overlap():
    place = {0: (0, 0), 1: (0, 1), 2: (1, 1), 3: (1, 0)}
    for pattern, join in itertools.product(range(256), (True, False)):
        for triangle in _triangles_of(pattern, join)[0]:
            points = []
            for local in triangle:
                edge, from_corner = local % 4, local < 4
                start, end = np.array(place[edge], float), np.array(place[(edge + 1) % 4], float)
                share = 0.0 if from_corner else (0.45 if local < 8 else 0.55)
                points.append(start + share * (end - start))
            a, b, c = points
            assert (b - a)[0] * (c - a)[1] - (b - a)[1] * (c - a)[0] < -1e-3, (pattern, triangle)
