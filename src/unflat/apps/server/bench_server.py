"""`unflat bench server`: overhead over the library, many clients at once, kill -9 at random moments."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from unflat.apps.jobs.job import FINAL
from unflat.apps.server.bench_process import QUICK, ServerProcess, small_picture

_POLL_S = 0.25


@dataclass(frozen=True)
class Row:
    """One figure."""

    figure: str
    value: float
    unit: str
    wanted: str


def bench_server(
    say: Callable[[str], None], *, runs: int = 5, jobs: int = 200, clients: int = 20, kills: int = 50, workers: int = 2
) -> list[Row]:
    """All three measurements; each on a new data folder."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        rows += _overhead(Path(folder), runs, say)
        rows += _crowd(Path(folder), jobs, clients, workers, say)
        rows += _kills(Path(folder), kills, workers, say)
    return rows


def table(rows: list[Row]) -> str:
    """The figures as a Markdown table."""
    lines = ["| figure | measured | wanted |", "|---|---|---|"]
    lines += [f"| {row.figure} | {row.value:.4g} {row.unit} | {row.wanted} |" for row in rows]
    return "\n".join(line.replace("  ", " ") for line in lines) + "\n"


def _overhead(folder: Path, runs: int, say: Callable[[str], None]) -> list[Row]:
    """The same picture by library and by server, in turns, so that both see the same busy machine."""
    picture = folder / "ball.png"
    picture.write_bytes(small_picture(512))
    command = [sys.executable, "-m", "unflat.apps.server.bench_library", str(picture)]
    server = ServerProcess(folder / "overhead", 1)
    library = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert library.stdin is not None and library.stdout is not None
    alone, served = [], []
    for number in range(runs + 1):
        library.stdin.write("standard\n")
        library.stdin.flush()
        alone.append(float(library.stdout.readline()))
        started = time.perf_counter()
        server.wait(server.order(picture.read_bytes(), {"preview": False})["id"])
        served.append(time.perf_counter() - started)
        say(f"run {number}: library {alone[-1]:.2f} s, server {served[-1]:.2f} s" + (" (warm-up)" * (number == 0)))
    library.stdin.close()
    library.wait()
    library.stdout.close()
    server.end()
    plain, through = statistics.median(alone[1:]), statistics.median(served[1:])
    differences = [b - a for a, b in zip(alone[1:], served[1:], strict=True)]
    return [
        Row("library call, median", plain, "s", ""),
        Row("through the server, median", through, "s", ""),
        Row("overhead, median of pairs", 100 * statistics.median(differences) / plain, "%", "≤ 5 %"),
    ]


def _crowd(folder: Path, jobs: int, clients: int, workers: int, say: Callable[[str], None]) -> list[Row]:
    """Many clients order and ask again and again while workers are busy."""
    server = ServerProcess(folder / "crowd", workers)
    server.ready()
    before = server.memory_mb()
    states: list[str] = []
    waits: list[float] = []
    threads = [
        threading.Thread(target=_client, args=(server.url, jobs // clients, states, waits)) for _ in range(clients)
    ]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - started
    say(f"{jobs} jobs of {clients} clients in {seconds:.0f} s")
    after = server.memory_mb()
    server.end()
    return [
        Row("jobs lost, of " + str(jobs), jobs - states.count("succeeded"), "", "0"),
        Row(f"jobs a minute, {workers} workers", 60 * jobs / seconds, "", ""),
        Row("status call, 50th percentile", 1000 * _percentile(waits, 0.5), "ms", ""),
        Row("status call, 95th percentile", 1000 * _percentile(waits, 0.95), "ms", "≤ 50 ms"),
        Row("server's memory before", before, "MB", ""),
        Row("server's memory after", after, "MB", "flat"),
    ]


def _client(url: str, jobs: int, states: list[str], waits: list[float]) -> None:
    picture = small_picture()
    with httpx.Client(base_url=url, timeout=60.0, trust_env=False) as http:
        file = http.post("/v1/files", files={"file": ("ball.png", picture)}).json()["id"]
        order = {**QUICK, "pictures": [{"file": file}]}
        ids = [http.post("/v1/jobs", json=order).json()["id"] for _ in range(jobs)]
        while ids:
            started = time.perf_counter()
            state = http.get(f"/v1/jobs/{ids[0]}").json()["state"]
            waits.append(time.perf_counter() - started)
            if state in FINAL:
                states.append(state)
                ids.pop(0)
            else:
                time.sleep(_POLL_S)


def _kills(folder: Path, kills: int, workers: int, say: Callable[[str], None]) -> list[Row]:
    """Kill a worker, or the whole server, again and again; then look at every job and every byte."""
    dice, data, options = random.Random(0), folder / "kills", ("--crashes", "1000")
    server = ServerProcess(data, workers, *options)
    picture = small_picture()
    ids: list[str] = []
    for kill in range(kills):
        while len(ids) < kill + 1 + workers:  # always something to do, and something waiting
            ids.append(server.order(picture, QUICK)["id"])
        time.sleep(dice.uniform(0.1, 2.0))
        pids = server.worker_pids()
        if kill % 5 == 4 or not pids:
            server.end(signal.SIGKILL)
            server = ServerProcess(data, workers, *options)
        else:
            os.kill(dice.choice(pids), signal.SIGKILL)
    found = [server.wait(id) for id in ids]
    corrupt = sum(not _is_whole(server, job) for job in found if job["state"] == "succeeded")
    lost = sum(job["state"] != "succeeded" for job in found)
    halves = len([path for path in (data / "files").rglob("*.tmp")])
    attempts = max(job["attempts"] for job in found)
    server.end()
    say(f"{kills} kills, {len(ids)} jobs, at most {attempts} attempts at one")
    return [
        Row(f"kill -9 ({kills}, one in five of the whole server): jobs lost, of {len(ids)}", lost, "", "0"),
        Row("kill -9: files corrupt or half", corrupt + halves, "", "0"),
    ]


def _is_whole(server: ServerProcess, job: dict[str, object]) -> bool:
    assets = job["assets"]
    assert isinstance(assets, list)
    files = [file for asset in assets for file in asset["files"]]
    return bool(files) and all(
        hashlib.sha256(server.http.get(file["url"]).content).hexdigest() == file["sha256"] for file in files
    )


def _percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]
