"""The parts of texturing from many photos, one by one, on worlds of a few sites."""

from itertools import product

import cv2
import numpy as np
import pytest
import trimesh

from unflat.core import Context, Photo, Reconstruction, View, Views
from unflat.stages.texture.division import divided, located
from unflat.stages.texture.many.agreement import Agreement, agreement_of, tone_of
from unflat.stages.texture.many.candidates import Candidates, candidates_of
from unflat.stages.texture.many.gains import gains_of
from unflat.stages.texture.many.gloss import stands_out
from unflat.stages.texture.many.labelling import labelled
from unflat.stages.texture.many.levelling import corrections_of
from unflat.stages.texture.many.pairing import pairing_of
from unflat.stages.texture.many.shares import shares_of
from unflat.stages.texture.many.sites import sites_of

from .tour import lattice, tour


def seen_by(view, color=None, quality=None) -> Candidates:
    """Sites that these views see whole; -1 for none."""
    view = np.asarray(view, np.int16)
    color = np.full((*view.shape, 3), 0.3) if color is None else np.asarray(color, float)
    quality = np.ones(view.shape) if quality is None else np.asarray(quality, float)
    known = view >= 0
    return Candidates(
        view,
        np.where(known, quality, 0).astype(np.float32),
        np.where(known[..., None], color, np.nan).astype(np.float32),
        np.ones(len(view), np.float32),
        known,
        np.ones(len(view), np.float32),
    )


def chain(count):
    return np.column_stack([np.arange(count - 1), np.arange(1, count)]).astype(np.int32)


def grid(rows, columns):
    number = np.arange(rows * columns).reshape(rows, columns)
    across = np.column_stack([number[:, :-1].ravel(), number[:, 1:].ravel()])
    return np.vstack([across, np.column_stack([number[:-1].ravel(), number[1:].ravel()])]).astype(np.int32)


def cost_of(label, quality, pairs):
    doublings = np.log2(quality.max(axis=1) / quality[np.arange(len(label)), label])
    return doublings.sum() + (label[pairs[:, 0]] != label[pairs[:, 1]]).sum()


@pytest.mark.parametrize("divisions", [1, 2, 3])
def test_a_point_of_a_face_is_found_in_its_part(studio, divisions):
    mesh = studio.ball(1)
    vertices, corners = mesh.vertices, mesh.faces
    for _ in range(divisions):
        vertices, corners = divided(vertices, corners)
    assert len(corners) == len(mesh.faces) * 4**divisions
    rng = np.random.default_rng(divisions)
    face = rng.integers(0, len(mesh.faces), 500).astype(np.int32)
    weights = rng.dirichlet(np.ones(3), 500).astype(np.float32)
    part, within = located(face, weights, divisions)
    assert (part >> 2 * divisions == face).all()
    assert within.min() > -1e-5
    assert np.allclose(within.sum(axis=1), 1, atol=1e-5)
    place = np.einsum("nk,nkc->nc", weights, mesh.vertices[mesh.faces[face]])
    assert np.allclose(np.einsum("nk,nkc->nc", within, vertices[corners[part]]), place, atol=1e-6)


def test_sites_of_a_closed_body_each_have_three_neighbours_and_all_its_area(studio):
    box = studio.box()
    sites = sites_of(box)
    assert sites.divisions > 2
    assert (np.bincount(sites.pairs.ravel()) == 3).all()
    assert sites.area.sum() == pytest.approx(6, rel=1e-4)
    fine = sites_of(studio.ball(6))
    assert fine.divisions == 0


def test_gains_are_found_although_every_tenth_site_is_wrong():
    rng = np.random.default_rng(0)
    gains = np.exp(rng.normal(0, 0.3, (5, 3)))
    gains /= np.exp(np.log(gains).mean(axis=0))
    view = np.argsort(rng.random((2000, 5)), axis=1)[:, :3]
    color = rng.uniform(0.05, 0.4, (2000, 1, 3)) / gains[view]
    color[::10, 0] = rng.uniform(0.05, 0.8, (200, 3))
    assert np.allclose(gains_of(seen_by(view, color), 5), gains, rtol=0.01)


def test_photos_that_share_no_site_keep_their_exposure():
    color = np.random.default_rng(0).uniform(0.1, 0.5, (100, 1, 3))
    assert np.allclose(gains_of(seen_by(np.repeat([[0], [1]], 50, axis=0), color), 2), 1, atol=0.01)
    assert (gains_of(seen_by([[-1]]), 3) == 1).all()


def test_one_of_three_is_outvoted_but_nobody_of_two_nor_two_of_four():
    usual, strange = [0.3, 0.2, 0.1], [0.8, 0.1, 0.6]
    candidates = seen_by(
        [[0, 1, 2, -1], [0, 1, -1, -1], [0, 1, 2, 3]],
        [[usual, strange, usual, usual], [usual, strange, usual, usual], [usual, strange, usual, strange]],
    )
    lonely = pairing_of(np.zeros((0, 2), np.int32), candidates.view)
    agreement = agreement_of(candidates, tone_of(candidates.color), lonely)
    assert agreement.inlier.tolist() == [[True, False, True, False], [True, True, False, False], [True] * 4]
    assert np.allclose(agreement.tone[0], tone_of(np.float32(usual)), atol=1e-6)


