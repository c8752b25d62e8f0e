"""A quality report in words and as JSON."""

from __future__ import annotations

import dataclasses
import math
from enum import Enum
from typing import Any

from unflat.core import QualityReport, Scale

_MARKS = {"error": "✗", "warning": "!", "note": "·"}


def describe(report: QualityReport) -> list[str]:
    """The report in lines for people: facts first, then findings with what to do, then the verdict."""
    lines = [_shape_line(report), _body_line(report), _size_line(report)]
    lines += [line for line in (_texture_line(report), _seen_line(report)) if line]
    for finding in report.findings:
        lines.append(f"{_MARKS[finding.severity]} {finding.message}" + (f" {finding.hint}" if finding.hint else ""))
    if report.target:
        verdict = "good for" if report.passed else "refused for"
        lines.append(f"{'✓' if report.passed else '✗'} {verdict} {report.target}")
    return lines


def report_json(report: QualityReport) -> dict[str, Any]:
    """The report as JSON can hold it: fields as in `QualityReport`, ``passed`` beside them, null for "not measured"."""
    return {
        **{field.name: _json(getattr(report, field.name)) for field in dataclasses.fields(report)},
        "passed": report.passed,
    }


def _shape_line(report: QualityReport) -> str:
    parts = "1 part" if report.parts == 1 else f"{report.parts:,} parts"
    return f"{report.faces:,} faces, {report.vertices:,} vertices, {parts}"


def _body_line(report: QualityReport) -> str:
    facts = ["watertight" if report.watertight else "not watertight"]
    facts.append("manifold" if report.manifold else "not manifold")
    if report.genus:
        facts.append("1 handle" if report.genus == 1 else f"{report.genus} handles")
    crossing = report.self_intersections
    facts.append("no faces cross" if crossing == 0 else f"{crossing:,} pairs of faces cross")
    return ", ".join(facts)


def _size_line(report: QualityReport) -> str:
    if report.scale is not Scale.METRIC:
        longest = max(report.size_m) or 1.0
        return "real size unknown, proportions " + " x ".join(f"{side / longest:.2f}" for side in report.size_m)
    text = " x ".join(length_text(side) for side in report.size_m) + " (width x height x depth)"
    if not math.isnan(report.volume_m3):
        text += f", {report.volume_m3 * 1e6:.4g} cm³"
    if not math.isnan(report.thinnest_m):
        text += f", walls from {length_text(report.thinnest_m)}"
    return text


def _texture_line(report: QualityReport) -> str:
    if math.isnan(report.texels_per_m):
        return ""
    density = f"{report.texels_per_m / 1000:.3g} texels per mm" if report.scale is Scale.METRIC else "textured"
    overlap = "no overlap" if report.uv_overlap < 0.0005 else f"{report.uv_overlap:.1%} of the texels overlap"
    return f"{density}, {overlap}"


def _seen_line(report: QualityReport) -> str:
    if math.isnan(report.seen_share):
        return ""
    return f"{report.seen_share:.0%} of the surface was seen, {1 - report.seen_share:.0%} is inferred"


def length_text(metres: float) -> str:
    """A length in the unit that people would use: 0.4 mm, 12 cm, 1.7 m."""
    for unit, size in (("m", 1.0), ("cm", 0.01)):
        if metres >= size:
            return f"{metres / size:.3g} {unit}"
    return f"{metres * 1000:.2g} mm"


def _json(value: Any) -> Any:
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: _json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_json(item) for item in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    raise TypeError(f"{type(value).__name__} does not belong into a report")
