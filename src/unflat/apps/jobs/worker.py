"""The worker process: imports the engine once, then takes job after job. Its supervisor talks to it by lines on stdin.

``poke``: look for work; ``cancel ID ATTEMPT``; ``stop``: finish, then leave; ``leave``: put the job back now. The end
of stdin means that the supervisor is dead: the process ends at once, and with it all that it started.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from unflat.apps.jobs.claims import Claims
from unflat.apps.jobs.config import JobsConfig
from unflat.apps.jobs.database import AWAY, Database
from unflat.apps.jobs.files import Files
from unflat.apps.jobs.job import Job
from unflat.apps.jobs.order import FileRef, Order
from unflat.apps.jobs.progress import ProgressTeller
from unflat.apps.jobs.queue import CANCELLED
from unflat.apps.jobs.results import publish, remove_attempt
from unflat.apps.jobs.storage import Storage
from unflat.core.errors import Cancelled, UnflatError

_IDLE_S = 0.5
"""An idle worker looks for work this often by itself: other machines can't poke it."""
_PATIENCE_S = (0.5, 1.0, 2.0, 5.0)
_NICENESS = 5
"""Workers leave the processor to the server when both want it: answers stay quick while models are made."""


class Orders:
    """What the supervisor wants, heard in a thread of its own."""

    def __init__(self) -> None:
        self.poked = threading.Event()
        self.stopping = False
        self.leaving = False
        self.cancelled: str | None = None

    def listen(self) -> None:
        """Obey line after line; at the end of the input, end this process and its children at once."""
        for line in sys.stdin:
            word, _, rest = line.strip().partition(" ")
            self.stopping |= word in ("stop", "leave")
            self.leaving |= word == "leave"
            if word == "cancel":
                self.cancelled = rest
            self.poked.set()
        with contextlib.suppress(OSError):
            os.killpg(0, signal.SIGKILL) if hasattr(os, "killpg") and os.getpgid(0) == os.getpid() else None
        os._exit(70)


def _say(line: str) -> None:
    """Tell the supervisor, on a line of its own, whatever was printed before."""
    sys.stdout.write(f"\n{line}\n")
    sys.stdout.flush()


