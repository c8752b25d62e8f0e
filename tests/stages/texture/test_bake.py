"""The whole texture stage: from bodies with known paint to parts, and what it says about what it did not see."""

from dataclasses import replace

import numpy as np
import pytest
import trimesh

from unflat.core import Cancelled, Context, Mesh, RecipeError, StageFailed
from unflat.core.color import linear_from_srgb
from unflat.geometry.image_sampling import bilinear
from unflat.geometry.raycast import RayCaster
from unflat.geometry.uv import uv_overlap
from unflat.stages.texture.atlas import atlas_of
from unflat.stages.texture.bake import Bake

SIZE = 512
QUICK = Bake(size_px=SIZE, delight=False, occlusion=False, normal_map=False, roughness=False)


def flat_waves(points):
    """A paint that depends on x and y alone and is different left and right: front and back look the same."""
    x, y, _ = np.asarray(points, np.float64).T
    return np.rint(np.column_stack([127 + 90 * np.sin(7 * x), 80 + 0 * x, 127 + 90 * np.cos(6 * y + 2 * x)])).astype(
        np.uint8
    )


def letter_f(points):
    """A black F on white, on whatever is painted, read from the front."""
    x, y = points[:, 0], points[:, 1]
    stem = (np.abs(x + 0.15) < 0.05) & (np.abs(y) < 0.3)
    bars = (x > -0.2) & (x < 0.2) & ((np.abs(y - 0.25) < 0.05) | (np.abs(y - 0.02) < 0.05))
    return np.where((stem | bars)[:, None], np.uint8([0, 0, 0]), np.uint8([250, 250, 250]))


def texels(part):
    atlas = atlas_of(part.mesh, part.material.base_color.shape[0])
    return atlas, part.material.base_color.reshape(-1, 3)[atlas.texel], part.material.confidence.ravel()[atlas.texel]


def seen_from_front(part, size=128):
    """What a renderer shows: rays, UV, texture. Grey where nothing is."""
    v, u = (np.mgrid[0:size, 0:size] + 0.5) / size - 0.5
    origin = np.column_stack([u.ravel(), -v.ravel(), np.full(u.size, 3)]).astype(np.float32)
    hits = RayCaster(part.mesh).cast(origin, np.broadcast_to(np.float32([0, 0, -1]), origin.shape))
    uv = np.einsum("nk,nkc->nc", hits.barycentric, part.mesh.uv[part.mesh.faces[np.maximum(hits.face, 0)]])
    color = bilinear(part.material.base_color.astype(np.float32), uv * np.float32(part.material.base_color.shape[0]))
    return np.where(hits.hit[:, None], color, 127).reshape(size, size, 3), hits.hit.reshape(size, size)


@pytest.fixture(scope="module")
def lens(studio):
    body = trimesh.creation.icosphere(4, 0.5)
    body.apply_scale([1, 0.8, 0.5])
    return studio.mesh_of(body)


@pytest.fixture(scope="module")
def lens_scene(studio, lens):
    return studio.scene(lens, [studio.front()], flat_waves)


@pytest.fixture(scope="module")
def part(lens_scene):
    return QUICK(lens_scene, Context())


def test_the_part_is_complete_and_its_numbers_are_in_range(part, lens):
    mesh, material = part.mesh, part.material
    assert material.base_color.shape == (SIZE, SIZE, 3)
    assert material.confidence.shape == (SIZE, SIZE)
    assert len(mesh.faces) == len(lens.faces)
    assert uv_overlap(mesh) < 1e-4
    assert np.allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-5)
    assert mesh.confidence.min() >= 0
    assert mesh.confidence.max() <= 1


def test_what_was_seen_shows_the_photo(studio, part):
    atlas, color, confidence = texels(part)
    seen = confidence == 255
    assert 0.3 < seen.mean() < 0.5
    assert studio.psnr(color[seen], flat_waves(atlas.position[seen])) > 38


def test_the_back_gets_the_mirrored_front_and_is_marked_as_inferred(studio, part):
    atlas, color, confidence = texels(part)
    back = atlas.normal[:, 2] < -0.4
    assert (confidence[back] == 0).all()
    assert studio.psnr(color[back], flat_waves(atlas.position[back])) > 32


def test_seen_and_inferred_agree_between_texels_and_vertices(part):
    facing = part.mesh.normals[:, 2]
    assert (part.mesh.confidence[facing > 0.5] > 0.99).all()
    assert (part.mesh.confidence[facing < -0.1] == 0).all()
    share = (texels(part)[2] > 127).mean()
    # Seen up to 77 degrees from the line of sight; the rest of the front half and the back are inferred.
    assert share == pytest.approx(0.42, abs=0.04)


def test_a_letter_is_not_mirrored_on_the_front_and_reads_from_behind_as_in_a_mirror(studio, lens):
    scene = studio.scene(lens, [studio.front()], letter_f)
    picture, hit = seen_from_front(QUICK(scene, Context()))
    v, u = (np.mgrid[0:128, 0:128] + 0.5) / 128 - 0.5
    truth = letter_f(np.column_stack([u.ravel(), -v.ravel()])).reshape(128, 128, 3)
    inner = hit & (u**2 + v**2 < 0.12)
    right_way = studio.psnr(picture[inner], truth[inner])
    mirrored = studio.psnr(picture[inner], truth[:, ::-1][inner])
    assert right_way > 20
    assert right_way > mirrored + 10


