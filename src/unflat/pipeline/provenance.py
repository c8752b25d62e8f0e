"""How an asset was made: recipe, seed, hashes, versions, licences, timings, warnings."""

from __future__ import annotations

import hashlib
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from unflat.core import Provenance
from unflat.pipeline.intake import Intake
from unflat.pipeline.plan import Plan
from unflat.stages.options import options_of

_VERSIONED = ("unflat", "numpy", "scipy", "scikit-image", "opencv-python-headless", "embreex", "manifold3d",
              "fast-simplification", "xatlas")  # fmt: skip
"""Packages whose version can change a result."""


def provenance_of(
    plan: Plan, intake: Intake, seed: int, timings_s: dict[str, float], warnings: list[str]
) -> Provenance:
    """The provenance of a finished run."""
    return Provenance(
        recipe=resolved_toml(plan),
        seed=seed,
        inputs=tuple((photo.name, photo.sha256 or _pixels_hash(photo.pixels)) for photo in intake.photos),
        versions=tuple((name, _version(name)) for name in _VERSIONED),
        weights=tuple(weight for planned in plan.steps for weight in getattr(planned.backend, "weights_used", ())),
        licences=tuple(
            (f"{planned.step.stage}/{planned.card.name}", _licence(planned.card.licence, planned.card.weights_licence))
            for planned in plan.steps
        ),
        timings_s=tuple((name, round(seconds, 3)) for name, seconds in timings_s.items()),
        warnings=tuple(warnings),
    )


def resolved_toml(plan: Plan) -> str:
    """The recipe with every option spelled out and its help as a comment: can be saved and given to --recipe."""
    recipe = plan.recipe
    lines = [f"description = {_toml(recipe.description)}", f"takes = {_toml(recipe.takes)}"]
    finish = [planned.card.name for planned in plan.of_stage("finish")]
    finish_told = False
    for planned in plan.steps:
        if planned.step.stage == "finish" and not finish_told:
            lines += ["", "[finish]", f"steps = {_toml(finish)}"]
            finish_told = True
        lines += ["", f"[{planned.step.key}]  # {planned.card.summary}"]
        if planned.step.stage != "finish":
            lines.append(f"backend = {_toml(planned.card.name)}")
        for option in options_of(type(planned.backend)):
            value = getattr(planned.backend, option.name)
            setting = f"# {option.name} = none" if value is None else f"{option.name} = {_toml(value)}"
            lines.append(f"{setting:<32}  # {option.help}")
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if isinstance(value, tuple | list):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _pixels_hash(pixels: Any) -> str:
    return hashlib.sha256(pixels.tobytes()).hexdigest()


def _licence(code: str, weights: str) -> str:
    return f"{code}; weights: {weights}" if weights else code


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
