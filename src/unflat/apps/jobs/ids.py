"""Names for jobs and files: version 7 UUIDs, which sort by the time they were made and can't be guessed."""

from __future__ import annotations

import secrets
import time
import uuid


def new_id() -> str:
    """A new UUID of version 7: 48 bits of milliseconds, 12 of their fraction, then 62 random ones."""
    milliseconds, rest_ns = divmod(time.time_ns(), 1_000_000)
    fraction = rest_ns * 4096 // 1_000_000  # two of the same millisecond sort right, too
    high = (milliseconds & (1 << 48) - 1) << 16 | 0x7 << 12 | fraction
    low = 0b10 << 62 | secrets.randbits(62)
    return str(uuid.UUID(int=high << 64 | low))


def is_id(text: str) -> bool:
    """Whether the text is a UUID in its usual form: nothing else reaches the database or a path."""
    try:
        return str(uuid.UUID(text)) == text
    except (ValueError, AttributeError, TypeError):
        return False
