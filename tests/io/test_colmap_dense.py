"""COLMAP's dense arrays and workspace: COLMAP's own fusion finds the plane where it is."""

from __future__ import annotations

import weakref
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pycolmap
import pytest

from unflat.core import Camera, DepthMap, InputError, Photo, PointCloud, View, Views
from unflat.geometry.cameras import look_at, pixel_centers, pixel_rays
from unflat.io import colmap_workspace
from unflat.io.colmap_maps import read_colmap_depth, read_colmap_normals, write_colmap_depth, write_colmap_normals
from unflat.io.colmap_workspace import tracks_of_depths, write_colmap_workspace
from unflat.io.point_cloud import read_point_cloud

HALF_SIDE = 1.0


def pattern(points: np.ndarray) -> np.ndarray:
    """Colours of the plane: no two places nearby look alike."""
    return np.stack(
        [127 + 100 * np.sin(5 * points[:, 0]), 127 + 100 * np.sin(4 * points[:, 1]), 200 + 0 * points[:, 0]], axis=-1
    )


def plane_view(idx: int, name: str) -> View:
    """The square z = 0, seen from one of four places, with its exact depth."""
    turn = (-0.3, -0.1, 0.1, 0.3)[idx]
    eye = np.array([3 * np.sin(turn), 0.4 * idx, 3 * np.cos(turn)])
    camera = Camera(64, 48, 60.0, 62.0, 33.0, 23.0, look_at(eye, np.zeros(3), np.array([0.0, 1, 0])))
    origins, directions = pixel_rays(camera, pixel_centers(camera))
    distance = -origins[:, 2] / directions[:, 2]
    points = origins + distance[:, None] * directions
    on_plane = (np.abs(points[:, :2]) < HALF_SIDE).all(axis=1)
    depth = np.where(on_plane, distance, np.nan).reshape(48, 64).astype(np.float32)
    normals = np.where(on_plane[:, None], [0.0, 0, 1], np.nan).reshape(48, 64, 3).astype(np.float32)
    pixels = np.where(on_plane[:, None], pattern(points), 0).reshape(48, 64, 3).astype(np.uint8)
    return View(Photo(pixels, name=name), camera=camera, depth=DepthMap(depth), normals=normals)


def plane_views() -> Views:
    return Views(tuple(plane_view(idx, f"seite {idx}.jpg") for idx in range(4)))


def fused(workspace: Path) -> PointCloud:
    options = pycolmap.StereoFusionOptions()
    options.min_num_pixels, options.num_threads = 3, 1
    pycolmap.stereo_fusion(str(workspace / "fused.ply"), str(workspace), options=options, output_type="PLY")
    return read_point_cloud(workspace / "fused.ply")


def test_fusion_finds_the_plane_where_it_is(tmp_path: Path) -> None:
    cloud = fused(write_colmap_workspace(plane_views().items, tmp_path))
    points = cloud.points
    assert len(points) > 500 and cloud.normals is not None and cloud.colors is not None
    assert np.abs(points[:, 2]).max() < 1e-5  # half a pixel off would be 7e-3
    assert np.abs(points[:, :2]).max(axis=0) == pytest.approx([HALF_SIDE, HALF_SIDE], abs=0.06)
    assert np.allclose(cloud.normals, [0, 0, 1], atol=1e-5)
    assert np.sqrt(np.mean((cloud.colors - pattern(points)) ** 2)) < 2


def test_a_workspace_has_what_patch_match_and_fusion_look_for(tmp_path: Path) -> None:
    write_colmap_workspace(plane_views().items, tmp_path)
    names = [f"seite {idx}.png" for idx in range(4)]
    assert (tmp_path / "stereo" / "fusion.cfg").read_text().splitlines() == names
    assert (tmp_path / "stereo" / "patch-match.cfg").read_text().splitlines()[:2] == [names[0], "__auto__, 20"]
    model = pycolmap.Reconstruction(str(tmp_path / "sparse"))
    assert sorted(image.name for image in model.images.values()) == names
    assert all((tmp_path / "images" / name).is_file() for name in names)
    assert all(point.track.length() >= 1 for point in model.points3D.values())
    assert model.compute_mean_track_length() > 3


def test_folders_in_names_stay_but_none_leads_out(tmp_path: Path) -> None:
    views = Views((plane_view(0, "../left/a.jpg"), plane_view(1, "/right/a.tif")))
    write_colmap_workspace(views.items, tmp_path / "work")
    assert (tmp_path / "work" / "stereo" / "fusion.cfg").read_text() == "left/a.png\nright/a.png\n"
    assert (tmp_path / "work" / "images" / "left" / "a.png").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["work"]