def test_a_site_that_cannot_tell_follows_its_neighbours():
    usual, strange = [0.3, 0.2, 0.1], [0.8, 0.1, 0.6]
    color = np.full((9, 3, 3), usual)
    color[:, 2] = strange
    view = np.tile([[0, 1, 2]], (9, 1))
    view[4, 1] = -1
    candidates = seen_by(view, color)
    agreement = agreement_of(candidates, tone_of(candidates.color), pairing_of(grid(3, 3), candidates.view))
    assert not agreement.inlier[:, 2].any()
    assert agreement.inlier[4].tolist() == [True, False, False]


@pytest.mark.parametrize("seed", range(6))
def test_on_a_chain_the_labels_are_the_best_of_all(seed):
    quality = 2 ** np.random.default_rng(seed).normal(0, 2, (7, 3)).astype(np.float32)
    view, pairs = np.tile(np.arange(3, dtype=np.int16), (7, 1)), chain(7)
    found = labelled(view, quality, np.ones((7, 3), bool), np.ones(7, np.float32), pairs)
    least = min(cost_of(np.array(every), quality, pairs) for every in product(range(3), repeat=7))
    assert cost_of(found, quality, pairs) == pytest.approx(least, rel=1e-4)


def test_on_a_grid_the_labels_are_hardly_dearer_than_the_best_of_all():
    pairs, view = grid(3, 4), np.tile(np.arange(2, dtype=np.int16), (12, 1))
    excess = []
    for seed in range(12):
        quality = 2 ** np.random.default_rng(seed).normal(0, 2, (12, 2)).astype(np.float32)
        found = labelled(view, quality, np.ones((12, 2), bool), np.ones(12, np.float32), pairs)
        least = min(cost_of(np.array(every), quality, pairs) for every in product(range(2), repeat=12))
        excess.append(cost_of(found, quality, pairs) / least - 1)
    assert np.mean(excess) < 0.02
    assert max(excess) < 0.15


def test_borders_are_few_go_through_plain_places_and_no_view_is_taken_that_is_not_usable():
    rng = np.random.default_rng(0)
    quality = (1 + 0.3 * rng.random((400, 4))).astype(np.float32)
    view, pairs = np.tile(np.arange(4, dtype=np.int16), (400, 1)), grid(20, 20)
    usable = np.ones((400, 4), bool)
    usable[7] = False
    column = np.arange(400) % 20
    usable[column < 8, 0] = usable[column < 8, 1] = False
    usable[column > 11, 2] = usable[column > 11, 3] = False
    detail = np.where(column == 9, 0.01, 1).astype(np.float32)
    found = labelled(view, quality, usable, detail, pairs)
    assert found[7] == -1
    assert usable[np.arange(400), found][np.arange(400) != 7].all()
    one, other = found[pairs].T
    border = (one != other) & (one >= 0) & (other >= 0)
    greedy = np.argmax(np.where(usable, quality, 0), axis=1)[pairs]
    assert border.sum() < 0.1 * (greedy[:, 0] != greedy[:, 1]).sum()
    assert np.isin(column[pairs[border]], 9).any(axis=1).mean() > 0.6


def test_a_blurred_photo_gives_way_to_a_sharp_one(studio):
    ball = studio.ball(3)
    shots = tour(studio, ball, lattice, count=6)
    blurred = tuple(
        View(Photo(cv2.GaussianBlur(view.photo.pixels, (0, 0), 4)), None, view.camera) for view in shots.views
    )
    # Each photo twice, once blurred: same place, same size.
    views = Reconstruction(ball, Views(tuple(v for pair in zip(blurred, shots.views, strict=True) for v in pair)))
    candidates = candidates_of(sites_of(ball), ball, views.views.items, 2, Context())
    best = candidates.view[candidates.whole[:, 0], 0]
    assert (best % 2 == 1).mean() > 0.95


@pytest.mark.parametrize("covered", [0.1094, 0.1016])
def test_what_a_wire_hides_is_not_seen_whole(studio, covered):
    """A wire less than a pixel wide, thinner than the distance of the rays that look for edges: once over corners of
    sites, once over their middles."""
    wall = trimesh.creation.box((1, 1, 0.1))
    for _ in range(4):
        wall = wall.subdivide()
    # Seen from 3 m, what stands at 0.3 m covers what lies 2.95 / 2.7 times as far to the side on the wall.
    place = trimesh.transformations.translation_matrix([covered * 2.7 / 2.95, 0, 0.3])
    wire = trimesh.creation.box((0.005, 1.2, 0.005), place)
    both = studio.mesh_of(trimesh.util.concatenate([wall, wire]))
    camera = studio.camera_at((0, 0, 1), 256)
    sites = sites_of(both)
    candidates = candidates_of(sites, both, (studio.photograph(both, camera, studio.patchwork),), 2, Context())
    places = sites.vertices[sites.corners]
    middle = places.mean(axis=1)
    front = (middle[:, 2] > 0.049) & (middle[:, 2] < 0.06)
    probed = np.concatenate([places, middle[:, None]], axis=1)[:, :, 0]
    behind = front & (np.abs(probed - covered) < 0.0012).any(axis=1)
    behind |= front & (np.abs(middle[:, 0] - covered) < 0.003)
    beside = front & (np.abs(middle[:, 0] - covered) > 0.06) & (np.abs(middle[:, :2]) < 0.4).all(axis=1)
    assert behind.sum() > 10
    assert not candidates.whole[behind].any()
    assert candidates.whole[beside].all()


