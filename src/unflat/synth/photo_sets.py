"""Rendered photo sets with exact truth: a thing on a table, photographed all around, as photogrammetry gets it.

Comes in: a textured part, a seed, a style. Goes out: photos one at a time with their true cameras and masks, photos
that are left out for judging, and the true mesh, all in one frame: metres, Y up, the table at y = 0.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from unflat.core import Camera, Part
from unflat.core.color import linear_from_srgb, luminance
from unflat.geometry.meshes import transformed
from unflat.render.scene import build_scene
from unflat.synth.patterns import clouds, leaves
from unflat.synth.photo_cameras import left_out_cameras, random_lens, ring_cameras
from unflat.synth.photo_faults import Faults, exposed, jpeg_bytes, pixels_of_jpeg, random_faults
from unflat.synth.photo_grain import solid_grain
from unflat.synth.photo_ground import random_table
from unflat.synth.photo_light import ground_light, room_light, surface_light
from unflat.synth.photo_still_life import LensRays, LinearPicture, StillLife, linear_picture, stands_on_ground

OBJECT_SIDE_M = 0.2
"""The longest side of every object: a thing for a table."""
_TABLE_HALF_SIDE = 3.2
"""Half the table's side, in diagonals of the object."""
_EXPOSURE = 0.24
"""Mean linear level that the photos are exposed for: between a dark and a white thing."""
_METER_PX = 200
_MUTED = 0.4
"""How much of its colour the room keeps."""
_TURNTABLE_GROUND = 0.35
"""Without a table, light comes from below as from a grey studio."""


@dataclass(frozen=True)
class PhotoSetStyle:
    """How a set is taken."""

    views: int = 24
    left_out: int = 6
    size_px: tuple[int, int] = (1600, 1200)
    ground: bool = True
    """False: the object alone before a plain backdrop, as on a turntable."""
    distorted: bool = True
    faulty: bool = True
    """Whether photos differ in exposure and have blur, noise and JPEG; the left-out ones never do."""
    jpeg_quality: int = 92
    grain: float = 0.06
    """Standard deviation of fine wear, as a share of the albedo: textures of scans are coarser than these photos."""
    gloss: float = 0.2
    """Share of the reflections that a plastic or painted thing would have; 0 is matt."""


@dataclass(frozen=True, eq=False)
class TakenPhoto:
    """One photo of a set."""

    name: str
    pixels: UInt8[np.ndarray, "h w 3"]
    camera: Camera
    alpha: Float32[np.ndarray, "h w"]
    """The true mask: share of each pixel that the object covers."""
    jpeg: bytes | None
    """The file whose content `pixels` are; None where none was made."""
    faults: Faults


@dataclass(frozen=True, eq=False)
class PhotoSet:
    """A thing that stands ready to be photographed; photos are rendered when they are asked for."""

    name: str
    truth: Part
    """The true mesh with its texture, in the cameras' world."""
    cameras: tuple[Camera, ...]
    left_out: tuple[Camera, ...]
    exposure: float
    """Linear factor of all photos."""
    style: PhotoSetStyle
    seed: int
    still_life: StillLife
    rays: LensRays

    def photo(self, index: int) -> TakenPhoto:
        """A photo of the set. 2 to 3 s for two megapixels on one core."""
        rng = np.random.default_rng((self.seed, 1, index))
        picture = linear_picture(self.still_life, self.rays, self.cameras[index])
        name = self.photo_name(index)
        if not self.style.faulty:
            return self._taken(name, self.cameras[index], picture, Faults(), rng)
        faults = random_faults(rng, self.style.size_px[0], self.style.jpeg_quality)
        return self._taken(name, self.cameras[index], picture, faults, rng)

    def photo_name(self, index: int) -> str:
        """The photo's file name."""
        return f"photo_{index:03d}.{'jpg' if self.style.faulty else 'png'}"

    def left_out_photo(self, index: int) -> TakenPhoto:
        """A photo for judging, from a place between the others, without faults."""
        picture = linear_picture(self.still_life, self.rays, self.left_out[index])
        rng = np.random.default_rng((self.seed, 2, index))
        return self._taken(f"left_out_{index:03d}.png", self.left_out[index], picture, Faults(), rng)

    def _taken(
        self, name: str, camera: Camera, picture: LinearPicture, faults: Faults, rng: np.random.Generator
    ) -> TakenPhoto:
        pixels = exposed(picture.color * np.float32(self.exposure), faults, rng)
        if not faults.jpeg_quality:
            return TakenPhoto(name, pixels, camera, picture.alpha, None, faults)
        content = jpeg_bytes(pixels, faults.jpeg_quality)
        return TakenPhoto(name, pixels_of_jpeg(content), camera, picture.alpha, content, faults)


