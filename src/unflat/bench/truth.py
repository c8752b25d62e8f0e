"""Truth: known solids are photographed, rebuilt by each weight-free reconstructor, and compared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64, UInt8

from unflat.core import Asset, Mesh, View, Views
from unflat.core.conventions import front_rotation
from unflat.geometry.compare import chamfer, f_score
from unflat.geometry.meshes import signed_volume, transformed
from unflat.pipeline.intake import Intake
from unflat.pipeline.plan import plan
from unflat.pipeline.recipe import load_recipe
from unflat.pipeline.run import RunOptions, run
from unflat.synth.capture import orbit_views, patterned_part
from unflat.synth.solids import box, chair, cone, cylinder, mug, sphere, torus

HULL_VIEWS = 24
PHOTO_PX = 512
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
    volume_ratio: float
    watertight: bool
    seen_share: float


SOLIDS: dict[str, Callable[[], Mesh]] = {
    "sphere": sphere,
    "box": box,
    "cylinder": cylinder,
    "cone": cone,
    "torus": torus,
    "mug": mug,
    "chair": chair,
}
RECIPES = ("photo", "relief", "hull")


def bench_truth(tell: Callable[[str], None]) -> list[TruthRow]:
    """Measure every solid with every recipe; tell a line of the table per row."""
    tell(f"{'solid':<10}{'recipe':<9}{'Chamfer':>9}{'F@.02':>7}{'F@.05':>7}{'volume':>8}{'closed':>8}{'seen':>7}")
    rows = []
    for name in SOLIDS:
        for recipe in RECIPES:
            row = measure_truth(name, recipe)
            rows.append(row)
            tell(
                f"{row.solid:<10}{row.recipe:<9}{row.chamfer:>9.3f}{row.f_score_002:>7.2f}{row.f_score_005:>7.2f}"
                f"{row.volume_ratio:>8.2f}{'yes' if row.watertight else 'no':>8}{row.seen_share:>7.2f}"
            )
    return rows


def measure_truth(solid: str, recipe: str) -> TruthRow:
    """Photograph the solid, rebuild it, lay both over each other, compare.

    A hull lies where its cameras put it. One photo tells neither distance nor, without depth, size: there the outlines'
    boxes and the nearest points are brought together first, and nothing else.
    """
    part = patterned_part(SOLIDS[solid]())
    views = orbit_views(part, HULL_VIEWS if recipe == "hull" else 1, 20.0, size_px=PHOTO_PX)
    asset = _rebuilt(views, recipe)
    truth, found = part.mesh, asset.parts[0].mesh
    if recipe != "hull":
        truth = _as_seen(truth, views)
        found = _laid_over(found, truth, scale_known=recipe == "relief")
    half = float(part.mesh.extent.max()) / 2
    assert asset.report is not None
    return TruthRow(
        solid=solid,
        recipe=recipe,
        chamfer=chamfer(found, truth) / half,
        f_score_002=f_score(found, truth, 0.02 * half),
        f_score_005=f_score(found, truth, 0.05 * half),
        volume_ratio=signed_volume(found) / signed_volume(truth),
        watertight=asset.report.watertight,
        seen_share=asset.report.seen_share,
    )


def _rebuilt(views: Views, recipe: str) -> Asset:
    first = views.items[0]
    cameras = {view.photo.name: view.camera for view in views.items if view.camera is not None}
    if recipe == "hull":
        photos = tuple(replace(view.photo, alpha=_bytes(view)) for view in views.items)
        intake = Intake(photos, "views", cameras=cameras)
    else:
        intake = Intake((first.photo,), "photo", first.mask, first.depth if recipe == "relief" else None)
    settings = {"finish.steps": _STEPS, "texture.size_px": 512}
    planned = plan(load_recipe(recipe).with_settings(settings), intake.kind)
    return run(planned, intake, RunOptions())[0]


def _bytes(view: View) -> UInt8[np.ndarray, "h w"]:
    assert view.mask is not None
    return np.rint(view.mask.alpha * 255).astype(np.uint8)


def _as_seen(truth: Mesh, views: Views) -> Mesh:
    """The truth turned so that the photo's camera looks along -Z, upright."""
    camera = views.items[0].camera
    assert camera is not None
    turn = np.eye(4)
    turn[:3, :3] = front_rotation() @ camera.camera_from_world[:3, :3]
    return transformed(truth, turn)


def _laid_over(found: Mesh, truth: Mesh, *, scale_known: bool) -> Mesh:
    """The found mesh, moved (and scaled) so that its front outline's box and its nearest point are the truth's."""
    scale = 1.0 if scale_known else float(truth.extent[:2].max() / found.extent[:2].max())
    similarity = np.diag([scale, scale, scale, 1.0])
    similarity[:3, 3] = _anchor(truth) - scale * _anchor(found)
    return transformed(found, similarity)


def _anchor(mesh: Mesh) -> Float64[np.ndarray, "3"]:
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    return np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, high[2]], np.float64)
