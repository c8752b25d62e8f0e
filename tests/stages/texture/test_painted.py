"""The reconstruction's own colours, where no photo saw the surface."""

from dataclasses import replace

import numpy as np
import pytest

from unflat.core import Context
from unflat.stages.texture.atlas import atlas_of
from unflat.stages.texture.bake import Bake

QUICK = Bake(size_px=512, normal_map=False, occlusion=False, roughness=False, delight=False)
RED, BLUE = (200, 30, 30), (30, 30, 180)


@pytest.fixture(scope="module")
def painted(studio):
    """An egg that a photo sees red from the front, and a network believes to be blue behind."""
    ball = studio.ball()
    stretch = np.where(ball.vertices[:, 2:] < 0, 1.6, 1.0)
    egg = replace(ball, vertices=np.float32(ball.vertices * np.hstack([np.ones((len(ball.vertices), 2)), stretch])))
    colors = np.where(egg.vertices[:, 2:] > 0, np.uint8(RED), np.uint8(BLUE))
    return studio.scene(replace(egg, colors=colors), [studio.front()], studio.plain(RED))


def colours_of(part):
    atlas = atlas_of(part.mesh, 512)
    return atlas, part.material.base_color.reshape(-1, 3)[atlas.texel].astype(int)


@pytest.mark.parametrize("fill", ["symmetry", "inpaint"])
def test_the_back_gets_the_colour_that_the_mesh_brought(painted, fill):
    atlas, color = colours_of(replace(QUICK, fill=fill, min_symmetry=0.99)(painted, Context()))
    behind, before = atlas.position[:, 2] < -0.6, atlas.position[:, 2] > 0.2
    assert np.abs(color[behind] - BLUE).max() <= 6
    assert np.abs(color[before] - RED).max() <= 3


def test_a_darker_photo_makes_the_mesh_colours_darker_too(painted, studio):
    dim = studio.scene(painted.mesh, [studio.front()], studio.plain((120, 18, 18)))
    atlas, color = colours_of(replace(QUICK, fill="inpaint")(dim, Context()))
    behind = color[atlas.position[:, 2] < -0.6]
    assert behind[:, 2].max() <= BLUE[2]
    assert behind[:, 0].max() < BLUE[0]


def test_the_part_itself_carries_no_vertex_colours_that_a_viewer_would_multiply_in(painted):
    assert QUICK(painted, Context()).mesh.colors is None


def test_mid_grey_stays_mid_grey_where_nothing_is_to_be_filled(painted):
    atlas, color = colours_of(replace(QUICK, fill="none")(painted, Context()))
    assert np.abs(color[atlas.position[:, 2] < -0.6] - 127.5).max() <= 1
