"""The server put together, and its two transports."""

from __future__ import annotations

import hmac
import json
import logging
import signal
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp_types import CallToolResult, InputRequiredResult
from pydantic import ValidationError

from unflat import __version__
from unflat.apps.mcp.answers import error_result, wrong_arguments
from unflat.apps.mcp.desk import Desk
from unflat.apps.mcp.lists import add_lists
from unflat.apps.mcp.tools import add_tools
from unflat.core import InputError, SetupError, StageFailed

_LOG = logging.getLogger("unflat.mcp")
_INSTRUCTIONS = """unflat turns pictures into textured, watertight 3D models on the user's own machine, and checks, \
repairs, converts and reworks 3D models. It is honest: answers say which share of the surface was seen and which was \
inferred, and whether the size is real. Pass that on to the user. Long work becomes a job: when a tool answers that a \
job is still running, call job_status with its id. Results are files; their unflat://jobs/… URIs can be read as \
resources and given to other tools."""
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_FEWEST_CHARACTERS = 16
_NO_TOKEN = json.dumps(
    {"error": {"code": "unauthorized", "message": "Send the header Authorization: Bearer with the token.",
               "hint": "Ask who runs this server."}}
).encode()  # fmt: skip

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]


class _Server(MCPServer[Any]):
    """Answers wrong arguments and our own mistakes as all errors are answered: code, message, hint."""

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Any = None
    ) -> CallToolResult | InputRequiredResult:
        """See the SDK."""
        try:
            return await super().call_tool(name, arguments, context)
        except UnexpectedToolError:
            _LOG.exception("the tool %s broke", name)
            broken = StageFailed(f"The tool {name} broke.", hint="Look into the server's log and report it.")
            return error_result(broken)
        except ToolError as error:
            if isinstance(error.__cause__, ValidationError):
                return error_result(wrong_arguments(error.__cause__))
            hint = "List the tools to see what there is."
            return error_result(InputError(str(error), code="invalid-request", hint=hint))


def build_server(desk: Desk) -> MCPServer:
    """All tools and resources."""
    server = _Server(
        "unflat", title="unflat: pictures to 3D models", instructions=_INSTRUCTIONS, version=__version__,
        log_level="WARNING",
    )  # fmt: skip
    add_tools(server, desk)
    add_lists(server, desk)
    return server


def serve_stdio(desk: Desk) -> None:
    """Serve the process that started us, until it closes our input."""
    build_server(desk).run("stdio")


def serve_http(desk: Desk, host: str, port: int, token: str) -> None:
    """Serve http://HOST:PORT/mcp until SIGTERM or Ctrl-C. Raises `SetupError` for an open address without a token."""
    import uvicorn

    refuse_open_address(host, token)
    app: App = build_server(desk).streamable_http_app(host=host)
    if token:
        app = only_with(token, app)
    config = uvicorn.Config(app, host=host, port=port, log_level="warning", timeout_graceful_shutdown=3)
    for number in (signal.SIGINT, signal.SIGTERM):
        # uvicorn raises the signal once more when it has stopped: the worker would not be let go.
        signal.signal(number, lambda *_: None)
    anyio.run(uvicorn.Server(config).serve)


def refuse_open_address(host: str, token: str) -> None:
    """Raise unless only this machine can reach us, or a good token is demanded: files of the roots are at stake."""
    if (host not in _LOOPBACK and not token) or 0 < len(token) < _FEWEST_CHARACTERS:
        raise SetupError(
            f"{host} can be reached by others, so a token of at least {_FEWEST_CHARACTERS} characters is needed.",
            code="token-missing",
            hint="Set UNFLAT_MCP_TOKEN, for example to the output of `openssl rand -hex 24`, or listen at 127.0.0.1.",
        )


def only_with(token: str, app: App) -> App:
    """The app for those who send the token; others get 401."""
    wanted = f"Bearer {token}".encode()

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        given = dict(scope.get("headers", ())).get(b"authorization", b"")
        if scope["type"] != "http" or hmac.compare_digest(given, wanted):
            await app(scope, receive, send)
            return
        headers = [(b"content-type", b"application/json"), (b"www-authenticate", b"Bearer")]
        await send({"type": "http.response.start", "status": 401, "headers": headers})
        await send({"type": "http.response.body", "body": _NO_TOKEN})

    return guarded
