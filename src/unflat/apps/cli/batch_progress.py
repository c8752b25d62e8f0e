"""The line of a batch: how many are done, how long the rest takes."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

if TYPE_CHECKING:
    from unflat.apps.batch.conductor import Progress as BatchProgress

_LOG_EVERY_S = 30.0


class BatchLine:
    """A live line on a terminal; in a log failures and a line every half minute; nothing when quiet."""

    def __init__(self, loud: bool) -> None:
        self._loud = loud
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._logged = 0.0

    def __enter__(self) -> BatchLine:
        if self._loud and sys.stderr.isatty():
            columns = (
                BarColumn(),
                TextColumn("{task.completed:.0f} of {task.total:.0f}"),
                TextColumn("{task.description}"),
            )
            self._bar = Progress(*columns, console=self._console, transient=True)
            self._bar.start()
            self._task = self._bar.add_task("starting", total=None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def tell(self, progress: BatchProgress) -> None:
        """Draw the state of things, and say what failed."""
        if not self._loud:
            return
        last = progress.last
        if last is not None and last["state"] == "failed":
            error = last["error"]
            text = f"  ✗ {last['name']}: {error['message']} [{error['code']}]\n    → {error['hint']}"
            self._console.print(text, markup=False)
        if self._bar is not None and self._task is not None:
            done = progress.kept + progress.done
            self._bar.update(self._task, total=progress.total, completed=done, description=_words(progress))
        elif time.monotonic() - self._logged > _LOG_EVERY_S:
            self._logged = time.monotonic()
            self._console.print(f"{progress.kept + progress.done} of {progress.total}{_words(progress)}", markup=False)


def _words(progress: BatchProgress) -> str:
    words = [f"{progress.failed} failed"] if progress.failed else []
    if progress.seconds_left is not None and progress.done:
        words.append(f"{progress.done / progress.seconds * 3600:.0f} an hour")
        words.append(f"{_time(progress.seconds_left)} left")
    return "".join(f", {word}" for word in words)


def _time(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
