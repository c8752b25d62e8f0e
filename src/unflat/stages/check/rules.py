"""Rules: each looks at the measured facts, and gives a finding where something is not as it should be.

Errors mean that the asset can't be used for the target; warnings that it will show; notes are worth knowing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Literal

import numpy as np

from unflat.core import Asset, Finding, QualityReport, Scale
from unflat.geometry.uv import mirrored_faces
from unflat.io.glb import glb_bytes
from unflat.stages.check.measure import THIN_PERCENTILE, texture_px
from unflat.stages.check.targets import Target

_WORST_OVERLAP = 0.001
"""Share of shared texels that is still rounding at the charts' borders."""
_WALL_ERROR_SHARE = 0.5
"""Walls thinner than this share of what the printer needs are less than one line of the nozzle: they vanish."""
_BYTES_PER_MB = 1e6

Rule = Callable[[QualityReport, Asset, Target], Iterator[Finding]]


def findings_of(report: QualityReport, asset: Asset, target: Target) -> tuple[Finding, ...]:
    """All findings, errors first. The target without a name asks for nothing: then only what is always odd is told."""
    order = {"error": 0, "warning": 1, "note": 2}
    found = [finding for rule in _RULES for finding in rule(report, asset, target)]
    return tuple(sorted(found, key=lambda finding: order[finding.severity]))


def _budgets(report: QualityReport, asset: Asset, target: Target) -> Iterator[Finding]:
    if target.max_faces is not None and report.faces > target.max_faces:
        yield Finding("too-many-faces", "error", f"{report.faces:,} faces, {target.name} allows {target.max_faces:,}.",
                      f"Lower them with --faces {target.max_faces}.")  # fmt: skip
    largest = max(max(texture_px(part)) for part in asset.parts)
    if target.max_texture_px is not None and largest > target.max_texture_px:
        yield Finding(
            "texture-too-large",
            "error",
            f"A texture is {largest} px wide, {target.name} allows {target.max_texture_px}.",
            f"Make it again with --texture {target.max_texture_px}.",
        )
    if target.max_file_mb is not None:
        size_mb = len(glb_bytes(asset)) / _BYTES_PER_MB
        if size_mb > target.max_file_mb:
            yield Finding(
                "file-too-large",
                "warning",
                f"The model is {size_mb:.1f} MB as GLB, {target.name} advises {target.max_file_mb:g}.",
                "Lower --texture first, then --faces; textures are most of a file.",
            )


def _closedness(report: QualityReport, asset: Asset, target: Target) -> Iterator[Finding]:
    severity: Literal["error", "note"] = "error" if target.needs_watertight else "note"
    if not report.watertight:
        yield Finding(
            "not-watertight",
            severity,
            "The surface is not closed: it has holes, or faces turned against their neighbours.",
            "Add the watertight step to the recipe (finish.steps), or close it in a modelling program.",
        )
    elif report.volume_m3 <= 0:
        yield Finding("inside-out", "error", "The surface is closed but turned inside out.",
                      "Flip its faces in the program it came from.")  # fmt: skip
    if not report.manifold:
        yield Finding(
            "not-manifold",
            severity,
            "The surface is not manifold: edges with more than two faces, or parts that touch in one point.",
            "Add the watertight step to the recipe (finish.steps), or close it in a modelling program.",
        )
    if report.self_intersections and target.refuses_intersections:
        # slicers unite what overlaps, so this is no error; it makes volume and walls less certain
        yield Finding(
            "self-intersections",
            "warning",
            f"{report.self_intersections:,} pairs of faces pass through each other.",
            "Slicers usually cope; for a clean body use the watertight step at a lower resolution.",
        )


def _scale(report: QualityReport, asset: Asset, target: Target) -> Iterator[Finding]:
    metric = report.scale is Scale.METRIC
    if target.needs_metric and not metric:
        yield Finding("no-scale", "error", f"The real size is unknown, and {target.name} needs it.",
                      "Give the real height, for example --height 12cm.")  # fmt: skip
    longest = max(report.size_m)
    if metric and target.max_size_m is not None and longest > target.max_size_m:
        yield Finding(
            "too-large",
            "warning",
            f"It is {longest * 100:.3g} cm long, {target.name} takes about {target.max_size_m * 100:g} cm.",
            "Give a smaller --height or --size, or cut it into pieces.",
        )


def _walls(report: QualityReport, asset: Asset, target: Target) -> Iterator[Finding]:
    if target.min_wall_mm is None or report.scale is not Scale.METRIC or math.isnan(report.thinnest_m):
        return
    thinnest_mm = report.thinnest_m * 1000
    if thinnest_mm < target.min_wall_mm:
        vanishes = thinnest_mm < _WALL_ERROR_SHARE * target.min_wall_mm
        yield Finding(
            "thin-walls",
            "error" if vanishes else "warning",
            f"{THIN_PERCENTILE:g} % of the surface has walls thinner than {thinnest_mm:.2g} mm; "
            f"{target.name} needs {target.min_wall_mm:g} mm.",
            "Make it larger with --height, or thicker in a modelling program.",
        )


def _layout(report: QualityReport, asset: Asset, target: Target) -> Iterator[Finding]:
    bare = [part.name for part in asset.parts if part.mesh.uv is None]
    if target.needs_uv and bare:
        # vertex colours are shown by most viewers, so it can be used: it just has no textures
        yield Finding(
            "no-uv",
            "warning",
            f"{len(bare)} of {len(asset.parts)} parts have no UV, so no textures.",
            "Make it anew from its pictures, or unwrap it in a modelling program.",
        )
    if target.refuses_overlap and report.uv_overlap > _WORST_OVERLAP:
        yield Finding(
            "uv-overlap",
            "warning",
            f"{report.uv_overlap:.1%} of the used texels belong to more than one face.",
            "Baked light will be wrong there: unwrap again, or give it a second UV set.",
        )
    mirrored = [float(mirrored_faces(part.mesh).mean()) for part in asset.parts if part.mesh.uv is not None]
    if target.refuses_overlap and mirrored and max(mirrored) > 0:
        yield Finding("uv-mirrored", "note", f"{max(mirrored):.1%} of the faces show their texture mirrored.",
                      "That is common and harmless unless the texture holds text.")  # fmt: skip


def _honesty(report: QualityReport, asset: Asset, target: Target) -> Iterator[Finding]:
    if report.seen_share < 0.5:
        yield Finding(
            "mostly-inferred",
            "note",
            f"Only {report.seen_share:.0%} of the surface was seen in a picture; the rest is inferred.",
            "More photos, from more sides, show more.",
        )
    if not np.isfinite(report.area_m2) or report.area_m2 == 0:
        yield Finding("no-area", "error", "The surface has no area.", "Check the model in the program it came from.")


_RULES: tuple[Rule, ...] = (_budgets, _closedness, _scale, _walls, _layout, _honesty)
