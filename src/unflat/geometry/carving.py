"""What two layers cannot hold: the air between a front and a back, cut out of the solid between them.

A network says for each ray how likely it is inside the solid at equal steps from the front to the back. Where that is
air (under a table, inside a cup), a body of air is built in the picture's own space and subtracted.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import manifold3d
import numpy as np
from jaxtyping import Bool, Float32, Float64
from scipy import ndimage

from unflat.core.arrays import freeze_fields
from unflat.core.camera import Camera
from unflat.core.shape import Field, Mesh
from unflat.geometry.cameras import unproject
from unflat.geometry.isosurface import isosurface
from unflat.geometry.topology import compacted

_GRID = 128
"""Samples along the picture's side in the space where the air is built: walls are no thinner than two of them."""
_AIR_BELOW = 0.4
"""Probability of solid under which it is air: a web of wrong solid offends less than a hole in a wall."""
_WALL = 0.03
"""Thickness of the walls that stay, in half pictures: a cup's. What is really thinner, comes out thicker."""
_CLEAR = 0.03
"""How far off the outer surface the air ends where it opens to the outside, in half pictures."""
_OPEN_GAP = 0.35
"""Front and back further apart than this (half pictures) at the outline are two things, with air between; nearer ones
belong to one round wall."""
_LEAST_SHARE = 0.01
"""A bubble of less than this share of the solid is noise."""
_BEYOND = 2
"""Samples that the air goes on beyond an edge, so that no skin is left across an opening."""


@dataclass(frozen=True, eq=False)
class FilledSpace:
    """How likely rays are inside the solid between its two layers."""

    camera: Camera
    """A perspective one, whose square picture is the grid of the layers."""
    front: Float32[np.ndarray, "s s"]
    back: Float32[np.ndarray, "s s"]
    """z-depths, finite inside."""
    inside: Bool[np.ndarray, "s s"]
    filled: Float32[np.ndarray, "k r r"]
    """0..1 in k equal parts of the way from front to back, on a coarser grid."""

    def __post_init__(self) -> None:
        freeze_fields(self, "front", "back", "inside", "filled")


def carved(mesh: Mesh, space: FilledSpace) -> Mesh:
    """The closed mesh without the air in it; the mesh itself where there is none. Still a closed manifold.

    New surface has confidence 0; colours and confidence of the rest stay. About 0.1 s where there is nothing to carve,
    0.4 s otherwise.
    """
    air = _air_body(space)
    if air is None:
        return mesh
    rest = _manifold(mesh) - _manifold(air)
    result = rest.to_mesh()
    if rest.status() != manifold3d.Error.NoError or len(result.tri_verts) == 0:
        return mesh
    numbers = np.asarray(result.vert_properties, np.float32)
    # Where the two surfaces meet, a vertex stands twice, once with the numbers of each.
    stands_for = np.arange(len(numbers))
    stands_for[np.asarray(result.merge_from_vert, np.int64)] = np.asarray(result.merge_to_vert, np.int64)
    faces, used = compacted(stands_for[np.asarray(result.tri_verts, np.int64)].astype(np.int32), len(numbers))
    numbers = numbers[used]
    confidence, colors = mesh.confidence, mesh.colors
    return Mesh(
        np.ascontiguousarray(numbers[:, :3]),
        faces,
        confidence=None if confidence is None else np.clip(numbers[:, 3], 0, 1),
        colors=None if colors is None else np.rint(np.clip(numbers[:, 4:7], 0, 255)).astype(np.uint8),
    )


def _manifold(mesh: Mesh) -> manifold3d.Manifold:
    count = len(mesh.vertices)
    confidence = np.zeros(count, np.float32) if mesh.confidence is None else mesh.confidence
    colors = np.full((count, 3), 128, np.float32) if mesh.colors is None else mesh.colors.astype(np.float32)
    properties = np.column_stack([mesh.vertices, confidence, colors]).astype(np.float32)
    return manifold3d.Manifold(manifold3d.Mesh(properties, np.array(mesh.faces, np.uint32)))


