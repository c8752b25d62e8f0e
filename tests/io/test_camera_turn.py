"""A known camera fits the photo as it is seen: what it saw in the stored pixels, it sees there in the upright ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from unflat.core import Camera, InputError, Photo, View, Views
from unflat.geometry.cameras import look_at, project
from unflat.io.camera_turn import camera_of_file, camera_of_photo, upright_camera
from unflat.io.cameras import read_cameras, write_cameras
from unflat.io.colmap_write import write_colmap
from unflat.io.exif import upright
from unflat.pipeline.intake import read_intake
from unflat.pipeline.photo_store import SetReading

STORED = Camera(
    480, 360, 500.0, 490.0, 250.0, 170.0,
    look_at(np.array([0.4, 1.0, 3.0]), np.zeros(3), np.array([0.1, 1.0, 0.0])),
    distortion=(0.05, -0.02, 0.004, -0.006, 0.01),
)  # fmt: skip
POINTS = np.array([[0.0, 0.0, 0.0], [0.5, 0.1, 0.2], [-0.3, 0.4, -0.2], [0.1, -0.5, 0.3]])
ORIENTATIONS = [1, 3, 6, 8]


def stored_picture(camera: Camera) -> np.ndarray:
    """Soft dots of four colours where the camera sees the four points, before it is turned."""
    picture = np.zeros((camera.height_px, camera.width_px, 3), np.uint8)
    for (u, v), color in zip(project(camera, POINTS)[0], np.vstack([np.eye(3), np.ones((1, 3))]), strict=True):
        grid = np.mgrid[0 : camera.height_px, 0 : camera.width_px] + 0.5
        dot = np.exp(-((grid[1] - u) ** 2 + (grid[0] - v) ** 2) / (2 * 6.0**2))
        picture = np.maximum(picture, (255 * dot[..., None] * color).astype(np.uint8))
    return picture


def save(path: Path, picture: np.ndarray, orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(picture).save(path, quality=98, subsampling=0, exif=exif)


def dots(photo: Photo) -> np.ndarray:
    """Where the four dots are in a photo, to a fraction of a pixel."""
    pixels = photo.pixels.astype(np.float64)
    white = pixels.min(axis=2)
    found = []
    for channel in [*(pixels - white[..., None]).transpose(2, 0, 1), white]:
        bright = np.where(channel > 60, channel, 0)
        v, u = np.mgrid[0 : photo.height, 0 : photo.width] + 0.5
        found.append([(bright * u).sum() / bright.sum(), (bright * v).sum() / bright.sum()])
    return np.array(found)


def written_cameras(folder: Path, camera: Camera, program: str) -> Path:
    """The camera of the stored pixels, as a program writes it that does not look at EXIF."""
    pixels = np.zeros((camera.height_px, camera.width_px, 3), np.uint8)
    views = Views(tuple(View(Photo(pixels, name=name), camera=camera) for name in ("a.jpg", "b.jpg")))
    if program == "transforms.json":
        return write_cameras(views, folder / "transforms.json")
    write_colmap(views, folder / "sparse")
    return folder / "sparse"


@pytest.mark.parametrize("program", ["transforms.json", "colmap"])
@pytest.mark.parametrize("side_px", [2048, 240])
@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_a_point_projects_to_the_same_content_before_and_after_the_turn(
    orientation: int, side_px: int, program: str, tmp_path: Path
) -> None:
    for name in ("a.jpg", "b.jpg"):
        save(tmp_path / name, stored_picture(STORED), orientation)
    cameras = written_cameras(tmp_path, STORED, program)
    intake = read_intake([tmp_path / "a.jpg", tmp_path / "b.jpg"], cameras=cameras, reading=SetReading(side_px=side_px))
    for photo in intake.photos:
        assert photo.exif_orientation == orientation
        assert (photo.height > photo.width) == (orientation in (6, 8))
        seen, _ = project(intake.cameras[photo.name], POINTS)
        assert np.abs(seen - dots(photo)).max() < 0.6
        View(photo, camera=intake.cameras[photo.name])


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_the_camera_turns_as_the_picture_does(orientation: int) -> None:
    places = np.zeros((STORED.height_px, STORED.width_px), np.uint8)
    for number, (u, v) in enumerate(project(STORED, POINTS)[0].astype(int), 1):
        places[v, u] = number
    turned = np.asarray(upright(Image.fromarray(places), orientation))
    camera = upright_camera(STORED, orientation)
    assert turned.shape == (camera.height_px, camera.width_px)
    for number, (u, v) in enumerate(project(camera, POINTS)[0], 1):
        row, column = np.argwhere(turned == number)[0]
        assert column <= u <= column + 1 and row <= v <= row + 1
    assert np.allclose(project(camera, POINTS)[1], project(STORED, POINTS)[1])


def photo(width: int, height: int, orientation: int) -> Photo:
    return Photo(np.zeros((height, width, 3), np.uint8), name="a.jpg", exif_orientation=orientation)


@pytest.mark.parametrize("orientation", [6, 8])
def test_a_camera_of_a_program_that_turned_before_is_left_alone(orientation: int) -> None:
    portrait = upright_camera(STORED, orientation)
    found = camera_of_photo(portrait, photo(360, 480, orientation))
    assert np.allclose(project(found, POINTS)[0], project(portrait, POINTS)[0])
    half = camera_of_photo(portrait, photo(180, 240, orientation))
    assert np.allclose(2 * project(half, POINTS)[0], project(portrait, POINTS)[0])


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_square_camera_is_that_of_the_stored_pixels(orientation: int) -> None:
    square = replace(STORED, width_px=400, height_px=400)
    found = camera_of_photo(square, photo(400, 400, orientation))
    assert np.allclose(project(found, POINTS)[0], project(upright_camera(square, orientation), POINTS)[0])


def test_an_almost_square_camera_goes_by_its_longer_side() -> None:
    stored = replace(STORED, width_px=404, height_px=400)
    turned = camera_of_photo(stored, photo(400, 404, 6))
    assert np.allclose(turned.world_from_camera, upright_camera(stored, 6).world_from_camera)
    before = camera_of_photo(replace(STORED, width_px=400, height_px=404), photo(400, 404, 6))
    assert np.allclose(before.world_from_camera, STORED.world_from_camera)


def test_a_mirrored_photo_has_no_known_camera() -> None:
    with pytest.raises(InputError) as error:
        camera_of_photo(STORED, photo(360, 480, 5))
    assert error.value.code == "mirrored-photo"
    assert "a.jpg" in error.value.message


def test_a_camera_of_another_picture_is_refused_rather_than_stretched() -> None:
    for size in ((480, 480), (360, 480)):
        with pytest.raises(InputError) as error:
            camera_of_photo(STORED, photo(*size, 1))
        assert error.value.code == "size-mismatch"
        assert "480x360" in error.value.message


@pytest.mark.parametrize("size", [(2400, 1800), (241, 180), (31, 23), (480, 361)])
def test_a_copy_with_a_rounded_size_is_no_other_picture(size: tuple[int, int]) -> None:
    camera = camera_of_photo(STORED, photo(*size, 1))
    assert (camera.width_px, camera.height_px) == size


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("square", [False, True])
def test_the_camera_of_the_file_comes_back_as_that_of_the_photo(orientation: int, square: bool) -> None:
    stored = replace(STORED, width_px=400, height_px=400) if square else STORED
    camera = upright_camera(stored, orientation)
    small = camera.resized(camera.width_px // 4, camera.height_px // 4)
    taken = replace(
        photo(small.width_px, small.height_px, orientation), file_size_px=(camera.width_px, camera.height_px)
    )
    in_file = camera_of_file(View(taken, camera=small))
    assert (in_file.width_px, in_file.height_px) == (stored.width_px, stored.height_px)
    assert np.allclose(project(in_file, POINTS)[0], project(stored, POINTS)[0])
    assert np.allclose(project(camera_of_photo(in_file, taken), POINTS)[0], project(small, POINTS)[0])


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_the_size_of_a_picture_beside_the_camera_file_is_the_stored_one(orientation: int, tmp_path: Path) -> None:
    save(tmp_path / "a.png", stored_picture(STORED), orientation)
    frame = '{"file_path": "a.png", "fl_x": 500, "transform_matrix": [[1,0,0,0],[0,1,0,0],[0,0,1,0],[0,0,0,1]]}'
    (tmp_path / "transforms.json").write_text(f'{{"frames": [{frame}]}}')
    (camera,) = read_cameras(tmp_path / "transforms.json").values()
    assert (camera.width_px, camera.height_px) == (480, 360)
