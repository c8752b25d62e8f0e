"""Views to learn single photos from: a picture of an object in its own frame, and all that a network should say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from jaxtyping import Float32, Float64, UInt8

from unflat.core import Camera, InputError
from unflat.core.color import luminance, srgb_from_linear
from unflat.geometry.cameras import look_at, pixel_centers, pixel_rays, project
from unflat.geometry.inflated_thickness import inflated_thickness
from unflat.geometry.object_frame import FILL, LEAST_TAN_HALF_FOV
from unflat.geometry.visible_solid import Occupancy
from unflat.render.scene import Scene
from unflat.render.surface import look_up
from unflat.render.trace import Samples, trace
from unflat.synth.illumination import Coat, EnvironmentMap, Illumination, random_illumination, shaded
from unflat.synth.photographic import imperfect_mask, photographed, random_ground

BINS = 16
"""Bins between the front and the back surface in which is said whether the ray is inside."""
BIN_STRIDE = 8
"""Pixels per sample of those bins."""
_AIMING_STEPS = 4
"""Rounds of turning and moving the camera until the outline's box is centred and fills its share of the frame."""
_SMALLEST_OBJECT = 0.01
"""Share of the frame's pixels that an object must cover: edge-on sheets and needles teach nothing."""
_LIFT = 2e-3
"""Rays to the light start this far above the surface (the radius is 1), so that they miss the face they leave."""
_OCCLUSION_REACH = 0.5
"""Distance at which what stands in the way of the sky has lost most of its shade."""
_ANGLE_DEG = (10.0, 60.0)
"""Angle that the square takes in the eye of the camera: from a long lens to a telephone held near."""
_OCCLUSION_RAYS = 61
"""Different directions to the sky; neighbouring pixels cast different ones."""


@dataclass(frozen=True, eq=False)
class ObjectView:
    """One training view. Depths, normals and frame as in `unflat.geometry.object_frame`; s is its size in pixels."""

    image: UInt8[np.ndarray, "s s 3"]
    """The photo, on a ground of its own."""
    alpha: Float32[np.ndarray, "s s"]
    """The true mask."""
    given_alpha: Float32[np.ndarray, "s s"]
    """The mask as a segmenter might give it."""
    thickness: Float32[np.ndarray, "s s"]
    """`inflated_thickness` of the given mask."""
    front: Float32[np.ndarray, "s s"]
    back: Float32[np.ndarray, "s s"]
    front_normal: Float32[np.ndarray, "s s 3"]
    """Unit, in the camera's frame; 0 outside."""
    back_normal: Float32[np.ndarray, "s s 3"]
    back_color: UInt8[np.ndarray, "s s 3"]
    """The far side as the front's light would show it, seen through the object."""
    filled: UInt8[np.ndarray, "b t t"]
    """1 where the middle of a bin between front and back lies inside the solid; t = s / 8."""
    up: Float32[np.ndarray, "3"]
    tan_half_fov: float


@dataclass(frozen=True)
class ViewStyle:
    """How views are taken."""

    size_px: int = 128
    environments: Sequence[EnvironmentMap] = ()


def photograph_object(scene: Scene, solid: Occupancy, rng: np.random.Generator, style: ViewStyle) -> ObjectView:
    """The object from a random side under random light through a random lens. 25 ms at 128 pixels on one core.

    Raises `InputError` (``nothing-in-picture``) where next to nothing of it is seen from there.
    """
    camera = _random_camera(scene, rng, style.size_px)
    centers = pixel_centers(camera)
    pixels = np.arange(len(centers), dtype=np.int32)
    front = trace(scene, camera, centers, pixels)
    if len(front) < _SMALLEST_OBJECT * len(centers):
        raise InputError("The object is next to invisible from here.", code="nothing-in-picture", hint="Try another.")
    back = _seen_from_behind(scene, camera, front.pixel)
    front = front.of(np.isin(front.pixel, back.pixel, assume_unique=True))
    middle = float((front.depth + back.depth).mean() / 2)
    tangent = camera.width_px / 2 / camera.fx
    unit = middle * tangent
    gloss = _random_gloss(rng)
    light = random_illumination(rng, style.environments)
    colors = [_lit(scene, side, camera, light, gloss=gloss, rng=rng) for side in (front, back)]
    exposure = np.float32(rng.uniform(0.25, 0.6) / max(float(np.mean(luminance(colors[0]))), 0.02))
    exposure = np.clip(exposure, 0.4, 3.0)
    size = style.size_px
    alpha = _soft_alpha(_image(np.ones(len(front), np.float32), front.pixel, size))
    linear = _image(colors[0] * exposure, front.pixel, size)
    linear = _bled(linear, alpha)
    image = photographed(linear, alpha, random_ground(rng, size), rng)
    given = imperfect_mask(alpha, rng)
    front_depth, back_depth = (_image((side.depth - middle) / unit, side.pixel, size, np.nan) for side in (front, back))
    rotation = camera.camera_from_world[:3, :3].astype(np.float32)
    front_normal, back_normal = (_image(side.normal @ rotation.T, side.pixel, size) for side in (front, back))
    back_color = srgb_from_linear(_image(colors[1] * exposure, back.pixel, size))
    return ObjectView(
        image, alpha, given, inflated_thickness(given), front_depth, back_depth, front_normal, back_normal, back_color,
        _filled(solid, camera, front, back), rotation[:, 1].copy(), tangent,
    )  # fmt: skip