def _air_body(space: FilledSpace) -> Mesh | None:
    """The closed body of the air, in the camera's world; None where there is none worth it."""
    if space.filled.min() >= _AIR_BELOW:
        return None
    unit = space.camera.width_px / space.camera.fx / 2 * float(np.median(space.front[space.inside]))
    step = max(1, space.camera.width_px // _GRID)
    columns = [layer[step // 2 :: step, step // 2 :: step] for layer in (space.front, space.back, space.inside)]
    front, back, inside = columns[0], columns[1], columns[2].astype(bool)
    spacing = 2 * unit / len(inside)
    start = float(front[inside].min()) - 4 * spacing
    depth = np.arange(start, float(back[inside].max()) + 4 * spacing, spacing, dtype=np.float32)
    solid = _solidness(space, front, back, inside, depth)
    solid = np.where(inside[..., None], solid, 1)
    walls = np.minimum(depth - front[..., None], back[..., None] - depth) / np.float32(_WALL * unit)
    value = np.maximum(solid - _AIR_BELOW, np.clip(1 - walls, -1, 1))
    value = np.maximum(value, _outline_wall(front, back, inside, unit)[..., None])
    value = np.where(inside[..., None], value, 1).astype(np.float32)
    air = _without_bubbles(value < 0, (back - front)[inside].sum() / spacing)
    if air is None:
        return None
    value = np.where(air | (value > 0), value, np.float32(1e-3))
    opened = _opened(air, front, back, inside, depth, _CLEAR * unit)
    value = np.where(opened, np.float32(-0.5), value)
    body = isosurface(Field(np.ascontiguousarray(value), np.zeros(3), 1.0))
    return _placed(body, space.camera, step, start, spacing)


def _solidness(
    space: FilledSpace,
    front: Float32[np.ndarray, "g g"],
    back: Float32[np.ndarray, "g g"],
    inside: Bool[np.ndarray, "g g"],
    depth: Float32[np.ndarray, "d"],
) -> Float32[np.ndarray, "g g d"]:
    """Probability of solid at each sample of the fine grid, linear between the bins' middles."""
    bins, coarse = space.filled.shape[:2]
    size, stride = len(front), len(space.inside) // coarse
    # A coarse sample was taken at the middle of its cell: where that is beside the object, it says nothing.
    said = space.inside[stride // 2 :: stride, stride // 2 :: stride][:coarse, :coarse].astype(np.float32)
    stack = np.concatenate([space.filled * said, said[None]]).transpose(1, 2, 0)
    fine = cv2.resize(np.ascontiguousarray(stack), (size, size), interpolation=cv2.INTER_LINEAR)
    weight = fine[..., -1:]
    likely = np.where(weight > 0.05, fine[..., :-1] / np.maximum(weight, 0.05), 1).astype(np.float32)
    share = (depth - front[..., None]) / np.maximum(back - front, 1e-6)[..., None] * bins - np.float32(0.5)
    share = np.clip(np.where(inside[..., None], share, 0), 0, bins - 1)
    low = np.minimum(share.astype(np.int32), bins - 2)
    part = share - low
    return (1 - part) * np.take_along_axis(likely, low, 2) + part * np.take_along_axis(likely, low + 1, 2)


def _outline_wall(
    front: Float32[np.ndarray, "g g"], back: Float32[np.ndarray, "g g"], inside: Bool[np.ndarray, "g g"], unit: float
) -> Float32[np.ndarray, "g g"]:
    """Positive within a wall's thickness of an outline where front and back meet, negative elsewhere."""
    padded = np.pad(inside, 1).astype(np.uint8)
    away, nearest = cv2.distanceTransformWithLabels(padded, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)
    rim = inside & (away[1:-1, 1:-1] < 2)
    gap = np.where(rim, back - front, 0).astype(np.float32)
    # The gap of the nearest rim: spread from the rim inwards over a wall's thickness.
    wide = round(_WALL / 2 * len(inside)) + 2
    spread = cv2.dilate(gap, np.ones((2 * wide + 1, 2 * wide + 1), np.uint8))
    closed = spread < _OPEN_GAP * unit
    thickness = _WALL / 2 * len(inside)
    return np.where(closed, np.clip(1 - away[1:-1, 1:-1] / thickness, -1, 1), -1).astype(np.float32)


def _without_bubbles(air: Bool[np.ndarray, "g g d"], solid_samples: float) -> Bool[np.ndarray, "g g d"] | None:
    """The air in bodies that are worth carving; None where there are none."""
    labels, count = ndimage.label(air)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    worthy = sizes >= _LEAST_SHARE * solid_samples
    worthy[0] = False
    return np.asarray(worthy[labels]) if worthy.any() else None


def _opened(
    air: Bool[np.ndarray, "g g d"],
    front: Float32[np.ndarray, "g g"],
    back: Float32[np.ndarray, "g g"],
    inside: Bool[np.ndarray, "g g"],
    depth: Float32[np.ndarray, "d"],
    clear: float,
) -> Bool[np.ndarray, "g g d"]:
    """The free space beside the air, over its edges."""
    kernel = np.ones((2 * _BEYOND + 1, 2 * _BEYOND + 1), np.uint8)
    grown = np.stack([cv2.dilate(part, kernel) for part in np.moveaxis(air, 2, 0).astype(np.uint8)], axis=2) > 0
    free = ~inside[..., None] | (depth < (front - clear)[..., None]) | (depth > (back + clear)[..., None])
    return np.asarray(grown & free)


def _placed(body: Mesh, camera: Camera, step: int, start: float, spacing: float) -> Mesh:
    """From samples (row, column, depth) to the world; that turns it inside out, so the faces are turned, too."""
    row, column, along = body.vertices.astype(np.float64).T
    pixels: Float64[np.ndarray, "n 2"] = np.column_stack([column, row]) * step + (step // 2 + 0.5)
    world = unproject(camera, pixels, start + spacing * along)
    return Mesh(world.astype(np.float32), np.ascontiguousarray(body.faces[:, ::-1]))
