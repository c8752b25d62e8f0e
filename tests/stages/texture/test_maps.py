"""Maps beside the base colour, held to what is known of balls, boxes and paints."""

import numpy as np
import pytest
import trimesh

from unflat.core import Mesh
from unflat.geometry.meshes import vertex_normals
from unflat.stages.texture.atlas import atlas_of
from unflat.stages.texture.maps import ambient_occlusion, delight, estimate_shininess, normal_map

SIZE = 256


def uv_ball(rows=24, columns=48, radius=1.0, bump=0.0):
    """A ball with latitude and longitude as UV, with optional bumps."""
    v, u = np.mgrid[0 : rows + 1, 0 : columns + 1]
    theta, phi = np.pi * (0.02 + 0.96 * v / rows), 2 * np.pi * u / columns
    r = radius + bump * np.sin(8 * phi) * np.sin(theta)
    points = np.stack([r * np.sin(theta) * np.sin(phi), r * np.cos(theta), r * np.sin(theta) * np.cos(phi)], axis=-1)
    uv = np.stack([u / columns, v / rows], axis=-1) * 0.98 + 0.01
    corner = (v[:-1, :-1] * (columns + 1) + u[:-1, :-1]).ravel()
    below, right, across = corner + columns + 1, corner + 1, corner + columns + 2
    faces = np.concatenate([np.stack([corner, below, across], 1), np.stack([corner, across, right], 1)])
    return Mesh(points.reshape(-1, 3).astype(np.float32), faces.astype(np.int32), uv.reshape(-1, 2).astype(np.float32))


BALL = uv_ball()
ATLAS = atlas_of(BALL, SIZE)


def test_the_ball_of_this_test_is_right_way_out():
    assert (np.einsum("vi,vi->v", vertex_normals(BALL), BALL.vertices) > 0.9).all()


def test_a_normal_map_of_the_mesh_itself_is_flat():
    picture = normal_map(ATLAS, BALL, BALL)
    assert np.abs(picture.reshape(-1, 3)[ATLAS.texel].astype(int) - [128, 128, 255]).max() <= 3


def test_a_normal_map_holds_the_bumps_that_the_coarse_mesh_lost():
    fine = uv_ball(96, 192, bump=0.01)
    texels = normal_map(ATLAS, BALL, fine).reshape(-1, 3)[ATLAS.texel].astype(np.float32)
    sideways = (texels[:, 0] - 128) / 127
    phi = np.arctan2(ATLAS.position[:, 0], ATLAS.position[:, 2])
    belt = np.abs(ATLAS.position[:, 1]) < 0.5
    # On a bumpy ball r = 1 + b sin(8 phi) sin(theta), the normal leans against the slope: -8 b cos(8 phi) along +u.
    expected = -8 * 0.01 * np.cos(8 * phi)
    assert np.corrcoef(sideways[belt], expected[belt])[0, 1] > 0.95
    assert np.isclose(sideways[belt].std(), expected[belt].std(), rtol=0.2)


def test_a_convex_ball_is_open_to_the_sky_everywhere():
    picture = ambient_occlusion(ATLAS, BALL, rays=32, seed=0)
    assert picture.shape == (SIZE, SIZE)
    assert picture.min() >= 253


def test_a_ball_inside_a_close_shell_is_dark():
    shell = uv_ball(radius=1.2)
    faces = np.vstack([BALL.faces, shell.faces[:, ::-1] + len(BALL.vertices)])
    uv = np.vstack([BALL.uv * [0.5, 1], shell.uv * [0.5, 1] + [0.5, 0]]).astype(np.float32)
    both = Mesh(np.vstack([BALL.vertices, shell.vertices]), faces, uv)
    atlas = atlas_of(both, SIZE)
    picture = ambient_occlusion(atlas, both, rays=32, seed=0)
    inner = atlas.face < len(BALL.faces)
    assert np.median(picture.ravel()[atlas.texel[inner]]) < 30


def test_occlusion_in_the_corner_of_a_step_is_between_open_and_closed():
    step = trimesh.creation.box((2, 2, 2)).difference(
        trimesh.creation.box((2, 2, 2), trimesh.transformations.translation_matrix([1, 1, 0]))
    )
    step = trimesh.Trimesh(*trimesh.remesh.subdivide_to_size(step.vertices, step.faces, 0.1))
    uv = (step.vertices[:, :2] * 0.4 + 0.5).astype(np.float32)
    mesh = Mesh(step.vertices.astype(np.float32), step.faces.astype(np.int32), uv)
    from unflat.stages.texture.maps.occlusion import _open_share

    share = _open_share(mesh, 64, np.random.default_rng(0))
    corner = np.linalg.norm(mesh.vertices[:, :2] - [0.05, 0.0], axis=1) < 0.08
    outer = mesh.vertices[:, 0] < -0.99
    assert np.median(share[outer]) > 0.97
    assert 0.3 < np.median(share[corner]) < 0.9


def lit(albedo, light=(0.3, 0.5, 0.6)):
    shading = 0.35 + 0.65 * np.clip(ATLAS.normal @ (np.array(light) / np.linalg.norm(light)), 0, 1)
    return (albedo * shading[:, None]).astype(np.float32), shading


