"""From the layers of a network to a closed solid."""

from dataclasses import replace

import numpy as np
import pytest

from unflat.core import InputError, Mesh
from unflat.geometry.cameras import pixel_centers, pixel_rays
from unflat.geometry.compare import surface_distance
from unflat.geometry.depth_integration import DepthAndNormals, integrated_depth
from unflat.geometry.meshes import signed_volume
from unflat.geometry.object_frame import object_camera
from unflat.geometry.raycast import RayCaster
from unflat.geometry.symmetric_layers import symmetric
from unflat.geometry.topology import is_closed
from unflat.geometry.two_sides import TwoSides, finished_solid, layers_of
from unflat.synth.solids import box, merged, moved, sphere

SIZE, TANGENT = 96, 0.3


def seen_solid(mesh: Mesh, filled=None) -> TwoSides:
    """What a perfect network says of a closed mesh around the origin of the object's frame."""
    camera = object_camera(SIZE, TANGENT)
    origins, along = (rays.astype(np.float32) for rays in pixel_rays(camera, pixel_centers(camera)))
    caster = RayCaster(mesh)
    first, last = caster.cast(origins, along), caster.cast(origins + along * np.float32(9), -along)
    corners = mesh.triangles
    outward = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    outward /= np.maximum(np.linalg.norm(outward, axis=1, keepdims=True), 1e-9)
    sides = []
    for hits, depth in ((first, first.distance), (last, 9 - last.distance)):
        normals = outward[np.maximum(hits.face, 0)] @ camera.world_from_camera[:3, :3].astype(np.float32)
        error = np.full((SIZE, SIZE), 0.05, np.float32)
        sides.append(DepthAndNormals(depth.reshape(SIZE, SIZE), error, normals.reshape(SIZE, SIZE, 3)))
    return TwoSides(camera, *sides, first.hit.reshape(SIZE, SIZE).astype(np.float32), filled)


def with_noise(side: DepthAndNormals, amount: float) -> DepthAndNormals:
    noise = np.random.default_rng(1).normal(0, amount, side.depth.shape).astype(np.float32)
    return replace(side, depth=side.depth + noise)


@pytest.fixture(scope="module")
def ball():
    return seen_solid(sphere(0.8))


def silhouette_overlap(mesh, sides):
    origins, along = pixel_rays(sides.camera, pixel_centers(sides.camera))
    covered = RayCaster(mesh).cast(origins.astype(np.float32), along.astype(np.float32)).hit
    mask = sides.coverage.ravel() > 0.5
    return (covered & mask).sum() / (covered | mask).sum()


def test_perfect_layers_give_the_solid_back(ball):
    mesh = finished_solid(layers_of(ball), ball)
    assert is_closed(mesh.faces)
    truth = sphere(0.8)
    assert surface_distance(mesh.vertices, truth).mean() < 0.01
    assert signed_volume(mesh) == pytest.approx(signed_volume(truth), rel=0.05)
    assert silhouette_overlap(mesh, ball) > 0.97


def test_normals_take_the_noise_out_of_the_depth(ball):
    inside = ball.coverage > 0.5
    core = inside & (np.hypot(*(np.mgrid[:SIZE, :SIZE] - SIZE / 2)) < 0.3 * SIZE)
    noisy = with_noise(ball.front, 0.03)
    smooth = integrated_depth(noisy, ball.camera, inside)
    before, after = (np.abs(depth - ball.front.depth)[core].mean() for depth in (noisy.depth, smooth))
    assert after < before / 3


def test_edges_stay_sharp():
    cube = box()
    turned = cube.with_vertices(cube.vertices @ np.float32([[0.8, 0, -0.6], [0, 1, 0], [0.6, 0, 0.8]]).T)
    sides = seen_solid(turned)
    mesh = finished_solid(layers_of(sides), sides)
    assert surface_distance(turned.vertices[turned.vertices[:, 2] > 0], mesh).max() < 0.03


