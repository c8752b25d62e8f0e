"""The supervisor: keeps worker processes alive, watches their memory and time, and puts back what dead ones left."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import socket
import threading
import time
from pathlib import Path
from typing import Any, TextIO

from unflat.apps.jobs.claims import Claims
from unflat.apps.jobs.config import JobsConfig
from unflat.apps.jobs.database import Database
from unflat.apps.jobs.job import Job
from unflat.apps.jobs.queue import CANCELLED, Queue
from unflat.apps.jobs.slot import Slot
from unflat.apps.jobs.worker import out_of_memory
from unflat.apps.process_memory import memory_mb

LOG = logging.getLogger("unflat.jobs")
_LOOK_S = 0.2
_RENEW_S = 2.0
_EXPIRE_S = 5.0
_QUICK_IDLE_S = 600.0
"""The worker for quick work is let go after this time without any."""
_EARLY_DEATH_S = 5.0
_CRASH_WAIT_S = 1.0
"""A job that crashed its worker waits this long, times its crashes, before it is begun again."""


class Supervisor:
    """Runs in a thread of the server, or as `unflat worker`."""

    def __init__(self, config: JobsConfig, database: Database) -> None:
        self._config, self._database = config, database
        self.name = f"{socket.gethostname()[:60]}-{os.getpid()}-{secrets.token_hex(4)}"
        self._claims = Claims(database, config.lease_s)
        self._queue = Queue(database)
        self._slots = [Slot(config, self.name, "main") for _ in range(config.workers)]
        self._quick: Slot | None = None
        self._quick_used = 0.0
        self._lock: TextIO | None = None
        self._ending = threading.Event()
        self._nudge = threading.Event()
        self._thread = threading.Thread(target=self._run, name="supervisor", daemon=True)
        self._last = {"renew": 0.0, "expire": 0.0}
        self._guard = threading.Lock()

    def start(self) -> None:
        """Begin: put back what a dead supervisor of this folder left, then start the workers."""
        self._config.work.mkdir(parents=True, exist_ok=True)
        self._hold_lock()
        self._free_the_dead()
        self._thread.start()

    def poke(self) -> None:
        """There is new work: wake an idle worker now."""
        for slot in self._slots:
            slot.say("poke")

    def poke_quick(self) -> None:
        """There is quick work: start its worker if need be."""
        with self._guard:
            self._quick_used = time.monotonic()
            if self._quick is None:
                self._quick = Slot(self._config, self.name, "quick")
                self._quick.start()
            self._quick.say("poke")

    def stop(self) -> None:
        """Let workers finish what they are at for the grace; then their jobs are put back. Nothing is lost."""
        self._ending.set()
        self._nudge.set()
        if self._thread.is_alive():
            self._thread.join()
        for word, patience in (("stop", self._config.shutdown_grace_s), ("leave", self._config.cancel_grace_s)):
            for slot in self._all():
                slot.say(word)
            self._wait_for_end(patience)
        for slot in self._all():
            if slot.is_alive:
                slot.kill()
            self._gather(slot, crashed=False)
        self._claims.leave(self.name)
        self._let_lock_go()

    def _wait_for_end(self, patience: float) -> None:
        until = time.monotonic() + patience
        while time.monotonic() < until and any(slot.is_alive for slot in self._all()):
            self._renew_leases()
            time.sleep(0.05)

    def _all(self) -> list[Slot]:
        return self._slots + ([] if self._quick is None else [self._quick])

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                self._look()
            except Exception:  # a database that is away for a moment must not end the supervision
                LOG.exception("supervision failed; it goes on")
                self._ending.wait(1.0)
            self._nudge.wait(_LOOK_S)
            self._nudge.clear()

    def _look(self) -> None:
        with self._guard:
            self._tend_quick()
        for slot in self._all():
            if not slot.is_alive:
                self._replace(slot)
        self._renew_leases()
        jobs = {job.worker: job for job in self._claims.held_by([slot.name for slot in self._all()])}
        for slot in self._all():
            self._watch(slot, jobs.get(slot.name))
        if time.monotonic() - self._last["expire"] > _EXPIRE_S:
            self._last["expire"] = time.monotonic()
            self._free_the_dead()
            if self._claims.free_expired():
                self.poke()

    def _replace(self, slot: Slot) -> None:
        """A worker ended: put its job back, start another; not at once where they end as soon as they begin."""
        if slot.process is not None:
            code = slot.process.returncode
            LOG.warning("a worker ended", extra={"worker": slot.name, "exit": code, "job": slot.job})
            early = time.monotonic() - slot.started_at < _EARLY_DEATH_S
            slot.quick_deaths = slot.quick_deaths + 1 if early else 0
            self._gather(slot, crashed=True)
        if time.monotonic() - slot.started_at >= min(30.0, 0.5 * slot.quick_deaths**2):
            slot.start()

    def _gather(self, slot: Slot, *, crashed: bool) -> None:
        for job in self._claims.held_by([slot.name]) if slot.name else []:
            wait_s = _CRASH_WAIT_S * job.crashes if crashed else 0.0
            self._claims.put_back(job, crashed=crashed, most_crashes=self._config.max_crashes, wait_s=wait_s)
        slot.forget()

    def _watch(self, slot: Slot, job: Job | None) -> None:
        """Cancel, time and memory of the job that the slot's worker is at."""
        now = time.monotonic()
        # the same job may come back to the same worker; and a job may be deleted while a worker is at it
        attempt = slot.doing if job is None else f"{job.id} {job.attempts}"
        if slot.job != attempt:
            slot.job, slot.job_since, slot.told_cancel = attempt, now, None
        if attempt is None:
            return
        if (job is None or job.cancel_at is not None) and slot.told_cancel is None:
            slot.say(f"cancel {attempt}")
            slot.told_cancel = now
        if job is None:
            if slot.told_cancel is not None and now - slot.told_cancel > self._config.cancel_grace_s:
                slot.kill()
            return
        pid = slot.process.pid if slot.process is not None else 0
        if slot.told_cancel is not None and now - slot.told_cancel > self._config.cancel_grace_s:
            self._end_hard(slot, job, "cancelled", CANCELLED)
        elif now - slot.job_since > self._config.time_s:
            self._end_hard(slot, job, "failed", _timed_out(self._config.time_s))
        elif memory_mb(pid) > self._config.memory_mb:
            self._end_hard(slot, job, "failed", out_of_memory(self._config.memory_mb))

    def _end_hard(self, slot: Slot, job: Job, state: str, error: dict[str, Any]) -> None:
        slot.kill()
        self._claims.end(job, state, error)
        LOG.warning("a worker was ended", extra={"job": job.id, "code": error["code"]})

    def _tend_quick(self) -> None:
        slot = self._quick
        if slot is None:
            return
        if time.monotonic() - self._quick_used > _QUICK_IDLE_S and slot.job is None:
            slot.say("stop")
            if not slot.is_alive:
                slot.forget()
                self._quick = None

    def _renew_leases(self) -> None:
        if time.monotonic() - self._last["renew"] > _RENEW_S:
            self._last["renew"] = time.monotonic()
            alive = {slot.name: (slot.lane, slot.ready) for slot in self._all() if slot.is_alive}
            self._claims.renew(self.name, alive)

    def _hold_lock(self) -> None:
        """Hold a lock as long as this process lives: who finds it free knows that we are dead."""
        folder = self._config.data / "supervisors"
        folder.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(ImportError):
            import fcntl

            self._lock = (folder / f"{self.name}.lock").open("w")
            fcntl.flock(self._lock, fcntl.LOCK_EX)

    def _let_lock_go(self) -> None:
        if self._lock is not None:
            Path(self._lock.name).unlink(missing_ok=True)
            self._lock.close()

    def _free_the_dead(self) -> None:
        """Put back the jobs of supervisors of this data folder that died without a word."""
        with contextlib.suppress(ImportError):
            import fcntl

            for path in (self._config.data / "supervisors").glob("*.lock"):
                if path.stem == self.name:
                    continue
                with contextlib.suppress(OSError), path.open("r+") as stream:
                    fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    if self._claims.free_of(path.stem):
                        self.poke()
                    path.unlink(missing_ok=True)


def _timed_out(limit_s: float) -> dict[str, str]:
    return {
        "code": "job-timeout",
        "message": f"The job ran longer than {limit_s:.0f} s and was ended.",
        "hint": "Take --quality draft or fewer photos; the operator can raise --time-limit. A retry goes on from the "
        "stages that were done.",
    }
