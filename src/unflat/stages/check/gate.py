"""The gate: measure an asset, judge it for a target, and refuse it where that is asked for."""

from __future__ import annotations

from dataclasses import replace

from unflat.core import Asset, GateRefused, QualityReport
from unflat.stages.check.measure import measure
from unflat.stages.check.rules import findings_of
from unflat.stages.check.targets import Target, find_target

NO_TARGET = Target("", "no use in particular", formats=("glb",))
"""Asks for nothing; only what is odd in any model is told."""


def check(asset: Asset, target: str = "") -> QualityReport:
    """Measured facts about the asset, judged for a target: game, ar, print, web, or none.

    Raises `RecipeError` for an unknown target. The report may fail (`passed`); to raise then, use `require_passed`.
    """
    wanted = find_target(target) if target else NO_TARGET
    report = replace(measure(asset), target=target)
    return replace(report, findings=findings_of(report, asset, wanted))


def checked(asset: Asset, target: str = "") -> Asset:
    """The asset with its report inside."""
    return replace(asset, report=check(asset, target))


def require_passed(report: QualityReport) -> None:
    """Raise `GateRefused`, saying every error and what to do, unless the report passed."""
    errors = [finding for finding in report.findings if finding.severity == "error"]
    if errors:
        raise GateRefused(
            f"The asset can't be used for {report.target or 'anything'}: "
            + " ".join(finding.message for finding in errors),
            hint=" ".join(finding.hint for finding in errors),
            code=errors[0].code,
        )
