"""Who calls: a token, or, where the server is open, this machine."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from unflat.apps.jobs.problems import QuotaReached
from unflat.apps.server.errors import Forbidden, Unauthorized
from unflat.apps.server.state import Shared, shared_of

BEARER = HTTPBearer(auto_error=False, description="A token that `unflat token create NAME` made.")
_FAILURE_COST = 20.0
"""A wrong token costs as much of the rate as this many requests: guessing is slow."""


@dataclass(frozen=True)
class Caller:
    """Who may do what here."""

    owner: str
    """The token's id; empty on an open server."""
    may_write: bool
    max_jobs: int
    max_bytes: int


def address_of(request: Request) -> str:
    """The client's address."""
    return request.client.host if request.client else ""


def caller_for(shared: Shared, secret: str | None, address: str) -> Caller:
    """The caller that a secret stands for. Raises `Unauthorized` and `TooManyRequests`."""
    settings = shared.settings
    if settings.is_loopback and _is_loopback(address) and not shared.tokens.any():  # any key is good for an open door
        shared.rates.count(address)
        return Caller("", True, settings.max_queued, settings.max_kept_bytes)
    if secret is None:
        shared.rates.count(address)
        raise Unauthorized
    token = shared.tokens.find(secret)
    if token is None:
        shared.rates.count(address, _FAILURE_COST)
        raise Unauthorized("The token is unknown or was revoked.")
    shared.rates.count(token.id)
    return Caller(
        token.id,
        token.scope == "use",
        settings.max_queued if token.max_jobs is None else token.max_jobs,
        settings.max_kept_bytes if token.max_bytes is None else token.max_bytes,
    )


def reader(
    request: Request,
    shared: Annotated[Shared, Depends(shared_of)],
    given: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)],
) -> Caller:
    """Who asks; for what only reads."""
    caller = caller_for(shared, None if given is None else given.credentials, address_of(request))
    request.state.owner = caller.owner or None  # for the log
    return caller


async def writer(caller: Annotated[Caller, Depends(reader)]) -> Caller:
    """Who asks; for what changes something. Raises `Forbidden` for tokens that only read."""
    if not caller.may_write:
        raise Forbidden("This token may only read.", hint="Make one with `unflat token create NAME --scope use`.")
    return caller


def refuse_over_quota(shared: Shared, caller: Caller, *, jobs: int = 0) -> None:
    """Raise `QuotaReached` where this caller has too much waiting or stored."""
    if jobs:
        counts = shared.queue.counts(caller.owner)
        if counts.get("queued", 0) + counts.get("running", 0) + jobs > caller.max_jobs:
            raise QuotaReached(
                f"{caller.max_jobs} jobs wait or run already, which is the most.", code="too-many-jobs",
                hint="Wait until some are done, or cancel some.",
            )  # fmt: skip
    if shared.files.bytes_of(caller.owner) + shared.queue.bytes_of(caller.owner) > caller.max_bytes:
        raise QuotaReached(
            f"{caller.max_bytes / 1e9:.3g} GB are kept already, which is the most.", code="too-many-kept",
            hint="Delete jobs and files that are not needed.",
        )  # fmt: skip


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return address in ("testclient", "")


Reader = Annotated[Caller, Depends(reader)]
Writer = Annotated[Caller, Depends(writer)]
Parts = Annotated[Shared, Depends(shared_of)]
