"""Objects standing in real places: one picture with all that belongs to it, and the exact mask of the main object.

The ground is the world's plane y = 0. It carries the picture of a surface, or nothing but shadows, which then fall on
whatever the backdrop shows there (a studio's paper, the floor of a panorama).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Float32, Float64

from unflat.core import Camera
from unflat.render.scene import Scene
from unflat.render.surface import look_up
from unflat.render.trace import Samples, framed_pixels, trace
from unflat.synth.ground import Ground, ground_points, surface_color
from unflat.synth.illumination import Coat, Illumination, shaded
from unflat.synth.place_light import ambient, upward_directions

_SHADOW_CELLS = 44
"""Shade of the ground is measured on a grid of so many places a side, and is smooth between them."""
_SHADOW_REACH = 3.0
"""Half the grid's side, in radii of the main object."""
_SKY_RAYS, _SUN_RAYS = 14, 5
"""Rays from each of them to the sky and to the sun."""
_LIFT = 2e-3
"""Rays start this far off a surface, so that they miss the face they leave."""
_CONTACT_REACH, _CONTACT_SHADE = 0.25, 0.6
"""How far above the ground (in object radii) it takes light from what faces down, and how much of it."""


@dataclass(frozen=True, eq=False)
class Standing:
    """An object put down somewhere: turned, scaled, then moved."""

    scene: Scene
    rotation: Float64[np.ndarray, "3 3"]
    scale: float
    position: Float64[np.ndarray, "3"]
    roughness: float = 0.7
    metallic: float = 0.0

    def inside_out(self, points: Float32[np.ndarray, "n 3"]) -> Float32[np.ndarray, "n 3"]:
        """World points in the object's own frame."""
        return np.asarray((points - self.position) @ self.rotation / self.scale, np.float32)

    def camera(self, camera: Camera) -> Camera:
        """The world's camera in the object's own frame. Depths there are the world's divided by the scale."""
        pose = np.eye(4)
        pose[:3, :3] = self.rotation.T @ camera.world_from_camera[:3, :3]
        pose[:3, 3] = self.rotation.T @ (camera.center - self.position) / self.scale
        return replace(camera, world_from_camera=pose)

    def blocks(self, origins: Float32[np.ndarray, "n 3"], direction: Float32[np.ndarray, "n 3"]) -> np.ndarray:
        """Whether the object lies on each ray of the world."""
        turned = np.asarray(direction @ self.rotation, np.float32)
        return self.scene.caster.blocked(self.inside_out(origins), turned)


@dataclass(frozen=True, eq=False)
class Place:
    """What is photographed. The first object is the one whose mask is wanted; without any there is none."""

    camera: Camera
    objects: tuple[Standing, ...]
    light: Illumination
    backdrop: Float32[np.ndarray, "h w 3"]
    """Linear, as the camera sees it behind everything."""
    ground: Ground | None = None
    shadows: bool = True
    """False where nothing stands on anything."""


@dataclass(frozen=True, eq=False)
class PlacedView:
    """A linear picture and who is seen in it."""

    linear: Float32[np.ndarray, "h w 3"]
    main: Float32[np.ndarray, "h w"]
    """1 where the main object is seen."""
    others: Float32[np.ndarray, "h w"]
    """1 where another object is seen."""


def photograph_place(place: Place, rng: np.random.Generator) -> PlacedView:
    """The place with its objects, one ray a pixel: a lens is to blur its edges. 40 to 80 ms at 256 pixels."""
    camera = place.camera
    height, width = camera.height_px, camera.width_px
    linear = _ground_and_backdrop(place, rng).reshape(-1, 3)
    nearest = np.full(height * width, np.inf, np.float32)
    owner = np.full(height * width, -1, np.int32)
    for index, standing in enumerate(place.objects):
        samples = _seen(standing, camera)
        depth = samples.depth * np.float32(standing.scale)
        first = depth < nearest[samples.pixel]
        samples, depth = samples.of(first), depth[first]
        nearest[samples.pixel], owner[samples.pixel] = depth, index
        linear[samples.pixel] = _lit(place, standing, samples)
    masks = [(owner == 0).astype(np.float32), (owner > 0).astype(np.float32)]
    return PlacedView(linear.reshape(height, width, 3), *(mask.reshape(height, width) for mask in masks))


def _seen(standing: Standing, camera: Camera) -> Samples:
    """What the camera sees of the object alone, in the object's own frame."""
    local = standing.camera(camera)
    pixels = framed_pixels(standing.scene, local)
    columns, rows = pixels % camera.width_px, pixels // camera.width_px
    return trace(standing.scene, local, np.column_stack([columns, rows]) + 0.5, pixels)


