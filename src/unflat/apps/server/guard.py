"""Around every request: size limit, headers that browsers obey, who may call from where, one line of log."""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unflat.apps.server.errors import error_body
from unflat.apps.server.metrics import Metrics
from unflat.apps.server.settings import ServerSettings
from unflat.apps.studio import CSP

LOG = logging.getLogger("unflat.access")
_SECURITY_HEADERS = {
    "content-security-policy": CSP,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(self), microphone=(), geolocation=(), xr-spatial-tracking=(self)",
}
_SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
_OWN_NAMES = ("127.0.0.1", "localhost", "::1", "testserver")


class _TooLarge(HTTPException):
    """Of a kind that passes through the reading of forms unchanged."""

    def __init__(self) -> None:
        super().__init__(413)


class Guard:
    """The outermost layer of the app."""

    def __init__(self, app: ASGIApp, settings: ServerSettings, metrics: Metrics) -> None:
        self._app, self._settings, self._metrics = app, settings, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, request_id = time.perf_counter(), secrets.token_hex(8)
        told = {"status": 500, "begun": False}

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                told["status"], told["begun"] = message["status"], True
                headers = MutableHeaders(scope=message)
                for name, value in _SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                headers["x-request-id"] = request_id
                if scope["path"].startswith(("/v1", "/v3", "/openapi/")):
                    headers.setdefault("cache-control", "no-store")
                elif scope["path"].startswith("/assets/"):
                    # the names of the studio's built files carry a hash of their content
                    headers.setdefault("cache-control", "public, max-age=31536000, immutable")
                else:
                    headers.setdefault("cache-control", "no-cache")
            await send(message)

        try:
            refusal = self._refusal(scope)
            if refusal is not None:
                await refusal(scope, receive, sending)
            else:
                await self._app(scope, self._limited(receive), sending)
        except _TooLarge:
            if not told["begun"]:
                await _too_large()(scope, receive, sending)
        finally:
            self._log(scope, int(told["status"]), time.perf_counter() - started, request_id)

    def _refusal(self, scope: Scope) -> JSONResponse | None:
        headers = Headers(scope=scope)
        length = headers.get("content-length", "")
        if length.isdigit() and int(length) > self._settings.max_request_bytes:
            return _too_large()
        host = _name_of(headers.get("host", ""))
        trusted = {name.lower() for name in self._settings.trusted_hosts}
        known = {*trusted, *_OWN_NAMES} if trusted or self._settings.is_loopback else set()
        if known and host not in known:
            return _refuse(400, "unknown-host", f"This server is not called “{host[:80]}”.",
                           "Use its own name; the operator can add one with --trusted-host.")  # fmt: skip
        origin = headers.get("origin")
        alien = origin is not None and _place_of(origin) != headers.get("host", "")
        if alien and scope["method"] not in _SAFE_METHODS and "authorization" not in headers:
            # A page of another site must not order jobs with the rights of whoever sits at this machine.
            return _refuse(403, "cross-origin", "This came from a page of another site.",
                           "Use the server's own page, or send a token.")  # fmt: skip
        return None

    def _limited(self, receive: Receive) -> Receive:
        seen = 0

        async def receiving() -> Message:
            nonlocal seen
            message = await receive()
            if message["type"] == "http.request":
                seen += len(message.get("body", b""))
                if seen > self._settings.max_request_bytes:
                    raise _TooLarge
            return message

        return receiving

    def _log(self, scope: MutableMapping[str, Any], status: int, seconds: float, request_id: str) -> None:
        route = getattr(scope.get("route"), "path", "other")
        self._metrics.answered(_method(scope["method"]), route, status, seconds)
        client = scope.get("client")
        LOG.info(
            "request",
            extra={
                "id": request_id, "method": scope["method"], "path": scope["path"], "route": route, "status": status,
                "ms": round(seconds * 1000, 1), "client": client[0] if client else None,
                "token": scope.get("state", {}).get("owner"),
            },
        )  # fmt: skip


def _method(method: str) -> str:
    return method if method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS") else "other"


def _place_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _name_of(host: str) -> str:
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return host


def _refuse(status: int, code: str, message: str, hint: str) -> JSONResponse:
    return JSONResponse(error_body(code, message, hint), status)


def _too_large() -> JSONResponse:
    return _refuse(413, "too-many-bytes", "The request is larger than is taken.", "Send less at once.")
