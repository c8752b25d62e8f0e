"""Claims: what workers and their supervisors do with jobs. A claim is a lease; whoever lost it can't write any more."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, and_, delete, insert, select, update

from unflat.apps.jobs.database import Database
from unflat.apps.jobs.events import add_event
from unflat.apps.jobs.job import Job, job_of_row
from unflat.apps.jobs.queue import CANCELLED, end_job, waiting
from unflat.apps.jobs.tables import JOBS, WORKERS

_MOST_ATTEMPTS = 50
"""Whatever the reasons, a job is not begun more often than this."""
WORKER_LOST = {
    "code": "worker-lost",
    "message": "The worker process ended again and again while it was at this job.",
    "hint": "Try another recipe or a smaller picture; if that helps, please report it with the picture.",
}


class Claims:
    """One process's hold on jobs."""

    def __init__(self, database: Database, lease_s: float, clock: Callable[[], float] = time.time) -> None:
        self._database, self._lease_s, self._clock = database, lease_s, clock

    def claim(self, worker: str, lane: str) -> Job | None:
        """Take the next job: the highest priority, then the oldest. None where none waits."""
        now = self._clock()
        next_one = select(JOBS.c.id).where(waiting(now, lane))
        with self._database.read() as connection:  # nearly always there is nothing: look without locking others out
            if connection.execute(next_one.limit(1)).first() is None:
                return None
        with self._database.write() as connection:
            first = next_one.order_by(JOBS.c.priority.desc(), JOBS.c.created_at, JOBS.c.id).limit(1)
            id = connection.execute(first.with_for_update(skip_locked=True)).scalar()
            if id is None:
                return None
            mine = {"state": "running", "worker": worker, "lease_until": now + self._lease_s, "started_at": now}
            begun = update(JOBS).where(JOBS.c.id == id)
            connection.execute(begun.values(attempts=JOBS.c.attempts + 1, progress=None, **mine))
            job = job_of_row(connection.execute(select(JOBS).where(JOBS.c.id == id)).one())
            add_event(connection, id, "state", {"state": "running", "attempt": job.attempts}, now)
        return job

    def tell(self, job: Job, event: str, data: Mapping[str, Any]) -> bool:
        """Store an event of a job that is held; progress and warnings are also kept in the job. False: it was lost."""
        values: dict[str, Any] = {}
        if event == "progress":
            values = {"progress": json.dumps(data)}
        with self._database.write() as connection:
            row = connection.execute(select(JOBS.c.warnings).where(_held(job))).first()
            if row is None:
                return False
            if event == "warning":
                values = {"warnings": json.dumps([*json.loads(row.warnings), data["message"]])}
            if values:
                connection.execute(update(JOBS).where(_held(job)).values(**values))
            add_event(connection, job.id, event, data, self._clock())
        return True

    def end(self, job: Job, state: str, error: Mapping[str, Any] | None = None, **values: Any) -> bool:
        """End a job that is held. False: it was lost, and nothing was written."""
        with self._database.write() as connection:
            if not self._holds(connection, job):
                return False
            end_job(connection, job.id, state, self._clock(), error=error, **values)
        return True

    def put_back(self, job: Job, *, crashed: bool = False, most_crashes: int = 3, wait_s: float = 0.0) -> str:
        """Let go of a job so that another worker takes it; gives its new state. One that crashes workers is failed."""
        with self._database.write() as connection:
            return self._put_back(connection, job, crashed=crashed, most_crashes=most_crashes, wait_s=wait_s)

    def held_by(self, workers: Sequence[str]) -> list[Job]:
        """The jobs that these workers are at."""
        if not workers:
            return []
        with self._database.read() as connection:
            asked = select(JOBS).where(JOBS.c.state == "running", JOBS.c.worker.in_(workers))
            return [job_of_row(row) for row in connection.execute(asked)]

    def renew(self, supervisor: str, workers: Mapping[str, tuple[str, bool]]) -> None:
        """Say that these workers (name to lane and readiness) live, and keep their leases."""
        now = self._clock()
        with self._database.write() as connection:
            connection.execute(delete(WORKERS).where(WORKERS.c.supervisor == supervisor))
            for name, (lane, ready) in workers.items():
                connection.execute(
                    insert(WORKERS).values(name=name, supervisor=supervisor, lane=lane, ready=int(ready), seen_at=now)
                )
            held = and_(JOBS.c.state == "running", JOBS.c.worker.in_(list(workers)))
            connection.execute(update(JOBS).where(held).values(lease_until=now + self._lease_s))

    def leave(self, supervisor: str) -> None:
        """This supervisor has no workers any more."""
        with self._database.write() as connection:
            connection.execute(delete(WORKERS).where(WORKERS.c.supervisor == supervisor))

    def live_workers(self) -> int:
        """How many workers for usual jobs were heard of within a lease."""
        with self._database.read() as connection:
            recent = and_(WORKERS.c.seen_at > self._clock() - self._lease_s, WORKERS.c.lane == "main")
            return len(connection.execute(select(WORKERS.c.name).where(recent)).all())

    def free_expired(self) -> int:
        """Put back jobs whose supervisors were silent for a lease; gives how many."""
        expired = and_(JOBS.c.state == "running", JOBS.c.lease_until < self._clock())
        return self._free(expired)

    def free_of(self, supervisor: str) -> int:
        """Put back the jobs of a supervisor that is known to be dead."""
        count = self._free(and_(JOBS.c.state == "running", JOBS.c.worker.like(f"{supervisor}/%")))
        self.leave(supervisor)
        return count

    def _free(self, condition: Any) -> int:
        with self._database.read() as connection:
            if connection.execute(select(JOBS.c.id).where(condition).limit(1)).first() is None:
                return 0
        with self._database.write() as connection:
            rows = connection.execute(select(JOBS).where(condition).with_for_update(skip_locked=True)).all()
            for row in rows:
                self._put_back(connection, job_of_row(row), crashed=False, most_crashes=0, wait_s=0.0)
        return len(rows)

    def _put_back(self, connection: Connection, job: Job, *, crashed: bool, most_crashes: int, wait_s: float) -> str:
        row = connection.execute(select(JOBS).where(_held(job))).first()
        if row is None:
            return "lost"
        now = self._clock()
        if row.cancel_at is not None:
            end_job(connection, job.id, "cancelled", now, error=CANCELLED)
            return "cancelled"
        crashes = row.crashes + int(crashed)
        if (crashed and crashes >= most_crashes) or row.attempts >= _MOST_ATTEMPTS:
            end_job(connection, job.id, "failed", now, error=WORKER_LOST, crashes=crashes)
            return "failed"
        again = {"state": "queued", "worker": None, "lease_until": None, "crashes": crashes, "not_before": now + wait_s}
        connection.execute(update(JOBS).where(JOBS.c.id == job.id).values(**again))
        add_event(connection, job.id, "state", {"state": "queued", "again": True}, now)
        return "queued"

    def _holds(self, connection: Connection, job: Job) -> bool:
        return connection.execute(select(JOBS.c.id).where(_held(job)).with_for_update()).first() is not None


def _held(job: Job) -> Any:
    """Still the same attempt by the same worker: a lease that went to another one does not match."""
    return and_(
        JOBS.c.id == job.id,
        JOBS.c.state == "running",
        JOBS.c.worker == job.worker,
        JOBS.c.attempts == job.attempts,
    )
