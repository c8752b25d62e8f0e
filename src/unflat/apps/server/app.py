"""The app: every part put together."""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool

from unflat import __version__
from unflat.apps.jobs.order import Order
from unflat.apps.jobs.retention import tidy
from unflat.apps.server import facts, health, reference, routes_events, routes_files, routes_jobs, routes_quick
from unflat.apps.server.errors import add_handlers
from unflat.apps.server.guard import Guard
from unflat.apps.server.meshy import meshy_app
from unflat.apps.server.settings import ServerSettings
from unflat.apps.server.shapes import ProblemAnswer
from unflat.apps.server.state import Shared, build_shared
from unflat.apps.server.studio import add_studio
from unflat.apps.server.tripo import tripo_app
from unflat.apps.server.webhooks import Deliverer

LOG = logging.getLogger("unflat.server")
_TIDY_S = 300.0
_DELIVERERS = 4
"""One address that answers slowly must not keep the others waiting."""
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": ProblemAnswer, "description": text}
    for status, text in (
        (400, "A name or value that does not exist or fit"), (401, "No valid token"), (403, "Not with this token"),
        (404, "Not there"), (409, "Does not fit the state"), (413, "Too large"), (422, "Can't be used"),
        (429, "Too much at once"), (503, "Not now"),
    )
}  # fmt: skip


def create_app(settings: ServerSettings, *, work: bool = True) -> FastAPI:
    """The server's app. `work` False starts no workers: for tests of what comes before them, and for the schema."""
    shared = build_shared(settings)

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        stop = _begin(shared) if work else (lambda: None)
        yield
        shared.stopping.set()
        await run_in_threadpool(stop)
        shared.database.close()

    app = FastAPI(
        title="unflat", version=__version__, summary="Pictures in; checked, textured 3D models out.",
        lifespan=running, responses=_PROBLEMS, docs_url=None, redoc_url=None, separate_input_output_schemas=False,
    )  # fmt: skip
    app.state.shared = shared
    add_handlers(app)
    for room in (routes_events, routes_jobs, routes_files, routes_quick, facts, health, reference):
        app.include_router(room.ROUTER)
    _describe(app)
    app.mount("/v3", tripo_app(shared))
    app.mount("/openapi", meshy_app(shared))
    add_studio(app, settings.studio)
    app.add_middleware(Guard, settings=settings, metrics=shared.metrics)
    return app


def _begin(shared: Shared) -> Callable[[], None]:
    """Start workers, deliveries and the tidying; gives what ends them."""
    shared.supervisor.start()
    deliverer = Deliverer(shared.database, shared.fetcher)
    threads = [
        *(
            threading.Thread(target=deliverer.run, args=(shared.stopping,), name=f"webhooks-{number}", daemon=True)
            for number in range(_DELIVERERS)
        ),
        threading.Thread(target=_tidy_now_and_then, args=(shared,), name="tidy", daemon=True),
    ]
    for thread in threads:
        thread.start()

    def stop() -> None:
        shared.supervisor.stop()
        for thread in threads:
            thread.join(5)

    return stop


def _tidy_now_and_then(shared: Shared) -> None:
    while not shared.stopping.wait(_TIDY_S):
        try:
            tidy(shared.settings.jobs, shared.database, shared.files)
        except Exception:  # tidying is no reason to stop serving; the next round tries again
            LOG.exception("tidying failed")


def _describe(app: FastAPI) -> None:
    """Add the order's schema, which the framework does not see because orders also come as forms."""
    original = app.openapi

    def described() -> dict[str, object]:
        if app.openapi_schema is None:
            schema = original()
            own = Order.model_json_schema(ref_template="#/components/schemas/{model}", mode="validation")
            parts = schema.setdefault("components", {}).setdefault("schemas", {})
            parts.update(own.pop("$defs", {}))
            parts["Order"] = own
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = described  # type: ignore[method-assign]