def test_inpainting_alone_lets_colours_flow_round_and_invents_none(studio, lens):
    def halves(points):
        return np.where((points[:, :1] < 0), np.uint8([200, 20, 20]), np.uint8([20, 20, 200]))

    part = replace(QUICK, fill="inpaint")(studio.scene(lens, [studio.front()], halves), Context())
    atlas, color, confidence = texels(part)
    left = (atlas.normal[:, 2] < -0.2) & (atlas.position[:, 0] < -0.25)
    right = (atlas.normal[:, 2] < -0.2) & (atlas.position[:, 0] > 0.25)
    assert confidence[left | right].max() == 0
    assert (color[left, 0] > color[left, 2]).all()
    assert (color[right, 2] > color[right, 0]).all()
    assert color[:, 1].max() <= 21
    assert color[:, [0, 2]].max() <= 201


def test_colours_flow_over_the_large_faces_of_a_plain_box(studio):
    box = studio.box((1, 1, 0.5))

    def stripes(points):
        return np.where((points[:, 1:2] > 0), np.uint8([200, 20, 20]), np.uint8([20, 20, 200]))

    part = replace(QUICK, fill="inpaint")(studio.scene(box, [studio.front()], stripes), Context())
    atlas, color, _ = texels(part)
    near_front = (atlas.position[:, 0] > 0.499) & (atlas.position[:, 2] > 0.15)
    upper, lower = (near_front & (sign * atlas.position[:, 1] > 0.1) for sign in (1, -1))
    assert (color[upper, 0] > color[upper, 2]).mean() > 0.95
    assert (color[lower, 2] > color[lower, 0]).mean() > 0.95


def test_without_filling_the_unseen_is_grey_and_it_is_said(studio, lens_scene):
    said = []
    part = replace(QUICK, fill="none")(lens_scene, Context(warn=said.append))
    atlas, color, _ = texels(part)
    assert (np.abs(color[atlas.normal[:, 2] < -0.1].astype(int) - 127.5) <= 1).all()
    assert len(said) == 1
    assert "not seen" in said[0]
    assert said[0].endswith(".")


def test_padding_leaves_no_background_anywhere_in_the_texture(studio, lens):
    part = QUICK(studio.scene(lens, [studio.front()], studio.plain((200, 30, 30))), Context())
    assert np.abs(part.material.base_color.astype(int) - [200, 30, 30]).max() <= 2


def test_a_piece_that_no_photo_saw_gets_a_colour_of_the_object_not_nonsense(studio):
    ball, hidden = trimesh.creation.icosphere(3, 0.5), trimesh.creation.icosphere(2, 0.1)
    hidden.apply_translation([0, 0.1, -0.8])
    body = studio.mesh_of(trimesh.util.concatenate([ball, hidden]))
    scene = studio.scene(body, [studio.front()], studio.plain((200, 30, 30)))
    atlas, color, confidence = texels(QUICK(scene, Context()))
    alone = atlas.position[:, 2] < -0.65
    assert alone.any()
    assert confidence[alone].max() == 0
    assert np.abs(color[alone].astype(int) - [200, 30, 30]).max() <= 2


def test_cameras_that_miss_the_object_give_grey_and_a_warning(studio, lens_scene, lens):
    elsewhere = Mesh(lens.vertices + np.float32([40, 0, 0]), lens.faces)
    said = []
    part = QUICK(lens_scene.with_mesh(elsewhere), Context(warn=said.append))
    assert (np.abs(part.material.base_color.astype(int) - 127.5) <= 1).all()
    assert part.mesh.confidence.max() == 0
    assert "No photo sees" in said[0]