def photo_set(part: Part, seed: int = 0, style: PhotoSetStyle = PhotoSetStyle(), name: str = "") -> PhotoSet:
    """Stand the part on a table under some light, and cameras around it. 8 to 12 s on one core.

    The part may have any size and place; +Y is up. The same for the same part, seed and style; lens, light, table and
    left-out photos do not depend on the number of views.
    """
    part = replace(part, mesh=transformed(part.mesh, stands_on_ground(part.mesh.vertices, OBJECT_SIDE_M)))
    middle = np.array([0.0, float(part.mesh.vertices[:, 1].max()) / 2, 0.0])
    radius = float(np.linalg.norm(part.mesh.vertices - middle.astype(np.float32), axis=1).max())

    def chance(purpose: int) -> np.random.Generator:
        return np.random.default_rng((seed, 0, purpose))

    lens = random_lens(chance(0), style.size_px, distorted=style.distorted)
    cameras = ring_cameras(lens, middle, radius, style.views, chance(1))
    left_out = left_out_cameras(lens, middle, radius, style.left_out, chance(2))
    still_life = _still_life(part, chance(3), style)
    rays = LensRays.of(lens)
    meter = ring_cameras(lens, middle, radius, 1, chance(4))[0]
    exposure = _exposure(still_life, rays, meter)
    return PhotoSet(name or part.name, part, cameras, left_out, exposure, style, seed, still_life, rays)


def _still_life(part: Part, rng: np.random.Generator, style: PhotoSetStyle) -> StillLife:
    """The part under a room's light, on a table if the style has one."""
    scene, light = build_scene((part,)), room_light(rng)
    backdrop = np.full(3, rng.uniform(0.02, 0.6), np.float32)
    table, room = None, None
    below = np.full(3, _TURNTABLE_GROUND, np.float32)
    on_table = ground_light(scene.caster, light, scene.size, rng)
    if style.ground:
        table = random_table(rng, _TABLE_HALF_SIDE * scene.size, style.size_px[0])
        room, below = _random_room(rng), table.mean
    lit = surface_light(scene, light, rng, on_table, below)
    return StillLife(
        scene,
        lit,
        light,
        table,
        on_table if style.ground else None,
        backdrop,
        room,
        grain=solid_grain(OBJECT_SIDE_M, style.grain, rng) if style.grain else None,
        roughness=float(rng.uniform(0.4, 0.7)),
        gloss=style.gloss,
    )


def _random_room(rng: np.random.Generator) -> Float32[np.ndarray, "rh rw 3"]:
    """A blurred panorama of walls, windows and furniture in muted colours; its left end fits its right one."""
    half = cv2.resize(leaves(rng, 512), (512, 512), interpolation=cv2.INTER_CUBIC)
    linear = linear_from_srgb(np.concatenate([half, half[:, ::-1]], axis=1))
    grey = luminance(linear)[..., None]
    blurred = cv2.GaussianBlur(grey + np.float32(_MUTED) * (linear - grey), (0, 0), 7, borderType=cv2.BORDER_REFLECT)
    tone = cv2.resize(clouds(rng, 256), (512, 512))
    tones = np.concatenate([tone, tone[:, ::-1]], axis=1)[..., None]
    return np.asarray(blurred * (np.float32(0.25) + np.float32(0.7) * tones), np.float32)


def _exposure(still_life: StillLife, rays: LensRays, meter: Camera) -> float:
    """The factor by which the object, or the whole picture where that is brighter, gets its mean level."""
    step = max(rays.planar.shape[1] // _METER_PX, 1)
    planar = np.ascontiguousarray(rays.planar[step // 2 :: step, step // 2 :: step])
    height, width = planar.shape[:2]
    seen = linear_picture(still_life, LensRays(planar), meter.resized(width, height))
    levels = luminance(seen.color)
    level = max(float(levels.mean()), float(levels[seen.alpha > 0.5].mean()))
    return _EXPOSURE / max(level, 1e-3)
