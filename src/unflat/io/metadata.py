"""What an asset remembers (scale, provenance, quality, share seen) as JSON, and back."""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from enum import Enum
from typing import Any

import numpy as np

from unflat import __version__
from unflat.core.asset import Asset, Finding, Part, Provenance, QualityReport
from unflat.core.scale import Scale
from unflat.geometry.meshes import face_areas

GENERATOR = f"unflat {__version__}"
"""What files say about who wrote them."""


def asset_metadata(asset: Asset) -> dict[str, Any]:
    """All that the asset remembers beside its parts, ready for `json_text`. NaN ("not measured") becomes null."""
    metadata = {
        "version": __version__,
        "scale": asset.scale,
        "unit": "m",
        "seen_share": seen_share(asset),
        "provenance": dataclasses.asdict(asset.provenance),
        "report": None if asset.report is None else dataclasses.asdict(asset.report),
    }
    plain: dict[str, Any] = _plain(metadata)
    return plain


def json_text(value: Any) -> str:
    """Compact JSON, the same for the same value; NaN and infinity, which JSON lacks, become null."""
    return json.dumps(_plain(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def seen_share(asset: Asset) -> float:
    """Share of the surface area that a picture saw, from the vertices' confidence; NaN where it is unknown."""
    if asset.report is not None and not math.isnan(asset.report.seen_share):
        return asset.report.seen_share
    seen, total = 0.0, 0.0
    for part in asset.parts:
        if part.mesh.confidence is None:
            return math.nan
        areas = face_areas(part.mesh)
        seen += float(areas @ part.mesh.confidence[part.mesh.faces].mean(axis=1))
        total += float(areas.sum())
    return seen / total if total > 0 else math.nan


def asset_with_metadata(parts: tuple[Part, ...], name: str, metadata: Any) -> Asset:
    """The asset again. Whatever in `metadata` is not as `asset_metadata` wrote it counts as not said."""
    if not isinstance(metadata, dict):
        return Asset(parts, name)
    return Asset(
        parts,
        name,
        scale=Scale.METRIC if metadata.get("scale") == Scale.METRIC.value else Scale.UP_TO_SCALE,
        provenance=_restored(Provenance, metadata.get("provenance")) or Provenance(),
        report=_restored(QualityReport, metadata.get("report")),
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(one) for one in value]
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, np.integer | np.bool_):
        return value.item()
    return value


def _restored(kind: type, value: Any) -> Any:
    """A dataclass of that kind from JSON; None where the JSON does not fit it."""
    if not isinstance(value, dict):
        return None
    hints = typing.get_type_hints(kind)
    try:
        known = {field.name: field for field in dataclasses.fields(kind)}
        return kind(**{key: _typed(hints[key], one) for key, one in value.items() if key in known})
    except (TypeError, ValueError, KeyError):
        return None


def _typed(hint: Any, value: Any) -> Any:
    """The JSON value as the annotation wants it: tuples for lists, NaN for a null number, enums, findings."""
    if hint is float:
        return math.nan if value is None else float(value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(value)
    if hint is Finding:
        return Finding(**value)
    if isinstance(hint, types.UnionType):
        return None if value is None else _typed(typing.get_args(hint)[0], value)
    if typing.get_origin(hint) is tuple:
        inner = typing.get_args(hint)
        repeated = inner[-1] is Ellipsis
        return tuple(_typed(inner[0] if repeated else inner[at], one) for at, one in enumerate(value))
    if isinstance(hint, type) and not isinstance(value, hint):
        raise TypeError(f"expected {hint.__name__}, found {type(value).__name__}")
    return value