def _random_camera(scene: Scene, rng: np.random.Generator, size_px: int) -> Camera:
    """Mostly from a little above, at times from high above or below; the outline's box centred, `FILL` of the frame."""
    azimuth = rng.uniform(0, 2 * np.pi)
    elevation = np.radians(
        rng.choice([rng.uniform(-5, 40), rng.uniform(40, 80), rng.uniform(-30, -5)], p=[0.8, 0.13, 0.07])
    )
    roll = np.radians(rng.normal(0, 3) if rng.random() < 0.85 else rng.uniform(-25, 25))
    tangent = float(np.tan(np.radians(rng.uniform(*_ANGLE_DEG)) / 2))
    outwards = np.array(
        [np.cos(elevation) * np.sin(azimuth), np.sin(elevation), np.cos(elevation) * np.cos(azimuth)], np.float64
    )
    up = np.cos(roll) * np.array([0, 1.0, 0]) + np.sin(roll) * np.array([np.cos(azimuth), 0, -np.sin(azimuth)])
    fill = FILL * rng.uniform(0.9, 1.08)
    return aimed_camera(scene.points, outwards, up, tangent, size_px=size_px, fill=fill)


def aimed_camera(
    points: Float32[np.ndarray, "n 3"],
    outwards: Float64[np.ndarray, "3"],
    up: Float64[np.ndarray, "3"],
    tan_half_fov: float,
    *,
    size_px: int,
    fill: float = FILL,
) -> Camera:
    """The camera of the object's frame: from this side, its axis through the middle of the outline's box.

    The box's longer side takes `fill` of the square, unless that would bring the camera into the object.
    """
    target = (points.min(axis=0).astype(np.float64) + points.max(axis=0)) / 2
    focal = size_px / 2 / max(tan_half_fov, LEAST_TAN_HALF_FOV)
    distance = 1.2 / max(tan_half_fov, LEAST_TAN_HALF_FOV)
    local = points.astype(np.float64)
    for _ in range(_AIMING_STEPS):
        pose = look_at(target + distance * outwards, target, up)
        camera = Camera(size_px, size_px, focal, focal, size_px / 2, size_px / 2, pose)
        seen, depth = project(camera, local)
        low, high = np.nanmin(seen, axis=0), np.nanmax(seen, axis=0)
        shift = ((low + high) / 2 - size_px / 2) / focal * distance
        target = target + pose[:3, 0] * shift[0] + pose[:3, 1] * shift[1]
        wanted = distance * float((high - low).max()) / (fill * size_px)
        nearest = distance - float(np.nanmin(depth))
        distance = max(wanted, nearest * 1.15)
    pose = look_at(target + distance * outwards, target, up)
    return Camera(size_px, size_px, focal, focal, size_px / 2, size_px / 2, pose)


def _seen_from_behind(scene: Scene, camera: Camera, pixel: np.ndarray) -> Samples:
    """The last surface on the rays of these pixels, as if seen from behind it."""
    origins, directions = (rays.astype(np.float32) for rays in pixel_rays(camera, pixel_centers(camera)[pixel]))
    far = np.float32(np.linalg.norm(scene.points - camera.center, axis=1).max() * 1.5)
    hits = scene.caster.cast(origins + far * directions, -directions)
    hit = hits.hit
    depth = far - hits.distance[hit]
    along, face, weights = directions[hit], hits.face[hit], hits.barycentric[hit]
    to_eye = along / np.linalg.norm(along, axis=1, keepdims=True)
    flat = scene.normals[face]
    flat = flat * np.where(np.einsum("ij,ij->i", flat, to_eye) < 0, np.float32(-1), np.float32(1))[:, None]
    smooth = np.einsum("nk,nkc->nc", weights, scene.corner_normals[face])
    smooth = smooth * np.where(np.einsum("ij,ij->i", smooth, flat) < 0, np.float32(-1), np.float32(1))[:, None]
    smooth = smooth / np.maximum(np.linalg.norm(smooth, axis=1, keepdims=True), 1e-6)
    return Samples(pixel[hit], face, weights, depth, origins[hit] + depth[:, None] * along, to_eye, flat, smooth)


