"""A slot: one worker process at a time, started anew when it ends."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field

from unflat.apps.jobs.config import JobsConfig
from unflat.apps.processes import thread_limits
from unflat.core.device import cores


@dataclass
class Slot:
    """One worker process and what its supervisor knows of it."""

    config: JobsConfig
    supervisor: str
    lane: str
    name: str = ""
    ready: bool = False
    process: subprocess.Popen[str] | None = None
    started_at: float = 0.0
    quick_deaths: int = 0
    job: str | None = None
    """The job, and which attempt at it, that it was last seen at."""
    job_since: float = 0.0
    told_cancel: float | None = None
    doing: str | None = None
    """The same as the worker itself says it; None while it waits for work."""
    _writing: threading.Lock = field(default_factory=threading.Lock)

    @property
    def is_alive(self) -> bool:
        """Whether its process runs."""
        return self.process is not None and self.process.poll() is None

    def start(self) -> None:
        """Start a process; it is ready when it has said so."""
        self.name = f"{self.supervisor}/{secrets.token_hex(4)}"
        self.ready, self.job, self.told_cancel, self.doing = False, None, None, None
        self.started_at = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-m", "unflat.apps.jobs.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a group of its own: its children end with it
            env=self._environment(),
        )
        self._send(process, self.config.to_json(), self.name, self.lane)
        self.process = process  # from here on other threads may speak to it: its settings come before any order
        threading.Thread(target=self._hear, args=(process,), daemon=True, name="worker-output").start()

    def say(self, line: str) -> None:
        """Send a line; a process that is gone hears nothing."""
        if self.process is not None:
            self._send(self.process, line)

    def _send(self, process: subprocess.Popen[str], *lines: str) -> None:
        assert process.stdin is not None
        with self._writing, contextlib.suppress(OSError, ValueError):
            process.stdin.writelines(line + "\n" for line in lines)
            process.stdin.flush()

    def kill(self) -> None:
        """End the process and all that it started, now."""
        process = self.process
        if process is None:
            return
        with contextlib.suppress(OSError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(5)

    def forget(self) -> None:
        """Close what is left of a process that has ended."""
        process, self.process = self.process, None
        if process is None:
            return
        process.wait()
        for stream in (process.stdin, process.stdout):
            with contextlib.suppress(OSError, ValueError):
                if stream is not None:
                    stream.close()

    def _hear(self, process: subprocess.Popen[str]) -> None:
        """Read what the process prints, so that its pipe never fills."""
        assert process.stdout is not None
        with contextlib.suppress(ValueError, OSError):
            for line in process.stdout:
                word, _, rest = line.strip().partition(" ")
                if process is not self.process:
                    return
                self.ready |= word == "ready"
                if word in ("at", "idle"):
                    self.doing = rest or None

    def _environment(self) -> dict[str, str]:
        """Several workers share the processor: each gets its part of the cores, unless its owner has said how many."""
        shares = thread_limits(cores() // self.config.workers) if self.config.workers > 1 else {}
        return shares | os.environ
