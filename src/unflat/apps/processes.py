"""Processes of ours that work beside each other: their share of the cores, and their end."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator, Mapping

_THREADED = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "NUMBA_NUM_THREADS",
    "OPENCV_FOR_THREADS_NUM", "UNFLAT_CORES",
)  # fmt: skip
"""What OpenMP, the linear algebra, Numba, OpenCV and we ourselves (ONNX, rays, COLMAP) count their threads by."""
_GRACE_S = 3.0


def thread_limits(cores: int) -> dict[str, str]:
    """Environment in which a fresh process keeps no more than so many cores busy."""
    return dict.fromkeys(_THREADED, str(max(cores, 1)))


@contextlib.contextmanager
def environment(extra: Mapping[str, str]) -> Iterator[None]:
    """Start processes with these variables; afterwards the environment is as it was."""
    before = {name: os.environ.get(name) for name in extra}
    os.environ.update(extra)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def end_tree(root: int, grace_s: float = _GRACE_S) -> None:
    """End a process that leads its own group, and the group: asked first, killed after the grace."""
    for kind, patience_s in ((signal.SIGTERM, grace_s), (getattr(signal, "SIGKILL", signal.SIGTERM), 1.0)):
        if not _signalled(root, kind):
            return
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline and not _ended(root):
            time.sleep(0.02)


def _ended(process: int) -> bool:
    """Whether it ran to its end; it is left for its parent to collect."""
    try:
        if hasattr(os, "waitid"):
            return os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:  # not a child of ours, or collected already
        pass
    return not _signalled(process, 0)


def _signalled(root: int, kind: int) -> bool:
    """Send it to the group, or the process where there are no groups; False where nothing is left to hear it."""
    try:
        if hasattr(os, "killpg"):
            os.killpg(root, kind)
        else:
            os.kill(root, kind)
    except (ProcessLookupError, PermissionError, OSError):
        return False
    return True
