"""Random pictures of objects as people take them: before white or a studio's paper, a wall, or standing in a place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import cv2
import numpy as np
from jaxtyping import Float32, Float64, UInt8

from unflat.core import Camera
from unflat.core.color import linear_from_srgb, luminance
from unflat.render.scene import Scene
from unflat.synth.environments import Environment, seen_through
from unflat.synth.ground import Ground
from unflat.synth.illumination import Illumination, random_illumination
from unflat.synth.object_views import aimed_camera
from unflat.synth.patterns import random_color, random_pattern
from unflat.synth.place_light import light_of
from unflat.synth.places import Place, Standing

Backdrop = Literal["white", "studio", "gradient", "busy", "placed"]
BACKDROPS: tuple[Backdrop, ...] = ("white", "studio", "gradient", "busy", "placed")
"""White paper; evenly coloured paper; a blend of colours; a wall or a blurred place; standing in a place."""

_AIMING_POINTS = 400
"""As many of an object's points are enough to aim a camera."""
_CUT_SHARE, _LYING_SHARE, _FROM_BELOW_SHARE = 0.1, 0.12, 0.06
"""How often the frame cuts the object, it lies on another side, and is seen from a little below."""
_TABLE_SHARE, _BARE_FLOOR_SHARE = 0.3, 0.3
"""How often what is stood on is a table with an edge, and the place's own floor."""


@dataclass(frozen=True, eq=False)
class Cast:
    """Who and what may appear in a picture."""

    scenes: Sequence[Scene]
    environments: Sequence[Environment]
    surfaces: Sequence[UInt8[np.ndarray, "h w 3"]]


def random_place(
    cast: Cast,
    backdrop: Backdrop,
    rng: np.random.Generator,
    size_px: int,
    *,
    clutter: bool = True,
    empty: bool = False,
    main: int | None = None,
) -> Place:
    """An object at a random spot of the frame, 15 to 95 % of it, before this backdrop; `empty` leaves it out.

    `main` says which of the cast it is; without, any.
    """
    chosen = int(rng.integers(len(cast.scenes))) if main is None else main
    first = _put_down(cast.scenes[chosen], rng, 1.0)
    camera = _framed(first, rng, size_px)
    others = _others(cast, first, camera, rng) if clutter and backdrop in ("studio", "placed") else ()
    objects = () if empty else (first, *others)
    if backdrop == "placed":
        return _in_a_place(cast, camera, objects, rng)
    light = random_illumination(rng, [place.light for place in cast.environments])
    light = _brightened(light, float(rng.uniform(0.5, 1.2)))
    behind = _paper(cast, backdrop, camera, rng)
    shadows = backdrop != "busy" and bool(rng.random() < 0.75)
    return Place(camera, objects, light, behind, None, shadows)


def _in_a_place(cast: Cast, camera: Camera, objects: tuple[Standing, ...], rng: np.random.Generator) -> Place:
    """On a surface, a table or the floor of a panorama that also lights it."""
    environment = cast.environments[int(rng.integers(len(cast.environments)))]
    turn = float(rng.uniform(0, 2 * np.pi))
    behind = seen_through(environment, camera, turn, zoom=float(rng.uniform(0.4, 1.0)))
    if rng.random() < 0.35:
        behind = cv2.GaussianBlur(behind, (0, 0), rng.uniform(0.5, 4.0) * camera.width_px / 256)
    light = light_of(environment, turn)
    bare = rng.random() < _BARE_FLOOR_SHARE
    ground = None if bare else _random_ground(cast, rng)
    return Place(camera, objects, light, np.asarray(behind, np.float32), ground, True)


def _random_ground(cast: Cast, rng: np.random.Generator) -> Ground:
    picture = _random_surface(cast, rng, 0.3)
    table = bool(rng.random() < _TABLE_SHARE)
    half = rng.uniform(1.2, 4.0, 2) if table else np.full(2, rng.uniform(5, 40))
    tile = float(np.exp(rng.uniform(np.log(1.0), np.log(8.0))))
    return Ground(picture, tile, float(rng.uniform(0, 2 * np.pi)), (float(half[0]), float(half[1])), table)


