"""What every backend promises, whoever wrote it: run over all that are registered and installed."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

import unflat.stages
from unflat.core import Context, DepthMap, Drawing, Mesh, PointCloud, Reconstruction, Tracks, View, Views
from unflat.geometry.cameras import project
from unflat.geometry.meshes import weld_map
from unflat.geometry.topology import is_closed
from unflat.nets.shipped_weights import SHIPPED
from unflat.stages.catalog import all_cards, find_card
from unflat.stages.options import build
from unflat.synth.capture import orbit_views, patterned_part
from unflat.synth.solids import sphere

HAS_WEIGHTS = (SHIPPED / "single_view.json").is_file()
CARDS = [card for card in all_cards() if not card.missing and (HAS_WEIGHTS or card.name != "single-view")]


def of_stage(stage):
    return [pytest.param(card, id=card.name) for card in CARDS if card.stage == stage]


def ball_views(count=1):
    """Photographs of a patterned ball; the files carry their alpha."""
    views = orbit_views(patterned_part(sphere()), count, 15.0, size_px=160)
    items = []
    for view in views.items:
        alpha = np.uint8(np.rint(view.mask.alpha * 255))
        items.append(dataclasses.replace(view, photo=dataclasses.replace(view.photo, alpha=alpha)))
    return Views(tuple(items))


def with_tracks(views):
    """The views with points of the ball, as the pose stage would have found them."""
    points = np.random.default_rng(0).normal(size=(400, 3))
    points *= 0.5 / np.linalg.norm(points, axis=1, keepdims=True)
    seen = [(p, v) for v, view in enumerate(views.items) for p in range(len(points))
            if (view.camera.center - points[p]) @ points[p] > 0.1]  # fmt: skip
    point_idx, view_idx = np.array(seen, np.int32).T
    count = len(points)
    tracks = Tracks(points.astype(np.float32), np.zeros((count, 3), np.uint8), np.zeros(count, np.float32),
                    np.ascontiguousarray(point_idx), np.ascontiguousarray(view_idx))  # fmt: skip
    return Views(views.items, tracks)


def source_for(card):
    views = ball_views(8 if "views" in card.takes and "photo" not in card.takes else 1)
    if card.name == "multi-view-stereo":
        return with_tracks(ball_views(16))
    if card.name == "relief":
        depth = DepthMap(views.items[0].depth.depth, views.items[0].depth.scale)
        return Views((dataclasses.replace(views.items[0], depth=depth),))
    return views


def reconstruction_of(card):
    return build(card.load(), {}, where=card.name)(source_for(card), Context())


@pytest.fixture(scope="module")
def meshed():
    """A closed mesh with the view that saw it."""
    reconstruction = reconstruction_of(find_card("reconstruct", "inflate"))
    return build(find_card("surface", "marching-cubes").load(), {}, where="surface")(reconstruction, Context())


@pytest.mark.parametrize("card", of_stage("segment"))
def test_a_segmenter_gives_a_mask_of_its_photos_size_and_says_who_made_it(card):
    result = build(card.load(), {}, where=card.name)(ball_views().items[0].photo, Context())
    assert isinstance(result, View | Drawing)
    assert result.mask.alpha.shape == result.photo.pixels.shape[:2]
    assert result.mask.made_by in {other.name for other in CARDS if other.stage == "segment"}
    assert 0 <= result.mask.confidence <= 1


@pytest.mark.parametrize("card", of_stage("segment"))
def test_a_segmenter_does_not_touch_its_photo(card):
    photo = ball_views().items[0].photo
    before = photo.pixels.copy()
    build(card.load(), {}, where=card.name)(photo, Context())
    assert np.array_equal(photo.pixels, before)


@pytest.mark.parametrize("card", of_stage("reconstruct"))
def test_a_reconstruction_projects_into_the_mask_it_came_from(card):
    reconstruction = reconstruction_of(card)
    assert isinstance(reconstruction, Reconstruction)
    shape = reconstruction.shape
    if not isinstance(shape, PointCloud):
        surfacer = build(find_card("surface", "marching-cubes").load(), {}, where="surface")
        shape = surfacer(reconstruction, Context()).mesh
    points = shape.points if isinstance(shape, PointCloud) else shape.vertices
    for view in reconstruction.views.items:
        pixels, depth = project(view.camera, points.astype(np.float64))
        assert (depth > 0).all(), "the object is in front of its cameras"
        left, top, right, bottom = view.mask.box
        slack = 0.03 * max(right - left, bottom - top)
        assert (pixels.min(axis=0) > [left - slack, top - slack]).all()
        assert (pixels.max(axis=0) < [right + slack, bottom + slack]).all()


@pytest.mark.parametrize("card", of_stage("reconstruct"))
def test_a_reconstructor_tells_its_progress_and_can_be_stopped(card):
    class Stopped(Exception):
        pass

    def stop(_):
        raise Stopped

    with pytest.raises(Stopped):
        build(card.load(), {}, where=card.name)(source_for(card), Context(progress=stop))


@pytest.mark.parametrize("card", of_stage("finish"))
def test_a_finish_step_keeps_a_closed_mesh_closed(card, meshed):
    finished = build(card.load(), {}, where=card.name)(meshed, Context())
    mesh = finished.mesh
    assert isinstance(mesh, Mesh)
    assert is_closed(weld_map(mesh.vertices)[mesh.faces])
    assert len(finished.views.items) == len(meshed.views.items)


@pytest.mark.parametrize("card", of_stage("finish"))
def test_a_finish_step_keeps_the_mesh_before_its_cameras(card, meshed):
    finished = build(card.load(), {}, where=card.name)(meshed, Context())
    view = finished.views.items[0]
    pixels, _ = project(view.camera, finished.mesh.vertices.astype(np.float64))
    left, top, right, bottom = view.mask.box
    low, high = pixels.min(axis=0), pixels.max(axis=0)
    assert np.allclose([*low, *high], [left, top, right, bottom], atol=0.05 * (right - left))


@pytest.mark.parametrize("card", of_stage("texture"))
def test_a_texturer_gives_uv_inside_the_square_and_says_what_was_seen(card, meshed):
    options = {"size_px": 512}
    part = build(card.load(), options, where=card.name)(meshed, Context())
    assert part.mesh.uv.min() >= 0
    assert part.mesh.uv.max() <= 1
    assert 0 < part.mesh.confidence.mean() < 1
    assert part.material.base_color.shape == (512, 512, 3)


def test_backends_do_not_import_each_other():
    root = Path(unflat.stages.__file__).parent
    targets = {card.target.split(":")[0] for card in all_cards() if card.target.startswith("unflat.")}
    for module in targets:
        text = (root.parent.parent / (module.replace(".", "/") + ".py")).read_text()
        others = [other for other in targets - {module} if f"from {other} " in text or f"import {other}" in text]
        assert not others, f"{module} imports {others}"


def test_every_card_states_licence_and_summary():
    for card in all_cards():
        assert card.licence
        assert card.summary
        assert not card.missing or card.extra, f"{card.name} needs modules but names no extra"
