"""From picture positions to what a camera sees there: the first hit, where it lies and how the surface is turned."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Float64, Int32

from unflat.core import Camera
from unflat.geometry.cameras import pixel_rays, project
from unflat.render.scene import Scene


@dataclass(frozen=True, eq=False)
class Samples:
    """Positions in a picture where a surface is seen, in the world's frame."""

    pixel: Int32[np.ndarray, "n"]
    """Pixel that each belongs to, row by row."""
    face: Int32[np.ndarray, "n"]
    barycentric: Float32[np.ndarray, "n 3"]
    depth: Float32[np.ndarray, "n"]
    position: Float32[np.ndarray, "n 3"]
    to_eye: Float32[np.ndarray, "n 3"]
    """Unit direction to the camera."""
    flat_normal: Float32[np.ndarray, "n 3"]
    """Geometric unit normal, turned towards the camera."""
    normal: Float32[np.ndarray, "n 3"]
    """Smooth unit normal, turned as the flat one."""

    def __len__(self) -> int:
        return len(self.pixel)

    def of(self, chosen: np.ndarray) -> Samples:
        """Some of the samples, by mask or index."""
        return Samples(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


def trace(
    scene: Scene, camera: Camera, positions: Float64[np.ndarray, "n 2"], pixel: Int32[np.ndarray, "n"]
) -> Samples:
    """What is seen at these positions; misses are left out. `pixel` says which pixel each belongs to."""
    origins, directions = (rays.astype(np.float32) for rays in pixel_rays(camera, positions))
    hits = scene.caster.cast(origins, directions)
    hit = hits.hit
    face, barycentric, depth, along = hits.face[hit], hits.barycentric[hit], hits.distance[hit], directions[hit]
    to_eye = -along / np.linalg.norm(along, axis=1, keepdims=True)
    flat = scene.normals[face]
    facing = np.where(np.einsum("ij,ij->i", flat, to_eye) < 0, np.float32(-1), np.float32(1))[:, None]
    smooth = facing * _interpolated_normals(scene, face, barycentric, flat)
    return Samples(
        pixel[hit], face, barycentric, depth, origins[hit] + depth[:, None] * along, to_eye, facing * flat, smooth
    )


def framed_pixels(scene: Scene, camera: Camera) -> Int32[np.ndarray, "n"]:
    """The pixels that may see the scene, row by row: those in its bounding box in the picture."""
    corners = _box_corners(scene)
    pixels, depth = project(camera, corners)
    everything = camera.projection == "perspective" and bool((depth <= 0).any())
    if everything or any(camera.distortion):
        return np.arange(camera.width_px * camera.height_px, dtype=np.int32)
    left, top = np.floor(pixels.min(axis=0)).astype(int) - 1
    right, bottom = np.ceil(pixels.max(axis=0)).astype(int) + 1
    columns = np.arange(max(left, 0), min(right, camera.width_px))
    rows = np.arange(max(top, 0), min(bottom, camera.height_px))
    return np.add.outer(rows * camera.width_px, columns).ravel().astype(np.int32)


def subpixel_offsets(count: int) -> Float64[np.ndarray, "count 2"]:
    """Well spread positions inside a pixel, 0..1 (Hammersley); one is its centre."""
    order = np.arange(count)
    mirrored = np.zeros(count)
    for bit in range(16):
        mirrored += ((order >> bit) & 1) / 2.0 ** (bit + 1)
    return np.column_stack([(order + 0.5) / count, mirrored + 0.5 / 2 ** np.ceil(np.log2(max(count, 1)))])


def edge_pixels(samples: Samples, camera: Camera) -> Bool[np.ndarray, "p"]:
    """Pixels that need more than one sample: at outlines, creases and steps in depth. One flag for each pixel."""
    height, width = camera.height_px, camera.width_px
    covered = np.zeros(height * width, bool)
    covered[samples.pixel] = True
    slot = np.zeros(height * width, np.int32)
    slot[samples.pixel] = np.arange(len(samples))
    edge = np.zeros((height, width), bool)
    covered_image, slot_image = covered.reshape(height, width), slot.reshape(height, width)
    for here, there in (((slice(None), slice(None, -1)), (slice(None), slice(1, None))),
                        ((slice(None, -1), slice(None)), (slice(1, None), slice(None)))):  # fmt: skip
        both = covered_image[here] & covered_image[there]
        differs = covered_image[here] != covered_image[there]
        a, b = slot_image[here][both], slot_image[there][both]
        differs[both] = _bends_or_steps(samples, a, b, camera)
        edge[here] |= differs
        edge[there] |= differs
    return edge.ravel()


_CREASE_COSINE = 0.92
"""Neighbouring pixels whose shading normals differ by more than 23 degrees are a crease."""
_STEP_PX = 3.0
"""A neighbour further off the surface's plane than this many pixel widths is a step in depth."""


def _bends_or_steps(samples: Samples, a: np.ndarray, b: np.ndarray, camera: Camera) -> Bool[np.ndarray, "m"]:
    bend = np.einsum("ij,ij->i", samples.normal[a], samples.normal[b]) < _CREASE_COSINE
    off_plane = np.abs(np.einsum("ij,ij->i", samples.position[b] - samples.position[a], samples.flat_normal[a]))
    return bend | (off_plane > _STEP_PX * pixel_size(camera, samples.depth[a]))


def pixel_size(camera: Camera, depth: Float32[np.ndarray, "n"]) -> Float32[np.ndarray, "n"]:
    """Width in metres of a pixel at these z-depths."""
    if camera.projection == "orthographic":
        return np.full(len(depth), 1 / camera.fx, np.float32)
    return depth / np.float32(camera.fx)


def _interpolated_normals(
    scene: Scene, face: np.ndarray, barycentric: np.ndarray, flat: np.ndarray
) -> Float32[np.ndarray, "n 3"]:
    """Smooth unit normals, on the same side as the face normal; the face normal where they cancel out."""
    smooth = np.einsum("nk,nkc->nc", barycentric, scene.corner_normals[face])
    side = np.sign(np.einsum("ij,ij->i", smooth, flat))[:, None]
    lengths = np.linalg.norm(smooth, axis=1, keepdims=True) * np.where(side == 0, 0, side)
    return np.where(lengths == 0, flat, smooth / np.where(lengths == 0, 1, lengths)).astype(np.float32)


def _box_corners(scene: Scene) -> Float64[np.ndarray, "8 3"]:
    points = scene.triangles.reshape(-1, 3).astype(np.float64)
    low, high = points.min(axis=0), points.max(axis=0)
    picks = np.array([[i >> axis & 1 for axis in range(3)] for i in range(8)])
    return np.where(picks == 1, high, low)
