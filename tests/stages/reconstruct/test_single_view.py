"""The single-view backend, with a network that answers with the inflation itself."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from unflat.core import Context, Drawing, InputError, Mask, Photo, RecipeError, SetupError, View, Views
from unflat.geometry.cameras import pixel_centers, pixel_rays, project
from unflat.geometry.raycast import RayCaster
from unflat.geometry.topology import is_closed
from unflat.stages.reconstruct.single_view import SingleView

V, U = np.mgrid[:200, :260] + 0.5


def soft(distance):
    """A mask from a distance in pixels, positive inside."""
    return np.clip(distance + 0.5, 0, 1).astype(np.float32)


def vase():
    """A body with a thin handle and a thin foot."""
    body = soft(45 - np.hypot((U - 120), (V - 100) * 0.8))
    ring = np.hypot(U - 165, V - 95)
    handle = np.minimum(soft(26 - ring), soft(ring - 20))
    return np.maximum(np.maximum(body, handle), np.minimum(soft(3 - abs(U - 120)), soft(40 - abs(V - 140))))


def picture(alpha, focal_px=None, pixels=None):
    colors = np.dstack([U, V, 90 + 0 * U]) if pixels is None else pixels
    return Views((View(Photo(np.uint8(np.clip(colors, 0, 255)), focal_px=focal_px), Mask(alpha)),))


def made(weights, source, told=None, **options):
    context = Context(warn=(told if told is not None else []).append)
    return SingleView(weights=str(weights), **options)(source, context)


def covered(reconstruction):
    """What the mesh covers in the photo."""
    camera = reconstruction.views.items[0].camera
    origins, along = pixel_rays(camera, pixel_centers(camera))
    hit = RayCaster(reconstruction.mesh).cast(origins.astype(np.float32), along.astype(np.float32)).hit
    return hit.reshape(camera.height_px, camera.width_px)


@pytest.mark.parametrize("focal_px", [None, 240.0], ids=["focal unknown", "focal known"])
def test_the_mesh_is_closed_and_covers_the_mask(inflating_weights, focal_px):
    source = picture(vase(), focal_px)
    reconstruction = made(inflating_weights, source)
    assert is_closed(reconstruction.mesh.faces)
    mask, mesh = source.items[0].mask.solid, covered(reconstruction)
    assert (mask & mesh).sum() / (mask | mesh).sum() > 0.97


def test_it_is_centred_one_long_and_its_front_is_seen(inflating_weights):
    mesh = made(inflating_weights, picture(vase())).mesh
    assert np.allclose(mesh.vertices.min(axis=0), -mesh.vertices.max(axis=0), atol=1e-4)
    assert 0.9 < mesh.extent[:2].max() < 1.1
    assert (mesh.confidence[mesh.vertices[:, 2] > 0.1] == 1).all()
    assert (mesh.confidence[mesh.vertices[:, 2] < -0.1] <= 0.5).all()


def test_a_photo_from_above_stands_upright_and_its_camera_looks_down(tmp_path, saved_network):
    tilt = np.radians(30)
    saved_network(tmp_path, up=(0.0, -np.cos(tilt), -np.sin(tilt)))
    reconstruction = made(tmp_path, picture(vase()))
    camera = reconstruction.views.items[0].camera
    assert camera.forward == pytest.approx([0, -np.sin(tilt), -np.cos(tilt)], abs=1e-3)
    mask, mesh = reconstruction.views.items[0].mask.solid, covered(reconstruction)
    assert (mask & mesh).sum() / (mask | mesh).sum() > 0.97
    assert made(tmp_path, picture(vase()), upright=False).views.items[0].camera.forward == pytest.approx([0, 0, -1])


def test_a_drawing_is_upright_as_it_is(tmp_path, saved_network):
    saved_network(tmp_path, up=(0.0, -0.8, -0.6))
    view = picture(vase()).items[0]
    camera = made(tmp_path, Drawing(view.photo, view.mask)).views.items[0].camera
    assert camera.forward == pytest.approx([0, 0, -1])


def test_the_known_focal_length_beats_the_predicted_one(inflating_weights):
    camera = made(inflating_weights, picture(vase(), 300.0)).views.items[0].camera
    assert camera.fx == pytest.approx(300)
    assert (camera.cx, camera.cy) == (130, 100)


def test_the_whole_reconstruction_is_the_same_again(inflating_weights):
    first, second = (made(inflating_weights, picture(vase())).mesh for _ in range(2))
    assert np.array_equal(first.vertices, second.vertices)


def test_vertices_carry_the_colours_of_the_photo(inflating_weights):
    reconstruction = made(inflating_weights, picture(vase()))
    pixels, _ = project(reconstruction.views.items[0].camera, reconstruction.mesh.vertices.astype(np.float64))
    inner = (reconstruction.mesh.confidence == 1) & (np.abs(pixels - [120, 100]) < 30).all(axis=1)
    assert np.abs(reconstruction.mesh.colors[inner, 0] - pixels[inner, 0]).max() < 8


def test_an_object_of_32_pixels_is_made_and_said_to_be_rough(inflating_weights):
    told = []
    small = np.pad(np.minimum(cv2.resize(vase(), (43, 33), interpolation=cv2.INTER_AREA), 1), ((0, 167), (0, 217)))
    reconstruction = made(inflating_weights, picture(small), told)
    assert is_closed(reconstruction.mesh.faces)
    assert any("rough" in line for line in told)


def test_an_object_of_a_few_pixels_is_refused(inflating_weights):
    alpha = np.zeros_like(vase())
    alpha[50:54, 60:65] = 1
    with pytest.raises(InputError) as caught:
        made(inflating_weights, picture(alpha))
    assert caught.value.code == "object-too-small"


def test_a_mask_of_the_whole_picture_is_a_scene(inflating_weights):
    with pytest.raises(InputError, match="scene") as caught:
        made(inflating_weights, picture(np.ones_like(vase())))
    assert caught.value.code == "scene-not-object"
    assert "relief" in caught.value.hint


def test_a_cropped_object_is_made_and_said_to_be_cut(inflating_weights):
    told = []
    reconstruction = made(inflating_weights, picture(np.roll(vase(), -100, axis=1) * (U < 160)), told)
    assert is_closed(reconstruction.mesh.faces)
    assert any("cut off" in line and "left" in line for line in told)


def test_a_black_and_white_photo_is_made_and_said_to_be_one(inflating_weights):
    told = []
    grey = np.dstack([U / 2 + 60] * 3)
    assert is_closed(made(inflating_weights, picture(vase(), pixels=grey), told).mesh.faces)
    assert any("black and white" in line for line in told)


def test_an_uncertain_prediction_is_said_to_be_a_guess(tmp_path, saved_network):
    told = []
    saved_network(tmp_path, error=0.5)
    made(tmp_path, picture(vase()), told)
    assert any("guess" in line for line in told)


def test_two_pictures_are_refused(inflating_weights):
    view = picture(vase()).items[0]
    with pytest.raises(InputError) as caught:
        made(inflating_weights, Views((view, view)))
    assert caught.value.code == "too-many-views"


def test_a_picture_without_mask_is_refused(inflating_weights):
    view = replace(picture(vase()).items[0], mask=None)
    with pytest.raises(InputError) as caught:
        made(inflating_weights, Views((view,)))
    assert caught.value.code == "no-mask"


def test_a_folder_without_weights_is_a_matter_of_setup(tmp_path):
    with pytest.raises(SetupError) as caught:
        made(tmp_path, picture(vase()))
    assert caught.value.code == "missing-weights"


def test_a_symmetry_that_is_no_share_is_refused():
    with pytest.raises(RecipeError) as caught:
        SingleView(symmetry=2.0)
    assert caught.value.code == "bad-option"


def test_the_solid_may_be_finer_than_what_the_network_sees(inflating_weights):
    coarse, fine = (made(inflating_weights, picture(vase()), resolution=side).mesh for side in (64, 256))
    assert len(fine.faces) > 2 * len(coarse.faces)
    assert np.allclose(fine.extent, coarse.extent, atol=0.05)


@pytest.mark.parametrize("side", [8, 4096])
def test_a_senseless_resolution_is_refused(side):
    with pytest.raises(RecipeError, match="resolution"):
        SingleView(resolution=side)
