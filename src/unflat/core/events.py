"""What a run tells while it works. Doors render these; the engine knows no door."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StageStarted:
    """A stage begins. ``fraction`` is that of the whole run."""

    stage: str
    backend: str
    fraction: float


@dataclass(frozen=True)
class StageProgress:
    """The stage has come this far. ``seconds_left`` is an estimate for the whole run, None while unknown."""

    stage: str
    stage_fraction: float
    fraction: float
    seconds_left: float | None


@dataclass(frozen=True)
class StageFinished:
    """The stage's result is on disk. ``cached`` where it was there already."""

    stage: str
    backend: str
    seconds: float
    cached: bool
    summary: str


@dataclass(frozen=True)
class WarningRaised:
    """Something the user should know; it also goes into the provenance."""

    stage: str
    message: str


@dataclass(frozen=True)
class RunFinished:
    """All stages are done."""

    seconds: float


Event = StageStarted | StageProgress | StageFinished | WarningRaised | RunFinished
"""Any of the above."""
