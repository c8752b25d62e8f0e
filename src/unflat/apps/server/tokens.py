"""API tokens: 256 random bits, of which only the SHA-256 is kept."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import insert, select, update

from unflat.apps.jobs.database import Database
from unflat.apps.jobs.ids import new_id
from unflat.apps.jobs.problems import NotFound
from unflat.apps.jobs.tables import TOKENS

Scope = Literal["use", "read"]
PREFIXES = ("unf_", "tsk_", "msy_")
"""Ours; and those that Tripo's and Meshy's clients insist on."""
_REMEMBER_S = 2.0
"""So long a look into the database holds: a revoked token is refused after this time at the latest."""


@dataclass(frozen=True)
class Token:
    """A token as it is kept: without its secret."""

    id: str
    name: str
    beginning: str
    scope: str
    created_at: float
    revoked_at: float | None
    max_jobs: int | None
    max_bytes: int | None


class Tokens:
    """Makes, finds and revokes tokens."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[float, Token | None]] = {}
        self._any: tuple[float, bool] = (0.0, False)

    def create(
        self, name: str, scope: Scope = "use", prefix: str = "unf_", max_jobs: int | None = None,
        max_bytes: int | None = None,
    ) -> tuple[Token, str]:  # fmt: skip
        """A new token, and its secret, which is shown this once."""
        secret = prefix + secrets.token_hex(32)
        token = Token(new_id(), name[:100], secret[:8], scope, time.time(), None, max_jobs, max_bytes)
        with self._database.write() as connection:
            connection.execute(insert(TOKENS).values(**token.__dict__, sha256=_hash(secret)))
        return token, secret

    def find(self, secret: str) -> Token | None:
        """The token of this secret; None for one that is unknown or revoked."""
        key, now = _hash(secret), time.monotonic()
        with self._lock:
            at, known = self._seen.get(key, (-1e9, None))
        if known is not None and now - at < _REMEMBER_S:
            return known
        asked = select(TOKENS).where(TOKENS.c.sha256 == key, TOKENS.c.revoked_at.is_(None))
        with self._database.read() as connection:
            row = connection.execute(asked).first()
        found = None if row is None else _of_row(row)
        with self._lock:
            if len(self._seen) > 1000:
                self._seen.clear()
            self._seen[key] = (now, found)
        return found

    def any(self) -> bool:
        """Whether a token was ever made: from then on tokens are asked for, also on this machine."""
        at, known = self._any
        if known or time.monotonic() - at < _REMEMBER_S:
            return known
        with self._database.read() as connection:
            known = connection.execute(select(TOKENS.c.id).limit(1)).first() is not None
        self._any = (time.monotonic(), known)
        return known

    def all(self) -> list[Token]:
        """Every token, the oldest first."""
        with self._database.read() as connection:
            return [_of_row(row) for row in connection.execute(select(TOKENS).order_by(TOKENS.c.created_at))]

    def revoke(self, name: str) -> int:
        """Revoke the tokens of this name or id; gives how many. Raises `NotFound`."""
        named = (TOKENS.c.name == name) | (TOKENS.c.id == name)
        with self._database.write() as connection:
            changed = connection.execute(
                update(TOKENS).where(named, TOKENS.c.revoked_at.is_(None)).values(revoked_at=time.time())
            ).rowcount
        if not changed:
            raise NotFound("token", name)
        return changed


def _hash(secret: str) -> str:
    # 256 random bits can't be guessed: a slow hash, made for passwords, would protect nothing more.
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _of_row(row: Any) -> Token:
    return Token(**{name: value for name, value in row._mapping.items() if name != "sha256"})