def _random_surface(cast: Cast, rng: np.random.Generator, made_up: float) -> Float32[np.ndarray, "s s 3"]:
    """A surface or, in this share, a pattern; linear, 512 pixels, recoloured a little."""
    if rng.random() < made_up or not cast.surfaces:
        picture = random_pattern(rng, 512)
    else:
        picture = cv2.resize(
            cast.surfaces[int(rng.integers(len(cast.surfaces)))], (512, 512), interpolation=cv2.INTER_AREA
        )
    tint = np.clip(1 + rng.normal(0, 0.12, 3), 0.6, 1.5).astype(np.float32) * np.float32(rng.uniform(0.5, 1.2))
    return np.asarray(np.clip(linear_from_srgb(np.ascontiguousarray(picture)) * tint, 0, 1), np.float32)


def _paper(cast: Cast, backdrop: Backdrop, camera: Camera, rng: np.random.Generator) -> Float32[np.ndarray, "h w 3"]:
    """What stands behind where there is no place around: paper, a blend, a wall, or a place out of reach."""
    size = camera.width_px
    if backdrop == "white":
        # product shots are lit until the paper has no tone left, others leave it a light grey
        white = rng.choice([4.0, 1.2, rng.uniform(0.75, 1.0)]) * (1 + rng.normal(0, 0.01, 3))
        return _falling_off(np.full((size, size, 3), white, np.float32), rng, 0.08)
    if backdrop == "studio":
        color = _linear_color(rng) if rng.random() < 0.6 else np.full(3, rng.uniform(0.01, 0.8), np.float32)
        return _falling_off(np.full((size, size, 3), color, np.float32), rng, 0.5)
    if backdrop == "gradient":
        corners = np.stack([_linear_color(rng) for _ in range(int(rng.choice([2, 2, 4])))])
        coarse = corners.reshape((2, 1, 3) if len(corners) == 2 else (2, 2, 3)).astype(np.float32)
        if len(corners) == 2 and rng.random() < 0.3:
            coarse = coarse.transpose(1, 0, 2)
        blend = cv2.resize(np.ascontiguousarray(coarse), (size, size), interpolation=cv2.INTER_CUBIC)
        return np.asarray(np.clip(blend, 0, 1), np.float32)
    if rng.random() < 0.5 and cast.environments:
        environment = cast.environments[int(rng.integers(len(cast.environments)))]
        seen = seen_through(environment, camera, float(rng.uniform(0, 2 * np.pi)), float(rng.uniform(0.3, 1.0)))
        return np.asarray(seen * np.float32(rng.uniform(0.6, 1.5)), np.float32)
    wall = _random_surface(cast, rng, 0.5)
    side = int(rng.integers(160, 513))
    left, top = (int(rng.integers(0, 513 - side)) for _ in range(2))
    part = cv2.resize(wall[top : top + side, left : left + side], (size, size), interpolation=cv2.INTER_AREA)
    return _falling_off(part, rng, 0.4)


def _linear_color(rng: np.random.Generator) -> Float32[np.ndarray, "3"]:
    return linear_from_srgb(random_color(rng).astype(np.uint8))


def _falling_off(
    picture: Float32[np.ndarray, "s s 3"], rng: np.random.Generator, most: float
) -> Float32[np.ndarray, "s s 3"]:
    """The picture with light that falls off away from some spot, by up to this share."""
    down, across = np.mgrid[-1 : 1 : len(picture) * 1j, -1 : 1 : len(picture) * 1j].astype(np.float32)
    spot = rng.uniform(-0.7, 0.7, 2)
    away = np.hypot(down - spot[0], across - spot[1]) / 2
    return np.asarray(picture * (1 - np.float32(rng.uniform(0, most)) * away[..., None]), np.float32)


def _brightened(light: Illumination, gain: float) -> Illumination:
    factor = np.float32(gain)
    return replace(
        light,
        environment=light.environment * factor,
        harmonics=light.harmonics * factor,
        sun_color=light.sun_color * factor,
    )


