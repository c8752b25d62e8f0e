"""Retention: what is old, or too much, is removed; so are the leftovers of crashes."""

from __future__ import annotations

import shutil
import time

from sqlalchemy import delete, func, select

from unflat.apps.jobs.config import JobsConfig
from unflat.apps.jobs.database import Database
from unflat.apps.jobs.files import Files
from unflat.apps.jobs.job import Job
from unflat.apps.jobs.queue import Queue
from unflat.apps.jobs.results import remove_results
from unflat.apps.jobs.tables import DELIVERIES, FILES, JOBS

_QUICK_S = 600.0
_LEFTOVER_S = 3600.0


def remove_job(config: JobsConfig, queue: Queue, files: Files, owner: str | None, id: str) -> Job:
    """Delete a job with its results and the worker's folder."""
    job = queue.delete(owner, id)
    remove_results(files.storage, job)
    shutil.rmtree(config.work / job.id, ignore_errors=True)
    return job


def tidy(config: JobsConfig, database: Database, files: Files, now: float | None = None) -> int:
    """Remove what has outlived its time or its room; gives how many jobs went."""
    now = time.time() if now is None else now
    queue, gone = Queue(database), 0
    for job in queue.ended_before(now - _QUICK_S):
        if job.lane == "quick" or (job.finished_at or now) < now - config.keep_s:
            remove_job(config, queue, files, None, job.id)
            gone += 1
    gone += _make_room(config, database, queue, files, now)
    _remove_unused_files(config, database, queue, files, now)
    _remove_leftovers(config, database, now)
    return gone


def _make_room(config: JobsConfig, database: Database, queue: Queue, files: Files, now: float) -> int:
    with database.read() as connection:
        total = int(connection.execute(select(func.coalesce(func.sum(JOBS.c.bytes), 0))).scalar_one())
    gone = 0
    for job in queue.ended_before(now) if total > config.keep_bytes else []:
        if total <= config.keep_bytes:
            break
        remove_job(config, queue, files, None, job.id)
        total -= job.bytes
        gone += 1
    return gone


def _remove_unused_files(config: JobsConfig, database: Database, queue: Queue, files: Files, now: float) -> None:
    with database.read() as connection:
        old = connection.execute(select(FILES.c.id, FILES.c.owner).where(FILES.c.created_at < now - config.keep_s))
        found = [(str(row.id), str(row.owner)) for row in old]
    used = queue.files_in_use() if found else set()
    for id, owner in found:
        if id not in used:
            files.remove(owner, id)


def _remove_leftovers(config: JobsConfig, database: Database, now: float) -> None:
    """Half uploads and work folders of jobs that are gone."""
    for path in (config.data / "incoming").glob("*"):
        if path.stat().st_mtime < now - _LEFTOVER_S:
            shutil.rmtree(path, ignore_errors=True)
    with database.read() as connection:
        known = set(connection.execute(select(JOBS.c.id)).scalars())
    for path in config.work.glob("*"):
        if path.name not in known and path.stat().st_mtime < now - _LEFTOVER_S:
            shutil.rmtree(path, ignore_errors=True)
    with database.write() as connection:
        connection.execute(delete(DELIVERIES).where(DELIVERIES.c.done_at < now - config.keep_s))
