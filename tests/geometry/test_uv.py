"""Facts of UV layouts."""

from dataclasses import replace

import numpy as np
import pytest

from unflat.core import InputError, Mesh
from unflat.geometry.uv import mirrored_faces, uv_area_ratio, uv_overlap, uv_signed_area
from unflat.synth.letter import letter_f
from unflat.synth.solids import box


def quads(*rectangles, mirrored=False):
    """A unit square of surface for each UV rectangle (left, top, right, bottom)."""
    corners, uv, faces = [], [], []
    for index, (left, top, right, bottom) in enumerate(rectangles):
        corners += [[0, 0, index], [1, 0, index], [1, 1, index], [0, 1, index]]
        uv += [[left, bottom], [right, bottom], [right, top], [left, top]]
        faces += [[4 * index, 4 * index + 1, 4 * index + 2], [4 * index, 4 * index + 2, 4 * index + 3]]
    table = np.float32(uv)
    if mirrored:
        table[:, 0] = 1 - table[:, 0]
    return Mesh(np.float32(corners), np.int32(faces), uv=table)


def test_a_square_on_half_the_texture_has_half_the_area_and_is_not_mirrored():
    mesh = quads((0.0, 0.0, 0.5, 1.0))
    assert uv_signed_area(mesh).sum() == pytest.approx(0.5)
    assert np.allclose(uv_area_ratio(mesh), 0.5)
    assert not mirrored_faces(mesh).any()
    assert mirrored_faces(quads((0.0, 0.0, 0.5, 1.0), mirrored=True)).all()


def test_neighbours_do_not_overlap():
    assert uv_overlap(quads((0, 0, 0.5, 0.5), (0.5, 0, 1, 0.5), (0, 0.5, 0.5, 1)), 512) == 0.0
    assert uv_overlap(letter_f().mesh, 512) == 0.0


def test_a_doubled_chart_is_all_overlap():
    mesh = quads((0.1, 0.1, 0.6, 0.6), (0.1, 0.1, 0.6, 0.6))
    assert uv_overlap(mesh, 256) == 1.0
    doubled = replace(letter_f().mesh, uv=letter_f().mesh.uv % np.float32([0.5, 1]))
    assert uv_overlap(doubled, 256) > 0.3


def test_half_shared_charts_share_a_third_of_what_they_use():
    mesh = quads((0.0, 0.0, 0.4, 0.4), (0.2, 0.0, 0.6, 0.4))
    assert uv_overlap(mesh, 512) == pytest.approx(1 / 3, abs=0.005)


def test_three_layers_count_once():
    mesh = quads(*[(0.0, 0.0, 0.5, 0.5)] * 3, (0.5, 0.5, 1.0, 1.0))
    assert uv_overlap(mesh, 256) == pytest.approx(0.5, abs=0.01)


def test_layouts_beyond_the_unit_square_repeat():
    assert uv_overlap(quads((3.0, -2.0, 3.5, -1.5), (3.5, -2.0, 4.0, -1.5)), 256) == 0.0
    assert uv_overlap(quads((0.0, 0.0, 0.5, 0.5), (2.0, 1.0, 2.5, 1.5)), 256) > 0.98


def test_a_layout_without_area_uses_nothing():
    assert np.isnan(uv_overlap(quads((0.3, 0.3, 0.3, 0.3)), 128))
    assert uv_area_ratio(quads((0.3, 0.3, 0.3, 0.3))).sum() == 0


def test_a_mesh_without_uv_is_refused():
    with pytest.raises(InputError) as refused:
        uv_overlap(box())
    assert refused.value.code == "no-uv"
