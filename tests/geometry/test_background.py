"""Background colour as a polynomial over the picture."""

import numpy as np
import pytest

from unflat.geometry.background import border_of, fit_background


def shaded(height=180, width=240, noise=0.0):
    down, across = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    plane = np.stack([70 - 10 * across - 8 * down**2, 5 + 4 * across * down, -10 + 3 * down**3], axis=2)
    return (plane + np.random.default_rng(0).normal(0, noise, plane.shape)).astype(np.float32)


def test_a_smoothly_shaded_background_is_found_behind_the_object():
    true = shaded()
    seen = shaded(noise=0.6)
    seen[50:130, 60:180] = [30, 60, 40]
    background = fit_background(seen)
    error = np.abs(background.colors(180, 240) - true)
    assert np.median(error) < 0.3
    assert error.max() < 3
    assert background.noise_lab < 1.5


def test_an_object_that_leaves_the_picture_is_outvoted():
    seen = shaded(noise=0.3)
    seen[100:, 60:200] = [30, 60, 40]
    assert np.median(np.abs(fit_background(seen).colors(180, 240) - shaded())) < 0.5


def test_the_difference_is_small_on_the_background_and_large_on_the_object():
    seen = shaded(noise=0.5)
    seen[50:130, 60:180] = [30, 60, 40]
    difference = fit_background(seen).difference_lab(seen)
    assert difference[70:110, 80:160].min() > 40
    assert np.percentile(difference[:40], 99) < 2.5


def test_colors_at_another_size_are_the_same_field():
    background = fit_background(shaded())
    small, large = background.colors(18, 24), background.colors(180, 240)
    np.testing.assert_allclose(small, large.reshape(18, 10, 24, 10, 3).mean(axis=(1, 3)), atol=0.1)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (1, 50), (2, 2)])
def test_tiny_pictures_have_a_background_too(height, width):
    background = fit_background(np.full((height, width, 3), 40, np.float32))
    np.testing.assert_allclose(background.colors(height, width), 40, atol=0.5)


def test_the_border_is_a_ring():
    ring = border_of(100, 50, 0.1)
    assert ring[:5].all()
    assert not ring[5:-5, 5:-5].any()
    assert border_of(1, 1).all()
