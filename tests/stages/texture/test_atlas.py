"""Every covered texel, once, where it belongs on the surface."""

import numpy as np
import pytest

from unflat.core import Mesh
from unflat.stages.texture.atlas import atlas_of, scan_converted
from unflat.stages.texture.padding import nearest_texel
from unflat.stages.texture.unwrap import unwrapped


def one_triangle(corners) -> Mesh:
    vertices = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32)
    return Mesh(vertices, np.array([[0, 1, 2]], np.int32), uv=np.array(corners, np.float32))


def inside_plainly(corners, size):
    """The slow twin of scan conversion: each texel centre against each triangle's three edges."""
    v, u = np.mgrid[0:size, 0:size] + 0.5
    found = set()
    for number, (a, b, c) in enumerate(corners):
        sides = [(q[0] - p[0]) * (v - p[1]) - (q[1] - p[1]) * (u - p[0]) for p, q in ((a, b), (b, c), (c, a))]
        inside = np.all([side > 0 for side in sides], axis=0) | np.all([side < 0 for side in sides], axis=0)
        found |= {(number, texel) for texel in np.flatnonzero(inside)}
    return found


@pytest.mark.parametrize("seed", range(5))
def test_scan_conversion_agrees_with_testing_every_texel(seed):
    corners = np.random.default_rng(seed).uniform(-8, 40, (20, 3, 2))
    texel, face = scan_converted(corners, 32)
    assert set(zip(face.tolist(), texel.tolist(), strict=True)) == inside_plainly(corners, 32)


def test_faces_that_share_an_edge_share_no_texel_and_leave_no_gap():
    # A fan round a point that lies exactly on a texel centre: the nastiest place for an edge.
    angle = np.linspace(0, 2 * np.pi, 18)[:-1]
    rim = np.column_stack([16.5 + 12 * np.cos(angle), 16.5 + 12 * np.sin(angle)])
    corners = np.stack([np.full_like(rim, 16.5), rim, np.roll(rim, -1, axis=0)], axis=1)
    texel, _ = scan_converted(corners, 32)
    assert len(np.unique(texel)) == len(texel)
    v, u = np.divmod(texel, 32)
    picture = np.zeros((32, 32), bool)
    picture[v, u] = True
    for row in picture[picture.any(axis=1)]:
        assert row[np.flatnonzero(row)[0] : np.flatnonzero(row)[-1] + 1].all()


def test_a_texel_lies_where_its_barycentric_weights_say():
    mesh = one_triangle([[0.1, 0.2], [0.9, 0.3], [0.4, 0.95]])
    atlas = atlas_of(mesh, 64)
    uv = np.einsum("nk,nkc->nc", atlas.barycentric, mesh.uv[mesh.faces[atlas.face]])
    row, column = np.divmod(atlas.texel, atlas.width)
    assert np.allclose(uv * 64, np.column_stack([column + 0.5, row + 0.5]), atol=1e-3)
    assert np.allclose(atlas.position[:, :2], atlas.barycentric[:, 1:], atol=1e-6)
    assert np.allclose(atlas.barycentric.sum(axis=1), 1, atol=1e-6)


def test_the_winding_in_uv_does_not_matter():
    mesh = one_triangle([[0.1, 0.2], [0.9, 0.3], [0.4, 0.95]])
    turned = one_triangle([[0.1, 0.2], [0.4, 0.95], [0.9, 0.3]])
    assert set(atlas_of(mesh, 64).texel) == set(atlas_of(turned, 64).texel)


def test_the_atlas_of_a_ball_lies_on_the_ball_and_faces_outwards(studio):
    mesh = unwrapped(studio.ball(), np.eye(3), 4 / 512)
    atlas = atlas_of(mesh, 512)
    radius = np.linalg.norm(atlas.position, axis=1)
    assert len(atlas) > 0.4 * 512**2
    assert radius.min() > 0.498
    assert radius.max() < 0.5001
    assert np.allclose(np.linalg.norm(atlas.normal, axis=1), 1, atol=1e-5)
    assert (np.einsum("nc,nc->n", atlas.normal, atlas.position / radius[:, None]) > 0.999).all()


def test_overlapping_faces_give_each_texel_once():
    double = one_triangle([[0.1, 0.1], [0.9, 0.1], [0.1, 0.9]])
    mesh = Mesh(double.vertices, np.array([[0, 1, 2], [0, 1, 2]], np.int32), uv=double.uv)
    atlas = atlas_of(mesh, 32)
    assert len(np.unique(atlas.texel)) == len(atlas)
    assert set(atlas.face) == {1}


def test_uv_outside_the_square_and_faces_without_area_are_left_out():
    atlas = atlas_of(one_triangle([[-0.5, -0.5], [1.5, -0.5], [0.5, 1.5]]), 16)
    assert atlas.texel.min() >= 0
    assert atlas.texel.max() < 256
    assert len(atlas_of(one_triangle([[0.1, 0.1], [0.5, 0.5], [0.9, 0.9]]), 16)) == 0


def test_an_image_holds_the_values_where_charts_are_and_the_fill_elsewhere():
    atlas = atlas_of(one_triangle([[0.1, 0.1], [0.9, 0.1], [0.1, 0.9]]), 16)
    picture = atlas.image(np.full((len(atlas), 3), 7, np.uint8), 200)
    assert picture.dtype == np.uint8
    assert picture.shape == (16, 16, 3)
    assert (picture == 7).all(axis=2).sum() == len(atlas)
    assert (picture == 200).all(axis=2).sum() == 256 - len(atlas)


def test_padding_reaches_everywhere_and_takes_the_nearest_texel():
    atlas = atlas_of(one_triangle([[0.3, 0.3], [0.6, 0.3], [0.3, 0.6]]), 32)
    near = nearest_texel(atlas)
    assert (near.ravel()[atlas.texel] == np.arange(len(atlas))).all()
    centers = np.column_stack(np.divmod(atlas.texel, 32))
    for row, column in ((0, 0), (31, 31), (5, 20), (20, 3)):
        distance = np.linalg.norm(centers - [row, column], axis=1)
        assert distance[near[row, column]] <= distance.min() * 1.05
