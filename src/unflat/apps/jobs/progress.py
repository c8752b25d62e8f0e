"""Events of the engine on their way to the database: all stages and warnings, progress at most four times a second."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from unflat.core.events import Event, RunFinished, StageFinished, StageProgress, StageStarted, WarningRaised

_INTERVAL_S = 0.25


class ProgressTeller:
    """Call it with each event. `tell` stores one and says False once the job is lost."""

    def __init__(self, tell: Callable[[str, Mapping[str, Any]], bool], clock: Callable[[], float] = time.monotonic):
        self._tell, self._clock = tell, clock
        self._told_at, self._fraction = -1.0, 0.0
        self.lost = False

    def __call__(self, event: Event) -> None:
        """Store the event, or leave it out where another one was stored a moment ago."""
        if isinstance(event, StageProgress):
            if self._clock() - self._told_at >= _INTERVAL_S:
                self._progress(event.stage, event.fraction, event.seconds_left, "")
        elif isinstance(event, StageStarted):
            self._store("stage", {"stage": event.stage, "backend": event.backend, "state": "started"})
            if self._clock() - self._told_at >= _INTERVAL_S:
                self._progress(event.stage, event.fraction, None, event.backend)
        elif isinstance(event, StageFinished):
            told = {"stage": event.stage, "backend": event.backend, "state": "finished", "seconds": event.seconds}
            self._store("stage", {**told, "cached": event.cached, "summary": event.summary})
        elif isinstance(event, WarningRaised):
            self._store("warning", {"stage": event.stage, "message": event.message})
        elif isinstance(event, RunFinished):
            self._progress("write", 0.99, 0.0, "writing files")

    def _progress(self, stage: str, fraction: float, seconds_left: float | None, message: str) -> None:
        self._told_at = self._clock()
        self._fraction = max(self._fraction, min(1.0, fraction))  # a bar that runs backwards helps no one
        left = None if seconds_left is None else round(seconds_left, 1)
        told = {"stage": stage, "fraction": round(self._fraction, 4), "seconds_left": left, "message": message}
        self._store("progress", told)

    def _store(self, event: str, data: Mapping[str, Any]) -> None:
        if not self.lost:
            self.lost = not self._tell(event, data)
