"""``python -m unflat.apps.batch.worker``: tasks come by its standard input; it stays warm."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import time
from typing import BinaryIO

_LOOK_S = 0.5


def main() -> None:
    """Work until the input ends. What libraries print goes to standard error: standard output carries records."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the conductor decides
    threading.Thread(target=_leave_with, args=(os.getppid(),), daemon=True).start()
    serve(sys.stdin.buffer, answers)


def serve(tasks: BinaryIO, answers: BinaryIO) -> None:
    """Answer each task with its record."""
    from unflat.apps.batch.work import make_item

    while True:
        try:
            task = pickle.load(tasks)
        except EOFError:
            return
        pickle.dump(make_item(task), answers)
        answers.flush()


def _leave_with(parent: int) -> None:
    """End at once where the conductor was killed: its lock is gone, so another run may have begun."""
    while os.getppid() == parent:
        time.sleep(_LOOK_S)
    os._exit(1)


if __name__ == "__main__":
    main()
