"""Light that stays where it is while a camera goes round: irradiance over an object and the table it stands on."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Float32, Float64, Int32

from unflat.geometry.outer_surface import spread_directions
from unflat.geometry.raycast import RayCaster
from unflat.render.scene import Scene
from unflat.synth.illumination import Illumination, map_directions, random_illumination

_SKY_DIRECTIONS = 128
"""All places take their light from the same directions: where shade changes, it changes smoothly."""
_SUN_RAYS = 12
_LIFT = 3e-4
"""Rays start this share of the object's size above the surface, so that they miss the face they leave."""
_SPACING = 0.012
"""Irradiance is known at places of the object no further apart than this share of its size, and linear between."""
_MOST_STEPS = 24
_GROUND_CELLS = 176
_GROUND_REACH = 1.6
"""Half the side of the ground's light map, in diagonals of the object; further away nothing is in its shade."""
_BOUNCE = 0.12
"""What stands in a ray's way sends back this share of the mean light: the object's own interreflection."""


@dataclass(frozen=True, eq=False)
class GroundLight:
    """Irradiance over pi on the plane y = 0 around the origin."""

    map: Float32[np.ndarray, "g g 3"]
    """Rows go along z, columns along x."""
    half_side: float
    open: Float32[np.ndarray, "3"]
    """Beyond the map."""

    def at(self, x: Float32[np.ndarray, "h w"], z: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w 3"]:
        """Irradiance over pi at places of the ground."""
        scale = np.float32((len(self.map) - 1) / 2 / self.half_side)
        middle = np.float32((len(self.map) - 1) / 2)
        found = cv2.remap(self.map, x * scale + middle, z * scale + middle, cv2.INTER_LINEAR,
                          borderMode=cv2.BORDER_CONSTANT, borderValue=self.open.tolist())  # fmt: skip
        return np.asarray(found)


@dataclass(frozen=True, eq=False)
class SurfaceLight:
    """Irradiance over pi on a mesh, at the knots of a triangular lattice on each face."""

    values: Float32[np.ndarray, "k 3"]
    first: Int32[np.ndarray, "f"]
    """Each face's first knot."""
    steps: Int32[np.ndarray, "f"]
    """Into how many steps its sides are divided."""

    def at(self, face: Int32[np.ndarray, "n"], barycentric: Float32[np.ndarray, "n 3"]) -> Float32[np.ndarray, "n 3"]:
        """Irradiance over pi at places on the faces, linear between the knots."""
        steps, first = self.steps[face], self.first[face]
        a, b = (barycentric[:, k] * steps for k in (1, 2))
        row = np.clip(np.floor(b), 0, steps - 1).astype(np.int32)
        column = np.clip(np.floor(a), 0, steps - 1 - row).astype(np.int32)
        u, v = (a - column).astype(np.float32), (b - row).astype(np.float32)
        upper = u + v > 1
        corners = [
            (np.where(upper, column + 1, column), np.where(upper, row + 1, row), np.where(upper, u + v - 1, 1 - u - v)),
            (np.where(upper, column, column + 1), np.where(upper, row + 1, row), np.where(upper, 1 - u, u)),
            (np.where(upper, column + 1, column), np.where(upper, row, row + 1), np.where(upper, 1 - v, v)),
        ]
        total = np.zeros((len(face), 3), np.float32)
        for at_column, at_row, weight in corners:
            total += weight[:, None] * self.values[first + _knot(steps, at_column, at_row)]
        return total


@dataclass(frozen=True, eq=False)
class _Lamps:
    """Light from directions: what each brings to a surface that faces it, over pi."""

    towards: Float32[np.ndarray, "m 3"]
    color: Float32[np.ndarray, "m 3"]


def room_light(rng: np.random.Generator) -> Illumination:
    """Light of a made-up room with a window or a lamp, high enough that shadows fall near the object."""
    light = random_illumination(rng)
    azimuth, height = rng.uniform(0, 2 * np.pi), rng.uniform(0.55, 0.9)
    flat = np.sqrt(1 - height * height)
    direction = np.array([flat * np.sin(azimuth), height, flat * np.cos(azimuth)], np.float32)
    warmth = rng.normal(0, 0.06)
    color = np.array([1 + warmth, 1, 1 - warmth], np.float32) * np.float32(rng.uniform(0.5, 1.5))
    return replace(light, sun_direction=direction, sun_color=color, sun_spread=float(rng.uniform(0.04, 0.14)))


def ground_light(caster: RayCaster, light: Illumination, size: float, rng: np.random.Generator) -> GroundLight:
    """The light on the ground with the shadow of what stands on it. About 2 s on one core."""
    sky, sun = _sky(light), _sun(light, rng)
    half = _GROUND_REACH * size
    line = np.linspace(-half, half, _GROUND_CELLS, dtype=np.float32)
    x, z = np.meshgrid(line, line)
    places = np.column_stack([x.ravel(), np.full(x.size, _LIFT * size, np.float32), z.ravel()])
    total, clear = np.zeros((len(places), 3), np.float32), np.zeros(3, np.float32)
    for lamps in (sky, sun):
        for towards, color in zip(lamps.towards, lamps.color, strict=True):
            if towards[1] <= 0:
                continue
            open_here = ~caster.blocked(places, np.broadcast_to(towards, places.shape))
            total += (open_here * towards[1])[:, None] * color
            clear += towards[1] * color
    baked = cv2.GaussianBlur(total.reshape(*x.shape, 3), (0, 0), 1.0)
    return GroundLight(np.asarray(baked), half, clear)


def surface_light(
    scene: Scene,
    light: Illumination,
    rng: np.random.Generator,
    ground: GroundLight | None = None,
    ground_color: Float32[np.ndarray, "3"] | None = None,
) -> SurfaceLight:
    """The light on the object: sky and sun with its own shade, and what the ground sends up. 2 to 5 s on one core."""
    size = float(scene.size)
    first, steps, face, barycentric = _lattice(scene, _SPACING * size)
    points = np.einsum("nk,nkc->nc", barycentric, scene.triangles[face])
    smooth = np.einsum("nk,nkc->nc", barycentric, scene.corner_normals[face])
    smooth /= np.maximum(np.linalg.norm(smooth, axis=1, keepdims=True), 1e-9)
    origins = points + scene.normals[face] * np.float32(_LIFT * size)
    total = np.zeros((len(points), 3), np.float32)
    sky = _sky(light)
    bounced = sky.color.mean(axis=0) * np.float32(_BOUNCE)
    for lamps in (sky, _sun(light, rng)):
        for towards, color in zip(lamps.towards, lamps.color, strict=True):
            cosine = smooth @ towards
            lit = np.flatnonzero(cosine > 0)
            open_here = ~scene.caster.blocked(origins[lit], np.broadcast_to(towards, (len(lit), 3)))
            arriving = np.broadcast_to(color, (len(lit), 3))
            if ground is not None and ground_color is not None and towards[1] < 0:
                share = np.float32(4 / _SKY_DIRECTIONS)
                arriving = _from_ground(origins[lit], towards, ground) * ground_color * share
            total[lit] += cosine[lit, None] * np.where(open_here[:, None], arriving, bounced)
    return SurfaceLight(total, first, steps)


def _from_ground(
    origins: Float32[np.ndarray, "n 3"], towards: Float32[np.ndarray, "3"], ground: GroundLight
) -> Float32[np.ndarray, "n 3"]:
    """Irradiance over pi where downward rays meet the ground."""
    along = np.maximum(origins[:, 1], 0) / -towards[1]
    x, z = origins[:, 0] + along * towards[0], origins[:, 2] + along * towards[2]
    rows = -(-len(origins) // 512)
    grid = np.full((2, rows * 512), 1e6, np.float32)
    grid[0, : len(origins)], grid[1, : len(origins)] = x, z
    return ground.at(grid[0].reshape(rows, 512), grid[1].reshape(rows, 512)).reshape(-1, 3)[: len(origins)]


def _sky(light: Illumination) -> _Lamps:
    """The environment's light gathered into few directions."""
    directions, solid_angle = map_directions()
    towards = spread_directions(_SKY_DIRECTIONS).astype(np.float32)
    nearest = (directions.reshape(-1, 3) @ towards.T).argmax(axis=1)
    flux = light.environment * (solid_angle / np.float32(np.pi))[..., None]
    color = np.column_stack([np.bincount(nearest, flux[..., channel].ravel(), _SKY_DIRECTIONS) for channel in range(3)])
    return _Lamps(towards, color.astype(np.float32))


def _sun(light: Illumination, rng: np.random.Generator) -> _Lamps:
    """Places on the sun's disc."""
    towards: Float64[np.ndarray, "3"] = light.sun_direction.astype(np.float64)
    across = np.cross(towards, [0.0, 0.0, 1.0] if abs(towards[2]) < 0.9 else [1.0, 0.0, 0.0])
    across /= np.linalg.norm(across)
    turn = 2.399963 * np.arange(_SUN_RAYS) + rng.uniform(0, 2 * np.pi)  # Vogel 1979
    radius = light.sun_spread * np.sqrt((np.arange(_SUN_RAYS) + 0.5) / _SUN_RAYS)
    offsets = np.outer(np.cos(turn) * radius, across) + np.outer(np.sin(turn) * radius, np.cross(towards, across))
    spread = towards + offsets
    spread /= np.linalg.norm(spread, axis=1, keepdims=True)
    return _Lamps(spread.astype(np.float32), np.tile(light.sun_color / np.float32(_SUN_RAYS), (_SUN_RAYS, 1)))


def _lattice(
    scene: Scene, spacing: float
) -> tuple[Int32[np.ndarray, "f"], Int32[np.ndarray, "f"], Int32[np.ndarray, "k"], Float32[np.ndarray, "k 3"]]:
    """First knot and number of steps of each face; face and barycentric weights of each knot."""
    corners = scene.triangles
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    steps = np.clip(np.ceil(longest / spacing), 1, _MOST_STEPS).astype(np.int32)
    counts = (steps + 1) * (steps + 2) // 2
    first = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int32)
    face = np.repeat(np.arange(len(steps), dtype=np.int32), counts)
    barycentric = np.empty((len(face), 3), np.float32)
    for count in np.unique(steps):
        rows, columns = np.array([(r, c) for r in range(count + 1) for c in range(count + 1 - r)], np.float32).T / count
        knots = np.column_stack([1 - rows - columns, columns, rows])
        own = np.flatnonzero(steps == count)
        at = first[own][:, None] + np.arange(len(knots))
        barycentric[at] = knots
    return first, steps, face, barycentric


def _knot(
    steps: Int32[np.ndarray, "n"], column: Int32[np.ndarray, "n"], row: Int32[np.ndarray, "n"]
) -> Int32[np.ndarray, "n"]:
    """Number of a knot within its face: rows get shorter by one."""
    return (row * (steps + 1) - row * (row - 1) // 2 + column).astype(np.int32)
