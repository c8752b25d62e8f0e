"""`/health`, `/ready`, `/metrics`: for those who watch the server. They tell nothing of jobs, and need no token."""

from __future__ import annotations

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from sqlalchemy.exc import SQLAlchemyError

from unflat.apps.server.callers import Parts
from unflat.apps.server.errors import error_body

ROUTER = APIRouter(tags=["health"])


@ROUTER.get("/health")
async def health() -> dict[str, str]:  # no plain function: those wait for a free thread
    """The process answers."""
    return {"status": "ok"}


@ROUTER.get("/ready", responses={503: {"description": "Not yet"}})
def ready(shared: Parts) -> Response:
    """Jobs can be taken and will be worked on: the queue answers, a worker lives."""
    try:
        workers, counts = shared.claims.live_workers(), shared.queue.counts()
    except SQLAlchemyError:
        workers, counts = 0, {}
    if shared.stopping.is_set() or not workers:
        why = "The server is stopping." if shared.stopping.is_set() else "No worker was heard of lately."
        return JSONResponse(error_body("not-ready", why, "Wait a moment, or start `unflat worker`."), 503)
    return JSONResponse({"status": "ready", "workers": workers, "queued": counts.get("queued", 0)})


@ROUTER.get("/metrics", response_class=Response)
def metrics(shared: Parts) -> Response:
    """Prometheus' text format."""
    return Response(shared.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
