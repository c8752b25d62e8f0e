"""What a stage may know of the run around it: a seed, a way to tell progress, a way to warn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

SCRATCH = "scratch"
"""Folder in a stage's workspace for what nobody needs once the stage's result is stored: it is removed then."""


def _ignore(_: object) -> None:
    """Take anything, do nothing."""


def _nowhere() -> None:
    """There is no folder."""


@dataclass(frozen=True)
class Context:
    """Handed to every stage. ``progress`` may raise :class:`~unflat.core.errors.Cancelled`; let it pass.

    ``Context()`` is silent, never cancels, and has seed 0: what a test or a single call needs.
    """

    seed: int = 0
    progress: Callable[[float], None] = field(default=_ignore)
    """Call with the finished fraction 0..1, often enough (a few times a second) for Ctrl-C to be quick."""
    warn: Callable[[str], None] = field(default=_ignore)
    """Call with a full sentence. It is shown to the user and written into the provenance."""

    workspace: Callable[[], Path | None] = field(default=_nowhere)
    """A folder for what a long stage has done so far, the same one when the same work is begun again; None where
    nothing is kept. Write whole files or none (`unflat.io.atomic`). What the result itself does not name goes into
    `SCRATCH`."""

    def part(self, start: float, end: float) -> Context:
        """The context of a step whose own 0..1 is the part from start to end of this one's progress."""
        return replace(self, progress=lambda fraction: self.progress(start + (end - start) * fraction))
