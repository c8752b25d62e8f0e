"""Webhooks: the end of a job told to an address, signed, again and again until it is heard. Kept in the database."""

from __future__ import annotations

import hashlib
import hmac
import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import select, update

from unflat.apps.jobs.database import Database
from unflat.apps.jobs.tables import DELIVERIES
from unflat.apps.server.fetch import Fetcher
from unflat.core.errors import InputError

LOG = logging.getLogger("unflat.webhooks")
WAITS_S = (1.0, 5.0, 30.0, 120.0, 600.0, 3600.0, 6 * 3600.0)
"""So long after each failure the next try comes; after the last one it is given up."""
_LOOK_S = 0.5
_HOLD_S = 60.0
"""A message that is being sent is not taken by another server for so long."""


def signature(secret: str, timestamp: str, body: str) -> str:
    """What the header `Unflat-Signature` holds: HMAC-SHA256 of “timestamp.body” in hex."""
    return hmac.new(secret.encode(), f"{timestamp}.{body}".encode(), hashlib.sha256).hexdigest()


class Deliverer:
    """Sends what is due."""

    def __init__(self, database: Database, fetcher: Fetcher, clock: Callable[[], float] = time.time) -> None:
        self._database, self._fetcher, self._clock = database, fetcher, clock

    def run(self, stopping: threading.Event) -> None:
        """Send until told to stop."""
        while not stopping.is_set():
            try:
                sent = self.send_next()
            except Exception:  # a database that is away for a moment must not end the deliveries
                LOG.exception("delivery failed; it goes on")
                sent = False
            if not sent:
                stopping.wait(_LOOK_S)

    def send_next(self) -> bool:
        """Send one message that is due; False where none is."""
        row = self._take()
        if row is None:
            return False
        problem = self._send(row)
        self._settle(row, problem)
        return True

    def _take(self) -> Any:
        now = self._clock()
        due = select(DELIVERIES).where(DELIVERIES.c.done_at.is_(None), DELIVERIES.c.next_at <= now)
        with self._database.read() as connection:
            if connection.execute(due.limit(1)).first() is None:
                return None
        with self._database.write() as connection:
            row = connection.execute(
                due.order_by(DELIVERIES.c.next_at).limit(1).with_for_update(skip_locked=True)
            ).first()
            if row is not None:
                mine = DELIVERIES.c.id == row.id
                connection.execute(
                    update(DELIVERIES).where(mine).values(attempts=row.attempts + 1, next_at=now + _HOLD_S)
                )
            return row

    def _send(self, row: Any) -> str | None:
        """Send; gives what went wrong."""
        timestamp = str(int(self._clock()))
        headers = {
            "Content-Type": "application/json", "Unflat-Timestamp": timestamp, "Unflat-Delivery": row.id,
            "Unflat-Signature": signature(row.secret, timestamp, row.body),
        }  # fmt: skip
        try:
            status = self._fetcher.post(row.url, row.body.encode(), headers)
        except InputError as error:
            return f"{error.code}: {error.message}"
        return None if 200 <= status < 300 else f"status {status}"

    def _settle(self, row: Any, problem: str | None) -> None:
        now = self._clock()
        last = problem is not None and row.attempts >= len(WAITS_S)
        done = now if problem is None or last else None
        again = now + WAITS_S[min(row.attempts, len(WAITS_S) - 1)]
        with self._database.write() as connection:
            connection.execute(
                update(DELIVERIES).where(DELIVERIES.c.id == row.id).values(done_at=done, next_at=again, problem=problem)
            )
        if problem is not None:
            LOG.warning("a webhook was not heard", extra={"job": row.job, "problem": problem, "given_up": last})
