"""Turns the stages' own fractions into a fraction of the whole run and a time left."""

from __future__ import annotations

import time
from collections.abc import Callable

from unflat.core.events import Event, StageProgress

_MIN_EVENT_GAP_S = 0.05
"""Progress is told at most this often: a door that draws it must not slow the work."""

_TRUST_AFTER_SHARE = 0.15
"""Below this share of the run, its speed so far says less than the plan's guess."""


class Clock:
    """Knows the expected seconds of each step, and learns from how long they took."""

    def __init__(self, expected_s: list[float], tell: Callable[[Event], None]) -> None:
        self._expected, self._tell = expected_s, tell
        self._done_s = 0.0
        self._position = 0
        self._started = time.perf_counter()
        self._last_told = 0.0

    @property
    def fraction(self) -> float:
        """Finished share of the run at the start of the current step."""
        return self._done_s / max(sum(self._expected), 1e-9)

    def progress(self, stage: str, stage_fraction: float) -> None:
        """Tell how far the current step is; quiet if the last word was a moment ago."""
        now = time.perf_counter()
        if now - self._last_told < _MIN_EVENT_GAP_S and stage_fraction < 1:
            return
        self._last_told = now
        total = max(sum(self._expected), 1e-9)
        here = self._expected[min(self._position, len(self._expected) - 1)] * min(max(stage_fraction, 0.0), 1.0)
        fraction = min((self._done_s + here) / total, 1.0)
        elapsed = now - self._started
        planned_left = total * (1 - fraction)
        measured_left = elapsed * (1 - fraction) / max(fraction, 1e-6)
        left = measured_left if fraction > _TRUST_AFTER_SHARE else planned_left
        self._tell(StageProgress(stage, stage_fraction, fraction, left))

    def step_done(self) -> None:
        """The current step is over."""
        self._done_s += self._expected[min(self._position, len(self._expected) - 1)]
        self._position += 1
