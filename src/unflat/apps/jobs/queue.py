"""The queue: jobs in a table. Every change is one transaction: a crash leaves a job as it was or as it became."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from unflat.apps.jobs.database import Database
from unflat.apps.jobs.events import add_event
from unflat.apps.jobs.ids import is_id, new_id
from unflat.apps.jobs.job import FINAL, Job, job_of_row
from unflat.apps.jobs.problems import Conflict, NotFound
from unflat.apps.jobs.tables import DELIVERIES, EVENTS, JOBS


class Queue:
    """What clients may do: hand in, look, cancel, retry, delete."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database, self._clock = database, clock

    def submit(
        self,
        order: Mapping[str, Any],
        *,
        owner: str = "",
        door: str = "v1",
        lane: str = "main",
        extra: Mapping[str, Any] | None = None,
        webhook: Mapping[str, str] | None = None,
        idempotency_key: str | None = None,
        digest: str | None = None,
    ) -> Job:
        """A new job; or the one that was handed in with the same key before. `digest`: of what the client asked.

        Raises `Conflict` (``idempotency-conflict``) where the same key came with another order.
        """
        text = json.dumps(order, sort_keys=True)
        digest = digest or hashlib.sha256(text.encode()).hexdigest()
        found = None if idempotency_key is None else self._known(owner, idempotency_key, digest)
        if found is not None:
            return found
        values = {
            "id": new_id(), "owner": owner, "door": door, "lane": lane, "kind": order["kind"], "state": "queued",
            "priority": int(order.get("priority", 0)), "created_at": self._clock(), "order": text,
            "extra": json.dumps(extra or {}), "webhook": None if webhook is None else json.dumps(webhook),
            "idempotency_key": idempotency_key, "digest": digest,
        }  # fmt: skip
        try:
            with self._database.write() as connection:
                connection.execute(insert(JOBS).values(**values))
                add_event(connection, str(values["id"]), "state", {"state": "queued"}, self._clock())
        except IntegrityError:
            found = None if idempotency_key is None else self._known(owner, idempotency_key, digest)
            if found is None:
                raise
            return found
        return self.get(owner, str(values["id"]))

    def knows(self, owner: str, idempotency_key: str) -> bool:
        """Whether a job was handed in with this key."""
        mine = (JOBS.c.owner == owner) & (JOBS.c.idempotency_key == idempotency_key)
        with self._database.read() as connection:
            return connection.execute(select(JOBS.c.id).where(mine)).first() is not None

    def get(self, owner: str | None, id: str) -> Job:
        """The job; owner None: of anyone. Raises `NotFound`."""
        if is_id(id):
            with self._database.read() as connection:
                found = connection.execute(select(JOBS).where(JOBS.c.id == id)).first()
            if found is not None and owner in (None, found.owner):
                return job_of_row(found)
        raise NotFound("job", id)

    def page(
        self,
        owner: str,
        *,
        state: str | None = None,
        limit: int = 50,
        after: str | None = None,
        door: str | None = None,
        skip: int = 0,
        oldest_first: bool = False,
    ) -> list[Job]:
        """The newest jobs first; `after` is the last id of the page before."""
        asked = select(JOBS).where(JOBS.c.owner == owner, JOBS.c.lane == "main")
        if state is not None:
            asked = asked.where(JOBS.c.state == state)
        if door is not None:
            asked = asked.where(JOBS.c.door == door)
        if after is not None:
            asked = asked.where(JOBS.c.id < after)
        order = JOBS.c.id if oldest_first else JOBS.c.id.desc()
        with self._database.read() as connection:
            return [job_of_row(row) for row in connection.execute(asked.order_by(order).offset(skip).limit(limit))]

    def counts(self, owner: str | None = None) -> dict[str, int]:
        """How many jobs are in which state."""
        asked = select(JOBS.c.state, func.count()).where(JOBS.c.lane == "main").group_by(JOBS.c.state)
        if owner is not None:
            asked = asked.where(JOBS.c.owner == owner)
        with self._database.read() as connection:
            return {str(state): int(count) for state, count in connection.execute(asked)}

    def bytes_of(self, owner: str) -> int:
        """How much the results of this owner take."""
        with self._database.read() as connection:
            asked = select(func.coalesce(func.sum(JOBS.c.bytes), 0)).where(JOBS.c.owner == owner)
            return int(connection.execute(asked).scalar_one())

    def cancel(self, owner: str, id: str) -> Job:
        """Stop a job: at once if it waits, soon if it runs. A job that has ended stays as it is."""
        self.get(owner, id)
        now = self._clock()
        with self._database.write() as connection:
            waiting = and_(JOBS.c.id == id, JOBS.c.state == "queued")
            if connection.execute(update(JOBS).where(waiting).values(cancel_at=now)).rowcount:
                end_job(connection, id, "cancelled", now, error=CANCELLED)
            else:
                running = and_(JOBS.c.id == id, JOBS.c.state == "running", JOBS.c.cancel_at.is_(None))
                connection.execute(update(JOBS).where(running).values(cancel_at=now))
        return self.get(owner, id)

    def retry(self, owner: str, id: str) -> Job:
        """Queue a failed or cancelled job again; it goes on from what was made. Raises `Conflict` for other states."""
        job = self.get(owner, id)
        again = {
            "state": "queued", "not_before": 0.0, "finished_at": None, "cancel_at": None, "crashes": 0, "error": None,
            "worker": None, "lease_until": None,
        }  # fmt: skip
        with self._database.write() as connection:
            ended = and_(JOBS.c.id == id, JOBS.c.state.in_(("failed", "cancelled")))
            if not connection.execute(update(JOBS).where(ended).values(**again)).rowcount:
                raise Conflict(
                    f"A job that is {job.state} can't be run again.",
                    code="job-not-ended",
                    hint="Only failed and cancelled jobs can; hand in the order anew for another model.",
                )
            add_event(connection, id, "state", {"state": "queued"}, self._clock())
        return self.get(owner, id)

    def delete(self, owner: str | None, id: str) -> Job:
        """Forget the job and its events; gives what it was, for its files to be removed. A running one is stopped."""
        job = self.get(owner, id)
        with self._database.write() as connection:
            connection.execute(delete(EVENTS).where(EVENTS.c.job == id))
            connection.execute(delete(DELIVERIES).where(DELIVERIES.c.job == id, DELIVERIES.c.done_at.is_not(None)))
            connection.execute(delete(JOBS).where(JOBS.c.id == id))
        return job

    def ended_before(self, moment: float, limit: int = 200) -> list[Job]:
        """Jobs that ended before this moment, the oldest first."""
        asked = select(JOBS).where(JOBS.c.state.in_(FINAL), JOBS.c.finished_at < moment)
        with self._database.read() as connection:
            return [job_of_row(row) for row in connection.execute(asked.order_by(JOBS.c.finished_at).limit(limit))]

    def files_in_use(self) -> set[str]:
        """Ids of the files that jobs which have not ended, or may be retried, were ordered with."""
        with self._database.read() as connection:
            orders = connection.execute(select(JOBS.c.order)).scalars().all()
        used: set[str] = set()
        for text in orders:
            order = json.loads(text)
            singles = [order.get(name) for name in ("model", "mask", "cameras", "picture")]
            used |= {ref["file"] for ref in [*order.get("pictures", []), *singles] if ref and ref.get("file")}
        return used

    def _known(self, owner: str, key: str, digest: str) -> Job | None:
        with self._database.read() as connection:
            asked = select(JOBS).where(JOBS.c.owner == owner, JOBS.c.idempotency_key == key)
            found = connection.execute(asked).first()
        if found is None:
            return None
        if found.digest != digest:
            raise Conflict(
                "This Idempotency-Key came with another order before.",
                code="idempotency-conflict",
                hint="Use a new key for a new order.",
            )
        return job_of_row(found)


