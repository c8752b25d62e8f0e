"""How much memory a process and all that it started take, from /proc; elsewhere from `ps`."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

_PROC = Path("/proc")


def memory_mb(pid: int) -> float:
    """Resident memory of a process and its descendants in MB (10^6 bytes); 0 where it is gone."""
    if _PROC.joinpath("self", "statm").exists():
        return sum(_resident_bytes(each) for each in _family(pid)) / 1e6
    return _resident_by_ps(pid)


def _family(pid: int) -> list[int]:
    found, waiting = [], [pid]
    while waiting:
        each = waiting.pop()
        found.append(each)
        try:
            threads = list((_PROC / str(each) / "task").iterdir())
            for thread in threads:
                waiting += map(int, (thread / "children").read_text().split())
        except OSError:
            continue
    return found


def _resident_bytes(pid: int) -> int:
    try:
        return int((_PROC / str(pid) / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return 0


def _resident_by_ps(pid: int) -> float:
    try:
        told = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return float(told.stdout.strip() or 0) * 1024 / 1e6
    except (OSError, ValueError):
        return 0.0
