"""Relief: the surface that a depth map shows, as it is, closed at the back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from unflat.core import (
    Camera,
    Context,
    DepthMap,
    Drawing,
    InputError,
    Mesh,
    RecipeError,
    Reconstruction,
    Scale,
    View,
    Views,
)
from unflat.geometry.cameras import transform_camera
from unflat.geometry.depth_grid import DepthGrid, WholeDepth, resampled, whole_depth
from unflat.geometry.layers import Layers, closed_mesh_from_layers, nothing_to_build
from unflat.geometry.meshes import transformed
from unflat.geometry.nearness import depth_of_nearness, nearness_of_depth
from unflat.geometry.relief import (
    DepthKind,
    assumed_camera,
    back_plate,
    centring_similarity,
    depth_of_map,
    focal_of_field_of_view,
    level_step,
    longer_side,
    mirrored_back,
    shell_back,
    width_of_sample,
)
from unflat.geometry.thinning import thinned

_ASSUMED_FIELD_OF_VIEW_DEG = 50.0
"""Across the diagonal, that of a 46 mm lens on full frame: between a phone's main camera (75) and its portrait lens."""
_OBJECT_FAR_OVER_NEAR = 1.4
"""A thing as deep as it is wide that fills a 50 degree picture has its seen half between 1.1 and 1.6 times as far."""
_SCENE_FAR_OVER_NEAR = 4.0
"""A room, seen from its door."""
_MARGIN_PX = 3
"""Pixels kept around the outline, so that it can be found to a fraction of a pixel."""
_WORTH_SAYING_SHARE = 0.01
"""Less of the object without depth than this goes without a warning."""


@dataclass(frozen=True)
class Relief:
    """A closed relief of one photo and its depth map, cut at occlusion edges."""

    model: str | None = None
    """depth network for a photo without a depth map: a name such as
    depth-anything/Depth-Anything-V2-Small-hf, or a folder; needs unflat[depth]"""
    depth_is: Literal["depth", "disparity", "relative"] = "depth"
    """what the depth file holds: depth, disparity (near is large), or relative (near is large, offset unknown)"""
    far_over_near: float | None = None
    """for relative depth: farthest over nearest depth of the object; none: 1.4 for an object, 4 for a whole picture"""
    field_of_view_deg: float | None = None
    """across the picture's diagonal, where the photo does not say its focal length; none: 50 is assumed"""
    back: Literal["flat", "mirror", "shell"] = "flat"
    """flat: a plate behind; mirror: the front mirrored in its outline; shell: a thin skin, torn at occlusion edges"""
    thickness: float = 0.02
    """of the plate or the shell, as a share of the object's longer side"""
    grid_px: int = 512
    """samples along the object's longer side"""
    cut: float = 0.02
    """least jump in depth that is an occlusion edge, as a share of the object's longer side"""
    fill: float = 0.06
    """widest hole in the depth map that is filled, as a share of the object's longer side"""
    denoise: float = 1.0
    """how much of the noise found in the depth is smoothed away; 0 leaves the depth as it is"""
    simplify: float = 0.1
    """flat parts lose triangles while the surface stays within this share of a sample; 0 keeps all of the grid"""

    def __post_init__(self) -> None:
        _check(self.grid_px >= 8, "grid_px", self.grid_px, "a whole number from 8")
        _check(0 < self.thickness <= 10, "thickness", self.thickness, "a share above 0, such as 0.02")
        _check(self.cut > 0, "cut", self.cut, "a share above 0, such as 0.02")
        _check(0 <= self.fill <= 1, "fill", self.fill, "a share from 0 to 1")
        _check(0 <= self.denoise <= 10, "denoise", self.denoise, "a number from 0 to 10")
        _check(0 <= self.simplify <= 10, "simplify", self.simplify, "a share from 0 to 10")
        ratio, angle = self.far_over_near, self.field_of_view_deg
        _check(ratio is None or 1 <= ratio <= 1000, "far_over_near", ratio, "a ratio from 1 to 1000")
        _check(angle is None or 1 <= angle <= 170, "field_of_view_deg", angle, "an angle from 1 to 170 degrees")

    def __call__(self, source: Views | Drawing, context: Context) -> Reconstruction:
        """The relief, centred on the origin.

        A view without a mask is used whole. Metric depth with a known focal length gives a METRIC relief; all else is
        UP_TO_SCALE. A given camera keeps its directions; otherwise the camera looks level along -Z. Raises
        `InputError` (``one-view-needed``, ``no-depth``, ``depth-outside-object``) or `SetupError` where the depth
        network is missing. Linear in pixels and samples: 1 s for 512 samples.
        """
        view = _only_view(source)
        values, kind, metric = self._map_of(view, context)
        context.progress(0.1)
        camera, known_focal = self._camera_of(view, context)
        grid = resampled(self._grid_of(view, camera, values, kind), self.grid_px, self.cut)
        context.progress(0.3)
        whole = whole_depth(grid, cut=self.cut, fill=self.fill, denoise=self.denoise)
        _tell_what_is_left_out(whole, context)
        context.progress(0.6)
        mesh = self._mesh_of(whole, context)
        if metric and not known_focal:
            context.warn("The depth is metric, but without the focal length the size is not known.")
        scale = Scale.METRIC if metric and known_focal else Scale.UP_TO_SCALE
        return _centred(mesh, view, camera, scale)

    def _map_of(self, view: View, context: Context) -> tuple[np.ndarray, DepthKind, bool]:
        """The numbers of the map, what they are, and whether they are metres."""
        if view.depth is not None:
            return view.depth.depth, self.depth_is, self.depth_is == "depth" and view.depth.scale is Scale.METRIC
        if self.model is None:
            raise InputError(
                f"“{view.photo.name}” has no depth map, and no depth network was named.",
                code="no-depth",
                hint="Give --depth FILE; or pip install 'unflat[depth]' and "
                "--set reconstruct.model=depth-anything/Depth-Anything-V2-Small-hf.",
            )
        predicted = _predicted(view, self.model, context)
        if predicted.scale is Scale.METRIC:
            return predicted.depth, "depth", True
        return 1 / predicted.depth, "relative", False

    def _camera_of(self, view: View, context: Context) -> tuple[Camera, bool]:
        """The camera, and whether its focal length is known."""
        if view.camera is not None:
            return view.camera, True
        width, height = view.photo.width, view.photo.height
        if view.photo.focal_px is not None and self.field_of_view_deg is None:
            return assumed_camera(width, height, view.photo.focal_px), True
        angle = self.field_of_view_deg or _ASSUMED_FIELD_OF_VIEW_DEG
        if self.field_of_view_deg is None:
            context.warn(
                f"The photo does not say its focal length: {angle:g} degrees across the diagonal are assumed "
                "(--set reconstruct.field_of_view_deg)."
            )
        focal = focal_of_field_of_view(width, height, angle)
        return assumed_camera(width, height, focal), self.field_of_view_deg is not None

    def _grid_of(self, view: View, camera: Camera, values: np.ndarray, kind: DepthKind) -> DepthGrid:
        """The object's part of the map, as nearness, pixel by pixel."""
        left, top, right, bottom = _box_with_margin(view)
        part = np.s_[top:bottom, left:right]
        alpha = np.ones((bottom - top, right - left), np.float32) if view.mask is None else view.mask.alpha[part]
        held = values[part].astype(np.float64)
        on_object = held[(alpha > 0.5) & np.isfinite(held)]
        if not len(on_object):
            raise InputError(
                f"The depth map of “{view.photo.name}” knows nothing of the object: it is unknown all over the mask.",
                code="depth-outside-object",
                hint="Give a depth map that belongs to this photo, or another mask.",
            )
        far_over_near = self.far_over_near or (_SCENE_FAR_OVER_NEAR if view.mask is None else _OBJECT_FAR_OVER_NEAR)
        step = level_step(on_object)

        def nearness(numbers: np.ndarray) -> np.ndarray:
            depth = depth_of_map(numbers, kind, far_over_near=far_over_near, object_values=on_object)
            return nearness_of_depth(camera, depth)

        half_level = np.abs(nearness(held + step / 2) - nearness(held)) if step else np.zeros_like(held)
        return DepthGrid(camera.cropped(left, top, right, bottom), nearness(held), alpha, half_level)

    def _mesh_of(self, whole: WholeDepth, context: Context) -> Mesh:
        if not (whole.coverage > 0.5).any():
            raise nothing_to_build()
        one_sample = width_of_sample(whole)
        thickness = self.thickness * one_sample * longer_side(whole)
        back = (
            back_plate(whole, thickness)
            if self.back == "flat"
            else mirrored_back(whole)
            if self.back == "mirror"
            else shell_back(whole, thickness)
        )
        front = depth_of_nearness(whole.camera, whole.nearness).astype(np.float32)
        layers = Layers(whole.camera, front, back, whole.coverage, whole.seen, whole.cuts)
        mesh = closed_mesh_from_layers(layers, join_cuts=self.back != "shell", least_thickness=one_sample)
        context.progress(0.8)
        return thinned(mesh, self.simplify * one_sample)


