"""How much of the room and of the key light each pixel sees: a few rays a pixel, interleaved, then smoothed.

Interleaved sampling (Keller and Heidrich 2001): neighbouring pixels cast different rays, so that every 4x4 block
together casts 48; an edge-aware box over the block then gives each pixel the mean of its neighbours on its surface.
"""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float32, Int32

from unflat.core import Camera
from unflat.render.lighting import KEY, light_direction
from unflat.render.scene import Scene
from unflat.render.trace import Samples, pixel_size

_BLOCK = 4
"""Side of the pixel block that shares one set of rays."""
_SKY_RAYS = 2
"""Rays per pixel to the room; 32 per block."""
_SKY_REACH = 0.6
"""Things further than this share of the scene's diagonal do not darken: walls of a room would, but are not there."""
_KEY_SPREAD = 0.10
"""Radius of the key light as seen from the object, as tangent: a softbox of 12 degrees across."""
_LIFT = 2e-4
"""Rays start this share of the scene's diagonal above the surface, so that they miss the face they leave."""
_SAME_SURFACE_COSINE = 0.8
_SAME_SURFACE_PX = 4.0
"""A neighbour counts as on the same surface if it is turned and offset by less than this."""


def visibility(scene: Scene, samples: Samples, camera: Camera) -> Float32[np.ndarray, "p 2"]:
    """Per pixel, row by row: the open share of the hemisphere, and the visible share of the key light, both 0..1.

    `samples` are those of the pixels' centres. Pixels without a sample take the mean of their neighbours, else 1.
    """
    slot = _pattern_slot(samples.pixel, camera.width_px)
    origins = samples.position + samples.flat_normal * np.float32(_LIFT * scene.size)
    noisy = np.column_stack([_open_sky(scene, samples, origins, slot), _key_seen(scene, origins, slot, camera)])
    return _smoothed(noisy.astype(np.float32), samples, camera)


def _pattern_slot(pixel: Int32[np.ndarray, "n"], width_px: int) -> Int32[np.ndarray, "n"]:
    """Which of the block's 16 ray sets a pixel casts; close sets lie far apart (a 4x4 ordered dither)."""
    order = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]], np.int32)
    return order[pixel // width_px % _BLOCK, pixel % width_px % _BLOCK]


def _open_sky(scene: Scene, samples: Samples, origins: np.ndarray, slot: np.ndarray) -> Float32[np.ndarray, "n"]:
    directions = cosine_directions(_BLOCK * _BLOCK * _SKY_RAYS)
    tangent, bitangent = _frames(samples.flat_normal)
    reach = _SKY_REACH * scene.size
    blocked = np.zeros(len(samples), np.float32)
    for ray in range(_SKY_RAYS):
        local = directions[slot + ray * _BLOCK * _BLOCK]
        towards = tangent * local[:, :1] + bitangent * local[:, 1:2] + samples.flat_normal * local[:, 2:]
        distance = scene.caster.cast(origins, towards).distance
        blocked += np.where(np.isnan(distance), 0, np.clip(1 - distance / reach, 0, 1) ** 0.5)
    return np.float32(1) - blocked / np.float32(_SKY_RAYS)


def _key_seen(scene: Scene, origins: np.ndarray, slot: np.ndarray, camera: Camera) -> Float32[np.ndarray, "n"]:
    key = light_direction(KEY, camera)
    tangent, bitangent = (axis[0] for axis in _frames(key[None]))
    angle = 2.399963 * np.arange(_BLOCK * _BLOCK)  # the golden angle spreads points evenly over a disc (Vogel 1979)
    radius = _KEY_SPREAD * np.sqrt((np.arange(_BLOCK * _BLOCK) + 0.5) / _BLOCK**2)
    spread = np.outer(np.cos(angle) * radius, tangent) + np.outer(np.sin(angle) * radius, bitangent)
    towards = (key + spread).astype(np.float32)[slot]
    return 1 - scene.caster.blocked(origins, towards).astype(np.float32)


def cosine_directions(count: int) -> Float32[np.ndarray, "count 3"]:
    """Unit directions about +z, spread with the density of Lambert's cosine."""
    order = np.arange(count)
    turn, radius = 2.399963 * order, np.sqrt((order * 7 % count + 0.5) / count)
    return np.column_stack([np.cos(turn) * radius, np.sin(turn) * radius, np.sqrt(1 - radius**2)]).astype(np.float32)


def _frames(normal: Float32[np.ndarray, "n 3"]) -> tuple[np.ndarray, np.ndarray]:
    """Two unit vectors across each normal (Duff et al. 2017)."""
    x, y, z = normal.T
    sign = np.where(z < 0, np.float32(-1), np.float32(1))
    a = -1 / (sign + z)
    b = x * y * a
    return (
        np.column_stack([1 + sign * x * x * a, sign * b, -sign * x]),
        np.column_stack([b, sign + y * y * a, -y]),
    )


def _smoothed(values: Float32[np.ndarray, "n 2"], samples: Samples, camera: Camera) -> Float32[np.ndarray, "p 2"]:
    """Edge-aware box over each block, along rows, then columns, twice; holes filled from their neighbours."""
    shape = (camera.height_px, camera.width_px)
    rows, columns = samples.pixel // shape[1], samples.pixel % shape[1]
    top, left = rows.min(), columns.min()
    box = (int(rows.max() - top) + 1, int(columns.max() - left) + 1)
    rows, columns = rows - top, columns - left

    def image(data: np.ndarray) -> np.ndarray:
        filled = np.zeros((*box, *data.shape[1:]), np.float32)
        filled[rows, columns] = data
        return filled

    limit = image(_SAME_SURFACE_PX * pixel_size(camera, samples.depth))
    normal, offset = image(samples.flat_normal), image(np.einsum("ij,ij->i", samples.flat_normal, samples.position))
    position, known, smooth = image(samples.position), image(np.ones(len(samples))), image(values)
    for shifts in (range(-2, 2), range(-1, 3)):
        for axis in (1, 0):
            smooth = _box_pass(smooth, known, (normal, offset, position, limit), axis, shifts)
    whole = np.ones((*shape, 2), np.float32)
    weight = cv2.blur(known, (3, 3))[..., None]
    around = cv2.blur(smooth * known[..., None], (3, 3)) / np.maximum(weight, 1e-6)
    filled = np.where(known[..., None] > 0, smooth, around)
    whole[top : top + box[0], left : left + box[1]] = np.where(weight > 0, filled, 1)
    return whole.reshape(-1, 2)


def _box_pass(
    values: np.ndarray, known: np.ndarray, surface: tuple[np.ndarray, ...], axis: int, shifts: range
) -> np.ndarray:
    """Mean over the shifted neighbours along one axis that lie on the same surface."""
    normal, offset, position, limit = surface
    total, weight = np.zeros_like(values), np.full(values.shape[:2], 1e-6, np.float32)
    for shift in shifts:
        moved = [np.roll(data, -shift, axis=axis) for data in (values, known, normal, position)]
        same = moved[1] * known
        if shift != 0:
            turned = np.einsum("hwc,hwc->hw", normal, moved[2])
            off = np.abs(np.einsum("hwc,hwc->hw", normal, moved[3]) - offset)
            same = same * (turned > _SAME_SURFACE_COSINE) * (off < limit)
        total += moved[0] * same[..., None]
        weight += same
    return total / weight[..., None]