EVERYTHING = np.ones(len(ATLAS), bool)


def unevenness(colors, weights=EVERYTHING):
    brightness = np.log(colors[weights].mean(axis=1))
    return float(brightness.std())


def test_light_is_taken_out_of_one_paint():
    linear, _ = lit(np.full((len(ATLAS), 3), [0.6, 0.3, 0.2], np.float32))
    delit = delight(ATLAS, linear, EVERYTHING)
    assert delit.explained > 0.7
    assert unevenness(delit.linear) < 0.4 * unevenness(linear)


def test_hue_is_not_touched():
    linear, _ = lit(np.full((len(ATLAS), 3), [0.6, 0.3, 0.2], np.float32))
    delit = delight(ATLAS, linear, EVERYTHING).linear
    assert np.allclose(delit[:, 0] / delit[:, 1], 2, rtol=1e-3)


def test_paint_that_is_half_black_and_half_white_stays_so_under_even_light():
    albedo = np.where(ATLAS.position[:, :1] > 0, 0.8, 0.1).astype(np.float32) * np.ones(3, np.float32)
    delit = delight(ATLAS, albedo, EVERYTHING).linear
    right = ATLAS.position[:, 0] > 0
    assert np.median(delit[right]) / np.median(delit[~right]) > 6


def test_paint_survives_while_its_light_is_taken_out():
    albedo = np.where(ATLAS.position[:, :1] > 0, 0.8, 0.2).astype(np.float32) * np.ones(3, np.float32)
    linear, _ = lit(albedo, light=(0, 1, 0.2))
    delit = delight(ATLAS, linear, EVERYTHING).linear
    right = ATLAS.position[:, 0] > 0
    assert 3 < np.median(delit[right]) / np.median(delit[~right]) < 5.5
    assert unevenness(delit, right) < 0.5 * unevenness(linear, right)


def test_strength_zero_and_too_few_texels_change_nothing():
    linear, _ = lit(np.full((len(ATLAS), 3), 0.5, np.float32))
    assert np.array_equal(delight(ATLAS, linear, EVERYTHING, strength=0.0).linear, linear)
    assert np.array_equal(delight(ATLAS, linear, ~EVERYTHING).linear, linear)


def test_unseen_texels_stay_unknown():
    linear, _ = lit(np.full((len(ATLAS), 3), 0.5, np.float32))
    linear[ATLAS.position[:, 2] < 0] = np.nan
    seen = np.isfinite(linear[:, 0])
    delit = delight(ATLAS, np.where(seen[:, None], linear, np.nan).astype(np.float32), seen)
    assert np.isnan(delit.linear[~seen]).all()
    assert np.isfinite(delit.linear[seen]).all()


def glint(width, halfway=(0.2, 0.4, 0.9)):
    angle = np.arccos(np.clip(ATLAS.normal @ (np.array(halfway) / np.linalg.norm(halfway)), -1, 1))
    return np.exp(-((angle / width) ** 2))[:, None].astype(np.float32)


@pytest.mark.parametrize("width", [0.15, 0.3, 0.5])
def test_roughness_follows_the_width_of_the_highlight(width):
    linear = np.float32(0.15) + glint(width) * np.full(3, 0.85, np.float32)
    shiny = estimate_shininess(linear, ATLAS.normal, EVERYTHING)
    assert shiny.highlight_found
    # A Gaussian lobe exp(-(a / w)^2) is that of microfacets whose slope is w: alpha = tan(w).
    assert abs(shiny.roughness - np.sqrt(np.tan(width))) < 0.12
    assert shiny.metallic == 0


def test_a_matte_surface_is_matte():
    linear, _ = lit(np.full((len(ATLAS), 3), 0.4, np.float32))
    assert not estimate_shininess(linear, ATLAS.normal, EVERYTHING).highlight_found


def test_white_stripes_are_no_highlight():
    stripes = np.where(np.sin(20 * ATLAS.position[:, :1]) > 0.97, 0.9, 0.1).astype(np.float32) * np.ones(3, np.float32)
    assert not estimate_shininess(stripes, ATLAS.normal, EVERYTHING).highlight_found


def test_nothing_seen_is_matte():
    assert not estimate_shininess(np.ones((len(ATLAS), 3), np.float32), ATLAS.normal, ~EVERYTHING).highlight_found


def test_gold_is_metal_and_yellow_paint_is_not():
    gold = np.array([1.0, 0.7, 0.2], np.float32)
    metal = gold * (np.float32(0.2) + glint(0.3) * np.float32(0.8))
    paint = gold * np.float32(0.2) + glint(0.3) * np.float32(0.8)
    assert estimate_shininess(metal, ATLAS.normal, EVERYTHING).metallic == 1
    assert estimate_shininess(paint, ATLAS.normal, EVERYTHING).metallic == 0


def test_the_fast_shading_equals_its_plain_twin():
    from unflat.stages.texture.maps.delight import _harmonics, _shade, _shade_of_all

    light = np.random.default_rng(0).normal(0, 0.2, 8)
    plain = _shade(_harmonics(ATLAS.normal), light)
    assert np.allclose(_shade_of_all(ATLAS.normal, light.astype(np.float32)), plain, atol=1e-5)