class Worker:
    """One process's work."""

    def __init__(self, config: JobsConfig, name: str, lane: str, orders: Orders) -> None:
        self._config, self._name, self._lane, self._orders = config, name, lane, orders
        self._database = Database(config.database_url)
        self._claims = Claims(self._database, config.lease_s)
        self._storage = Storage(config.storage_url)
        self._files = Files(config, self._database, self._storage)

    def work(self) -> None:
        """Take jobs until told to stop."""
        while not self._orders.stopping:
            self._orders.poked.clear()
            job = self._claims.claim(self._name, self._lane)
            if job is None:
                self._orders.poked.wait(_IDLE_S)
            else:
                self._do(job)

    def _do(self, job: Job) -> None:
        _say(f"at {job.id} {job.attempts}")
        try:
            self._carry_out(job)
        finally:
            _say("idle")

    def _carry_out(self, job: Job) -> None:
        teller = ProgressTeller(partial(self._tell, job))
        folder = self._config.work / job.id
        folder.mkdir(parents=True, exist_ok=True)
        try:
            values = self._made(job, folder, teller, lambda: teller.lost or self._is_unwanted(job))
            state, error = "succeeded", None
        except Cancelled:
            values, state, error = {}, "cancelled", CANCELLED
        except UnflatError as refusal:
            values, state, error = {}, "failed", _told(refusal)
        except MemoryError:
            values, state, error = {}, "failed", out_of_memory(self._config.memory_mb)
        except Exception as surprise:  # the one place of this process that catches broadly: other jobs wait
            traceback.print_exc()
            values, state, error = {}, "failed", _unforeseen(surprise)
        if state == "cancelled" and self._orders.leaving and not self._is_cancelled(job):
            self._claims.put_back(job)
            return
        if not self._end(job, state, error, values):
            remove_attempt(self._storage, job)
        elif state == "succeeded" or job.lane == "quick":
            shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(folder / "out", ignore_errors=True)

    def _tell(self, job: Job, event: str, data: Mapping[str, Any]) -> bool:
        try:
            return self._claims.tell(job, event, data)
        except AWAY:  # a database that is away for a moment costs an event, not the job
            return True

    def _end(self, job: Job, state: str, error: Mapping[str, Any] | None, values: Mapping[str, Any]) -> bool:
        """End the job, in patience with a database that is away for a moment."""
        for pause_s in _PATIENCE_S:
            try:
                return self._claims.end(job, state, error, **values)
            except AWAY:
                time.sleep(pause_s)
        return self._claims.end(job, state, error, **values)

    def _is_cancelled(self, job: Job) -> bool:
        return self._orders.cancelled == f"{job.id} {job.attempts}"

    def _is_unwanted(self, job: Job) -> bool:
        return self._orders.leaving or self._is_cancelled(job)

    def _made(self, job: Job, folder: Path, teller: ProgressTeller, cancelled: Callable[[], bool]) -> dict[str, Any]:
        """The values that end the job: its assets, their bytes, how long the stages took."""
        shutil.rmtree(folder / "out", ignore_errors=True)
        (folder / "out").mkdir()
        if job.lane == "quick":
            return self._quick(job, folder)
        from unflat.apps.jobs.fulfilment import fulfil_order

        order = Order.model_validate(job.order)
        made = fulfil_order(order, self._placer(job, folder), folder, teller, cancelled)
        assets, total = publish(self._storage, job, made)
        done = {"stage": "done", "fraction": 1.0, "seconds_left": 0.0, "message": ""}
        return {
            "assets": json.dumps(assets, allow_nan=False), "bytes": total, "timings_s": json.dumps(made.timings_s),
            "progress": json.dumps(done),
        }  # fmt: skip

    def _quick(self, job: Job, folder: Path) -> dict[str, Any]:
        from unflat.apps.jobs.quick import quick_result

        place = self._placer(job, folder)
        out = folder / "out" / "mask.png"
        result = quick_result(job.order, place(FileRef.model_validate(job.order["picture"])), out)
        if out.exists():
            with out.open("rb") as stream:
                stored = self._files.add(job.owner, f"{job.order.get('name', 'picture')}_mask.png", [stream.read()])
            result["file"] = stored.id
        return {"extra": json.dumps({"result": result}, allow_nan=False)}

    def _placer(self, job: Job, folder: Path) -> Callable[[FileRef], Path]:
        """Brings stored files into the work folder, under their own names, which name the asset."""

        def place(ref: FileRef) -> Path:
            if ref.file is not None and ref.file.startswith("result:"):
                _, id, attempt, name = ref.file.split(":", 3)
                path = folder / "in" / id / name
                self._storage.fetch(f"results/{id}/{attempt}/{name}", path)
                return path
            stored = self._files.get(job.owner, ref.file or "")
            # each in a folder of its own: two uploads may have the same name
            path = folder / "in" / stored.id / stored.name
            if not path.exists():
                self._storage.fetch(stored.key, path)
            return path

        return place


def out_of_memory(limit_mb: int) -> dict[str, str]:
    """The error of a job that took more memory than it may."""
    return {
        "code": "out-of-memory",
        "message": f"The job took more than {limit_mb} MB of memory and was ended.",
        "hint": "Take --quality draft, a smaller texture (texture_px) or fewer or smaller photos; the operator can "
        "raise --memory.",
    }


def _told(error: UnflatError) -> dict[str, str]:
    return {"code": error.code, "message": error.message, "hint": error.hint}


def _unforeseen(error: Exception) -> dict[str, str]:
    return {
        "code": "stage-failed",
        "message": f"The job failed in a way that was not foreseen ({type(error).__name__}).",
        "hint": "Please report it with the picture; the server's log has the details.",
    }


def main() -> None:
    """Read the settings from the first line, warm up, then work."""
    config_line, name, lane = (sys.stdin.readline() for _ in range(3))
    if not lane:  # the supervisor has gone meanwhile
        return
    for signal_number in (signal.SIGINT, signal.SIGTERM):  # the supervisor decides; Ctrl-C reaches the whole terminal
        signal.signal(signal_number, signal.SIG_IGN)
    with contextlib.suppress(OSError, AttributeError):
        os.nice(_NICENESS)
    orders = Orders()
    threading.Thread(target=orders.listen, daemon=True, name="orders").start()
    worker = Worker(JobsConfig.from_json(config_line), name.strip(), lane.strip(), orders)
    import unflat.apps.outputs
    import unflat.pipeline.request  # noqa: F401 - once, before the first job waits for it

    try:
        sys.stdout.write("ready\n")
        sys.stdout.flush()
    except BrokenPipeError:  # the supervisor has gone meanwhile
        return
    worker.work()


if __name__ == "__main__":
    main()