def _lit(place: Place, standing: Standing, samples: Samples) -> Float32[np.ndarray, "n 3"]:
    """Linear colours of what is seen of the object, with its own shadow and less light close to the ground."""
    if len(samples) == 0:
        return np.zeros((0, 3), np.float32)
    albedo = look_up(standing.scene, samples, standing.camera(place.camera)).albedo
    rotation = standing.rotation.astype(np.float32)
    world = replace(
        samples,
        position=(samples.position * np.float32(standing.scale)) @ rotation.T + standing.position.astype(np.float32),
        to_eye=samples.to_eye @ rotation.T,
        flat_normal=samples.flat_normal @ rotation.T,
        normal=samples.normal @ rotation.T,
    )
    sky = np.ones(len(samples), np.float32)
    if place.shadows:
        near = np.exp(-np.maximum(world.position[:, 1], 0) / np.float32(_CONTACT_REACH * standing.scale))
        sky = 1 - np.float32(_CONTACT_SHADE) * near * (1 - world.normal[:, 1]) / 2
    sun = np.ones(len(samples), np.float32)
    if place.light.sun_color.any():
        towards = np.broadcast_to(place.light.sun_direction @ rotation, samples.position.shape)
        lifted = samples.position + samples.flat_normal * np.float32(_LIFT)
        sun = 1 - standing.scene.caster.blocked(lifted, np.asarray(towards, np.float32)).astype(np.float32)
    return shaded(place.light, world, Coat(albedo, standing.roughness, standing.metallic), sky, sun)


def _ground_and_backdrop(place: Place, rng: np.random.Generator) -> Float32[np.ndarray, "h w 3"]:
    """The picture without the objects, but with their shadows."""
    picture = place.backdrop.copy()
    if place.ground is None and not (place.shadows and place.objects):
        return picture
    points, hit = ground_points(place.camera)
    if not hit.any():
        return picture
    flat = picture.reshape(-1, 3)
    if place.ground is not None:
        upward = _upward_light(place.light)
        color, share = surface_color(place.ground, points, place.camera)
        flat[hit] = flat[hit] * (1 - share) + color * upward * share
    if place.shadows and place.objects:
        flat[hit] *= _shade_at(points, *_shade_of_ground(place, rng))[:, None]
    return picture


def _upward_light(light: Illumination) -> Float32[np.ndarray, "3"]:
    """Irradiance over pi on the open ground."""
    sun = light.sun_color * max(float(light.sun_direction[1]), 0.0)
    return ambient(light, np.array([[0, 1, 0]], np.float32))[0] + sun


def _shade_of_ground(
    place: Place, rng: np.random.Generator
) -> tuple[Float32[np.ndarray, "g g"], Float64[np.ndarray, "2"], float]:
    """Share of its light that reaches each cell of a grid on the ground, the grid's middle and its half side."""
    main = place.objects[0]
    middle, reach = main.position[[0, 2]], _SHADOW_REACH * main.scale
    steps = np.linspace(-reach, reach, _SHADOW_CELLS)
    x, z = np.meshgrid(middle[0] + steps, middle[1] + steps)
    cells = np.column_stack([x.ravel(), np.full(x.size, _LIFT), z.ravel()]).astype(np.float32)
    directions, weights = _light_directions(place.light, rng)
    open_share = np.zeros(len(cells), np.float32)
    for direction, weight in zip(directions, weights, strict=True):
        towards = np.broadcast_to(direction, cells.shape)
        clear = np.ones(len(cells), bool)
        for standing in place.objects:
            clear &= ~standing.blocks(cells, towards)
        open_share += weight * clear
    shade = cv2.GaussianBlur(open_share.reshape(_SHADOW_CELLS, _SHADOW_CELLS), (0, 0), 0.9)
    return np.asarray(shade), middle, reach


def _light_directions(
    light: Illumination, rng: np.random.Generator
) -> tuple[Float32[np.ndarray, "m 3"], Float32[np.ndarray, "m"]]:
    """Directions from which the ground takes light, and what share of it each brings: sky by importance, then sun."""
    sky, sky_light = upward_directions(light, _SKY_RAYS, rng)
    sun_light = float(light.sun_color.mean()) * max(float(light.sun_direction[1]), 0.0)
    total = max(sky_light + sun_light, 1e-6)
    weights = np.full(_SKY_RAYS, sky_light / total / _SKY_RAYS, np.float32)
    if sun_light == 0:
        return sky, weights
    spread = rng.normal(0, light.sun_spread / 2, (_SUN_RAYS, 3))
    sun = (light.sun_direction + spread).astype(np.float32)
    return np.concatenate([sky, sun]), np.append(weights, np.full(_SUN_RAYS, sun_light / total / _SUN_RAYS)).astype(
        np.float32
    )


def _shade_at(
    points: Float32[np.ndarray, "n 2"],
    shade: Float32[np.ndarray, "g g"],
    middle: Float64[np.ndarray, "2"],
    reach: float,
) -> Float32[np.ndarray, "n"]:
    """The shade between the grid's cells; 1 beyond it."""
    cell = ((points - middle) / reach + 1) / 2 * (_SHADOW_CELLS - 1)
    columns = 512
    rows = -(-len(points) // columns)
    grid = np.full((rows * columns, 2), -9, np.float32)
    grid[: len(points)] = cell
    x, y = np.moveaxis(grid.reshape(rows, columns, 2), 2, 0)
    found = cv2.remap(shade, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=(1.0,))
    return np.asarray(found.reshape(-1)[: len(points)])
