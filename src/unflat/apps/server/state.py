"""What all requests of one server share."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from fastapi import Request

from unflat.apps.jobs.claims import Claims
from unflat.apps.jobs.database import Database
from unflat.apps.jobs.files import Files
from unflat.apps.jobs.queue import Queue
from unflat.apps.jobs.storage import Storage
from unflat.apps.jobs.supervisor import Supervisor
from unflat.apps.server.fetch import Fetcher
from unflat.apps.server.metrics import Metrics
from unflat.apps.server.rates import Rates
from unflat.apps.server.settings import ServerSettings
from unflat.apps.server.tokens import Tokens

_QUICK_PLACES = 12


@dataclass
class Shared:
    """The parts of a running server."""

    settings: ServerSettings
    database: Database
    queue: Queue
    claims: Claims
    files: Files
    supervisor: Supervisor
    tokens: Tokens
    rates: Rates
    fetcher: Fetcher
    metrics: Metrics
    secret: bytes
    quick_places: threading.BoundedSemaphore = field(default_factory=lambda: threading.BoundedSemaphore(_QUICK_PLACES))
    """For requests that wait for their work; each holds a thread of the server meanwhile."""
    stopping: threading.Event = field(default_factory=threading.Event)


def build_shared(settings: ServerSettings) -> Shared:
    """Open the database and the storage; start nothing yet."""
    config = settings.jobs
    config.data.mkdir(parents=True, exist_ok=True)
    database = Database(config.database_url)
    files = Files(config, database, Storage(config.storage_url))
    queue, claims = Queue(database), Claims(database, config.lease_s)
    return Shared(
        settings, database, queue, claims, files, Supervisor(config, database), Tokens(database),
        Rates(settings.rate_per_s, settings.rate_burst),
        Fetcher(settings.allow_private_urls, config.max_upload_bytes), Metrics(queue, claims), database.secret(),
    )  # fmt: skip


async def shared_of(request: Request) -> Shared:
    """The parts of the server that this request came to. Not a plain function: those are run in another thread."""
    return request.app.state.shared
