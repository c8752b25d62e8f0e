"""What no view reaches is solid, thin parts stay, and broken meshes do no harm."""

import numpy as np
import pytest
from scipy.ndimage import label

from unflat.core import Mesh
from unflat.geometry.solid import remeshed_solid
from unflat.geometry.visible_solid import Occupancy, visible_solid
from unflat.synth.solids import box, chair, merged, moved, mug, sphere, torus


def _volume(occupancy: Occupancy) -> float:
    return float(occupancy.solid.sum()) * occupancy.voxel**3


@pytest.mark.parametrize(
    ("mesh", "volume"), [(box(), 1.0), (sphere(0.5), np.pi / 6), (torus(0.4, 0.15), 2 * np.pi**2 * 0.4 * 0.15**2)]
)
def test_thick_things_keep_their_volume(mesh, volume):
    assert _volume(visible_solid(mesh, 48)) == pytest.approx(volume, rel=0.04)


def test_missing_faces_and_wrong_winding_do_no_harm():
    whole = sphere(0.5)
    rng = np.random.default_rng(0)
    kept = whole.faces[rng.random(len(whole.faces)) > 0.01]
    flipped = np.where(rng.random(len(kept))[:, None] < 0.5, kept[:, ::-1], kept).astype(np.int32)
    torn = visible_solid(Mesh(whole.vertices, flipped), 48)
    assert torn.solid[tuple(np.array(torn.solid.shape) // 2)]
    assert _volume(torn) == pytest.approx(np.pi / 6, rel=0.1)


def test_the_hollow_of_a_mug_is_free_and_its_wall_is_solid():
    occupancy = visible_solid(mug(0.10), 64)
    hollow = np.array([[0.0, 0.02, 0.0], [0.0, -0.03, 0.0]])
    floor = np.array([[0.0, -0.048, 0.0]])
    assert not occupancy.contains(hollow).any()
    assert occupancy.contains(floor).all()
    assert not occupancy.contains(np.array([[10.0, 0.0, 0.0]])).any()


def test_a_sheet_and_a_chair_at_low_resolution_stay_in_one_piece():
    sheet = Mesh(np.array([[0, 0, 0], [1, 0.31, 0], [1, 0.4, 1], [0, 0.1, 1]], np.float32),
                 np.array([[0, 1, 2], [0, 2, 3]], np.int32))  # fmt: skip
    for mesh, resolution in ((sheet, 32), (chair(), 16)):
        occupancy = visible_solid(mesh, resolution)
        assert label(occupancy.solid, np.ones((3, 3, 3)))[1] == 1
    assert visible_solid(sheet, 32).solid.any(axis=1).sum() >= 32 * 32


def test_one_solid_inside_another_is_one_solid():
    nested = merged([sphere(0.5), moved(sphere(0.2), (0.1, 0.0, 0.0))])
    assert np.array_equal(visible_solid(nested, 40).solid, visible_solid(sphere(0.5), 40).solid)


def test_the_signed_distance_agrees_with_the_formula():
    field = visible_solid(sphere(0.5), 64).signed_distance()
    at = field.origin + field.voxel * np.stack(np.meshgrid(*map(np.arange, field.distance.shape), indexing="ij"), -1)
    true = np.linalg.norm(at, axis=-1) - 0.5
    assert np.abs(field.distance - true).max() < 1.2 * field.voxel
    assert np.abs((field.distance - true).mean()) < 0.2 * field.voxel


def test_it_agrees_with_the_solid_that_the_repair_makes():
    mesh = mug(0.10)
    quick, thorough = visible_solid(mesh, 64), visible_solid(remeshed_solid(mesh, 128), 64)
    assert _volume(quick) == pytest.approx(_volume(thorough), rel=0.1)


def test_the_same_mesh_gives_the_same_solid():
    first, second = visible_solid(chair(), 32), visible_solid(chair(), 32)
    assert np.array_equal(first.solid, second.solid)
    assert np.array_equal(first.origin, second.origin)
