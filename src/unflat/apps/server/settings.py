"""What the operator sets."""

from __future__ import annotations

from dataclasses import dataclass

from unflat.apps.jobs.config import JobsConfig


@dataclass(frozen=True)
class ServerSettings:
    """All settings of one server."""

    jobs: JobsConfig
    host: str = "127.0.0.1"
    port: int = 8000
    public_url: str = ""
    """What clients call the server by, for links in answers; empty: as each request names it."""
    allow_private_urls: bool = False
    """Fetch pictures from, and send webhooks to, addresses of private networks: for tests and closed networks."""
    rate_per_s: float = 50.0
    """Requests a second that a token, or an address without one, may make on the long run."""
    rate_burst: int = 200
    max_queued: int = 1000
    """Jobs that wait or run per token; a token can have its own number."""
    max_kept_bytes: int = 20_000_000_000
    """Bytes that a token may keep; a token can have its own number."""
    max_request_bytes: int = 512 * 2**20
    trusted_hosts: tuple[str, ...] = ()
    """Names by which the server may be called; empty: all, or where no token is asked for, those of this machine."""
    studio: str | None = None
    """Folder of the built studio; None: the one in the package."""

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        return self.host in ("127.0.0.1", "localhost", "::1")
