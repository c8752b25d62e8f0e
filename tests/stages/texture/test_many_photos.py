"""From many photos: exposures evened out, strangers voted out, no seams, and sharper than a mixture."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import trimesh

from unflat.core import Cancelled, Context, Mask, Mesh, Photo, Reconstruction, View, Views
from unflat.core.color import linear_from_srgb, srgb_from_linear
from unflat.geometry.cameras import project
from unflat.stages.texture import atlas as atlas_module
from unflat.stages.texture.atlas import atlas_of
from unflat.stages.texture.bake import Bake
from unflat.stages.texture.many import chosen, levelling, painting
from unflat.stages.texture.projection import observed
from unflat.stages.texture.unwrap import unwrapped

from .tour import STRANGER, lattice, tour

SIZE = 512
QUICK = Bake(size_px=SIZE, delight=False, occlusion=False, normal_map=False, roughness=False)


def textured(scene, how=chosen):
    """What a way of texturing says of each texel of a scene."""
    mesh = unwrapped(scene.mesh, np.eye(3), 4 / SIZE)
    atlas = atlas_of(mesh, SIZE)
    found = how(atlas, mesh, scene.views.items, 2, Context())
    seen = found if how is observed else found.observed
    return SimpleNamespace(atlas=atlas, mesh=mesh, share=seen.share, seen=seen.seen, linear=seen.color, found=found)


def likeness(result, paint, where=None, exposed=True):
    """PSNR of the texels against the paint, where both are known; one factor per channel is left open if `exposed`."""
    known = (result.share > 0.99) if where is None else (result.share > 0.99) & where
    truth = linear_from_srgb(paint(result.atlas.position))
    factor = np.median(truth[known] / np.maximum(result.linear[known], 1e-3), axis=0) if exposed else 1
    error = srgb_from_linear((result.linear[known] * factor).astype(np.float32)).astype(float) - paint(
        result.atlas.position[known]
    )
    return float(10 * np.log10(255**2 / np.mean(error**2)))


@pytest.fixture(scope="module")
def pear(studio):
    """A body that is nowhere like itself."""
    body = trimesh.creation.icosphere(4, 0.5)
    x, y, z = body.vertices.T
    body.vertices *= (1 + 0.1 * np.sin(5 * x + 1) * np.cos(4 * y) + 0.1 * z)[:, None]
    return studio.mesh_of(body)


@pytest.fixture(scope="module")
def rough_tour(studio, pear):
    """Everything that goes wrong on a real tour, at once."""
    return tour(studio, pear, lattice, exposure=0.2, vignette=0.3, misplaced=0.4, stranger=3)


@pytest.fixture(scope="module")
def best(rough_tour):
    return textured(rough_tour.scene)


@pytest.fixture(scope="module")
def blended(rough_tour):
    return textured(rough_tour.scene, observed)


def met_by_the_stranger(rough_tour, atlas):
    """Texels that lie where the stranger stands in the way."""
    number, walker = rough_tour.stranger
    camera = rough_tour.views[number].camera
    pixels = project(camera, atlas.position.astype(np.float64))[0].astype(int)
    facing = np.einsum("ni,ni->n", atlas.normal, camera.center - atlas.position) > 0.2
    return facing & walker[pixels[:, 1].clip(0, 255), pixels[:, 0].clip(0, 255)]


def test_a_rough_tour_gives_the_paint_and_better_than_a_mixture(best, blended):
    assert (best.share > 0.99).mean() > 0.98
    assert likeness(best, lattice) > 24.5
    assert likeness(best, lattice) > likeness(blended, lattice) + 4


def test_nothing_of_the_stranger_is_left(rough_tour, best, blended):
    there = met_by_the_stranger(rough_tour, best.atlas)
    assert there.sum() > 1000
    stranger = linear_from_srgb(np.array(STRANGER, np.uint8))
    like = {name: np.abs(result.linear[there] - stranger).max(axis=1) for name, result in
            (("best", best), ("blended", blended))}  # fmt: skip
    assert (like["blended"] < 0.35).mean() > 0.1
    assert (like["best"] < 0.35).mean() < 0.001
    assert likeness(best, lattice, there) > 22


def test_photos_taken_with_different_exposures_give_one_tone(studio, pear):
    def plain(points):
        return np.broadcast_to(np.uint8([140, 120, 100]), (len(points), 3))

    shots = tour(studio, pear, plain, exposure=0.3)
    result = textured(shots.scene)
    tone = np.log(result.linear[result.share > 0.99])
    assert np.abs(tone - np.median(tone, axis=0)).max() < 0.03
    mixed = textured(shots.scene, observed)
    assert np.log(mixed.linear[mixed.share > 0.99]).std() > 0.1


def test_dark_corners_of_photos_leave_no_seam(studio, pear, monkeypatch):
    def plain(points):
        return np.broadcast_to(np.uint8([140, 120, 100]), (len(points), 3))

    shots = tour(studio, pear, plain, vignette=0.8)
    levelled = textured(shots.scene)
    unlevelled = levelling.corrections_of
    from unflat.stages.texture.many import choosing

    monkeypatch.setattr(choosing, "corrections_of", lambda *args: 0 * unlevelled(*args))
    raw = textured(shots.scene)
    unevenness = {}
    for name, result in (("levelled", levelled), ("raw", raw)):
        tone = np.log(result.linear[result.share > 0.99])
        unevenness[name] = (tone - np.median(tone, axis=0)).std()
    assert unevenness["levelled"] < 0.8 * unevenness["raw"]
    picture = levelled.atlas.image(levelled.linear[:, 1] / np.nanmedian(levelled.linear[:, 1]), np.nan)
    # One step of a byte is 0.02 here.
    assert np.nanpercentile(np.abs(np.diff(picture, axis=1)), 99.95) < 0.025


def test_where_detail_is_a_pixel_off_a_border_shows_no_cut(rough_tour, best, monkeypatch):
    # Without cross-fading, the steps between neighbouring texels are larger.
    from unflat.stages.texture.many import choosing

    def hard(sites, candidates, usable, label):
        return choosing_shares(sites, candidates, usable & (candidates.view == label[:, None]), label)

    choosing_shares = choosing.shares_of
    monkeypatch.setattr(choosing, "shares_of", hard)
    cut = textured(rough_tour.scene)

    def excess(result):
        """How much larger the steps of the texture are than those of the paint."""

        def steps(values):
            return np.abs(np.diff(result.atlas.image(values, np.nan), axis=1))

        truth = steps(lattice(result.atlas.position).astype(np.float32)[:, 1])
        found = steps(srgb_from_linear(np.nan_to_num(result.linear)).astype(np.float32)[:, 1])
        return np.nanmean(np.maximum(found - truth, 0) ** 2)

    assert excess(best) < 0.97 * excess(cut)


def test_confidence_says_what_was_seen(studio, pear):
    shots = tour(studio, pear, lattice)
    above = [view for view in shots.views if view.camera.center[1] > -0.5]
    result = textured(Reconstruction(pear, Views(tuple(above))))
    below = result.atlas.normal[:, 1] < -0.99
    assert result.share[below].max() == 0
    assert result.seen[below].max() == 0
    assert np.isnan(result.linear[below]).all()
    assert (result.seen[result.atlas.normal[:, 1] > 0] > 0.99).mean() > 0.98


def test_the_colour_of_an_occluder_is_not_painted_through(studio):
    screen = trimesh.creation.box((0.4, 0.4, 0.05), trimesh.transformations.translation_matrix([0, 0, 0.4]))
    wall = trimesh.creation.box((1, 1, 0.1))
    both = studio.mesh_of(trimesh.util.concatenate([wall, screen]))

    def paint(points):
        return np.where((points[:, 2] > 0.3)[:, None], np.uint8([255, 0, 0]), np.uint8([0, 0, 255]))

    cameras = [studio.camera_at(at) for at in ((0, 0, 1), (0.5, 0, 1), (-0.5, 0, 1), (0, 0.5, 1), (0, -0.5, 1))]
    result = textured(studio.scene(both, cameras, paint))
    front_of_wall = (result.atlas.position[:, 2] < 0.3) & (result.atlas.normal[:, 2] > 0.99)
    known = front_of_wall & (result.share > 0)
    assert known.sum() > 0.95 * front_of_wall.sum()
    assert result.linear[known, 0].max() < 0.02


def test_masks_keep_the_background_out(studio):
    body = studio.mesh_of(trimesh.creation.torus(0.35, 0.12, 64, 32))
    around = [(np.sin(turn), 0.7, np.cos(turn)) for turn in np.linspace(0, 2 * np.pi, 7)[:-1]]
    scene = studio.scene(body, [studio.camera_at(at) for at in around], studio.plain((200, 30, 30)))
    result = textured(scene)
    known = result.share > 0
    assert known.mean() > 0.6
    color = srgb_from_linear(result.linear[known])
    assert color[:, 1].max() <= 32
    assert color[:, 0].min() >= 196


def test_what_a_bent_lens_never_saw_is_not_taken_from_its_picture(studio, pear):
    # Far outside the picture this lens's polynomial folds back into it: what stands at 46 degrees lands in the middle.
    cameras = [replace(studio.camera_at(at), distortion=(-0.9, 0.0, 0.0, 0.0, 0.0)) for at in
               ((0, 0.1, 1), (0.1, 0, 1), (-0.1, 0, 1), (0, -0.1, 1))]  # fmt: skip
    views = tuple(replace(studio.photograph(pear, camera, lattice), mask=None) for camera in cameras)
    aside = Mesh(0.3 * pear.vertices + np.float32([3.15, 0, 0]), pear.faces)
    assert all(np.abs(project(camera, aside.vertices.astype(float))[0] - 128).min() < 64 for camera in cameras)
    both = Mesh(np.vstack([pear.vertices, aside.vertices]), np.vstack([pear.faces, aside.faces + len(pear.vertices)]))
    result = textured(Reconstruction(both, Views(views)))
    near = result.atlas.position[:, 0] < 2
    assert (result.share[near & (result.atlas.normal[:, 2] > 0.7)] > 0.99).mean() > 0.98
    assert likeness(result, lattice, near) > 24
    assert result.share[~near].max() == 0


def test_a_photo_finer_than_the_texture_is_averaged_not_sampled(studio):
    plate = studio.box((1, 1, 0.1), 4)
    checker = np.indices((2048, 2048)).sum(axis=0) % 2 * np.uint8(255)
    photo = Photo(np.repeat(checker.astype(np.uint8)[:, :, None], 3, axis=2))
    cameras = [studio.camera_at((x, y, 3), 2048) for x, y in ((0, 0), (0.2, 0), (0, 0.2), (-0.2, -0.2))]
    result = textured(Reconstruction(plate, Views(tuple(View(photo, None, camera) for camera in cameras))))
    level = result.linear[(result.seen == 1) & (result.atlas.normal[:, 2] > 0.99)]
    assert len(level) > 1000
    assert np.abs(level - 0.5).mean() < 0.03


def test_large_faces_take_different_photos_in_different_places(studio):
    # Twelve faces, each seen whole by few cameras.
    box = studio.box((1, 0.8, 0.6))
    shots = tour(studio, box, lattice)
    result = textured(shots.scene)
    assert (result.share > 0.99).mean() > 0.98
    assert likeness(result, lattice) > 26


def test_it_makes_no_difference_in_how_many_pieces_the_texture_is_worked_on(rough_tour, monkeypatch):
    for choice in ("best", "blend"):
        whole = replace(QUICK, choice=choice, delight=True, occlusion=True, occlusion_rays=4, roughness=True)
        scene = replace(rough_tour.scene, detail=rough_tour.mesh)
        one = replace(whole, normal_map=True)(scene, Context())
        monkeypatch.setattr(atlas_module, "_PIECE", 30_000)
        monkeypatch.setattr(painting, "_TEXELS_AT_ONCE", 5_000)
        many = replace(whole, normal_map=True)(scene, Context())
        monkeypatch.undo()
        for name in ("base_color", "confidence", "normal", "occlusion"):
            difference = np.abs(getattr(one.material, name).astype(int) - getattr(many.material, name))
            assert difference.max() <= 1, (choice, name)


def test_photos_that_lie_on_disk_are_used_where_they_lie(rough_tour, best, tmp_path):
    views = []
    for number, view in enumerate(rough_tour.views):
        np.save(tmp_path / f"{number}.npy", view.photo.pixels)
        mapped = np.load(tmp_path / f"{number}.npy", mmap_mode="r")
        views.append(replace(view, photo=Photo(mapped)))
    again = textured(Reconstruction(rough_tour.mesh, Views(tuple(views))))
    assert np.array_equal(again.linear, best.linear, equal_nan=True)


def test_from_four_perspective_photos_on_the_best_are_chosen_else_all_are_blended(rough_tour):
    def baked(count, choice):
        return replace(QUICK, choice=choice)(
            Reconstruction(rough_tour.mesh, Views(rough_tour.views[:count])), Context()
        ).material.base_color

    assert np.array_equal(baked(4, "auto"), baked(4, "best"))
    assert np.array_equal(baked(3, "auto"), baked(3, "blend"))
    assert not np.array_equal(baked(4, "auto"), baked(4, "blend"))


def test_progress_rises_and_cancelling_gets_through(rough_tour):
    told = []
    QUICK(rough_tour.scene, Context(progress=told.append))
    assert told == sorted(told)
    assert told[-1] == 1.0

    def stop(fraction):
        if fraction > 0.3:
            raise Cancelled

    with pytest.raises(Cancelled):
        QUICK(rough_tour.scene, Context(progress=stop))


def test_cameras_that_look_elsewhere_give_grey_and_a_warning(rough_tour):
    said = []
    away = Mesh(rough_tour.mesh.vertices + np.float32([0, 50, 0]), rough_tour.mesh.faces)
    part = QUICK(rough_tour.scene.with_mesh(away), Context(warn=said.append))
    assert (np.abs(part.material.base_color.astype(int) - 127.5) <= 1).all()
    assert "No photo sees" in said[0]


def test_masks_that_show_another_object_leave_this_one_unseen(studio, pear):
    shots = tour(studio, pear, lattice, count=6)
    corner = np.zeros((256, 256), np.float32)
    corner[:20, :20] = 1
    views = tuple(replace(view, mask=Mask(corner)) for view in shots.views)
    assert textured(Reconstruction(pear, Views(views))).share.max() == 0


@pytest.mark.parametrize("exponent", [20, 80])
def test_a_highlight_that_stays_while_the_camera_moves_tells_the_roughness(studio, exponent):
    ball = studio.ball()
    light = np.array([0.4, 0.8, 0.45]) / np.linalg.norm([0.4, 0.8, 0.45])
    views = []
    for direction in np.random.default_rng(1).normal(size=(14, 3)) + light:
        camera = studio.camera_at(direction, 192)

        def shiny(points, camera=camera):
            normal = points / np.maximum(np.linalg.norm(points, axis=1, keepdims=True), 1e-9)
            middle = camera.center - points
            middle = middle / np.maximum(np.linalg.norm(middle, axis=1, keepdims=True), 1e-9) + light
            cosine = np.clip(np.einsum("ni,ni->n", normal, middle) / np.linalg.norm(middle, axis=1), 0, 1)
            paint = linear_from_srgb(studio.patchwork(points)) * 0.5
            return srgb_from_linear((paint + 0.4 * cosine[:, None] ** exponent).astype(np.float32))

        views.append(replace(studio.photograph(ball, camera, shiny, samples=1), mask=None))
    shininess = textured(Reconstruction(ball, Views(tuple(views)))).found.shininess
    assert shininess.highlight_found
    # Blinn and Phong's exponent p is Beckmann's alpha = sqrt(2 / (p + 2)).
    assert shininess.roughness == pytest.approx((2 / (exponent + 2)) ** 0.25, abs=0.08)


def test_a_matte_body_has_no_highlight(best):
    assert not best.found.shininess.highlight_found
    assert best.found.shininess.roughness == 0.85
