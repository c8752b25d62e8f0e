from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from unflat.core import Camera, InputError
from unflat.core.color import luminance
from unflat.geometry.cameras import look_at
from unflat.render.scene import build_scene
from unflat.synth.capture import plain_part
from unflat.synth.environments import Environment, EnvironmentLibrary, PlaceEntry, panorama_position, seen_through
from unflat.synth.mask_views import mask_view
from unflat.synth.place_light import light_of, upward_directions
from unflat.synth.places import Place, Standing, photograph_place
from unflat.synth.solids import box, mug, sphere
from unflat.synth.staging import BACKDROPS, Cast, random_place

RNG = np.random.default_rng


def made_up_place(sun_column: int = 40) -> Environment:
    """A grey place with a red spot in the picture where its light has a sun."""
    light = np.full((32, 64, 3), 0.2, np.float32)
    light[8, sun_column] = 200.0
    picture = np.full((256, 512, 3), 120, np.uint8)
    picture[60:76, sun_column * 8 : sun_column * 8 + 8] = (255, 0, 0)
    return Environment(PlaceEntry("made-up", "outdoor", "CC0-1.0", "us", 1.0, True, "train"), picture, light)


def camera_towards(direction: np.ndarray, size: int = 64) -> Camera:
    pose = look_at(np.zeros(3), direction.astype(np.float64), np.array([0.0, 1.0, 0.0]))
    return Camera(size, size, size, size, size / 2, size / 2, pose)


@pytest.mark.parametrize("turn", [0.0, np.pi / 4, 3 * np.pi / 2])
def test_the_sun_shines_from_where_the_panorama_shows_it(turn: float) -> None:
    place = made_up_place()
    light = light_of(place, turn)
    assert light.sun_color.min() > 0
    seen = seen_through(place, camera_towards(light.sun_direction), turn)
    middle = seen[28:36, 28:36].mean(axis=(0, 1))
    assert middle[0] > 3 * middle[1]


def test_a_place_without_a_sun_has_none() -> None:
    even = replace(made_up_place(), light=np.full((32, 64, 3), 0.5, np.float32))
    assert not light_of(even).sun_color.any()
    directions, total = upward_directions(light_of(even), 200, RNG(0))
    assert (directions[:, 1] > 0).all() and total == pytest.approx(0.5, rel=0.02)


def test_the_panorama_has_no_seam() -> None:
    straight = np.array([[[0, 0, 1], [1e-4, 0, -1], [-1e-4, 0, -1]]], np.float32)
    column, row = panorama_position(straight, 512, 256)
    assert column[0, 0] == pytest.approx(255.5) and row[0, 0] == pytest.approx(127.5)
    assert column[0, 1] == pytest.approx(511.5, abs=0.1) and column[0, 2] == pytest.approx(-0.5, abs=0.1)


def standing_box() -> Standing:
    scene = build_scene((plain_part(box()),))
    lowest = float(scene.points[:, 1].min())
    return Standing(scene, np.eye(3), 1.0, np.array([0.0, -lowest, 0.0]))


def test_an_object_darkens_the_ground_beside_it_and_not_far_away() -> None:
    camera = replace(camera_towards(np.array([0, -0.5, -1])), world_from_camera=look_at(
        np.array([0.0, 3.0, 5.0]), np.zeros(3), np.array([0.0, 1.0, 0.0])
    ))  # fmt: skip
    paper = np.full((64, 64, 3), 0.8, np.float32)
    place = Place(camera, (standing_box(),), light_of(made_up_place()), paper)
    seen = photograph_place(place, RNG(0))
    ground = luminance(seen.linear)[seen.main == 0]
    assert ground.min() < 0.6 and np.median(ground) == pytest.approx(0.8, abs=0.02)
    assert 0.02 < seen.main.mean() < 0.5
    bare = photograph_place(replace(place, objects=()), RNG(0))
    assert np.array_equal(bare.linear, paper) and not bare.main.any()


def test_what_stands_in_front_hides_the_main_object() -> None:
    camera = replace(camera_towards(np.array([0, 0, -1])), world_from_camera=look_at(
        np.array([0.0, 1.0, 6.0]), np.array([0.0, 0.5, 0.0]), np.array([0.0, 1.0, 0.0])
    ))  # fmt: skip
    main = standing_box()
    front = replace(main, scale=0.4, position=main.position * 0.4 + np.array([0.0, 0.0, 2.0]))
    paper = np.full((64, 64, 3), 0.8, np.float32)
    light = light_of(made_up_place())
    alone = photograph_place(Place(camera, (main,), light, paper), RNG(0))
    hidden = photograph_place(Place(camera, (main, front), light, paper), RNG(0))
    assert hidden.others.any() and hidden.main.sum() < alone.main.sum()
    assert not (hidden.main * hidden.others).any()
    assert ((hidden.main + hidden.others) >= alone.main).all()


def cast() -> Cast:
    scenes = [
        build_scene((plain_part(mesh, color),)) for mesh, color in ((mug(), (200, 90, 40)), (sphere(), (30, 90, 200)))
    ]
    wood = RNG(1).integers(60, 200, (128, 128, 3)).astype(np.uint8)
    return Cast(scenes, [made_up_place()], [wood])


@pytest.mark.parametrize("backdrop", BACKDROPS)
def test_the_same_seed_takes_the_same_photo_and_another_seed_another(backdrop: str) -> None:
    first, again, other = (mask_view(cast(), backdrop, 64, RNG(seed)) for seed in (3, 3, 4))  # type: ignore[arg-type]
    assert np.array_equal(first.image, again.image) and np.array_equal(first.alpha, again.alpha)
    assert not np.array_equal(first.image, other.image)
    assert 0.01 < first.alpha.mean() < 0.95


def test_a_photo_without_object_has_an_empty_mask() -> None:
    assert not mask_view(cast(), "placed", 64, RNG(0), empty=True).alpha.any()


def test_objects_rest_on_the_ground() -> None:
    for seed in range(8):
        place = random_place(cast(), "placed", RNG(seed), 64)
        for standing in place.objects:
            points = standing.scene.points @ standing.rotation.T * standing.scale + standing.position
            assert abs(points[:, 1].min()) < 1e-4


def test_a_folder_without_index_is_refused(tmp_path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError) as refusal:
        EnvironmentLibrary(tmp_path)
    assert refusal.value.code == "no-environments"
