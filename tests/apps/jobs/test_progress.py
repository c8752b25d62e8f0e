"""Progress on its way to the database: at most four times a second, never backwards."""

import pytest

from unflat.apps.jobs.ids import is_id, new_id
from unflat.apps.jobs.progress import ProgressTeller
from unflat.apps.process_memory import memory_mb
from unflat.core.events import RunFinished, StageFinished, StageProgress, StageStarted, WarningRaised


def test_progress_is_thinned_and_all_else_is_told():
    now, told = [0.0], []

    def tell(event, data):
        told.append((event, data))
        return True

    teller = ProgressTeller(tell, clock=lambda: now[0])
    teller(StageStarted("texture", "bake", 0.0))
    for step in range(100):
        now[0] += 0.01
        teller(StageProgress("texture", step / 100, step / 100, 1.0))
    teller(WarningRaised("texture", "Dark."))
    teller(StageFinished("texture", "bake", 1.0, False, "512 px"))
    teller(RunFinished(1.0))
    kinds = [event for event, _ in told]
    assert kinds.count("progress") <= 6 and kinds.count("stage") == 2 and kinds.count("warning") == 1


def test_a_bar_never_runs_backwards():
    told, now = [], [0.0]
    teller = ProgressTeller(lambda event, data: told.append(data["fraction"]) or True, clock=lambda: now[0])
    for fraction in (0.2, 0.6, 0.4, 0.7):
        now[0] += 1
        teller(StageProgress("pose", fraction, fraction, None))
    assert told == [0.2, 0.6, 0.6, 0.7]


def test_a_lost_job_is_told_no_more():
    count = [0]

    def tell(event, data):
        count[0] += 1
        return False

    teller = ProgressTeller(tell)
    for _ in range(5):
        teller(WarningRaised("x", "y"))
    assert teller.lost and count == [1]


def test_ids_sort_by_time_and_are_nothing_else():
    made = [new_id() for _ in range(200)]
    assert len(set(made)) == 200 and all(map(is_id, made))
    assert not any(map(is_id, ("", "x", made[0].upper(), "{" + made[0] + "}", made[0].replace("-", ""))))


def test_memory_counts_what_a_process_started():
    import os
    import subprocess
    import sys

    if not os.path.exists("/proc/self/statm"):  # noqa: PTH110
        pytest.skip("this system has no /proc")
    code = "import subprocess, sys; b = bytearray(1 << 20); print('up', flush=True); sys.stdin.read()"
    started = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    started.stdout.readline()
    assert memory_mb(os.getpid()) > memory_mb(started.pid) > 1
    started.communicate()
    assert memory_mb(started.pid) == 0
