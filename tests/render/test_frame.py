"""Frames: geometry by formula, colours unchanged, edges soft."""

from dataclasses import replace

import numpy as np
import pytest

from unflat.core import Asset, Camera, Material, Mesh, Part
from unflat.core.color import linear_from_srgb
from unflat.render.cameras import orbit_camera
from unflat.render.frame import render_frame
from unflat.render.scene import build_scene, corner_normals
from unflat.render.styles import INFERRED_COLOR, SEEN_COLOR, UNSAID_COLOR
from unflat.synth.capture import plain_part
from unflat.synth.solids import box, merged, moved, sphere, torus

STYLES = ("lit", "albedo", "normals", "depth", "seen", "clay", "wireframe")


def front(part, size_px=64, **options):
    return orbit_camera(part.mesh.vertices, 0, 0, size_px=size_px, **options)


def level_camera(size_px=32, z=2.0, pixels_per_m=24.0):
    pose = np.diag([1.0, -1.0, -1.0, 1.0])
    pose[2, 3] = z
    return Camera(size_px, size_px, pixels_per_m, pixels_per_m, size_px / 2, size_px / 2, pose, "orthographic")


def square(uv=((0, 1), (1, 1), (1, 0), (0, 0)), **material):
    """A unit square that faces the viewer, counter-clockwise from its lower left corner."""
    corners = np.float32([[-0.5, -0.5, 0], [0.5, -0.5, 0], [0.5, 0.5, 0], [-0.5, 0.5, 0]])
    mesh = Mesh(corners, np.int32([[0, 1, 2], [0, 2, 3]]), uv=np.float32(uv))
    return Part(mesh, Material(**material))


@pytest.mark.parametrize("shading", STYLES)
def test_every_style_fills_the_same_pixels(shading):
    part = plain_part(torus())
    frame = render_frame((part,), front(part), shading=shading, background=(10, 20, 30))
    assert frame.color.dtype == np.uint8
    assert np.array_equal(frame.alpha, render_frame((part,), front(part), shading="albedo").alpha)
    assert (frame.color[frame.alpha == 0] == (10, 20, 30)).all()
    assert np.array_equal(frame.face >= 0, np.isfinite(frame.depth))


def test_depth_of_an_orthographic_ball_is_that_of_the_formula():
    part = plain_part(sphere(0.5, 256))
    camera = level_camera()
    frame = render_frame((part,), camera, shading="albedo")
    u, v = (np.indices((32, 32))[::-1] + 0.5 - 16) / 24
    truth = 2.0 - np.sqrt(np.where(u**2 + v**2 < 0.24, 0.25 - u**2 - v**2, np.nan))
    assert np.nanmax(np.abs(frame.depth - truth)) < 1e-3
    assert np.isnan(frame.depth[0, 0])


def test_normals_point_to_the_camera_also_on_faces_that_are_turned_away():
    part = plain_part(box())
    inside_out = replace(part, mesh=replace(part.mesh, faces=part.mesh.faces[:, ::-1].copy()))
    for one in (part, inside_out):
        normals = render_frame((one,), level_camera(), shading="albedo").normals
        assert np.allclose(normals[16, 16], [0, 0, 1], atol=1e-5)


def test_a_texture_appears_unmirrored_and_in_its_own_colours():
    texture = np.uint8([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [255, 255, 0]]])
    frame = render_frame((square(base_color=texture),), level_camera(), shading="albedo")
    # each quarter's middle lies on a texel's middle
    for row, column, expected in ((10, 10, texture[0, 0]), (10, 22, texture[0, 1]), (22, 10, texture[1, 0]),
                                  (22, 22, texture[1, 1])):  # fmt: skip
        assert np.abs(frame.color[row, column].astype(int) - expected).max() < 70
    assert (frame.color[16, 16] > 60).any()