def test_every_map_can_be_switched(lens_scene, lens):
    both = replace(lens_scene, detail=lens)
    everything = Bake(size_px=SIZE, occlusion_rays=8)(both, Context())
    assert everything.material.normal.shape == (SIZE // 2, SIZE // 2, 3)
    assert everything.material.occlusion.shape == (SIZE // 2, SIZE // 2)
    assert everything.material.roughness_factor < 1
    nothing = QUICK(both, Context())
    assert nothing.material.normal is None
    assert nothing.material.occlusion is None
    assert nothing.material.roughness_factor == 1


def test_without_a_fine_mesh_there_is_no_normal_map(lens_scene):
    assert replace(QUICK, normal_map=True)(lens_scene, Context()).material.normal is None


def test_normals_and_occlusion_are_padded_too(lens_scene, lens):
    part = replace(QUICK, occlusion=True, normal_map=True)(replace(lens_scene, detail=lens), Context())
    assert part.material.occlusion.min() > 240
    assert np.abs(part.material.normal.astype(int) - [128, 128, 255]).max() <= 12


def test_delighting_evens_out_the_shading_of_a_plain_ball(studio):
    ball = studio.ball(3)

    def lit(points):
        shade = 0.35 + 0.3 * np.clip(points @ np.float32([0.6, 0.6, 0.6]) / 0.5, 0, 1)
        return np.rint(255 * np.column_stack([shade, 0.8 * shade, 0.7 * shade])).astype(np.uint8)

    scene = studio.scene(ball, [studio.front()], lit)
    spread = {}
    for delight in (False, True):
        _, color, confidence = texels(replace(QUICK, delight=delight)(scene, Context()))
        spread[delight] = linear_from_srgb(color[confidence == 255]).mean(axis=1).std()
    assert spread[True] < 0.6 * spread[False]


def test_surface_that_was_only_closed_stays_inferred_where_a_photo_shows_something_there(lens_scene, lens):
    guessed = replace(lens, confidence=(lens.vertices[:, 1] > 0).astype(np.float32))
    made = QUICK(lens_scene.with_mesh(guessed), Context())
    atlas, color, confidence = texels(made)
    facing = atlas.normal[:, 2] > 0.5
    assert (confidence[facing & (atlas.position[:, 1] < -0.05)] == 0).all()
    assert (confidence[facing & (atlas.position[:, 1] > 0.05)] == 255).all()
    assert np.array_equal(color, texels(QUICK(lens_scene, Context()))[1]), "the colours are the photo's all the same"


def test_uv_of_its_own_is_kept_when_asked_and_sound(lens_scene, part):
    own = replace(part.mesh, uv=part.mesh.uv * np.float32(0.9), confidence=None)
    kept = replace(QUICK, keep_uv=True)(lens_scene.with_mesh(own), Context(warn=pytest.fail))
    assert (kept.mesh.uv == own.uv).all()
    assert (QUICK(lens_scene.with_mesh(own), Context()).mesh.uv != own.uv).any()


@pytest.mark.parametrize("spoil", [lambda uv: uv * 3, np.zeros_like, lambda uv: uv - 0.5])
def test_unsound_uv_of_its_own_is_replaced_and_it_is_said(lens_scene, part, spoil):
    own = lens_scene.with_mesh(replace(part.mesh, uv=spoil(part.mesh.uv).astype(np.float32)))
    said = []
    remade = replace(QUICK, keep_uv=True)(own, Context(warn=said.append))
    assert uv_overlap(remade.mesh) < 1e-4
    assert "unwrapped anew" in said[0]


@pytest.mark.parametrize(
    "options",
    [
        {"size_px": 511},
        {"size_px": 8193},
        {"min_symmetry": 1.5},
        {"edge_px": -1},
        {"occlusion_rays": 0},
    ],
)
def test_options_out_of_range_are_refused_with_advice(options):
    with pytest.raises(RecipeError) as refusal:
        Bake(**options)
    assert refusal.value.code == "bad-option"
    assert next(iter(options)) in refusal.value.message
    assert refusal.value.hint


def test_a_mesh_without_area_is_refused(lens_scene):
    needle = Mesh(np.float32([[0, 0, 0], [0, 0.1, 0], [0, 0.2, 0]]), np.int32([[0, 1, 2]]))
    with pytest.raises(StageFailed, match="no surface"):
        QUICK(lens_scene.with_mesh(needle), Context())


def test_progress_rises_to_one_and_cancelling_gets_through(lens_scene):
    told = []
    QUICK(lens_scene, Context(progress=told.append))
    assert told == sorted(told)
    assert told[-1] == 1.0

    def stop(fraction):
        if fraction > 0.2:
            raise Cancelled

    with pytest.raises(Cancelled):
        QUICK(lens_scene, Context(progress=stop))


def test_the_same_seed_gives_the_same_bytes_and_the_source_is_untouched(lens_scene, lens, part):
    before = lens.vertices.copy(), lens.faces.copy()
    again = QUICK(lens_scene, Context())
    assert (again.material.base_color == part.material.base_color).all()
    assert (again.mesh.uv == part.mesh.uv).all()
    assert (lens.vertices == before[0]).all()
    assert (lens.faces == before[1]).all()


def test_moving_and_scaling_everything_together_changes_no_colour(studio, lens_scene, part):
    from unflat.geometry.meshes import transformed_reconstruction

    move = np.diag([0.01, 0.01, 0.01, 1.0])
    move[:3, 3] = [5, -3, 2]
    moved = QUICK(transformed_reconstruction(lens_scene, move), Context())
    assert studio.psnr(moved.material.base_color, part.material.base_color) > 30


def test_of_two_planes_the_one_that_covers_most_goes_first_and_the_other_leaves_the_rim_alone(studio):
    # Left and right are painted apart. The body is its own image left to right and front to back; what the camera
    # could not see at the rim must come from its own side, never from the other side's paint.
    ball = studio.ball()

    def halves(points):
        return np.where((points[:, :1] < 0), np.uint8([200, 20, 20]), np.uint8([20, 20, 200]))

    atlas, color, _ = texels(QUICK(studio.scene(ball, [studio.front()], halves), Context()))
    left, right = atlas.position[:, 0] < -0.1, atlas.position[:, 0] > 0.1
    assert (color[left, 2] < 30).all()
    assert (color[right, 0] < 30).all()
