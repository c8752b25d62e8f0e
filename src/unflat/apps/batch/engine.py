"""Engines: whatever works through tasks and gives a record for each. One bad photo never stops one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from unflat.apps.batch.place import inputs_of
from unflat.apps.batch.results import Record
from unflat.apps.batch.task import Task
from unflat.apps.batch.work import failed
from unflat.core import UnflatError


@runtime_checkable
class Engine(Protocol):
    """Where the work is done."""

    def outcomes(self, tasks: Iterable[Task]) -> Iterator[Record]:
        """The record of each task, as they are done; ending the iterator ends all work at once."""
        ...


@dataclass(frozen=True)
class WorkLimits:
    """What one item may take."""

    memory_bytes: int | None = None
    time_s: float | None = None


UNLIMITED = WorkLimits()


def lost(task: Task, error: UnflatError, seconds: float) -> Record:
    """The record of a task whose process can't tell any more."""
    return failed({**task.base_record(), "inputs": inputs_of(task.item.files)}, error, seconds)
