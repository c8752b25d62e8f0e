"""Truth: known solids are photographed, rebuilt by each weight-free reconstructor, and compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float64

from unflat.core import Camera, Context, Mesh, Part, Reconstruction, View, Views
from unflat.core.conventions import front_rotation
from unflat.geometry.compare import chamfer, f_score, surface_distance
from unflat.geometry.meshes import signed_volume, transformed
from unflat.geometry.topology import is_closed
from unflat.pipeline.plan import plan
from unflat.pipeline.recipe import load_recipe
from unflat.synth.capture import orbit_views, patterned_part
from unflat.synth.solids import box, chair, cone, cylinder, mug, sphere, torus

HULL_VIEWS = 24
HULL_ELEVATIONS_DEG = (-30.0, 10.0, 50.0)
PHOTO_PX = 512
_SURELY_SEEN = 0.99
_STEPS = "largest-part,watertight,decimate"
"""No smoothing and no placing: the frame stays that of the cameras."""


@dataclass(frozen=True)
class TruthRow:
    """One solid, one recipe. Distances in parts of the true solid's half extent, as in the single-photo protocol."""

    solid: str
    recipe: str
    chamfer: float
    f_score_002: float
    f_score_005: float
    seen_error: float
    """Mean distance of what the reconstructor calls seen; NaN where it leaves that to the texture."""
    volume_ratio: float
    watertight: bool


SOLIDS: dict[str, Callable[[], Mesh]] = {
    "sphere": sphere,
    "box": box,
    "cylinder": cylinder,
    "cone": cone,
    "torus": torus,
    "mug": mug,
    "chair": chair,
}
RECIPES = ("inflate", "photo", "relief", "hull")
_BY_OUTLINE = ("inflate", "photo")
"""Recipes that know neither depth nor camera."""
_SETTINGS: dict[str, dict[str, Any]] = {"hull": {"reconstruct.metric": True}, "photo": {"reconstruct.upright": False}}
"""Sizes and directions stay as the camera has them."""


def bench_truth(tell: Callable[[str], None]) -> list[TruthRow]:
    """Measure every solid with every recipe; tell a line of the table per row."""
    tell(f"{'solid':<10}{'recipe':<9}{'Chamfer':>9}{'F@.02':>7}{'F@.05':>7}{'seen':>8}{'volume':>8}{'closed':>8}")
    rows = []
    for name in SOLIDS:
        for recipe in RECIPES:
            row = measure_truth(name, recipe)
            rows.append(row)
            tell(
                f"{row.solid:<10}{row.recipe:<9}{row.chamfer:>9.3f}{row.f_score_002:>7.2f}{row.f_score_005:>7.2f}"
                f"{row.seen_error:>8.4f}{row.volume_ratio:>8.2f}{'yes' if row.watertight else 'no':>8}"
            )
    return rows


def measure_truth(solid: str, recipe: str) -> TruthRow:
    """Photograph the solid, rebuild its shape, bring both into the same frame, compare.

    The frame is that of the true camera. A photo without depth tells no size or distance, so there the outlines' boxes
    and the nearest points are brought together first, and nothing else.
    """
    part = patterned_part(SOLIDS[solid]())
    views = _hull_views(part) if recipe == "hull" else orbit_views(part, 1, 20.0, size_px=PHOTO_PX)
    rebuilt = _rebuilt(views, recipe)
    truth, found = part.mesh, rebuilt.mesh
    if recipe in _BY_OUTLINE:
        truth = transformed(truth, _as_seen(_camera(views)))
        found = _laid_over(found, truth)
    else:
        there, here = _camera(views), _camera(rebuilt.views)
        found = transformed(found, there.world_from_camera @ here.camera_from_world)
    half = float(part.mesh.extent.max()) / 2
    return TruthRow(
        solid=solid,
        recipe=recipe,
        chamfer=chamfer(found, truth) / half,
        f_score_002=f_score(found, truth, 0.02 * half),
        f_score_005=f_score(found, truth, 0.05 * half),
        seen_error=_seen_error(found, truth) / half,
        volume_ratio=signed_volume(found) / signed_volume(truth),
        watertight=is_closed(found.faces),
    )


def _hull_views(part: Part) -> Views:
    """Photographs from three heights: from one alone, a hull has a spike above and below."""
    items: list[View] = []
    for elevation in HULL_ELEVATIONS_DEG:
        for view in orbit_views(part, HULL_VIEWS // len(HULL_ELEVATIONS_DEG), elevation, size_px=PHOTO_PX).items:
            items.append(replace(view, photo=replace(view.photo, name=f"view_{len(items):02d}")))
    return Views(tuple(items))


def _rebuilt(views: Views, recipe: str) -> Reconstruction:
    """The shape stages of the recipe, with true masks (and depth), and without placing."""
    if recipe in _BY_OUTLINE:
        views = Views((replace(views.items[0], camera=None, depth=None),))
    settings = {"finish.steps": _STEPS, **_SETTINGS.get(recipe, {})}
    planned = plan(load_recipe(recipe).with_settings(settings), "views" if recipe == "hull" else "photo")
    result: Any = views
    for step in planned.steps:
        if step.step.stage in ("reconstruct", "surface", "finish"):
            result = step.backend(result, Context())
    assert isinstance(result, Reconstruction)
    return result


def _seen_error(found: Mesh, truth: Mesh) -> float:
    """Mean distance of the vertices that the reconstructor itself calls seen; NaN where it calls none so."""
    if found.confidence is None:
        return float("nan")
    return float(surface_distance(found.vertices[found.confidence > _SURELY_SEEN], truth).mean())


def _camera(views: Views) -> Camera:
    camera = views.items[0].camera
    assert camera is not None
    return camera


def _as_seen(camera: Camera) -> Float64[np.ndarray, "4 4"]:
    """Turns the world so that the camera looks along -Z, upright."""
    turn = np.eye(4)
    turn[:3, :3] = front_rotation() @ camera.camera_from_world[:3, :3]
    return turn


def _laid_over(found: Mesh, truth: Mesh) -> Mesh:
    """The found mesh, moved and scaled so that its front outline's box and its nearest point are the truth's."""
    scale = float(truth.extent[:2].max() / found.extent[:2].max())
    similarity = np.diag([scale, scale, scale, 1.0])
    similarity[:3, 3] = _anchor(truth) - scale * _anchor(found)
    return transformed(found, similarity)


def _anchor(mesh: Mesh) -> Float64[np.ndarray, "3"]:
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    return np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, high[2]], np.float64)
