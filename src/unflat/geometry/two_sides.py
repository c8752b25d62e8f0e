"""One closed solid from what a network says of an object's front and back, smooth and sharp where they are."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float32, Float64, UInt8
from scipy.ndimage import distance_transform_edt

from unflat.core import Camera, Mesh
from unflat.core.arrays import freeze_fields
from unflat.geometry.cameras import project
from unflat.geometry.carving import FilledSpace, carved
from unflat.geometry.depth_integration import DepthAndNormals, integrated_depth
from unflat.geometry.layers import Layers, closed_mesh_from_layers, nothing_to_build
from unflat.geometry.nearness import depth_of_nearness, depth_steps_to_nearness, nearness_of_depth
from unflat.geometry.occlusion_edges import find_cuts, snapped_ramps

_LEAST_SAMPLES = 1.0
"""Thickness in samples that everything has: a wire and a sheet of paper, too."""
_TEAR_SAMPLES = 6.0
"""Jumps in depth of more than this many samples' widths may be occlusion edges."""
_INFERRED_CONFIDENCE = 0.5
"""Confidence of an inferred surface whose place is certain."""
_ERROR_SCALE = 0.1
"""Expected error in half squares at which the confidence of an inferred surface has fallen to 1/e of that."""


@dataclass(frozen=True, eq=False)
class TwoSides:
    """What is said of the two sides of an object on the pixels of a square picture."""

    camera: Camera
    """In the world of the result, perspective; its picture is the grid."""
    front: DepthAndNormals
    back: DepthAndNormals
    coverage: Float32[np.ndarray, "s s"]
    filled: Float32[np.ndarray, "k r r"] | None = None
    """See `unflat.geometry.carving.FilledSpace`; None where nothing is said."""
    front_color: Float32[np.ndarray, "s s 3"] | None = None
    back_color: Float32[np.ndarray, "s s 3"] | None = None
    """sRGB 0..1, both or none."""

    def __post_init__(self) -> None:
        freeze_fields(self, "coverage", "filled", "front_color", "back_color")


@dataclass(frozen=True, eq=False)
class DepthLayers:
    """z-depths of both sides that fit together: finite everywhere, the back behind the front."""

    camera: Camera
    front: Float32[np.ndarray, "s s"]
    back: Float32[np.ndarray, "s s"]
    coverage: Float32[np.ndarray, "s s"]

    def __post_init__(self) -> None:
        freeze_fields(self, "front", "back", "coverage")

    @property
    def inside(self) -> Bool[np.ndarray, "s s"]:
        """Pixels that are more object than background."""
        return np.asarray(self.coverage > 0.5)


def layers_of(sides: TwoSides) -> DepthLayers:
    """Depth and normals of each side integrated. Raises `InputError` (``nothing-in-picture``) for an empty mask.

    0.15 s for 40,000 pixels inside.
    """
    inside = sides.coverage > 0.5
    if not inside.any():
        raise nothing_to_build()
    front, back = (_integrated(side, sides.camera, inside) for side in (sides.front, sides.back))
    # Where they cross, both are equally wrong.
    middle = (front + back) / 2
    return DepthLayers(sides.camera, np.minimum(front, middle), np.maximum(back, middle), sides.coverage)


def solid_of(layers: DepthLayers) -> Mesh:
    """The closed mesh between the layers. Its front's vertices are its first half; confidence 1 where that is seen."""
    camera = layers.camera
    known = np.where(layers.inside, layers.front, np.nan).astype(np.float64)
    nearness = nearness_of_depth(camera, known)
    cuts = find_cuts(nearness, _TEAR_SAMPLES * depth_steps_to_nearness(camera, nearness))
    sample = float(np.median(layers.front[layers.inside])) / camera.fx
    parts = Layers(camera, layers.front, layers.back, layers.coverage, cuts=cuts)
    return closed_mesh_from_layers(parts, least_thickness=_LEAST_SAMPLES * sample)


def finished_solid(layers: DepthLayers, sides: TwoSides) -> Mesh:
    """The solid with its colours and confidence, carved where rays cross air between front and back.

    Confidence is 1 on the seen front and at most a half on what is inferred: the less, the larger the expected error.
    """
    mesh = _judged(solid_of(layers), sides)
    if sides.filled is None:
        return mesh
    return carved(mesh, FilledSpace(layers.camera, layers.front, layers.back, layers.inside, sides.filled))


def _integrated(side: DepthAndNormals, camera: Camera, inside: Bool[np.ndarray, "s s"]) -> Float32[np.ndarray, "s s"]:
    """The depth of a side, with the ramps that networks make of occlusion edges sharp again."""
    depth = integrated_depth(side, camera, inside)
    nearness = nearness_of_depth(camera, depth.astype(np.float64))
    sharp = snapped_ramps(nearness, _TEAR_SAMPLES * depth_steps_to_nearness(camera, nearness))
    return _continued(depth_of_nearness(camera, sharp).astype(np.float32))


def _judged(mesh: Mesh, sides: TwoSides) -> Mesh:
    pixels, _ = project(sides.camera, mesh.vertices.astype(np.float64))
    size = len(sides.coverage)
    column, row = np.clip(pixels.astype(np.int64), 0, size - 1).T
    is_front = np.arange(len(pixels)) < len(pixels) // 2
    assert mesh.confidence is not None, "layers tell what is seen"
    unit = size / 2 / sides.camera.fx * float(np.median(sides.front.depth[sides.coverage > 0.5]))
    error = np.where(is_front, sides.front.error[row, column], sides.back.error[row, column]) / unit
    inferred = _INFERRED_CONFIDENCE * np.exp(-error / _ERROR_SCALE)
    confidence = np.where(mesh.confidence > _INFERRED_CONFIDENCE, mesh.confidence, inferred).astype(np.float32)
    return replace(mesh, confidence=confidence, colors=_colors(sides, pixels, is_front))


def _colors(
    sides: TwoSides, pixels: Float64[np.ndarray, "n 2"], is_front: Bool[np.ndarray, "n"]
) -> UInt8[np.ndarray, "n 3"] | None:
    if sides.front_color is None or sides.back_color is None:
        return None
    column, row = np.clip(pixels.astype(np.int64), 0, len(sides.coverage) - 1).T
    color = np.where(is_front[:, None], sides.front_color[row, column], sides.back_color[row, column])
    return np.rint(np.clip(color, 0, 1) * 255).astype(np.uint8)


def _continued(depth: Float32[np.ndarray, "s s"]) -> Float32[np.ndarray, "s s"]:
    """Unknown depths from the nearest known ones."""
    nearest = distance_transform_edt(np.isnan(depth), return_distances=False, return_indices=True)
    return np.ascontiguousarray(depth[tuple(nearest)])
