"""Near-symmetric things made symmetric: each side of a mirror plane takes what the other shows better."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from jaxtyping import Bool, Float32

from unflat.core import Mesh
from unflat.geometry.cameras import pixel_centers, pixel_rays
from unflat.geometry.raycast import Hits, RayCaster
from unflat.geometry.symmetry import SymmetryPlane, symmetry_planes
from unflat.geometry.two_sides import DepthLayers, solid_of

_REACH_SHARE = 0.05
"""How far off its mirror image a surface may lie to be drawn to it, as a share of the solid's diagonal."""
_SEEN = 0.75
"""Confidence from which a mirror image is a seen surface."""
_SEEN_OVER_INFERRED = 0.9
"""How far an inferred surface goes over to a seen mirror image; two of the same kind meet in the middle."""
_FIRMNESS = 2.0
"""The pull is full up to 0.7 of the reach and fades from there."""
_FEATHER_PX = 1.5
"""Blur of the shift in samples: the mirror image's own edges must not show."""


def symmetric(layers: DepthLayers, min_overlap: float, seed: int) -> DepthLayers:
    """The layers drawn to their mirror image in each evident plane, at most three; outlines stay as they are.

    `min_overlap` is the share of the surface that must be its own mirror image for a plane to count. 0.3 s.
    """
    mesh = solid_of(layers)
    for plane in symmetry_planes(mesh, min_overlap, seed)[:3]:
        layers = _drawn_to_mirror(layers, solid_of(layers), plane)
    return layers


def _drawn_to_mirror(layers: DepthLayers, mesh: Mesh, plane: SymmetryPlane) -> DepthLayers:
    inside = layers.inside
    centers = pixel_centers(layers.camera)[inside.ravel()]
    origins, along = pixel_rays(layers.camera, centers)
    mirrored = mesh.with_vertices(plane.mirrored(mesh.vertices))
    caster = RayCaster(mirrored)
    reach = _REACH_SHARE * float(np.linalg.norm(mesh.extent))
    beyond = float(layers.back[inside].max()) + 2 * reach
    first = caster.cast(origins.astype(np.float32), along.astype(np.float32))
    last = caster.cast((origins + beyond * along).astype(np.float32), -along.astype(np.float32))
    front = _blended(layers.front, first.distance, _is_seen(first, mesh), inside, (reach, 0.0))
    back = _blended(
        layers.back, np.float32(beyond) - last.distance, _is_seen(last, mesh), inside, (reach, _SEEN_OVER_INFERRED)
    )
    return replace(layers, front=np.minimum(front, back), back=np.maximum(front, back))


def _is_seen(hits: Hits, mesh: Mesh) -> Bool[np.ndarray, "n"]:
    assert mesh.confidence is not None, "layers tell what is seen"
    there = mesh.confidence[mesh.faces[np.maximum(hits.face, 0)]].mean(axis=1)
    return np.asarray(hits.hit & (there > _SEEN))


def _blended(
    depth: Float32[np.ndarray, "s s"],
    image: Float32[np.ndarray, "n"],
    seen: Bool[np.ndarray, "n"],
    inside: Bool[np.ndarray, "s s"],
    settings: tuple[float, float],
) -> Float32[np.ndarray, "s s"]:
    """The depth moved towards the image: `settings` are the reach and how far an inferred surface follows a seen one.

    A follower of 0 is a seen surface: it meets seen images in the middle and ignores inferred ones.
    """
    reach, follows = settings
    off = np.nan_to_num(image - depth[inside], nan=np.inf)
    near = np.clip(_FIRMNESS * (1 - (off / reach) ** 2), 0, 1)
    most = np.where(seen, follows or 0.5, 0.5 if follows else 0.0)
    shift = np.zeros(depth.shape, np.float32)
    shift[inside] = np.where(near > 0, np.where(np.isfinite(off), off, 0) * near * most, 0)
    weight = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), _FEATHER_PX)
    smooth = cv2.GaussianBlur(shift, (0, 0), _FEATHER_PX) / np.maximum(weight, np.float32(1e-3))
    return np.asarray(depth + np.where(inside, smooth, 0), np.float32)
