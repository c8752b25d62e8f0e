"""The local engine: worker processes that stay warm, share the cores, and keep within memory and time."""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from unflat.apps.batch.engine import UNLIMITED, WorkLimits, lost
from unflat.apps.batch.results import Record
from unflat.apps.batch.task import Task
from unflat.apps.process_memory import memory_mb
from unflat.apps.processes import end_tree, thread_limits
from unflat.core import StageFailed, UnflatError
from unflat.core.device import cores

_LOOK_S = 0.25
"""How often memory and time are looked at."""
_LOG_TAIL = 300


@dataclass(frozen=True)
class LocalPool:
    """So many processes on this machine."""

    workers: int = 1
    limits: WorkLimits = UNLIMITED

    def outcomes(self, tasks: Iterable[Task]) -> Iterator[Record]:
        """See `Engine`."""
        waiting = iter(tasks)
        told: queue.Queue[tuple[_Worker, Record | None]] = queue.Queue()
        environment = thread_limits(cores() // self.workers)
        busy: list[_Worker] = []
        idle: list[_Worker] = []
        looked = _Pause(_LOOK_S)
        try:
            while True:
                while len(busy) < self.workers and (task := next(waiting, None)) is not None:
                    worker = idle.pop() if idle else _Worker(environment, told)
                    busy.append(worker)
                    worker.begin(task)
                if not busy:
                    return
                for worker, record in chain(self._finished(told, busy), self._excessive(busy, looked)):
                    busy.remove(worker)
                    if worker.alive:
                        idle.append(worker)
                    yield record
        finally:
            for worker in busy + idle:
                worker.end(gently=worker in idle)

    def _finished(
        self, told: queue.Queue[tuple[_Worker, Record | None]], busy: list[_Worker]
    ) -> Iterator[tuple[_Worker, Record]]:
        """Who finished or died; waits a moment for one."""
        with contextlib.suppress(queue.Empty):
            worker, record = told.get(timeout=_LOOK_S)
            if worker in busy:  # not what an ended process still said
                yield worker, record if record is not None else worker.lose(worker.cause_of_death())

    def _excessive(self, busy: list[_Worker], looked: _Pause) -> Iterator[tuple[_Worker, Record]]:
        """Who had to be ended."""
        for worker in list(busy) if looked.is_over() else ():
            if worker.alive and (error := self._excess(worker)) is not None:
                yield worker, worker.lose(error)

    def _excess(self, worker: _Worker) -> UnflatError | None:
        if self.limits.time_s is not None and worker.seconds > self.limits.time_s:
            return StageFailed(f"It took longer than {self.limits.time_s:g} s.", code="over-time-limit",
                               hint="Raise --time-limit, or lower the quality.")  # fmt: skip
        allowed = self.limits.memory_bytes
        if allowed is not None and memory_mb(worker.process.pid) * 1e6 > allowed:
            return StageFailed(f"It took more than {allowed / 1e6:.0f} MB of memory.", code="over-memory-limit",
                               hint="Raise --memory-limit, or lower the quality.")  # fmt: skip
        return None


@dataclass
class _Pause:
    """Over when so many seconds have gone by since it was over last."""

    seconds: float
    _last: float = field(default_factory=time.monotonic)

    def is_over(self) -> bool:
        """Whether it is; then the next one begins."""
        if time.monotonic() - self._last < self.seconds:
            return False
        self._last = time.monotonic()
        return True


@dataclass(eq=False)
class _Worker:
    """One process; a thread waits for what it says."""

    environment: dict[str, str]
    told: queue.Queue[Any]
    alive: bool = True
    task: Task | None = None
    _since: float = 0.0
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        # The log takes what dying libraries say; in a session of its own Ctrl-C does not reach it.
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        self.process = subprocess.Popen(
            [sys.executable, "-m", "unflat.apps.batch.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            env={**os.environ, **self.environment},
            start_new_session=True,
        )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    @property
    def seconds(self) -> float:
        """How long it has been at its task."""
        return time.monotonic() - self._since

    def begin(self, task: Task) -> None:
        """Give it a task. A process that is gone is noticed by its listener."""
        self.task, self._since = task, time.monotonic()
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            pickle.dump(task, self.process.stdin)
            self.process.stdin.flush()

    def lose(self, error: UnflatError) -> Record:
        """End it, and give the record of the task that it could not do."""
        seconds = self.seconds
        self.end(gently=False)
        assert self.task is not None
        return lost(self.task, error, seconds)

    def cause_of_death(self) -> UnflatError:
        """Why it ended by itself."""
        status = self.process.wait()
        self._log.seek(0)
        said = self._log.read()[-_LOG_TAIL:].decode("utf-8", "replace").strip()
        how = f"by signal {-status}" if status < 0 else f"with status {status}"
        hint = "Signal 9 is often the system out of memory: use fewer --workers." if status == -9 else (
            "Run this picture alone with --debug.")  # fmt: skip
        return StageFailed(
            f"Its process ended {how}." + (f" It said: {said}" if said else ""), code="worker-died", hint=hint
        )

    def end(self, *, gently: bool) -> None:
        """End the process; gently: it finds its input at an end."""
        self.alive = False
        assert self.process.stdin is not None
        if not gently:
            end_tree(self.process.pid)
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            end_tree(self.process.pid)
            self.process.wait()
        self._listener.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._log.close()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        while True:
            try:
                record = pickle.load(self.process.stdout)
            except (EOFError, pickle.UnpicklingError, OSError, ValueError):
                self.told.put((self, None))
                return
            self.told.put((self, record))