def _check(good: bool, name: str, value: object, expected: str) -> None:
    if not good:
        raise RecipeError(f"relief.{name} can't be {value}.", code="bad-option", hint=f"Give {expected}.")


def _only_view(source: Views | Drawing) -> View:
    if isinstance(source, Drawing) or len(source.items) != 1:
        raise InputError(
            "A relief is made from one photo, found "
            + ("a drawing." if isinstance(source, Drawing) else f"{len(source.items)}."),
            code="one-view-needed",
            hint="Give one photo with its depth map.",
        )
    return source.items[0]


def _predicted(view: View, model: str, context: Context) -> DepthMap:
    from unflat.core.device import best_device
    from unflat.nets.depth_model import LICENCES, predict_depth

    licence = LICENCES.get(model, "not known here")
    if licence != "Apache-2.0":
        context.warn(f"The licence of the weights “{model}” is {licence}: mind it before you sell the result.")
    return predict_depth(view.photo, model, best_device())


def _box_with_margin(view: View) -> tuple[int, int, int, int]:
    width, height = view.photo.width, view.photo.height
    if view.mask is None:
        return 0, 0, width, height
    left, top, right, bottom = view.mask.box
    return (
        max(0, left - _MARGIN_PX),
        max(0, top - _MARGIN_PX),
        min(width, right + _MARGIN_PX),
        min(height, bottom + _MARGIN_PX),
    )


def _tell_what_is_left_out(whole: WholeDepth, context: Context) -> None:
    if whole.left_out > _WORTH_SAYING_SHARE:
        context.warn(f"{whole.left_out:.0%} of the object has no depth and is left out (--set reconstruct.fill).")


def _centred(mesh: Mesh, view: View, camera: Camera, scale: Scale) -> Reconstruction:
    """The relief in the middle of the world, with its camera moved along."""
    assert mesh.confidence is not None
    seen = mesh.vertices[mesh.confidence == 1]
    front = seen if len(seen) > 1 else mesh.vertices
    similarity = centring_similarity(mesh.vertices, front, unit_size=scale is Scale.UP_TO_SCALE)
    seen_from = replace(view, camera=transform_camera(camera, similarity), depth=None)
    return Reconstruction(transformed(mesh, similarity), Views((seen_from,)), scale)