def _put_down(scene: Scene, rng: np.random.Generator, scale: float) -> Standing:
    """The object turned at random and resting on the ground at the origin, at times on another side."""
    yaw = rng.uniform(0, 2 * np.pi)
    rotation = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    if rng.random() < _LYING_SHARE:
        rotation = rotation @ np.linalg.qr(rng.normal(size=(3, 3)))[0]
        rotation *= np.sign(np.linalg.det(rotation))
    points = scene.points @ rotation.T * scale
    low, high = points.min(axis=0), points.max(axis=0)
    position = np.array([-(low[0] + high[0]) / 2, -low[1], -(low[2] + high[2]) / 2], np.float64)
    shiny = rng.random()
    roughness = float(rng.uniform(0.5, 1.0) if shiny < 0.6 else rng.uniform(0.1, 0.5))
    return Standing(scene, rotation, scale, position, roughness, float(rng.uniform(0.5, 1)) if shiny > 0.95 else 0.0)


def _framed(main: Standing, rng: np.random.Generator, size_px: int) -> Camera:
    """A camera that sees the object somewhere in its frame, mostly whole."""
    lowest, highest = (-8, 3) if rng.random() < _FROM_BELOW_SHARE else (3, 38)
    elevation = np.radians(rng.uniform(38, 75) if rng.random() < 0.2 else rng.uniform(lowest, highest))
    azimuth, roll = rng.uniform(0, 2 * np.pi), np.radians(rng.normal(0, 3))
    around = np.array([np.sin(azimuth), 0, np.cos(azimuth)])
    outwards = np.cos(elevation) * around + np.array([0, np.sin(elevation), 0])
    up = np.cos(roll) * np.array([0, 1.0, 0]) + np.sin(roll) * np.array([around[2], 0, -around[0]])
    tangent = float(np.exp(rng.uniform(np.log(0.15), np.log(0.6))))
    fill = float(rng.uniform(0.15, 0.5) if rng.random() < 0.25 else rng.uniform(0.5, 0.95))
    points = _some(main.scene.points) @ main.rotation.T * main.scale + main.position
    camera = aimed_camera(points.astype(np.float32), outwards, up, tangent, size_px=size_px, fill=fill)
    room = (1 - fill) / 2
    if rng.random() < _CUT_SHARE:
        room += 0.35 * fill
    shift = size_px * room * rng.uniform(-1, 1, 2) * rng.choice([1.0, 0.4])
    return replace(camera, cx=camera.cx + float(shift[0]), cy=camera.cy + float(shift[1]))


def _others(cast: Cast, main: Standing, camera: Camera, rng: np.random.Generator) -> tuple[Standing, ...]:
    """Smaller objects around the main one, seldom before it."""
    reach = np.linalg.norm((main.scene.points @ main.rotation.T + main.position)[:, [0, 2]], axis=1).max()
    others = []
    for _ in range(int(rng.choice([0, 1, 2, 3, 4], p=[0.4, 0.25, 0.15, 0.12, 0.08]))):
        scale = float(rng.uniform(0.15, 0.55))
        other = _put_down(cast.scenes[int(rng.integers(len(cast.scenes)))], rng, scale)
        turn = rng.uniform(0, 2 * np.pi)
        away = reach * rng.uniform(0.75, 2.5) + scale
        step = np.array([np.sin(turn), 0.0, np.cos(turn)]) * away
        towards_camera = float(step @ camera.center) / (away * float(np.linalg.norm(camera.center)))
        if towards_camera > 0.3 and rng.random() < 0.75:
            step = -step
        others.append(replace(other, position=other.position + step))
    return tuple(others)


def _some(points: Float32[np.ndarray, "n 3"]) -> Float64[np.ndarray, "m 3"]:
    return np.asarray(points[:: max(1, len(points) // _AIMING_POINTS)], np.float64)


def exposed(
    linear: Float32[np.ndarray, "h w 3"], main: Float32[np.ndarray, "h w"], rng: np.random.Generator
) -> Float32[np.ndarray, "h w 3"]:
    """The picture as bright as a camera makes it, that weighs the object more, with some error."""
    weight = 0.3 + main
    mean = np.exp((np.log(luminance(linear) + 0.01) * weight).sum() / weight.sum())
    return linear * np.float32(rng.uniform(0.14, 0.4) / mean)
