"""Outlines that are brought together without any common point."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from unflat.geometry.cameras import pixel_centers, pixel_rays
from unflat.geometry.meshes import transformed
from unflat.geometry.object_frame import object_camera
from unflat.geometry.raycast import RayCaster
from unflat.geometry.silhouette_coherence import OutlineView, brought_together, incoherence
from unflat.geometry.similarities import rotation_deg, scaling, shift, turning
from unflat.synth.solids import box, merged, moved

SIZE, TANGENT = 128, 0.25


def chair():
    seat, back = box((0.9, 0.15, 0.9)), moved(box((0.9, 0.8, 0.12)), (0, 0.4, -0.39))
    return merged((seat, back, moved(box((0.1, 0.6, 0.1)), (0.35, -0.3, 0.35))))


@pytest.fixture(scope="module")
def truth():
    """Views from four sides, and where they belong."""
    camera = object_camera(SIZE, TANGENT)
    origins, along = (rays.astype(np.float32) for rays in pixel_rays(camera, pixel_centers(camera)))
    places = [turning(rotation_deg(0, azimuth, 0)) for azimuth in (0, 90, 180, 270)]
    views = []
    for place in places:
        hit = RayCaster(transformed(chair(), np.linalg.inv(place))).cast(origins, along).hit
        views.append(OutlineView.of(camera, hit.reshape(SIZE, SIZE).astype(np.float32), 0))
    return views, places


def wrong_by(places, degrees, factor, offset):
    change = turning(Rotation.from_rotvec(np.radians(degrees) * np.array([0.6, 0.5, 0.6])).as_matrix())
    return [places[0], places[1] @ scaling(factor) @ shift(np.array([0, offset, 0])), places[2] @ change, places[3]]


def test_outlines_of_one_thing_agree_where_they_belong(truth):
    views, places = truth
    assert incoherence(views, places).mean() < 1e-3
    assert incoherence(views, wrong_by(places, 12, 1.2, 0.15)).mean() > 5e-3


def test_what_is_a_little_wrong_is_mended(truth):
    views, places = truth
    wrong = wrong_by(places, 8, 1.15, 0.1)
    found = brought_together(views, wrong)
    assert np.array_equal(found[0], places[0])
    assert incoherence(views, found).mean() < 0.15 * incoherence(views, wrong).mean()
    assert np.cbrt(np.linalg.det(found[1][:3, :3])) == pytest.approx(1, abs=0.05)
    assert found[1][:3, 3] == pytest.approx(np.zeros(3), abs=0.05)


def test_what_agrees_stays(truth):
    views, places = truth
    for place, found in zip(places, brought_together(views, places), strict=True):
        assert found == pytest.approx(place, abs=0.01)


def test_it_is_the_same_each_time(truth):
    views, places = truth
    once, again = (brought_together(views, wrong_by(places, 8, 1.15, 0.1)) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(once, again, strict=True))