def test_views_agree_on_points_that_both_see_and_not_on_hidden_ones() -> None:
    near, far = plane_view(0, "a"), plane_view(3, "b")
    assert far.depth is not None
    tracks = tracks_of_depths([near, far])
    assert len(tracks.point_idx) > 1.8 * len(tracks.points)
    assert np.abs(tracks.points[:, 2]).max() < 1e-5
    hidden = replace(far, depth=DepthMap(far.depth.depth * np.float32(0.9)))  # something stands before the plane
    alone = tracks_of_depths([near, hidden])
    assert len(alone.point_idx) == len(alone.points)


def test_depth_is_what_colmap_reads(tmp_path: Path) -> None:
    view = plane_view(1, "a.jpg")
    assert view.depth is not None
    path = write_colmap_depth(view.depth.depth, tmp_path / "a.bin")
    theirs = pycolmap.DepthMap()
    theirs.read(str(path))
    assert np.array_equal(theirs.to_array(), np.nan_to_num(view.depth.depth))
    assert np.array_equal(read_colmap_depth(path).depth, view.depth.depth, equal_nan=True)


def test_depth_that_colmap_wrote_is_read(tmp_path: Path) -> None:
    values = np.arange(12, dtype=np.float32).reshape(3, 4)
    pycolmap.DepthMap.from_array(values, 0.0, 11.0).write(str(tmp_path / "a.bin"))
    depth = read_colmap_depth(tmp_path / "a.bin").depth
    assert np.isnan(depth[0, 0]) and np.array_equal(depth.ravel()[1:], values.ravel()[1:])


def test_normals_turn_into_the_camera_and_back(tmp_path: Path) -> None:
    view = plane_view(0, "a.jpg")
    assert view.camera is not None and view.normals is not None
    path = write_colmap_normals(view.normals, view.camera, tmp_path / "a.bin")
    theirs = pycolmap.NormalMap()
    theirs.read(str(path))
    middle = theirs.to_array().reshape(3, 48, 64)[:, 24, 32]  # pycolmap copies the planes without turning them
    assert np.allclose(middle, view.camera.camera_from_world[:3, 2], atol=1e-6) and middle[2] < -0.9
    assert np.allclose(read_colmap_normals(path, view.camera), view.normals, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("content", [b"", b"4&3&1", b"4&3&1&" + bytes(47), b"4&3&2&" + bytes(96), b"depth&3&1&"])
def test_damaged_maps_are_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_colmap_depth(tmp_path / "a.bin")
    assert caught.value.code in ("corrupt-map", "empty-file")


def test_views_that_dense_stereo_cannot_use_are_refused(tmp_path: Path) -> None:
    view = plane_view(0, "a.jpg")
    assert view.camera is not None
    bent = replace(view.camera, distortion=(0.1, 0.0, 0.0, 0.0, 0.0))
    cases = [
        ((replace(view, camera=None),), "no-camera"),
        ((replace(view, depth=None),), "no-depth"),
        ((replace(view, normals=None),), "no-depth"),
        ((replace(view, camera=bent),), "unsupported-camera"),
        ((view, plane_view(1, "a.png")), "bad-cameras"),
    ]
    for items, code in cases:
        with pytest.raises(InputError) as caught:
            write_colmap_workspace(items, tmp_path / "work")
        assert caught.value.code == code and caught.value.hint
    assert not (tmp_path / "work").exists()


def test_views_are_asked_for_one_after_the_other_and_not_held(tmp_path: Path) -> None:
    made: list[weakref.ref[View]] = []

    class Views300(Collection[View]):
        def __len__(self) -> int:
            return 4

        def __contains__(self, view: object) -> bool:
            return False

        def __iter__(self) -> Iterator[View]:
            for idx in range(4):
                # the one before may still have the loop's name
                assert sum(view() is not None for view in made) <= 1
                view = plane_view(idx, f"{idx}.jpg")
                made.append(weakref.ref(view))
                yield view
                del view

    write_colmap_workspace(Views300(), tmp_path)
    assert len(list((tmp_path / "stereo" / "depth_maps").iterdir())) == 4
    assert {view() for view in made} == {None}


def test_points_of_many_views_are_fewer_in_each_but_every_view_keeps_some(monkeypatch: pytest.MonkeyPatch) -> None:
    views = plane_views().items
    assert len(tracks_of_depths(views).points) > 100
    monkeypatch.setattr(colmap_workspace, "_MOST_POINTS", 100)
    few = tracks_of_depths(views)
    assert 40 < len(few.points) <= 104
    assert all(len(few.seen_by(idx)) > 10 for idx in range(4))
