"""One solid from claims about several of its sides."""

from dataclasses import replace

import numpy as np
import pytest

from unflat.geometry.cameras import pixel_centers, pixel_rays
from unflat.geometry.compare import surface_distance
from unflat.geometry.isosurface import isosurface
from unflat.geometry.meshes import transformed
from unflat.geometry.object_frame import object_camera
from unflat.geometry.raycast import RayCaster
from unflat.geometry.similarities import rotation_deg, shift, turning
from unflat.geometry.solid_fusion import SolidClaim, fitted_to_outlines, fused_field
from unflat.geometry.two_sides import DepthLayers
from unflat.synth.solids import box, merged, moved, sphere

SIZE, TANGENT = 96, 0.25
ERROR = 0.05


def claim_from(mesh, azimuth_deg, *, squash=1.0, back_error=ERROR):
    """What is true of a side, its depth squashed about the middle, in the world of the mesh."""
    turn = turning(rotation_deg(0, azimuth_deg, 0))
    camera = object_camera(SIZE, TANGENT)
    origins, along = (rays.astype(np.float32) for rays in pixel_rays(camera, pixel_centers(camera)))
    caster = RayCaster(transformed(mesh, np.linalg.inv(turn)))
    first, last = caster.cast(origins, along), caster.cast(origins + along * np.float32(9), -along)
    middle = np.float32(1 / TANGENT)
    front, back = (
        (np.nan_to_num(depth, nan=middle).reshape(SIZE, SIZE) - middle) * np.float32(squash) + middle
        for depth in (first.distance, 9 - last.distance)
    )
    layers = DepthLayers(camera, front, back, first.hit.reshape(SIZE, SIZE).astype(np.float32))
    errors = (np.full((SIZE, SIZE), error, np.float32) for error in (ERROR, back_error))
    return SolidClaim(layers, *errors).moved(turn)


def fused(*claims):
    return isosurface(fused_field(claims, 96, lambda share: None))


@pytest.mark.parametrize("mesh", [sphere(0.7), box((1.4, 0.8, 0.6))], ids=["ball", "brick"])
def test_what_is_said_rightly_comes_back(mesh):
    made = fused(*(claim_from(mesh, azimuth) for azimuth in (0, 90, 180, 270)))
    assert surface_distance(made.vertices, mesh).mean() < 0.02
    assert made.extent == pytest.approx(mesh.extent, abs=0.05)


def test_a_photo_from_the_end_is_stretched_to_what_the_side_shows():
    brick = box((0.6, 0.6, 1.5))
    flat, side = claim_from(brick, 0, squash=0.4), claim_from(brick, 90)
    fitted, kept = fitted_to_outlines((flat, side))
    depth = fitted.layers.back[fitted.layers.inside].max() - fitted.layers.front[fitted.layers.inside].min()
    assert depth == pytest.approx(1.6, abs=0.15)  # the cone of the side's outline is wider at the far end
    assert np.ptp(kept.surface()[:, 0]) < 0.95
    assert fused(fitted, kept).extent[2] == pytest.approx(1.5, abs=0.2)


def test_where_no_outline_bounds_it_a_claim_stays():
    brick = box((0.6, 0.6, 1.0))
    one, opposite = claim_from(brick, 0), claim_from(brick, 180)
    for before, after in zip((one, opposite), fitted_to_outlines((one, opposite)), strict=True):
        assert np.array_equal(before.layers.front, after.layers.front)


def test_a_seen_surface_outweighs_a_guessed_back():
    mesh = box((1.2, 1.2, 0.6))
    guess = claim_from(mesh, 0, back_error=0.3)
    guess = replace(guess, layers=replace(guess.layers, back=guess.layers.back + np.float32(0.5)))
    made = fused(guess, claim_from(mesh, 180))
    assert made.vertices[:, 2].min() == pytest.approx(-0.3, abs=0.1)


def test_a_leg_that_one_photo_misplaces_is_not_lost():
    lamp = merged((moved(box((0.9, 0.3, 0.9)), (0, 0.6, 0)), moved(box((0.08, 1.2, 0.08)), (0, -0.2, 0))))
    claims = [claim_from(lamp, azimuth) for azimuth in (0, 90, 180)]
    claims.append(claim_from(lamp, 270).moved(shift(np.array([0.07, 0, 0]))))
    made = fused(*claims)
    assert made.vertices[:, 1].min() < -0.7


def test_the_field_is_closed_where_claims_reach_its_border():
    mesh = sphere(0.7)
    far = claim_from(mesh, 0).moved(shift(np.array([0, 0, 0.8])))
    field = fused_field((claim_from(mesh, 0), far), 48, lambda share: None)
    for axis in range(3):
        assert (np.moveaxis(field.distance, axis, 0)[[0, -1]] > 0).all()
