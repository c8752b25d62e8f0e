"""Nouns check themselves, and then can't be changed."""

import dataclasses

import numpy as np
import pytest

from unflat.core import Camera, DepthMap, Drawing, Field, InputError, Mask, Material, Mesh, Photo, View, Views


def grey_photo(height=6, width=8):
    return Photo(np.full((height, width, 3), 128, np.uint8))


def half_mask(height=6, width=8):
    alpha = np.zeros((height, width), np.float32)
    alpha[2:5, 1:4] = 1
    return Mask(alpha)


def camera(width=8, height=6, pose=None):
    return Camera(width, height, 10.0, 10.0, 4.0, 3.0, np.eye(4) if pose is None else pose)


def one_triangle():
    return np.eye(3, dtype=np.float32), np.array([[0, 1, 2]], np.int32)


def test_arrays_of_a_noun_cannot_be_written_to():
    photo = grey_photo()
    with pytest.raises(ValueError, match="read-only"):
        photo.pixels[0, 0] = 0


def test_fields_of_a_noun_cannot_be_replaced():
    with pytest.raises(dataclasses.FrozenInstanceError):
        grey_photo().name = "other"


def test_the_array_that_a_noun_was_made_from_stays_writable():
    pixels = np.zeros((4, 4, 3), np.uint8)
    Photo(pixels)
    pixels[0, 0] = 255


def test_an_empty_mask_cannot_exist():
    with pytest.raises(InputError) as caught:
        Mask(np.zeros((4, 4), np.float32))
    assert caught.value.code == "nothing-in-picture"
    assert caught.value.hint


@pytest.mark.parametrize(("value", "code"), [(np.nan, "mask-not-finite"), (2.0, "mask-range"), (-1.0, "mask-range")])
def test_a_mask_outside_zero_to_one_is_refused(value, code):
    alpha = np.ones((4, 4), np.float32)
    alpha[1, 1] = value
    with pytest.raises(InputError) as caught:
        Mask(alpha)
    assert caught.value.code == code


def test_a_mask_knows_its_box():
    assert half_mask().box == (1, 2, 4, 5)


@pytest.mark.parametrize("noun", ["mask", "depth", "camera", "normals"])
def test_a_view_refuses_parts_of_another_size(noun):
    other = {
        "mask": half_mask(7, 8),
        "depth": DepthMap(np.ones((7, 8), np.float32)),
        "camera": camera(9, 6),
        "normals": np.zeros((7, 8, 3), np.float32),
    }
    with pytest.raises(InputError) as caught:
        View(grey_photo(), **{noun: other[noun]})
    assert caught.value.code == "size-mismatch"


def test_a_drawing_refuses_ink_of_another_size():
    with pytest.raises(InputError):
        Drawing(grey_photo(), half_mask(), half_mask(7, 8))


def test_views_need_a_view():
    with pytest.raises(InputError):
        Views(())


def test_a_pose_that_mirrors_or_scales_is_refused():
    for pose in (np.diag([-1.0, 1, 1, 1]), np.diag([2.0, 2, 2, 1]), np.full((4, 4), np.nan)):
        with pytest.raises(InputError) as caught:
            camera(pose=pose)
        assert caught.value.code == "camera-pose"


def test_a_camera_needs_a_positive_focal_length_and_size():
    with pytest.raises(InputError):
        Camera(8, 6, 0.0, 10.0, 4.0, 3.0, np.eye(4))
    with pytest.raises(InputError):
        Camera(0, 6, 10.0, 10.0, 4.0, 3.0, np.eye(4))


@pytest.mark.parametrize("depth", [np.nan, -1.0, np.inf])
def test_a_depth_map_without_positive_depth_is_refused(depth):
    with pytest.raises(InputError):
        DepthMap(np.full((4, 4), depth, np.float32))


def test_unknown_depth_is_allowed_beside_known_depth():
    assert np.isnan(DepthMap(np.array([[1.0, np.nan]], np.float32)).depth[0, 1])


def test_a_field_must_be_finite():
    with pytest.raises(InputError):
        Field(np.full((2, 2, 2), np.nan, np.float32), np.zeros(3), 0.1)


def test_a_mesh_refuses_indices_out_of_range_nan_and_no_faces():
    vertices, faces = one_triangle()
    for bad_vertices, bad_faces in [
        (vertices, faces + 1),
        (vertices * np.float32(np.nan), faces),
        (vertices, faces[:0]),
    ]:
        with pytest.raises(InputError):
            Mesh(bad_vertices, bad_faces)


def test_a_quad_mesh_has_pairs_of_triangles():
    vertices, faces = one_triangle()
    with pytest.raises(InputError):
        Mesh(vertices, faces, quads=True)


def test_material_factors_are_shares():
    with pytest.raises(InputError):
        Material(roughness_factor=1.5)