def _lit(
    scene: Scene,
    side: Samples,
    camera: Camera,
    light: Illumination,
    *,
    gloss: tuple[float, float],
    rng: np.random.Generator,
) -> Float32[np.ndarray, "n 3"]:
    """Linear colours of the surface under the light, with its own shadow and occlusion, a ray each per pixel."""
    albedo = look_up(scene, side, camera).albedo
    origins = side.position + side.flat_normal * np.float32(_LIFT)
    ray = (side.pixel * 29 + side.pixel // camera.width_px * 13) % _OCCLUSION_RAYS
    # a unit normal and a unit vector of any direction add up to Lambert's cosine about the normal
    towards = side.flat_normal + _sphere_directions(_OCCLUSION_RAYS)[ray]
    distance = scene.caster.cast(origins, towards).distance
    near = np.where(np.isnan(distance), 0, np.exp(-np.nan_to_num(distance) / _OCCLUSION_REACH)).astype(np.float32)
    sun_seen = np.ones(len(side), np.float32)
    if light.sun_color.any():
        spread = rng.normal(0, light.sun_spread / 2, (len(side), 3)).astype(np.float32)
        sun_seen = 1 - scene.caster.blocked(origins, light.sun_direction + spread).astype(np.float32)
    smoothed = [_blurred(values, side.pixel, camera.width_px) for values in (1 - near, sun_seen)]
    return shaded(light, side, Coat(albedo, *gloss), *smoothed)


@lru_cache(maxsize=1)
def _sphere_directions(count: int) -> Float32[np.ndarray, "count 3"]:
    """Directions all around, a little shorter than one so that none cancels a normal out."""
    around = np.random.default_rng(0).normal(size=(count, 3))
    return (0.98 * around / np.linalg.norm(around, axis=1, keepdims=True)).astype(np.float32)


def _blurred(values: Float32[np.ndarray, "n"], pixel: np.ndarray, size: int) -> Float32[np.ndarray, "n"]:
    """The mean over the neighbours that see the object."""
    both = np.stack([_image(values, pixel, size), _image(np.ones(len(values), np.float32), pixel, size)], axis=-1)
    mean = np.asarray(cv2.blur(both, (3, 3))).reshape(-1, 2)[pixel]
    return mean[:, 0] / np.maximum(mean[:, 1], 1e-6)


def _filled(solid: Occupancy, camera: Camera, front: Samples, back: Samples) -> UInt8[np.ndarray, "b t t"]:
    """Occupancy in the middle of each bin, on the coarse grid; outside the object everything is 0."""
    size = camera.width_px
    coarse = size // BIN_STRIDE
    sparse = (front.pixel % size % BIN_STRIDE == BIN_STRIDE // 2) & (
        front.pixel // size % BIN_STRIDE == BIN_STRIDE // 2
    )
    start, end = (side.position[sparse].astype(np.float64) for side in (front, back))
    pixel = front.pixel[sparse]
    filled = np.zeros((BINS, coarse * coarse), np.uint8)
    cell = pixel // size // BIN_STRIDE * coarse + pixel % size // BIN_STRIDE
    for index in range(BINS):
        filled[index, cell] = solid.contains(start + (end - start) * ((index + 0.5) / BINS))
    return filled.reshape(BINS, coarse, coarse)


def _random_gloss(rng: np.random.Generator) -> tuple[float, float]:
    """Roughness and metallic: mostly matte to satin, at times glossy or metal."""
    roughness = float(
        rng.choice([rng.uniform(0.6, 1.0), rng.uniform(0.25, 0.6), rng.uniform(0.05, 0.25)], p=[0.6, 0.3, 0.1])
    )
    return roughness, float(rng.uniform(0.5, 1) if rng.random() < 0.06 else 0.0)


def _image(values: np.ndarray, pixel: np.ndarray, size: int, empty: float = 0.0) -> np.ndarray:
    image = np.full((size * size, *values.shape[1:]), empty, np.float32)
    image[pixel] = values
    return image.reshape(size, size, *values.shape[1:])


def _soft_alpha(hard: Float32[np.ndarray, "s s"]) -> Float32[np.ndarray, "s s"]:
    """A lens's edge: about a pixel wide, and never thinner than the object."""
    return np.asarray(np.clip(cv2.GaussianBlur(hard, (3, 3), 0.6), 0, 1))


def _bled(color: Float32[np.ndarray, "s s 3"], alpha: Float32[np.ndarray, "s s"]) -> Float32[np.ndarray, "s s 3"]:
    """The object's colours carried a pixel over its edge, so that a soft edge is not dark."""
    known = np.asarray(color.any(axis=2), np.float32)
    weight = cv2.blur(known, (3, 3))[..., None]
    around = cv2.blur(color, (3, 3)) / np.maximum(weight, 1e-6)
    return np.where((known[..., None] == 0) & (alpha[..., None] > 0), around, color)
