"""Real cut-outs before made backgrounds: masks held to the truth. Skips where the folder of samples is missing."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unflat.core import Context, Photo
from unflat.geometry.masks import intersection_over_union
from unflat.stages.segment.auto import Auto
from unflat.stages.segment.grabcut import GrabCut
from unflat.stages.segment.plain import Plain

PHOTOS = Path(__file__).parents[4] / "shared" / "photos"
SIDE_PX = 360
NAMES = ["instantmesh_chair_armed", "instantmesh_sea_turtle", "triposr_hamburger", "triposr_robot", "triposr_unicorn"]


def cut_out(name):
    """Colour and alpha of a sample, reduced."""
    path = PHOTOS / f"{name}.png"
    if not path.exists():
        pytest.skip("the folder of sample pictures is not here")
    with Image.open(path) as image:
        image.thumbnail((SIDE_PX, SIDE_PX))
        pixels = np.asarray(image.convert("RGBA"), dtype=np.float64)
    return pixels[..., :3], pixels[..., 3] / 255


def before(color, alpha, top, bottom, noise=1.5):
    """The cut-out before a vertical gradient with sensor noise."""
    down = np.linspace(0, 1, len(alpha))[:, None, None]
    behind = np.array(top) * (1 - down) + np.array(bottom) * down
    behind = behind + np.random.default_rng(0).normal(0, noise, color.shape)
    mixed = color * alpha[..., None] + behind * (1 - alpha[..., None])
    return Photo(np.clip(np.rint(mixed), 0, 255).astype(np.uint8))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("backend", [Plain, Auto])
def test_a_real_object_before_a_shaded_background_is_cut_out_almost_exactly(name, backend):
    color, alpha = cut_out(name)
    mask = backend()(before(color, alpha, (150, 190, 205), (95, 120, 150)), Context()).mask
    assert intersection_over_union(mask.solid, alpha > 0.5) > 0.95
    assert mask.confidence > 0.8


@pytest.mark.parametrize("name", NAMES)
def test_grabcut_finds_it_without_knowing_that_the_background_is_plain(name):
    color, alpha = cut_out(name)
    mask = GrabCut()(before(color, alpha, (150, 190, 205), (95, 120, 150)), Context()).mask
    assert intersection_over_union(mask.solid, alpha > 0.5) > 0.85
