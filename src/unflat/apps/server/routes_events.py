"""`/v1/jobs/{id}/events`: what happens to a job, as it happens."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse

from unflat.apps.jobs.events import events_after
from unflat.apps.jobs.job import FINAL
from unflat.apps.server.callers import Parts, Reader
from unflat.apps.server.state import Shared

ROUTER = APIRouter(prefix="/v1/jobs", tags=["jobs"])
_LOOK_S = 0.2
_ALIVE_S = 15.0
"""A comment is sent after this silence, so that no proxy takes the connection for dead."""
_EVENTS = {
    "200": {"description": "Server-sent events", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
}


@ROUTER.get("/{id}/events", response_class=StreamingResponse, openapi_extra={"responses": _EVENTS})
async def job_events(
    request: Request, shared: Parts, caller: Reader, id: str, last_event_id: Annotated[str | None, Header()] = None
) -> StreamingResponse:
    """Server-sent events `progress`, `stage`, `warning` and `state`; the stream ends after the final state.

    With `Last-Event-ID` it goes on behind that event.
    """
    job = await run_in_threadpool(shared.queue.get, caller.owner, id)
    known = last_event_id or ""
    after = int(known) if known.isascii() and known.isdigit() and len(known) < 19 else 0
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_stream(shared, request, job.id, after), media_type="text/event-stream", headers=headers)


async def _stream(shared: Shared, request: Request, id: str, after: int) -> AsyncIterator[str]:
    silent_s = 0.0
    while not shared.stopping.is_set():
        events, state = await run_in_threadpool(events_after, shared.database, id, after)
        for event in events:
            after, silent_s = event.id, 0.0
            yield f"id: {event.id}\nevent: {event.event}\ndata: {json.dumps(event.data)}\n\n"
        if not events and (state is None or state in FINAL):
            return
        if events:
            continue
        if silent_s >= _ALIVE_S:
            silent_s = 0.0
            yield ": alive\n\n"
        await asyncio.sleep(_LOOK_S)
        silent_s += _LOOK_S
        if await request.is_disconnected():
            return
