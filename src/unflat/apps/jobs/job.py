"""A job as it stands in the table, read."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

FINAL = ("succeeded", "failed", "cancelled")
"""States that a job ends in."""
STATES = ("queued", "running", *FINAL)


@dataclass(frozen=True)
class Job:
    """One job at one moment."""

    id: str
    owner: str
    door: str
    lane: str
    kind: str
    state: str
    priority: int
    created_at: float
    started_at: float | None
    finished_at: float | None
    attempts: int
    crashes: int
    worker: str | None
    cancel_at: float | None
    order: dict[str, Any]
    extra: dict[str, Any]
    progress: dict[str, Any] | None
    warnings: list[str]
    error: dict[str, Any] | None
    assets: list[dict[str, Any]]
    timings_s: dict[str, float]
    bytes: int

    @property
    def has_ended(self) -> bool:
        """Whether its state is final."""
        return self.state in FINAL

    def file(self, name: str) -> dict[str, Any] | None:
        """The result file of this name."""
        return next((file for asset in self.assets for file in asset["files"] if file["name"] == name), None)


_TEXTS = ("order", "extra", "progress", "warnings", "error", "assets", "timings_s")


def job_of_row(row: Any) -> Job:
    """The job that a row of the table describes."""
    values = {name: value for name, value in row._mapping.items() if name in Job.__dataclass_fields__}
    for name in _TEXTS:
        values[name] = None if values[name] is None else json.loads(values[name])
    return Job(**values)
