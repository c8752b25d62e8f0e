"""Rate limits: a bucket of requests for each caller, refilled steadily."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from unflat.apps.server.errors import TooManyRequests

_MOST_CALLERS = 10_000


class Rates:
    """Counts requests by caller, in this process."""

    def __init__(self, per_s: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s, self._burst, self._clock = per_s, float(burst), clock
        self._buckets: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()

    def count(self, caller: str, cost: float = 1.0) -> None:
        """Count a request. Raises `TooManyRequests` for a caller whose bucket is empty."""
        if self._per_s <= 0:
            return
        now = self._clock()
        with self._lock:
            left, at = self._buckets.pop(caller, (self._burst, now))
            left = min(self._burst, left + (now - at) * self._per_s)
            enough = left >= cost
            self._buckets[caller] = (left - cost if enough else left, now)
            while len(self._buckets) > _MOST_CALLERS:  # the one that was silent longest goes
                self._buckets.pop(next(iter(self._buckets)))
        if not enough:
            raise TooManyRequests(
                "Too many requests at once.", hint=f"At most {self._per_s:g} a second are taken; wait a moment."
            )
