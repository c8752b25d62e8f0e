"""Places on Earth as metres east, north and up."""

import numpy as np
import pytest

from unflat.io.earth import earth_centred, local_positions


def test_known_places_lie_where_the_ellipsoid_has_them():
    assert earth_centred(0.0, 0.0, 0.0) == pytest.approx([6_378_137.0, 0, 0])
    assert earth_centred(0.0, 90.0, 10.0) == pytest.approx([0, 6_378_147.0, 0], abs=1e-6)
    assert earth_centred(-90.0, 0.0, 0.0) == pytest.approx([0, 0, -6_356_752.3142], abs=1e-3)


@pytest.mark.parametrize(("north", "east"), [(52.0, 13.0), (-33.0, 151.0), (0.0, -60.0), (78.0, 179.99999)])
def test_steps_on_the_ground_are_as_long_as_they_are(north, east):
    # one second of latitude, and of longitude, by the radii of curvature of WGS 84
    squared = 0.00669437999014
    bend = 1 - squared * np.sin(np.radians(north)) ** 2
    along = 6_378_137.0 * (1 - squared) / bend**1.5 * np.radians(1 / 3600)
    across = 6_378_137.0 / bend**0.5 * np.cos(np.radians(north)) * np.radians(1 / 3600)
    second = 1 / 3600
    places = [(north, east, 5.0), (north + second, east, 7.0), (north, east + second, float("nan"))]
    found = local_positions(places)
    steps = found[1:] - found[0]
    assert steps[0] == pytest.approx([0, along, 2.0], abs=2e-3)
    assert steps[1, :2] == pytest.approx([across, 0], abs=2e-3)
    assert np.isnan(steps[1, 2])