def test_a_step_between_two_surfaces_is_not_bridged_by_a_slope():
    near, far = box((0.5, 0.8, 0.2)), box((1.4, 0.4, 0.2))
    sides = seen_solid(merged([moved(near, (0, 0, 0.6)), far]))
    depth = integrated_depth(with_noise(sides.front, 0.01), sides.camera, sides.coverage > 0.5)
    row = depth[SIZE // 2]
    steps = np.abs(np.diff(row[np.isfinite(row)]))
    assert (steps > 0.3).sum() == 2
    assert ((steps > 0.1) & (steps < 0.3)).sum() <= 2


def test_what_is_seen_is_sure_and_the_back_at_most_half(ball):
    mesh = finished_solid(layers_of(ball), ball)
    front = mesh.vertices[:, 2] > 0.3
    assert (mesh.confidence[front] == 1).all()
    assert (mesh.confidence[mesh.vertices[:, 2] < -0.1] <= 0.5).all()


def test_a_back_with_a_larger_expected_error_is_less_sure(ball):
    unsure = replace(ball, back=replace(ball.back, error=ball.back.error * 4))
    sure, doubtful = (finished_solid(layers_of(sides), sides).confidence.min() for sides in (ball, unsure))
    assert doubtful < sure / 2


def test_the_back_carries_the_colour_of_the_back(ball):
    red, blue = (np.tile(np.float32(color), (SIZE, SIZE, 1)) for color in ([1, 0, 0], [0, 0, 1]))
    painted = replace(ball, front_color=red, back_color=blue)
    mesh = finished_solid(layers_of(painted), painted)
    assert (mesh.colors[mesh.vertices[:, 2] > 0.3] == [255, 0, 0]).all()
    assert (mesh.colors[mesh.vertices[:, 2] < -0.3] == [0, 0, 255]).all()


def test_air_between_front_and_back_is_cut_out_and_the_rest_stays_closed(ball):
    coarse = SIZE // 8
    filled = np.ones((16, coarse, coarse), np.float32)
    filled[5:11] = 0
    hollow = replace(ball, filled=filled)
    full, mesh = finished_solid(layers_of(ball), ball), finished_solid(layers_of(hollow), hollow)
    assert is_closed(mesh.faces)
    assert 0.5 < signed_volume(mesh) / signed_volume(full) < 0.85
    assert silhouette_overlap(mesh, ball) > 0.97


def test_a_few_doubtful_cells_are_not_carved(ball):
    filled = np.ones((16, SIZE // 8, SIZE // 8), np.float32)
    filled[8, 6, 6] = 0
    full = finished_solid(layers_of(ball), ball)
    assert len(finished_solid(layers_of(ball), replace(ball, filled=filled)).faces) == len(full.faces)


def test_a_sheet_of_paper_has_two_sides():
    sides = seen_solid(box((1.4, 1.0, 0.001)))
    mesh = finished_solid(layers_of(sides), sides)
    assert is_closed(mesh.faces)
    assert signed_volume(mesh) > 0


def test_crossing_layers_still_give_a_closed_solid(ball):
    crossed = replace(ball, front=ball.back, back=ball.front)
    mesh = finished_solid(layers_of(crossed), crossed)
    assert is_closed(mesh.faces)
    assert signed_volume(mesh) > 0


def test_a_symmetric_thing_that_came_out_crooked_becomes_symmetric(ball):
    straight = layers_of(ball)
    bump = 0.08 * np.exp(-((np.arange(SIZE) - 0.3 * SIZE) ** 2) / (0.01 * SIZE**2)).astype(np.float32)
    layers = replace(straight, back=straight.back + bump)
    core = np.hypot(*(np.mgrid[:SIZE, :SIZE] - SIZE / 2)) < 0.33 * SIZE
    plane = np.column_stack([np.ones(core.sum()), *np.argwhere(core).T])

    def dent(each):
        """What is left of the difference when a slight shift and tilt of the whole back are forgiven."""
        off = (each.back - straight.back)[core]
        return np.abs(off - plane @ np.linalg.lstsq(plane, off, rcond=None)[0]).mean()

    assert dent(symmetric(layers, 0.7, 0)) < dent(layers) / 2


def test_what_is_not_symmetric_stays_as_it_is(ball):
    layers = layers_of(ball)
    assert symmetric(layers, 1.01, 0) is layers


def test_an_empty_mask_is_refused(ball):
    with pytest.raises(InputError) as caught:
        layers_of(replace(ball, coverage=np.zeros((SIZE, SIZE), np.float32)))
    assert caught.value.code == "nothing-in-picture"
