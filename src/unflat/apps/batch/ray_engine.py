"""The engine on Ray: each item is a task with its share of a cluster. Files lie where all nodes reach them."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from unflat.apps.batch.engine import UNLIMITED, WorkLimits, lost
from unflat.apps.batch.extra import need
from unflat.apps.batch.results import Record
from unflat.apps.batch.task import Task
from unflat.apps.batch.work import make_item
from unflat.apps.processes import environment, thread_limits
from unflat.core import SetupError, StageFailed

_TRIES_AFTER_A_CRASH = 1
"""A node may go away under a picture that is as good as any other; a picture that kills twice is lost."""
_AHEAD = 2
"""Tasks in the queue for each that runs: the cluster may grow meanwhile."""
_LOOK_S = 1.0
_LISTENS_S = 10.0


@dataclass(frozen=True)
class RayCluster:
    """A cluster that runs, or one on this machine for as long as the batch takes."""

    address: str | None = None
    cpus: float = 1.0
    gpus: float = 0.0
    limits: WorkLimits = UNLIMITED

    def outcomes(self, tasks: Iterable[Task]) -> Iterator[Record]:
        """See `Engine`."""
        ray = need("ray", "ray")
        started = self._join(ray)
        waiting = iter(tasks)
        running: dict[Any, tuple[Task, float]] = {}
        work = ray.remote(make_item).options(**self._resources())
        try:
            while True:
                while len(running) < self._room(ray) and (task := next(waiting, None)) is not None:
                    running[work.remote(task)] = (task, time.monotonic())
                if not running:
                    return
                done, _ = ray.wait(list(running), num_returns=1, timeout=_LOOK_S)
                for reference in done:
                    task, since = running.pop(reference)
                    yield self._record(ray, reference, task, time.monotonic() - since)
        finally:
            for reference in running:
                ray.cancel(reference, force=True)
            if started:
                ray.shutdown()

    def _join(self, ray: Any) -> bool:
        """Connect; gives whether we did it (a test or a notebook may be connected already)."""
        if ray.is_initialized():
            return False
        self._refuse_silence()
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing leaves the house unasked
        how: dict[str, Any] = (
            {"address": self.address} if self.address else {"address": "local", "include_dashboard": False}
        )
        try:
            with environment({"RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}):
                ray.init(**how, log_to_driver=False, logging_level="ERROR")
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            raise _unreachable(str(error)) from error
        return True

    def _refuse_silence(self) -> None:
        """Raise at once where nobody listens at the address: Ray itself would try for minutes."""
        host, _, port = (self.address or "").rpartition("://")[2].rpartition(":")
        if host and port.isdigit():
            try:
                socket.create_connection((host, int(port)), _LISTENS_S).close()
            except (OSError, OverflowError) as error:
                raise _unreachable(f"nothing listens at {self.address} ({error})") from error

    def _resources(self) -> dict[str, Any]:
        memory = {"memory": self.limits.memory_bytes} if self.limits.memory_bytes else {}
        return {
            "num_cpus": self.cpus,
            "num_gpus": self.gpus,
            "max_retries": _TRIES_AFTER_A_CRASH,
            "runtime_env": {"env_vars": thread_limits(round(self.cpus))},
            **memory,
        }

    def _room(self, ray: Any) -> int:
        """How many tasks to have under way."""
        total = ray.cluster_resources()
        slots = total.get("CPU", 1.0) / self.cpus if self.cpus else 1.0
        if self.gpus:
            slots = min(slots, total.get("GPU", 0.0) / self.gpus)
        return max(int(slots), 1) * _AHEAD

    def _record(self, ray: Any, reference: Any, task: Task, seconds: float) -> Record:
        try:
            return ray.get(reference)
        except ray.exceptions.OutOfMemoryError as error:
            told = StageFailed(f"Ray ended it for want of memory: {_first_line(error)}", code="over-memory-limit",
                               hint="Ask for more with --memory-limit, or lower the quality.")  # fmt: skip
        except ray.exceptions.RayError as error:
            told = StageFailed(f"Its process or node ended: {_first_line(error)}", code="worker-died",
                               hint="Look into the logs of the cluster, or run this picture alone.")  # fmt: skip
        return lost(task, told, seconds)


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:300]


def _unreachable(why: str) -> SetupError:
    return SetupError(
        f"Ray can't be reached: {why}.",
        code="ray-unreachable",
        hint="Check --address, or start a cluster with `ray start --head`.",
    )
