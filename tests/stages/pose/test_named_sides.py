"""Photos that are placed by the names of their sides, and the solid that is fused of them."""

import numpy as np
import pytest

from unflat.core import Camera, Context, Drawing, InputError, Mask, Photo, RecipeError, Scale, View, Views
from unflat.geometry.cameras import look_at, pixel_centers, pixel_rays, transform_camera
from unflat.geometry.compare import sample_surface, surface_distance
from unflat.geometry.isosurface import isosurface
from unflat.geometry.meshes import transformed
from unflat.geometry.raycast import RayCaster
from unflat.geometry.registration import register_from
from unflat.geometry.similarities import rotation_deg, scaling, shift, turning
from unflat.stages.pose.named_sides import NamedSides
from unflat.stages.reconstruct.fused_views import FusedViews
from unflat.synth.solids import box, merged, moved

SIZE = 160


def boot():
    """High at the back, long to the front, narrow: no two sides look alike."""
    return merged((box((0.5, 0.4, 1.4)), moved(box((0.5, 0.9, 0.5)), (0, 0.4, -0.45))))


def photographed(azimuth_deg, elevation_deg=0.0, mask=True):
    """By a camera that stands so far around the boot, from its front to its left."""
    azimuth, elevation = np.radians([azimuth_deg, elevation_deg])
    eye = 5 * np.array([np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)])
    camera = Camera(SIZE, SIZE, 2.2 * SIZE, 2.2 * SIZE, SIZE / 2, SIZE / 2, look_at(eye, np.zeros(3), np.eye(3)[1]))
    origins, along = (rays.astype(np.float32) for rays in pixel_rays(camera, pixel_centers(camera)))
    alpha = RayCaster(boot()).cast(origins, along).hit.reshape(SIZE, SIZE).astype(np.float32)
    photo = Photo(np.full((SIZE, SIZE, 3), 120, np.uint8), name=f"{azimuth_deg}.png")
    return View(photo, Mask(alpha) if mask else None), camera


def four():
    return Views(tuple(photographed(azimuth)[0] for azimuth in (0, 90, 180, 270)))


def azimuth_of(camera):
    return np.degrees(np.arctan2(-camera.forward[0], -camera.forward[2])) % 360


@pytest.fixture(scope="module")
def placed(inflating_weights):
    return NamedSides(weights=str(inflating_weights))(four(), Context())


def test_cameras_stand_where_the_names_say(placed):
    off = [(azimuth_of(view.camera) - 90 * number + 180) % 360 - 180 for number, view in enumerate(placed.items)]
    assert np.abs(off).max() < 8
    assert max(abs(view.camera.forward[1]) for view in placed.items) < 0.15


def test_left_is_the_objects_own_left(placed):
    # its front, at +Z, is on the left of the picture
    camera = placed.items[1].camera
    assert camera.camera_from_world[0, 2] < -0.9


def test_the_four_make_one_solid_of_the_right_proportions(placed, inflating_weights):
    made = FusedViews(weights=str(inflating_weights), resolution=96)(placed, Context())
    assert made.scale is Scale.UP_TO_SCALE
    mesh = isosurface(made.shape)
    assert mesh.extent.max() == pytest.approx(1, abs=0.05)
    assert mesh.extent / mesh.extent.max() == pytest.approx(boot().extent / boot().extent.max(), abs=0.14)
    a, b = (sample_surface(solid, 3000)[0].astype(np.float64) for solid in (mesh, boot()))
    laid = transformed(mesh, register_from(a, b, np.eye(3)).similarity)
    assert surface_distance(laid.vertices, boot()).mean() < 0.05


def test_known_cameras_are_taken_as_they_are(inflating_weights):
    elsewhere = scaling(3) @ turning(rotation_deg(20, 30, 0)) @ shift(np.array([4.0, 1, 2]))
    shots = [(view, transform_camera(camera, elsewhere)) for view, camera in map(photographed, (0, 90, 180, 270))]
    views = Views(tuple(View(view.photo, view.mask, camera) for view, camera in shots))
    made = FusedViews(weights=str(inflating_weights), resolution=96)(views, Context())
    turns = [view.camera.world_from_camera[:3, :3] for view in made.views.items]
    assert all(
        np.allclose(turn, camera.world_from_camera[:3, :3]) for turn, (_, camera) in zip(turns, shots, strict=True)
    )
    mesh = transformed(isosurface(made.shape), turning(rotation_deg(20, 30, 0).T))
    assert mesh.extent / mesh.extent.max() == pytest.approx(boot().extent / boot().extent.max(), abs=0.14)


def test_degrees_are_names_too(inflating_weights):
    views = Views(tuple(photographed(azimuth)[0] for azimuth in (0, 45, 90)))
    found = NamedSides(sides=("front", "45", "left"), weights=str(inflating_weights))(views, Context())
    assert [azimuth_of(view.camera) for view in found.items][1] == pytest.approx(45, abs=12)


@pytest.mark.parametrize("sides", [("front",), ("front", "west"), ("front", "inf"), ("front",) * 13])
def test_sides_that_are_none_are_refused(sides):
    with pytest.raises(RecipeError) as raised:
        NamedSides(sides=sides)
    assert raised.value.code == "bad-option"


def test_each_photo_needs_a_side_and_a_mask(inflating_weights):
    backend = NamedSides(weights=str(inflating_weights))
    with pytest.raises(InputError) as raised:
        backend(Views(four().items[:3]), Context())
    assert raised.value.code == "sides-do-not-fit"
    with pytest.raises(InputError) as raised:
        backend(Views((photographed(0, mask=False)[0], *four().items[1:])), Context())
    assert raised.value.code == "no-mask"


def test_outlines_of_different_things_are_doubted(inflating_weights):
    high, flat = np.zeros((2, SIZE, SIZE), np.float32)
    high[10:150, 70:90] = flat[75:85, 10:150] = 1
    photos = [Photo(np.full((SIZE, SIZE, 3), 120, np.uint8), name=f"{name}.png") for name in "abc"]
    tall = np.zeros((SIZE, SIZE), np.float32)
    tall[20:60, 20:140] = tall[100:140, 20:140] = 1
    views = Views((View(photos[0], Mask(high)), View(photos[1], Mask(tall)), View(photos[2], Mask(flat))))
    told = []
    NamedSides(sides=("0", "90", "180"), weights=str(inflating_weights))(views, Context(warn=told.append))
    assert any("do not fit together" in sentence for sentence in told)


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (Views(four().items[:1]), "too-few-views"),
        (four(), "no-camera"),
        (Drawing(four().items[0].photo, four().items[0].mask), "too-few-views"),
    ],
    ids=["one", "no cameras", "drawing"],
)
def test_fusing_says_what_it_lacks(source, code):
    with pytest.raises(InputError) as raised:
        FusedViews()(source, Context())
    assert raised.value.code == code
