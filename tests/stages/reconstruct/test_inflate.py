"""Inflation: round bodies whose outline is the mask."""

from pathlib import Path

import numpy as np
import pytest
import skimage
from PIL import Image

from unflat.core import Context, Drawing, InputError, Mask, Material, Part, Photo, RecipeError, View, Views
from unflat.geometry.compare import silhouette_iou, surface_distance
from unflat.geometry.isosurface import isosurface
from unflat.geometry.meshes import signed_volume
from unflat.geometry.topology import connected_parts, genus, is_closed
from unflat.render.frame import render_frame
from unflat.stages.reconstruct.inflate import Inflate

V, U = np.mgrid[:256, :256] + 0.5
RADIUS = np.hypot(U - 128, V - 128)


def soft(distance):
    """A mask from a distance in pixels, positive inside, with an antialiased edge."""
    return np.clip(distance + 0.5, 0, 1).astype(np.float32)


def horse():
    picture = np.array(Image.open(Path(skimage.__file__).parent / "data/horse.png").convert("L"))
    return np.pad((picture < 128).astype(np.float32), 8)


def star():
    angle = np.arctan2(V - 128, U - 128)
    return soft(70 + 40 * np.cos(5 * angle) - RADIUS)


SHAPES = {
    "disc": soft(100 - RADIUS),
    "ring": np.minimum(soft(100 - RADIUS), soft(RADIUS - 55)),
    "bar": np.minimum(soft(12 - abs(V - 128)), soft(110 - abs(U - 128))),
    "star": star(),
    "horse": horse(),
    "two": np.maximum(soft(40 - np.hypot(U - 70, V - 128)), soft(30 - np.hypot(U - 190, V - 128))),
    "touching the frame": np.pad(np.ones((100, 60), np.float32), ((0, 0), (0, 40))),
    "tiny": np.pad(np.ones((6, 9), np.float32), 1),
}


def inflated(alpha, **options):
    view = View(Photo(np.zeros((*alpha.shape, 3), np.uint8)), Mask(alpha))
    reconstruction = Inflate(**options)(Views((view,)), Context())
    return reconstruction, isosurface(reconstruction.shape)


@pytest.mark.parametrize("name", SHAPES)
def test_the_body_is_closed_and_its_outline_is_the_mask(name):
    reconstruction, mesh = inflated(SHAPES[name])
    assert is_closed(mesh.faces)
    frame = render_frame((Part(mesh, Material()),), reconstruction.views.items[0].camera, shading="clay")
    least = 0.97 if name in ("tiny", "two") else 0.985
    assert silhouette_iou(frame.alpha > 0.5, SHAPES[name] > 0.5) > least


def test_a_disc_becomes_a_ball():
    _, mesh = inflated(SHAPES["disc"])
    assert np.allclose(mesh.extent, 1, atol=0.05)
    assert np.isclose(signed_volume(mesh), np.pi / 6, rtol=0.06)


def test_a_long_bar_has_a_round_section():
    _, mesh = inflated(SHAPES["bar"])
    assert np.isclose(mesh.extent[2], mesh.extent[1], rtol=0.03)


def test_a_ring_stays_a_ring_and_two_things_stay_two():
    assert genus(inflated(SHAPES["ring"])[1].faces) == 1
    mesh = inflated(SHAPES["two"])[1]
    assert connected_parts(mesh.faces, len(mesh.vertices)).max() == 1


def test_a_symmetric_mask_gives_a_symmetric_body():
    reconstruction, mesh = inflated(SHAPES["star"])
    for axis in (1, 2):
        flip = np.ones(3, np.float32)
        flip[axis] = -1
        mirrored = mesh.with_vertices(mesh.vertices * flip)
        assert surface_distance(mesh.vertices[::50], mirrored).max() < 0.5 * reconstruction.shape.voxel


def test_a_larger_picture_of_the_same_shape_gives_the_same_body():
    small = inflated(SHAPES["disc"])[1]
    large = inflated(np.kron(SHAPES["disc"], np.ones((3, 3), np.float32)))[1]
    assert np.allclose(small.extent, large.extent, atol=0.01)


def test_a_line_three_pixels_wide_in_a_large_picture_is_not_torn():
    alpha = np.zeros((1024, 1024), np.float32)
    alpha[300:700, 300:700] = 1
    alpha[100:300, 480:483] = 1
    mesh = inflated(alpha)[1]
    assert connected_parts(mesh.faces, len(mesh.vertices)).max() == 0
    assert mesh.extent[1] > 0.99


def test_thickness_stretches_the_depth_only():
    thin, thick = inflated(SHAPES["star"], thickness=0.5)[1].extent, inflated(SHAPES["star"], thickness=1.0)[1].extent
    assert np.allclose(thin[:2], thick[:2], atol=0.005)
    assert np.isclose(thin[2], thick[2] / 2, rtol=0.03)


def test_a_flat_back_is_flat():
    _, mesh = inflated(SHAPES["disc"], back="flat")
    assert is_closed(mesh.faces)
    assert (mesh.vertices[:, 2] > -0.01).all()


def test_the_field_is_nearly_a_distance_around_the_surface():
    field = inflated(SHAPES["disc"])[0].shape
    slope = np.linalg.norm(np.gradient(field.distance, field.voxel), axis=0)
    near = np.abs(field.distance) < field.voxel
    assert 0.8 < np.median(slope[near]) < 1.2


def test_several_pictures_or_no_mask_are_refused_with_advice():
    view = View(Photo(np.zeros((256, 256, 3), np.uint8)), Mask(SHAPES["disc"]))
    for source in (Views((view, view)), Views((View(view.photo),))):
        with pytest.raises(InputError) as caught:
            Inflate()(source, Context())
        assert caught.value.hint


def test_a_drawing_is_inflated_too():
    drawing = Drawing(Photo(np.zeros((256, 256, 3), np.uint8)), Mask(SHAPES["star"]))
    assert is_closed(isosurface(Inflate()(drawing, Context()).shape).faces)


@pytest.mark.parametrize("options", [{"resolution": 5}, {"thickness": 0.0}, {"thickness": float("nan")}])
def test_options_out_of_range_are_refused(options):
    with pytest.raises(RecipeError):
        Inflate(**options)
