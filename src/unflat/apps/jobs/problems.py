"""Errors of the doors that keep jobs: each with code, hint and HTTP status, as all others."""

from __future__ import annotations

from typing import ClassVar

from unflat.core.errors import UnflatError


class NotFound(UnflatError):
    """There is no such thing, or it belongs to someone else."""

    default_code: ClassVar[str] = "not-found"
    exit_status: ClassVar[int] = 2
    http_status: ClassVar[int] = 404

    def __init__(self, what: str, name: str) -> None:
        super().__init__(
            f"There is no {what} “{name[:60]}”.",
            hint=f"It may have been deleted or expired. List what there is, or make a new {what}.",
        )


class TooLarge(UnflatError):
    """More bytes than are taken."""

    default_code: ClassVar[str] = "too-many-bytes"
    exit_status: ClassVar[int] = 2
    http_status: ClassVar[int] = 413

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(
            f"That is more than {limit_bytes / 2**20:.4g} MiB, which is the most taken here.",
            hint="Scale the picture down or save it as JPEG; the operator can raise the limit.",
        )


class Conflict(UnflatError):
    """What is asked does not fit the state of things."""

    default_code: ClassVar[str] = "conflict"
    exit_status: ClassVar[int] = 2
    http_status: ClassVar[int] = 409


class QuotaReached(UnflatError):
    """This token has used up what it may keep or queue."""

    default_code: ClassVar[str] = "quota"
    exit_status: ClassVar[int] = 2
    http_status: ClassVar[int] = 429
