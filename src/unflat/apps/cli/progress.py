"""One line that shows where a run is, and the stages that are done above it."""

from __future__ import annotations

import sys
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn

from unflat.core.events import Event, StageFinished, StageProgress, StageStarted, WarningRaised


class ProgressLine:
    """Draws events on stderr: a bar on a terminal, plain lines in a log, nothing when quiet."""

    def __init__(self, loud: bool) -> None:
        self._loud = loud
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._bar: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> ProgressLine:
        if self._loud and sys.stderr.isatty():
            columns = (TextColumn("{task.description:<12}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"),
                       TextColumn("{task.fields[left]}"))  # fmt: skip
            self._bar = Progress(*columns, console=self._console, transient=True)
            self._bar.start()
            self._task = self._bar.add_task("reading", total=1.0, left="")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def tell(self, event: Event) -> None:
        """Draw one event."""
        if not self._loud:
            return
        if isinstance(event, WarningRaised):
            self._console.print(f"  ! {event.message}", markup=False)
        elif isinstance(event, StageFinished):
            time = "kept" if event.cached else f"{event.seconds:.1f} s"
            self._console.print(f"  {event.stage:<12} {time:>7}  {event.summary}", markup=False)
        elif self._bar is not None and self._task is not None:
            if isinstance(event, StageStarted):
                self._bar.update(self._task, description=event.stage, completed=event.fraction)
            elif isinstance(event, StageProgress):
                left = "" if event.seconds_left is None else f"{event.seconds_left:.0f} s left"
                self._bar.update(self._task, completed=event.fraction, left=left)
