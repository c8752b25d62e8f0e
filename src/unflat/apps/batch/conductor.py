"""The conductor: finds what is missing, has it made, keeps the failures, writes the report, also when interrupted."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any, Literal

from unflat.apps.batch.engine import Engine
from unflat.apps.batch.extra import need
from unflat.apps.batch.item import Item
from unflat.apps.batch.lock import locked
from unflat.apps.batch.report import Report, write_report
from unflat.apps.batch.results import Record, Results
from unflat.apps.batch.task import Task
from unflat.apps.outputs import Outputs, formats_for
from unflat.core import Cancelled, SetupError, UnflatError
from unflat.pipeline.plan import plan
from unflat.pipeline.request import Request, choose_recipe

Again = Literal["", "failed", "all"]

_LOOKERS = 16
"""Threads that compare files with what was made of them: they wait for disks and stores."""


@dataclass(frozen=True)
class Batch:
    """What to make of what, and where."""

    items: Sequence[Item]
    out: str
    wishes: Mapping[str, Any]
    outputs: Outputs
    formats: str | None = None
    """Named formats, as in "glb,usdz"; None: what each item's target wants."""
    again: Again = ""
    """What to make anew although nothing changed."""
    time_limit_s: float | None = None

    @property
    def tasks(self) -> list[Task]:
        """One for each item; without formats of its own the batch takes those of the item's target."""
        return [Task(item, self.wishes, self._outputs(item), self.out, self.time_limit_s) for item in self.items]

    def _outputs(self, item: Item) -> Outputs:
        target = item.wishes.get("target", self.wishes.get("target", ""))
        return replace(self.outputs, formats=formats_for(target, self.formats))


@dataclass(frozen=True)
class Progress:
    """How far a batch is."""

    total: int
    kept: int
    """Were there already."""
    done: int
    """Of the others, so many are made or failed."""
    failed: int
    """Of all."""
    seconds: float
    last: Record | None = None

    @property
    def seconds_left(self) -> float | None:
        """An estimate; None while nothing is done."""
        left = self.total - self.kept - self.done
        return self.seconds / self.done * left if self.done else None


def run_batch(batch: Batch, engine: Engine, tell: Callable[[Progress], None] = lambda _: None) -> Report:
    """Make what is missing. Gives the report, which is written too, also before `Cancelled` is raised on Ctrl-C.

    Raises `SetupError` (``batch-locked``, ``not-writable``, ``disk-full``); what an item lacks is in its record.
    """
    need("pyarrow.parquet")  # not found out after a night of work
    results = Results(batch.out)
    with locked(results):
        results.clear_work()
        tasks = batch.tasks
        records = {task.item.name: record for task, record in _kept(tasks, results, batch.again) if record is not None}
        missing = [task for task in tasks if task.item.name not in records]
        kept, made, started = len(records), 0, time.perf_counter()
        failures = sum(record["state"] == "failed" for record in records.values())
        interrupted = False
        try:
            tell(Progress(len(tasks), kept, 0, failures, 0.0))
            with closing(_outcomes(engine, missing)) as outcomes:
                for record in outcomes:
                    records[record["name"]] = record
                    made += 1
                    if record["state"] == "failed":
                        failures += 1
                        _refuse_full_disk(record)
                        results.fail(record)
                    tell(Progress(len(tasks), kept, made, failures, time.perf_counter() - started, record))
        except KeyboardInterrupt:
            interrupted = True
        finally:
            results.clear_work()
            report = Report(
                tuple(records.get(task.item.name, {**task.base_record(), "state": "waiting"}) for task in tasks),
                this_run=tuple(task.item.name for task in missing if task.item.name in records),
                seconds=time.perf_counter() - started,
                out=batch.out,
            )
            write_report(report, results)
    if interrupted:
        raise Cancelled(f"Stopped after {made} of {len(missing)}.")
    return report


def refuse_impossible(wishes: Mapping[str, Any]) -> None:
    """Raise `RecipeError` for wishes that no kind of source could fulfil, before any work."""
    refusals = []
    for kind in ("photo", "photos", "drawing"):
        try:
            recipe = choose_recipe(Request((), **wishes), kind)
            plan(recipe, recipe.takes, commercial_only=wishes.get("commercial", False))
        except UnflatError as error:
            refusals.append(error)
        else:
            return
    raise refusals[0]


def _outcomes(engine: Engine, tasks: Iterable[Task]) -> Generator[Record, None, None]:
    """A generator around the engine's, so that it can be closed whatever the engine gives."""
    yield from engine.outcomes(tasks)


def _kept(tasks: Sequence[Task], results: Results, again: Again) -> Iterator[tuple[Task, Record | None]]:
    """The record of each task that need not be done again."""
    known = {} if again == "all" else results.records([task.item.name for task in tasks])

    def kept(task: Task) -> tuple[Task, Record | None]:
        for record in known.get(task.item.name, []):
            if (again != "failed" or record["state"] != "failed") and _stays(record) and task.is_done(record):
                return task, record
        return task, None

    with ThreadPoolExecutor(_LOOKERS) as lookers:
        yield from lookers.map(kept, tasks)


def _stays(record: Record) -> bool:
    """Whether another try would end the same; what the machine lacked (`SetupError`) may be there by now."""
    return record["state"] != "failed" or record["error"]["kind"] != "SetupError"


def _refuse_full_disk(record: Record) -> None:
    """End the batch where nothing can be written any more: each further picture would fail alike."""
    error = record["error"]
    if error["code"] in ("disk-full", "not-writable", "cannot-write"):
        raise SetupError(error["message"], code=error["code"], hint=error["hint"])
