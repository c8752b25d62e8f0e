"""What Prometheus asks for: requests, jobs by state, workers, memory."""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from unflat.apps.jobs.claims import Claims
from unflat.apps.jobs.job import STATES
from unflat.apps.jobs.queue import Queue
from unflat.apps.process_memory import memory_mb

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Metrics:
    """The server's counters, in a registry of its own."""

    def __init__(self, queue: Queue, claims: Claims) -> None:
        self._queue, self._claims = queue, claims
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "unflat_requests_total", "Requests answered", ("method", "route", "status"), registry=self._registry
        )
        self._seconds = Histogram(
            "unflat_request_seconds", "Time to answer", ("route",), buckets=_SECONDS, registry=self._registry
        )
        self._jobs = Gauge("unflat_jobs", "Jobs kept, by state", ("state",), registry=self._registry)
        self._workers = Gauge("unflat_workers", "Workers heard of lately", registry=self._registry)
        self._memory = Gauge(
            "unflat_server_memory_bytes", "Memory of the server without workers", registry=self._registry
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request. `route` is the pattern, not the path: ids would make a series each."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def text(self) -> bytes:
        """All of it in Prometheus' format."""
        counts = self._queue.counts()
        for state in STATES:
            self._jobs.labels(state).set(counts.get(state, 0))
        self._workers.set(self._claims.live_workers())
        self._memory.set(own_memory_mb() * 1e6)
        return generate_latest(self._registry)


def own_memory_mb() -> float:
    """Memory of this process alone."""
    try:
        with open("/proc/self/statm") as stream:  # noqa: PTH123 - a path object is made at each scrape otherwise
            return int(stream.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    except OSError:
        return memory_mb(os.getpid())