@pytest.fixture(scope="module")
def halves(studio):
    """A ball of which view 0 colours the left, view 1 the right; both see the middle, and view 1 is darker."""
    sites = sites_of(studio.ball(3))
    x = sites.vertices[sites.corners].mean(axis=1)[:, 0]
    view = np.column_stack([np.where(x < 0.2, 0, -1), np.where(x > -0.2, 1, -1)])
    color = np.broadcast_to(np.array([[0.3], [0.25]]), (len(sites), 2, 3))
    candidates = seen_by(view, color)
    label = np.where(x < 0, 0, 1).astype(np.int16)
    shares = shares_of(sites, candidates, candidates.view >= 0, label)
    return sites, candidates, label, shares


def test_shares_add_up_to_one_and_are_the_same_from_all_sides(halves):
    sites, _, label, shares = halves
    total = np.zeros((len(sites), 3))
    np.add.at(total, shares.site, shares.weight)
    assert np.allclose(total, 1)
    at_vertex = np.full((len(sites.vertices), 2), np.nan)
    for site, view, weight in zip(shares.site, shares.view, shares.weight, strict=True):
        for vertex, share in zip(sites.corners[site], weight, strict=True):
            assert np.isnan(at_vertex[vertex, view]) or at_vertex[vertex, view] == pytest.approx(share)
            at_vertex[vertex, view] = share
    mixed = (shares.weight > 0) & (shares.weight < 1)
    assert mixed.any()
    touches_border = np.isin(sites.corners, np.intersect1d(sites.corners[label == 0], sites.corners[label == 1]))
    assert touches_border[shares.site][mixed].all()


def test_where_the_chosen_view_ends_another_that_both_sides_have_takes_over(studio):
    sites = sites_of(studio.ball(3))
    x = sites.vertices[sites.corners].mean(axis=1)[:, 0]
    # View 0 ends where it was chosen up to, so does view 1; view 2 sees all.
    view = np.column_stack([np.where(x < 0, 0, -1), np.where(x >= 0, 1, -1), np.full(len(x), 2)])
    candidates = seen_by(view)
    shares = shares_of(sites, candidates, candidates.view >= 0, np.where(x < 0, 0, 1).astype(np.int16))
    at_border = np.intersect1d(sites.corners[x < 0], sites.corners[x >= 0])
    there = np.isin(sites.corners[shares.site], at_border)
    assert there.any()
    assert (shares.weight[there & (shares.view == 2)[:, None]] == 1).all()
    assert (shares.weight[there & (shares.view != 2)[:, None]] == 0).all()


def test_a_constant_difference_is_levelled_to_what_all_agree_on(halves):
    sites, candidates, _, shares = halves
    tones = tone_of(candidates.color)
    agreed = tone_of(np.full((len(sites), 3), 0.275, np.float32))
    corrections = corrections_of(sites, candidates, tones, Agreement(candidates.view >= 0, agreed), shares)
    level = tone_of(np.where(shares.view == 0, 0.3, 0.25).astype(np.float32)[:, None, None].repeat(3, 2)) + corrections
    assert np.allclose(level, agreed[0], atol=1e-3)


def test_levelling_leaves_detail_alone(halves):
    sites, candidates, _, shares = halves
    tones = tone_of(candidates.color)
    noise = np.random.default_rng(0).normal(0, 0.2, (len(sites), 1))
    agreed = (tone_of(np.float32([0.3, 0.3, 0.3])) + noise).astype(np.float32)
    corrections = corrections_of(sites, candidates, tones, Agreement(candidates.view >= 0, agreed), shares)
    assert corrections[shares.view == 0].std() < 0.08


def test_nothing_seen_is_nothing_to_level(studio):
    sites = sites_of(studio.ball(2))
    candidates = seen_by(np.full((len(sites), 1), -1))
    shares = shares_of(sites, candidates, candidates.view >= 0, np.full(len(sites), -1, np.int16))
    tones = tone_of(np.nan_to_num(candidates.color))
    agreement = Agreement(candidates.view >= 0, tones[:, 0])
    assert len(shares) == 0
    assert corrections_of(sites, candidates, tones, agreement, shares).shape == (0, 3, 3)


@pytest.mark.parametrize(("reach", "known"), [(0.9, True), (0.2, False)], ids=["all-round", "nothing-beside"])
def test_a_highlight_counts_where_there_is_surface_beside_it(reach, known):
    angle = np.linspace(0, reach, 4000)
    assert stands_out(angle, np.exp(-((angle / 0.1) ** 2)), 0.1) is known
