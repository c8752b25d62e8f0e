"""An item: the pictures of one model, and what is wished for it beyond the wishes for all."""

from __future__ import annotations

import hashlib
import re
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

_LONGEST_NAME = 100
_RESERVED = {"report.html", "report.parquet"}


@dataclass(frozen=True)
class Item:
    """One model wanted."""

    name: str
    """Also that of its folder among the results."""
    pictures: tuple[str, ...]
    """Paths or URLs; several show one thing together."""
    mask: str | None = None
    wishes: Mapping[str, Any] = field(default_factory=dict)
    """Fields of `Request` that differ from the wishes for all."""
    carried: Mapping[str, Any] = field(default_factory=dict)
    """What else the manifest says about it; goes into the report."""
    complaint: tuple[str, str, str] | None = None
    """Code, message and hint where its line of the manifest can't be understood."""

    @property
    def files(self) -> tuple[str, ...]:
        """All that is read for it."""
        return self.pictures if self.mask is None else (*self.pictures, self.mask)


def folder_name(text: str) -> str:
    """A name that is one folder on every system: "sub/cup 1" becomes "sub__cup 1"."""
    plain = re.sub(r"[\\/]+", "__", text.strip().strip("/\\"))
    plain = re.sub(r'[\x00-\x1f<>:"|?*]', "_", plain).strip(" .") or "item"
    if (plain != text.strip() and "__" not in plain) or len(plain.encode()) > _LONGEST_NAME or plain in _RESERVED:
        # What was cut or replaced may have told two names apart.
        plain = f"{plain.encode()[:_LONGEST_NAME].decode('utf-8', 'ignore')}_{zlib.crc32(text.encode()):08x}"
    return plain


def named_apart(items: Sequence[Item]) -> list[Item]:
    """The items, those with one name told apart by what they are made from: whatever their order, the names stay."""
    count = Counter(item.name.casefold() for item in items)
    apart: list[Item] = []
    taken: Counter[str] = Counter()
    for item in items:
        name = item.name
        if count[name.casefold()] > 1:
            name = f"{name}_{hashlib.sha256(repr((item.files, dict(item.wishes))).encode()).hexdigest()[:8]}"
        taken[name.casefold()] += 1
        if taken[name.casefold()] > 1:
            name = f"{name}_{taken[name.casefold()]}"
        apart.append(replace(item, name=name))
    return apart
