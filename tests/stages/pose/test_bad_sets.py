"""Real photos of the wrong kind, through COLMAP: each is refused with a code, or used with a warning."""

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from unflat.core import Context, InputError, Photo, View, Views
from unflat.stages.pose.structure_from_motion import StructureFromMotion
from unflat.synth.patterns import leaves
from unflat.synth.photo_sets import PhotoSetStyle, photo_set
from unflat.synth.procedural import procedural_object

SIZE, FOCAL = (480, 360), 450.0
POSE = StructureFromMotion(side_px=480, features=2000)


def pattern(seed, width, height):
    """Leaves with grain: features everywhere, none twice."""
    rng = np.random.default_rng(seed)
    picture = cv2.resize(leaves(rng, 1024), (width, height), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    grain = cv2.GaussianBlur(rng.normal(0, 60, (height, width, 3)).astype(np.float32), (0, 0), 1.5)
    return np.clip(picture + grain, 0, 255).astype(np.uint8)


def views(pictures, focal_px=None):
    return Views(
        tuple(
            View(Photo(np.ascontiguousarray(pixels), name=f"IMG_{index + 1}.jpg", focal_px=focal_px))
            for index, pixels in enumerate(pictures)
        )
    )


def looking(world, yaw_deg, pitch_deg):
    """What a camera sees that stands in the middle of a world painted on a cylinder map, 360 by 180 degrees."""
    u, v = np.meshgrid(np.arange(SIZE[0]) + 0.5, np.arange(SIZE[1]) + 0.5)
    way = np.stack([(u - SIZE[0] / 2) / FOCAL, (v - SIZE[1] / 2) / FOCAL, np.ones_like(u)], axis=-1)
    way = way @ Rotation.from_euler("yx", [yaw_deg, pitch_deg], degrees=True).as_matrix().T
    longitude, latitude = (
        np.arctan2(way[..., 0], way[..., 2]),
        np.arctan2(way[..., 1], np.hypot(way[..., 0], way[..., 2])),
    )
    height, width = world.shape[:2]
    places = (longitude / (2 * np.pi) + 0.5) * width, (latitude / np.pi + 0.5) * height
    return cv2.remap(world, *(place.astype(np.float32) for place in places), cv2.INTER_LINEAR)


def refusal(source):
    with pytest.raises(InputError) as error:
        POSE(source, Context())
    assert error.value.hint
    return error.value


@pytest.mark.slow
@pytest.mark.parametrize("focal_px", [None, FOCAL])
def test_a_camera_that_turned_on_the_spot_is_refused_with_or_without_exif(focal_px):
    world = pattern(0, 2048, 1024)
    turned = [looking(world, *angles) for angles in ((0, 0), (9, 2), (18, -3), (27, 5), (5, 12))]
    assert refusal(views(turned, focal_px)).code == "no-parallax"


@pytest.mark.slow
def test_the_same_picture_saved_again_and_again_is_refused():
    picture = pattern(3, *SIZE)
    saved = [cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, q])[1], 1) for q in (70, 80, 95)]
    assert refusal(views(saved)).code == "no-parallax"


@pytest.mark.slow
def test_photos_of_different_things_do_not_overlap():
    error = refusal(views([pattern(seed, *SIZE) for seed in range(4)]))
    assert error.code == "photos-do-not-overlap"
    assert "3 of 4" in error.message
    assert "between IMG_1.jpg and IMG_2.jpg" in error.hint


def test_plain_pictures_show_too_little():
    plain = [np.full((SIZE[1], SIZE[0], 3), level, np.uint8) for level in (60, 90, 120)]
    assert refusal(views(plain)).code == "photos-without-detail"


def test_one_photo_and_one_picture_many_times_are_refused_at_once():
    picture = pattern(4, *SIZE)
    assert refusal(views([picture])).code == "too-few-views"
    assert refusal(views([picture] * 4)).code == "photos-identical"


@pytest.fixture(scope="module")
def neighbours():
    """Two photos of a stone on a table from a step apart, and their true focal length."""
    style = PhotoSetStyle(views=12, left_out=0, size_px=(640, 480), distorted=False, faulty=False)
    taken = photo_set(procedural_object(12), 0, style)
    return [taken.photo(index).pixels for index in (0, 1)], taken.cameras[0].fx


@pytest.mark.slow
def test_two_photos_keep_the_lens_that_exif_tells(neighbours):
    pictures, focal_px = neighbours
    said = []
    placed = StructureFromMotion(side_px=640)(views(pictures, focal_px), Context(warn=said.append))
    assert [view.camera.fx for view in placed.items] == pytest.approx([focal_px] * 2, rel=0.01)
    assert not said


@pytest.mark.slow
def test_two_photos_without_exif_are_placed_with_a_warning(neighbours):
    pictures, _ = neighbours
    said = []
    placed = StructureFromMotion(side_px=640)(views(pictures), Context(warn=said.append))
    assert len(placed.items) == 2
    assert len(said) == 1 and "The lens is a guess" in said[0]
