"""Runs the app until it is told to stop."""

from __future__ import annotations

import signal
import socket
from types import FrameType

import uvicorn
from fastapi import FastAPI

from unflat.apps.server.settings import ServerSettings
from unflat.core.errors import SetupError

_CONNECTIONS_S = 5
"""So long open answers may go on after the server is told to stop; jobs have a grace of their own."""


class _Server(uvicorn.Server):
    """Tells the app at once that it stops, so that open event streams end by themselves."""

    def __init__(self, config: uvicorn.Config, app: FastAPI) -> None:
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Signals come here."""
        self._app.state.shared.stopping.set()
        super().handle_exit(sig, frame)


def listen(settings: ServerSettings) -> socket.socket:
    """A socket at the wanted address. Raises `SetupError` (``port-in-use``)."""
    found = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((settings.host, settings.port))
        found.listen(2048)  # from now on clients wait, instead of being refused, until the app has started
        found.set_inheritable(False)
        return found
    except (OSError, OverflowError) as error:
        found.close()
        raise SetupError(
            f"{settings.host}:{settings.port} can't be listened at: {error}.",
            code="port-in-use",
            hint="Give another --port (0: any free one), or end what runs there.",
        ) from error


def serve(app: FastAPI, found: socket.socket) -> None:
    """Serve until SIGTERM or Ctrl-C."""
    config = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, date_header=True, lifespan="on",
        timeout_graceful_shutdown=_CONNECTIONS_S, timeout_keep_alive=30, h11_max_incomplete_event_size=65536,
    )  # fmt: skip
    for number in (signal.SIGINT, signal.SIGTERM):
        # uvicorn raises the signal once more when it has stopped, which would end us with a failure.
        signal.signal(number, lambda *_: None)
    _Server(config, app).run(sockets=[found])
