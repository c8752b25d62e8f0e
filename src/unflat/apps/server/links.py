"""Links that need no token: the path and a time, signed."""

from __future__ import annotations

import hashlib
import hmac
import time
from urllib.parse import quote

DAY_S = 86400.0


def signed(secret: bytes, path: str, lasts_s: float = DAY_S, now: float | None = None) -> str:
    """The path with a signature that holds for so long."""
    # Whole hours: the same link for a while, so that a browser's cache knows it again.
    until = int(((time.time() if now is None else now) + lasts_s) // 3600 + 1) * 3600
    return f"{quote(path)}?until={until}&signature={_signature(secret, path, until)}"


def is_signed(secret: bytes, path: str, until: str | None, signature: str | None, now: float | None = None) -> bool:
    """Whether the signature is ours and still holds."""
    if until is None or signature is None or not until.isascii() or not until.isdigit() or len(until) > 12:
        return False
    good = hmac.compare_digest(_signature(secret, path, int(until)).encode(), signature.encode("utf-8", "replace"))
    return good and (time.time() if now is None else now) < int(until)


def _signature(secret: bytes, path: str, until: int) -> str:
    return hmac.new(secret, f"{path}\n{until}".encode(), hashlib.sha256).hexdigest()
