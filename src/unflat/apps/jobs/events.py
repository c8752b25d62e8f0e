"""Events: what happened to a job, numbered upwards and kept, so that a listener can go on where it broke off."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, insert, select

from unflat.apps.jobs.database import Database
from unflat.apps.jobs.tables import EVENTS, JOBS


@dataclass(frozen=True)
class JobEvent:
    """One event. `event` is progress, stage, warning or state."""

    id: int
    event: str
    data: dict[str, Any]


def add_event(connection: Connection, job: str, event: str, data: Mapping[str, Any], now: float) -> None:
    """Write an event into a transaction."""
    connection.execute(insert(EVENTS).values(job=job, at=now, event=event, data=json.dumps(data)))


def events_after(database: Database, job: str, after: int, limit: int = 500) -> tuple[list[JobEvent], str | None]:
    """The events of a job after a number, and the state that the job was in then (None: it is gone)."""
    asked = select(EVENTS).where(EVENTS.c.job == job, EVENTS.c.id > after).order_by(EVENTS.c.id).limit(limit)
    with database.read() as connection:
        state = connection.execute(select(JOBS.c.state).where(JOBS.c.id == job)).scalar()
        rows = connection.execute(asked).all()
    return [JobEvent(int(row.id), row.event, json.loads(row.data)) for row in rows], state
