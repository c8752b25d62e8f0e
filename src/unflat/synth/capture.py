"""Photographs of known worlds: the picture together with its exact mask, depth, normals and camera."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import UInt8

from unflat.core import Camera, DepthMap, Mask, Material, Mesh, Part, Photo, Scale, View, Views
from unflat.render.cameras import orbit_cameras
from unflat.render.frame import WHITE, Background, render_frame
from unflat.render.scene import Scene, build_scene
from unflat.render.styles import Shading
from unflat.synth.solids import refined

_SAMPLES_PER_PX = 16
_VERTICES_PER_WAVE = 6


def photograph(
    parts: Part | tuple[Part, ...] | Scene,
    camera: Camera,
    *,
    background: Background = WHITE,
    shading: Shading = "lit",
    noise: float = 0.0,
    seed: int = 0,
    name: str = "photo",
) -> View:
    """What the camera sees, with everything that is known: mask (antialiased), metric depth, normals, camera.

    `noise` is the standard deviation of grain in sRGB levels (0..255). Raises `InputError` where nothing is seen.
    """
    scene = build_scene((parts,) if isinstance(parts, Part) else parts)
    frame = render_frame(scene, camera, shading=shading, background=background, samples_per_px=_SAMPLES_PER_PX)
    focal = camera.fx if camera.projection == "perspective" else None
    photo = Photo(_with_grain(frame.color, noise, seed), name=name, focal_px=focal)
    mask = Mask(frame.alpha, made_by="synth")
    return View(photo, mask, camera, DepthMap(frame.depth, Scale.METRIC), frame.normals)


def orbit_views(
    parts: Part | tuple[Part, ...] | Scene,
    count: int,
    elevation_deg: float = 15.0,
    *,
    size_px: int = 256,
    background: Background = WHITE,
    shading: Shading = "lit",
    noise: float = 0.0,
    seed: int = 0,
) -> Views:
    """`count` photographs evenly around the object at one height, beginning at its front. Names are view_00, …"""
    scene = build_scene((parts,) if isinstance(parts, Part) else parts)
    azimuths = tuple(360.0 * index / count for index in range(count))
    cameras = orbit_cameras(scene.points, azimuths, elevation_deg, size_px=size_px)
    return Views(
        tuple(
            photograph(
                scene,
                camera,
                background=background,
                shading=shading,
                noise=noise,
                seed=seed + index,
                name=f"view_{index:02d}",
            )
            for index, camera in enumerate(cameras)
        )
    )


def plain_part(mesh: Mesh, color: tuple[int, int, int] = (200, 120, 60), roughness: float = 0.8) -> Part:
    """The mesh in one sRGB colour."""
    colors = np.tile(np.array(color, np.uint8), (len(mesh.vertices), 1))
    return Part(replace(mesh, colors=colors), Material(roughness_factor=roughness), name="solid")


def patterned_part(mesh: Mesh, seed: int = 0, waves: float = 3.0) -> Part:
    """The mesh in a smooth, colourful pattern that is different everywhere: something to match and to compare.

    `waves` is about how often colours change across the object; faces are cut until its vertices can carry that.
    """
    rng = np.random.default_rng(seed)
    size = float(mesh.extent.max())
    mesh = refined(mesh, size / (_VERTICES_PER_WAVE * waves))
    points = mesh.vertices / size
    phase = rng.uniform(0, 2 * np.pi, (3, 3))
    direction = rng.normal(size=(3, 3, 3))
    direction *= 2 * np.pi * waves / np.linalg.norm(direction, axis=2, keepdims=True) * rng.uniform(0.5, 1, (3, 3, 1))
    levels = np.sin(np.einsum("vi,cwi->vcw", points, direction) + phase).mean(axis=2)
    colors: UInt8[np.ndarray, "v 3"] = np.rint(128 + 120 * levels).astype(np.uint8)
    return Part(replace(mesh, colors=colors), Material(roughness_factor=0.8), name="solid")


def _with_grain(pixels: UInt8[np.ndarray, "h w 3"], noise: float, seed: int) -> UInt8[np.ndarray, "h w 3"]:
    if noise == 0.0:
        return pixels
    grain = np.random.default_rng(seed).normal(0, noise, pixels.shape)
    return np.clip(np.rint(pixels + grain), 0, 255).astype(np.uint8)
