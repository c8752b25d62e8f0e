"""Errors as JSON: `{"error": {"code", "message", "hint"}}` with the status that belongs to it. Never a traceback."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from unflat.apps.jobs.database import AWAY
from unflat.core.errors import UnflatError

LOG = logging.getLogger("unflat.server")
_OF_STATUS = {
    400: ("bad-request", "The request can't be read.", "Compare it with the API's description at /docs."),
    401: ("unauthorized", "A token is needed.", "Send “Authorization: Bearer TOKEN”; `unflat token create` makes one."),
    404: ("not-found", "There is nothing here.", "Compare the path with the API's description at /docs."),
    405: ("method-not-allowed", "This method is not possible here.", "The header Allow names those that are."),
    413: ("too-many-bytes", "The request is larger than is taken.", "Send less at once."),
    416: ("bad-range", "This part of the file does not exist.", "Ask for bytes within its length."),
}


class Unauthorized(UnflatError):
    """No token, or none that is known."""

    default_code: ClassVar[str] = "unauthorized"
    exit_status: ClassVar[int] = 2
    http_status: ClassVar[int] = 401

    def __init__(self, message: str = "A token is needed.") -> None:
        super().__init__(message, hint="Send “Authorization: Bearer TOKEN”; `unflat token create NAME` makes one.")


class Forbidden(UnflatError):
    """The token may not do this."""

    default_code: ClassVar[str] = "forbidden"
    exit_status: ClassVar[int] = 2
    http_status: ClassVar[int] = 403


class TooManyRequests(UnflatError):
    """Faster than is allowed."""

    default_code: ClassVar[str] = "too-many-requests"
    exit_status: ClassVar[int] = 2
    http_status: ClassVar[int] = 429


def error_body(code: str, message: str, hint: str, field: str | None = None) -> dict[str, Any]:
    """The JSON of an error."""
    return {"error": {"code": code, "message": message, "hint": hint} | ({} if field is None else {"field": field})}


def add_handlers(app: FastAPI) -> None:
    """Every error leaves the app as JSON of ours."""
    app.add_exception_handler(UnflatError, _own)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _plain)
    for kind in AWAY:
        app.add_exception_handler(kind, _database_away)
    app.add_exception_handler(Exception, _unforeseen)


def describe_problems(problems: Sequence[Mapping[str, Any]]) -> tuple[str, str]:
    """The first field that is wrong, and a sentence about it."""
    first = problems[0]
    place = [str(part) for part in first.get("loc", ()) if part not in ("body", "query", "path", "header")]
    field = ".".join(place)
    said = str(first.get("msg", "is wrong")).removeprefix("Value error, ")
    return field, f"{field}: {said}." if field else f"{said[:1].upper()}{said[1:]}."


async def _own(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, UnflatError)
    headers = {"WWW-Authenticate": "Bearer"} if error.http_status == 401 else {}
    if error.http_status == 429:
        headers["Retry-After"] = str(getattr(error, "retry_after_s", 1))
    return JSONResponse(error_body(error.code, error.message, error.hint), error.http_status, headers)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    field, message = describe_problems(error.errors())
    hint = "Compare the request with the API's description at /docs."
    return JSONResponse(error_body("invalid-request", message, hint, field or None), 422)


async def _plain(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    code, message, hint = _OF_STATUS.get(error.status_code, ("error", str(error.detail), "See /docs."))
    return JSONResponse(error_body(code, message, hint), error.status_code, error.headers)


async def _database_away(request: Request, error: Exception) -> JSONResponse:
    LOG.error("the database does not answer", exc_info=error)
    body = error_body("database-unreachable", "The database does not answer.", "Try again in a moment.")
    return JSONResponse(body, 503, {"Retry-After": "2"})


async def _unforeseen(request: Request, error: Exception) -> JSONResponse:
    LOG.error("unforeseen", exc_info=error, extra={"path": request.url.path})
    body = error_body("internal", "The server made a mistake.", "Please report it; the server's log has the details.")
    return JSONResponse(body, 500)
