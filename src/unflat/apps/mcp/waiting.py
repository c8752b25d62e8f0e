"""Waiting for a job without holding anything up: progress is told meanwhile, and the time is bounded."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any, TypeVar

import anyio.to_thread
from mcp.server.mcpserver import Context

from unflat.apps.jobs.job import Job
from unflat.apps.mcp.desk import Desk

Returned = TypeVar("Returned")

_LOOK_S = 0.25
_TELL_S = 1.0
"""Progress is told at least this often: clients take silence for death."""


async def in_thread(function: Callable[..., Returned], *arguments: Any, **named: Any) -> Returned:
    """Call what waits for disks or networks."""
    return await anyio.to_thread.run_sync(functools.partial(function, *arguments, **named))


async def wait_for(desk: Desk, id: str, seconds: float, context: Context) -> Job:
    """The job when it has ended, or as it is after so many seconds. It goes on if the client stops waiting."""
    until = time.monotonic() + seconds
    told, last = -1.0, 0.0
    while True:
        job = await in_thread(desk.job, id)
        progress = job.progress or {}
        fraction = 1.0 if job.has_ended else min(float(progress.get("fraction", 0.0)), 0.99)
        if fraction > told or time.monotonic() - last > _TELL_S:
            # The protocol wants each report higher than the one before.
            told, last = max(fraction, told + 1e-4), time.monotonic()
            await context.report_progress(min(told, 1.0), 1.0, _message(job, progress))
        if job.has_ended or time.monotonic() >= until:
            return job
        await anyio.sleep(_LOOK_S)


def _message(job: Job, progress: dict[str, Any]) -> str:
    left = progress.get("seconds_left")
    return f"{job.state}: {progress.get('stage', 'waiting')}" + ("" if left is None else f", {left:.0f} s left")
