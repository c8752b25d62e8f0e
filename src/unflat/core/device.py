"""Which device networks run on, and on how many cores: the only place that knows the names of accelerators."""

from __future__ import annotations

import importlib.util
import os
from contextlib import AbstractContextManager

from threadpoolctl import threadpool_limits


def best_device() -> str:
    """The fastest device that torch finds here: ``cuda``, ``mps`` or ``cpu``. Imports torch only if it is installed."""
    if importlib.util.find_spec("torch") is None:
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def cores() -> int:
    """How many cores a process may keep busy: all of the machine's, or as UNFLAT_CORES says where several share."""
    told = os.environ.get("UNFLAT_CORES", "")
    return max(int(told), 1) if told.isdigit() else os.cpu_count() or 1


def calm_blas() -> AbstractContextManager[object]:
    """Within it matrix products take one thread: ours are small, and threads that wait for each other spin meanwhile.

    Two threads made conjugate gradients on 10,000 unknowns ten times slower beside other work. Holds for the process.
    """
    return threadpool_limits(limits=1, user_api="blas")
