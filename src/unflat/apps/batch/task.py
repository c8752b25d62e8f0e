"""A task: an item with all that decides its result, ready to be sent to a process or another machine."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from unflat import __version__
from unflat.apps.batch.item import Item
from unflat.apps.batch.place import sha256_of, stamp_of
from unflat.apps.batch.results import Record
from unflat.apps.outputs import Outputs


@dataclass(frozen=True)
class Task:
    """What to make, and where to put it."""

    item: Item
    wishes: Mapping[str, Any]
    """Fields of `Request` for all items; those of the item win."""
    outputs: Outputs
    out: str
    time_limit_s: float | None = None

    @property
    def all_wishes(self) -> dict[str, Any]:
        """The fields of the `Request`, but for the pictures and the mask."""
        settings = {**self.wishes.get("settings", {}), **self.item.wishes.get("settings", {})}
        return {**self.wishes, **self.item.wishes, "settings": settings}

    @cached_property
    def fingerprint(self) -> str:
        """A hash of all that decides the result, except the content of the pictures."""
        wishes = self.all_wishes
        recipe = wishes.get("recipe")
        told = {
            "unflat": __version__,
            "wishes": wishes,
            "recipe": Path(recipe).read_text("utf-8") if recipe and Path(recipe).is_file() else recipe,
            "outputs": asdict(self.outputs),
            "mask": self.item.mask is not None,
        }
        return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()

    def base_record(self) -> Record:
        """What is known before any work."""
        return {
            "name": self.item.name,
            "unflat": __version__,
            "fingerprint": self.fingerprint,
            "pictures": list(self.item.pictures),
            "mask": self.item.mask,
            "target": self.all_wishes.get("target", ""),
            "quality": self.all_wishes.get("quality", "standard"),
            "carried": dict(self.item.carried),
        }

    def is_done(self, record: Record) -> bool:
        """Whether the record is of this very task: the same wishes, version and content."""
        if record.get("fingerprint") != self.fingerprint:
            return False
        inputs = {entry["path"]: entry for entry in record.get("inputs", [])}
        return len(inputs) == len(set(self.item.files)) and all(
            path in inputs and _unchanged(path, inputs[path]) for path in self.item.files
        )


def _unchanged(path: str, entry: Mapping[str, Any]) -> bool:
    """Whether a file is what it was: by its stamp at once, and by its content where it was only touched or moved."""
    stamp = stamp_of(path)
    if stamp is None:
        return entry["sha256"] is None
    return stamp == entry["stamp"] or sha256_of(path) == entry["sha256"]