CANCELLED = {"code": "cancelled", "message": "The job was cancelled.", "hint": "Retry it; it goes on where it was."}


def end_job(
    connection: Connection,
    id: str,
    state: str,
    now: float,
    *,
    error: Mapping[str, Any] | None = None,
    **values: Any,
) -> None:
    """Write a final state, its event, and the message that a webhook is to bring: all in the same transaction."""
    ended = {"state": state, "finished_at": now, "worker": None, "lease_until": None,
             "error": None if error is None else json.dumps(error)}  # fmt: skip
    connection.execute(update(JOBS).where(JOBS.c.id == id).values(**ended, **values))
    add_event(connection, id, "state", {"state": state, "error": error}, now)
    row = connection.execute(select(JOBS.c.webhook).where(JOBS.c.id == id)).first()
    if row is not None and row.webhook:
        hook = json.loads(row.webhook)
        body = json.dumps({"job": id, "state": state, "error": error, "at": now})
        connection.execute(
            insert(DELIVERIES).values(
                id=new_id(), job=id, url=hook["url"], secret=hook["secret"], body=body, attempts=0, next_at=now
            )
        )


def waiting(now: float, lane: str) -> Any:
    """The condition under which a job may be begun."""
    return and_(JOBS.c.state == "queued", JOBS.c.lane == lane, or_(JOBS.c.not_before <= now))
