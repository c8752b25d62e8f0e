"""The letter F has its colours where the conventions say, and is not mirrored."""

from dataclasses import replace

import numpy as np
import pytest

from unflat.core import Mesh
from unflat.geometry.meshes import face_areas, face_normals, signed_volume, welded
from unflat.geometry.topology import genus, is_closed, is_manifold
from unflat.geometry.uv import mirrored_faces, uv_overlap
from unflat.render.cameras import orbit_camera
from unflat.render.frame import render_frame
from unflat.synth.letter import DIRECTION_AXES, DIRECTION_COLORS, letter_f

F_FROM_THE_FRONT = np.array([[1, 1, 1], [1, 0, 0], [1, 1, 0], [1, 0, 0], [1, 0, 0]], bool)


def seen_from(direction, part, size_px=64):
    x, y, z = DIRECTION_AXES[direction]
    camera = orbit_camera(part.mesh.vertices, np.degrees(np.arctan2(x, z)), 90.0 * y, fov_deg=10.0, size_px=size_px)
    return render_frame((part,), camera, shading="albedo")


def coarse(mask):
    """The mask's bounding box in five rows of three cells."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    cut = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return np.array([[cell.mean() > 0.5 for cell in np.array_split(row, 3, 1)] for row in np.array_split(cut, 5)])


def test_it_is_one_closed_body_of_known_volume():
    bare = welded(letter_f().mesh)
    assert is_closed(bare.faces)
    assert is_manifold(bare.faces)
    assert genus(bare.faces) == 0
    assert signed_volume(bare) == pytest.approx(0.25 * (0.22 + 0.48 * 0.22 + 0.30 * 0.20))


@pytest.mark.parametrize("direction", DIRECTION_AXES)
def test_each_side_has_its_colour(direction):
    frame = seen_from(direction, letter_f())
    facing = np.nan_to_num(frame.normals) @ np.array(DIRECTION_AXES[direction], np.float32) > 0.99
    inside = facing & (frame.alpha == 1)
    assert inside.sum() > 50
    off = np.abs(frame.color[inside].astype(int) - DIRECTION_COLORS[direction]).max(axis=1)
    assert (off <= 3).mean() > 0.9  # the rest is mixed with what lies behind an edge


def test_it_reads_as_an_f_from_the_front_and_mirrored_from_behind():
    letter = letter_f()
    assert np.array_equal(coarse(seen_from("+z", letter).alpha > 0.5), F_FROM_THE_FRONT)
    assert np.array_equal(coarse(seen_from("-z", letter).alpha > 0.5), F_FROM_THE_FRONT[:, ::-1])


def test_a_mirrored_letter_is_told_apart():
    letter = letter_f()
    flipped = Mesh(letter.mesh.vertices * np.float32([-1, 1, 1]), letter.mesh.faces[:, ::-1].copy(), letter.mesh.uv)
    assert not np.array_equal(coarse(seen_from("+z", replace(letter, mesh=flipped)).alpha > 0.5), F_FROM_THE_FRONT)


def test_its_layout_neither_overlaps_nor_is_mirrored():
    mesh = letter_f().mesh
    assert uv_overlap(mesh, 256) == 0
    assert not mirrored_faces(mesh).any()


def test_the_texture_agrees_with_the_faces():
    letter = letter_f()
    texture, centres = letter.material.base_color, letter.mesh.uv[letter.mesh.faces].mean(axis=1)
    height, width = texture.shape[:2]
    colors = texture[(centres[:, 1] * height).astype(int), (centres[:, 0] * width).astype(int)]
    normals = face_normals(letter.mesh)
    for name, axis in DIRECTION_AXES.items():
        mine = normals @ np.array(axis, np.float32) > 0.99
        assert mine.any()
        assert (colors[mine] == DIRECTION_COLORS[name]).all()
    assert (face_areas(letter.mesh) > 0).all()
