"""A real server for the benchmarks: started, talked to, killed."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from PIL import Image

from unflat.apps.jobs.job import FINAL

QUICK: dict[str, Any] = {
    "recipe": "inflate-draft", "texture_px": 512, "faces": 1000, "preview": False, "formats": ["glb"],
    "settings": {"reconstruct.resolution": 48},
}  # fmt: skip
"""A whole job, but a small one."""


def small_picture(side: int = 96) -> bytes:
    """A shaded ball, cut out, as PNG."""
    v, u = np.mgrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j]
    inside = np.hypot(u, v) < 0.8
    shade = np.clip(0.7 - 0.3 * u - 0.3 * v, 0, 1)[..., None] * [220, 120, 60]
    stream = io.BytesIO()
    Image.fromarray(np.dstack([np.uint8(shade), np.uint8(inside * 255)])).save(stream, "png")
    return stream.getvalue()


class ServerProcess:
    """`unflat serve` on a free port."""

    def __init__(self, data: Path, workers: int, *options: str) -> None:
        command = [sys.executable, "-m", "unflat.apps.cli.main", "serve", "--data", str(data), "--port", "0", "--rate",
                   "0", "--workers", str(workers), "--log-level", "error", *options]  # fmt: skip
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        found = re.search(r"http://\S+?(?=/ )", self.process.stdout.readline())
        assert found is not None
        self.url = found.group()
        self.http = httpx.Client(base_url=self.url, timeout=60.0, trust_env=False)

    def ready(self) -> None:
        """Wait until a worker lives and has loaded the engine: it does a small job."""
        self.wait(self.order(small_picture(), QUICK)["id"])

    def order(self, picture: bytes, wishes: dict[str, Any]) -> dict[str, Any]:
        """Upload and order in one request."""
        answer = self.http.post(
            "/v1/jobs", data={"order": json.dumps(wishes)}, files={"pictures": ("ball.png", picture)}
        )
        answer.raise_for_status()
        return dict(answer.json())

    def wait(self, id: str, every_s: float = 0.05) -> dict[str, Any]:
        """The job when it has ended."""
        while True:
            job = dict(self.http.get(f"/v1/jobs/{id}").json())
            if job["state"] in FINAL:
                return job
            time.sleep(every_s)

    def worker_pids(self) -> list[int]:
        """Processes that the server started; none where the system does not tell."""
        found: list[int] = []
        with contextlib.suppress(OSError):
            for thread in Path(f"/proc/{self.process.pid}/task").iterdir():
                found += map(int, (thread / "children").read_text().split())
        return found

    def memory_mb(self) -> float:
        """Memory of the server alone."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop it, or with SIGKILL let it crash."""
        self.process.send_signal(number)
        self.process.wait()
        self.http.close()
        assert self.process.stdout is not None
        self.process.stdout.close()