def test_colours_are_mixed_in_linear_light():
    texture = np.zeros((1, 2, 3), np.uint8)
    texture[0, 1] = 255
    frame = render_frame((square(base_color=texture),), level_camera(33), shading="albedo")
    assert abs(int(frame.color[16, 16, 0]) - 188) < 6  # half the light is sRGB 188, not 128


def test_a_fine_checkerboard_turns_grey_instead_of_flickering():
    checks = (np.indices((512, 512)).sum(axis=0) % 2 * 255).astype(np.uint8)
    frame = render_frame((square(base_color=np.dstack([checks] * 3)),), level_camera(), shading="albedo")
    inner = frame.color[8:24, 8:24, 0].astype(int)
    assert np.ptp(inner) < 12
    assert abs(inner.mean() - 188) < 8


def test_factors_and_vertex_colours_multiply():
    part = square()
    colors = np.full((4, 3), 188, np.uint8)
    part = Part(replace(part.mesh, colors=colors), Material(base_color_factor=(0.5, 1.0, 1.0, 1.0)))
    seen = linear_from_srgb(render_frame((part,), level_camera(), shading="albedo").color)[16, 16]
    half = linear_from_srgb(np.uint8([188]))[0]
    assert np.allclose(seen, [half * 0.5, half, half], atol=0.01)


@pytest.mark.parametrize(("green", "brighter"), [(220, "top"), (36, "bottom")])
def test_a_normal_map_leans_towards_the_light_as_gltf_says(green, brighter):
    # +Y of the map is up in the picture; the key light comes from above
    relief = np.empty((4, 4, 3), np.uint8)
    relief[:] = (128, green, 200)
    frames = [
        render_frame((square(normal=image),), level_camera(), shading="lit").color[16, 16].sum()
        for image in (relief, np.full((4, 4, 3), (128, 128, 255), np.uint8))
    ]
    assert (int(frames[0]) > int(frames[1])) == (brighter == "top")


def test_a_normal_map_is_shown_in_the_cameras_frame():
    relief = np.empty((4, 4, 3), np.uint8)
    relief[:] = (218, 128, 218)  # leaning 45 degrees to the right
    color = render_frame((square(normal=relief),), level_camera(), shading="normals").color[16, 16]
    assert np.abs(color.astype(int) - [217, 127, 217]).max() <= 2


def test_light_comes_from_above_and_shadows_fall_below():
    floor = box((2.0, 0.1, 2.0))
    part = plain_part(merged([floor, moved(box((0.5, 0.5, 0.5)), (0.0, 0.31, 0.0))]), (200, 200, 200))
    alone = plain_part(floor, (200, 200, 200))
    camera = orbit_camera(part.mesh.vertices, 0, 35, size_px=96)
    with_block, without = (render_frame((one,), camera, shading="lit").color.astype(int) for one in (part, alone))
    darker = (without - with_block).max(axis=2) > 40
    on_floor = np.abs(render_frame((part,), camera).normals[..., 1] - 1) < 0.01
    assert (darker & on_floor).sum() > 30


def test_smooth_things_have_no_noise_from_light():
    part = plain_part(sphere(0.5, 128), (180, 180, 180))
    frame = render_frame((part,), front(part, 128), shading="clay")
    inner = frame.color[54:74, 54:74].astype(float)
    assert np.abs(np.diff(inner, n=2, axis=0)).max() <= 3


def test_seen_and_inferred_have_their_own_colours():
    flat = square()
    for confidence, color in ((1.0, SEEN_COLOR), (0.0, INFERRED_COLOR), (None, UNSAID_COLOR)):
        values = None if confidence is None else np.full(4, confidence, np.float32)
        part = replace(flat, mesh=replace(flat.mesh, confidence=values))
        shown = render_frame((part,), level_camera(), shading="seen").color[16, 16].astype(int)
        if np.ptp(color) == 0:
            assert np.ptp(shown) < 12
        else:
            assert np.array_equal(np.argsort(shown), np.argsort(color))
            assert np.ptp(shown) > 40


