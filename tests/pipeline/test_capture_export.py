"""The capture that goes to other programs: cameras of the photos' files, in the asset's own frame."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from unflat.core import Camera, DepthMap, InputError, Mesh, Photo, PointCloud, Reconstruction, View, Views
from unflat.geometry.cameras import look_at, project
from unflat.geometry.meshes import transformed_reconstruction
from unflat.geometry.similarities import rotation_deg, scaling, shift, turning
from unflat.io.camera_turn import camera_of_photo, upright_camera
from unflat.io.cameras import read_cameras
from unflat.io.colmap_read import read_colmap_cameras, read_colmap_points
from unflat.io.mapped import mapped
from unflat.pipeline.capture_export import write_capture

POINTS = np.array([[0.0, 0.0, 0.0], [0.3, 0.1, 0.2], [-0.2, 0.3, -0.1]])
MOVE = shift(np.array([0.1, 0.5, -0.3])) @ turning(rotation_deg(10, 80, -20)) @ scaling(0.4)


def view(name, eye, orientation):
    """A photo of 90x120 pixels, read from a file of 360x480 when it is upright."""
    pose = look_at(np.array(eye), np.zeros(3), np.array([0.0, 1.0, 0.0]))
    camera = Camera(90, 120, 110.0, 112.0, 44.0, 61.0, pose, distortion=(0.02, 0.0, 0.001, -0.002, 0.0))
    pixels = np.zeros((120, 90, 3), np.uint8)
    return View(Photo(pixels, name=name, file_size_px=(360, 480), exif_orientation=orientation), camera=camera)


def made():
    """What the reconstruct stage gave, and the same after the finish steps."""
    views = Views((view("a.jpg", [0.0, 1.0, 3.0], 6), view("b.jpg", [2.0, 1.0, 1.0], 3), view("c.jpg", [3.0, 0, 0], 1)))
    first = Reconstruction(PointCloud(POINTS.astype(np.float32)), views)
    mesh = Mesh(POINTS.astype(np.float32), np.array([[0, 1, 2]], np.int32))
    return first, transformed_reconstruction(first.with_mesh(mesh), MOVE)


def test_cameras_are_those_of_the_stored_pixels_at_the_size_of_the_file(tmp_path):
    first, last = made()
    write_capture(first, last, tmp_path)
    moved = POINTS @ MOVE[:3, :3].T + MOVE[:3, 3]
    for cameras in (read_cameras(tmp_path / "transforms.json"), read_colmap_cameras(tmp_path / "sparse")):
        assert [(camera.width_px, camera.height_px) for camera in cameras.values()] == [(480, 360)] + 2 * [(360, 480)]
        for item, back in zip(last.views.items, (8, 3, 1), strict=True):
            stored = upright_camera(item.camera.resized(360, 480), back)
            assert np.allclose(project(cameras[item.photo.name], moved)[0], project(stored, moved)[0], atol=1e-3)


def test_cameras_come_back_to_the_photos_that_they_were_found_for(tmp_path):
    first, last = made()
    write_capture(first, last, tmp_path)
    known = read_cameras(tmp_path / "transforms.json")
    for item in last.views.items:
        back = camera_of_photo(known[item.photo.name], item.photo)
        assert np.allclose(back.world_from_camera, item.camera.world_from_camera, atol=1e-6)
        assert (back.fx, back.fy, back.cx, back.cy) == pytest.approx((110, 112, 44, 61))
        assert back.distortion == pytest.approx(item.camera.distortion)


def test_the_cloud_is_in_the_frame_of_the_asset(tmp_path):
    first, last = made()
    write_capture(first, last, tmp_path)
    assert np.allclose(read_colmap_points(tmp_path / "sparse").points, last.mesh.vertices, atol=1e-5)


def test_photos_without_depth_are_left_out_of_the_depth_maps(tmp_path):
    first, last = made()
    depth, normals = DepthMap(np.full((120, 90), 3.0, np.float32)), np.full((120, 90, 3), -1, np.float32) / np.sqrt(3)
    straight = [replace(item, camera=replace(item.camera, distortion=(0.0,) * 5)) for item in first.views.items]
    dense = [replace(item, depth=depth, normals=normals.astype(np.float32)) for item in straight[:2]]
    write_capture(replace(first, dense=Views((*dense, straight[2]))), last, tmp_path)
    assert {path.name for path in (tmp_path / "dense" / "images").iterdir()} == {"a.png", "b.png"}
    assert len(read_cameras(tmp_path / "transforms.json")) == 3


def test_one_photo_leaves_no_capture(tmp_path):
    first, last = made()
    alone = replace(first, views=Views(first.views.items[:1]))
    with pytest.raises(InputError) as error:
        write_capture(alone, last, tmp_path)
    assert error.value.code == "no-capture"


def test_depth_maps_of_many_photos_are_not_held_at_once(tmp_path, resident_bytes):
    first, last = made()
    camera = Camera(400, 300, 400.0, 400.0, 200.0, 150.0, first.views.items[0].camera.world_from_camera)
    towards = np.broadcast_to(-camera.forward, (300, 400, 3)).astype(np.float32)
    depth = np.full((300, 400), np.nan, np.float32)
    depth[:60, :60] = 3.0
    maps = {"depth": depth, "normals": towards, "pixels": np.zeros((300, 400, 3), np.uint8)}

    def dense(number):
        depth, normals, pixels = (mapped(tmp_path / f"{name}{number}.npy", array) for name, array in maps.items())
        return View(Photo(pixels, name=f"{number}.jpg"), camera=camera, depth=DepthMap(depth), normals=normals)

    one = sum(array.nbytes for array in maps.values())
    first = replace(first, dense=Views(tuple(dense(number) for number in range(40))))
    tracemalloc.start()
    try:
        write_capture(first, last, tmp_path / "capture")
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert most < 15 * one
    assert resident_bytes(tmp_path) < one
    assert len(list((tmp_path / "capture" / "dense" / "images").iterdir())) == 40