def test_a_confidence_texture_wins_over_vertices():
    flat = square(confidence=np.zeros((4, 4), np.uint8))
    part = replace(flat, mesh=replace(flat.mesh, confidence=np.ones(4, np.float32)))
    red, green, _ = (int(c) for c in render_frame((part,), level_camera(), shading="seen").color[16, 16])
    assert red > green


def test_wires_run_along_edges_and_leave_out_the_diagonals_of_quads():
    part = square()
    quad = replace(part, mesh=replace(part.mesh, quads=True))
    triangles, quads = (render_frame((one,), level_camera(64, pixels_per_m=48.0), shading="wireframe").color
                        for one in (part, quad))  # fmt: skip
    assert int(triangles[31, 32].sum()) < int(quads[31, 32].sum()) - 150
    assert quads[31, 32].sum() > 400


def test_faces_and_parts_are_named_by_their_own_numbers():
    near, far = plain_part(moved(box(), (0, 0, 1))), plain_part(moved(box((3.0, 3.0, 0.5)), (0, 0, -2)))
    camera = orbit_camera(far.mesh.vertices, 0, 0, size_px=64)
    frame = render_frame((near, far), camera, shading="albedo")
    assert set(np.unique(frame.part)) == {-1, 0, 1}
    assert frame.part[32, 32] == 0
    assert frame.face[frame.part == 1].max() < 12


def test_edges_are_soft_and_alpha_is_their_coverage():
    part = square()
    half_pixel_off = replace(part, mesh=part.mesh.with_vertices(part.mesh.vertices + np.float32([0.25 / 24, 0, 0])))
    alpha = render_frame((half_pixel_off,), level_camera(), shading="albedo", samples_per_px=16).alpha
    assert alpha[16, 4] == pytest.approx(0.75, abs=0.01)
    assert alpha[16, 28] == pytest.approx(0.25, abs=0.01)
    assert alpha.sum() == pytest.approx(24 * 24, rel=0.002)


def test_asset_parts_and_scene_give_the_same_picture():
    part = plain_part(sphere())
    camera = front(part)
    pictures = [render_frame(one, camera).color for one in ((part,), Asset((part,)), build_scene((part,)))]
    assert np.array_equal(pictures[0], pictures[1])
    assert np.array_equal(pictures[0], pictures[2])


def test_a_camera_that_sees_nothing_gives_background_alone():
    part = plain_part(sphere())
    away = orbit_camera(part.mesh.vertices + np.float32([50, 0, 0]), size_px=16)
    frame = render_frame((part,), away, background=(1, 2, 3))
    assert (frame.color == (1, 2, 3)).all()
    assert (frame.alpha == 0).all()


def test_a_camera_inside_the_object_sees_its_inner_walls():
    part = plain_part(box((4.0, 4.0, 4.0)))
    pose = np.diag([1.0, -1.0, -1.0, 1.0])
    frame = render_frame((part,), Camera(16, 16, 8.0, 8.0, 8.0, 8.0, pose))
    assert (frame.alpha == 1).all()
    assert frame.depth[8, 8] == pytest.approx(2.0, abs=1e-4)


def test_creases_stay_sharp_and_round_things_smooth():
    cube = corner_normals(box())
    assert np.allclose(np.abs(cube).max(axis=2), 1, atol=1e-6)
    ball = sphere(0.5, 64)
    away = np.linalg.norm(corner_normals(ball) - ball.triangles / 0.5, axis=2)
    assert away.max() < 0.05


def test_own_normals_of_a_mesh_are_used_as_they_are():
    part = square()
    leaning = np.tile(np.float32([0.6, 0, 0.8]), (4, 1))
    frame = render_frame((replace(part, mesh=replace(part.mesh, normals=leaning)),), level_camera(), shading="albedo")
    assert np.allclose(frame.normals[16, 16], [0.6, 0, 0.8], atol=1e-5)
