"""Engines: whatever happens to a process, one record for each task comes out, and nothing is left behind."""

import os
import signal
import subprocess
import threading

import pytest

from unflat.apps.batch.engine import WorkLimits
from unflat.apps.batch.item import Item
from unflat.apps.batch.pool import LocalPool
from unflat.apps.batch.task import Task
from unflat.apps.outputs import Outputs
from unflat.apps.processes import end_tree, environment, thread_limits

WISHES = {"quality": "draft", "settings": {"texture.size_px": 512}}


@pytest.fixture
def tasks(shelf):
    def make(*names):
        folder = shelf(*names)
        items = (Item(name.partition(".")[0], (str(folder / name),)) for name in names)
        return [Task(item, WISHES, Outputs(preview=True), "out") for item in items]

    return make


def test_a_process_that_dies_costs_only_its_picture(tasks):
    outcomes = LocalPool(1).outcomes(tasks("a.png", "b.png", "c.png"))
    first = next(outcomes)
    assert first["state"] == "made"
    killer = threading.Timer(0.2, lambda: [os.kill(one, signal.SIGKILL) for one in workers()])
    killer.start()
    second, third = outcomes
    assert (second["name"], second["error"]["code"]) == ("b", "worker-died")
    assert "signal 9" in second["error"]["message"]
    assert second["inputs"][0]["sha256"], "it is known by its content, so that it is not tried for ever"
    assert (third["name"], third["state"]) == ("c", "made")
    assert third["by"] != first["by"]
    assert not workers()


def test_a_process_stays_warm(tasks):
    one, two = LocalPool(1).outcomes(tasks("a.png", "b.png"))
    assert one["by"] == two["by"]


@pytest.mark.parametrize(
    ("limits", "code"),
    [(WorkLimits(time_s=0.01), "over-time-limit"), (WorkLimits(memory_bytes=20_000_000), "over-memory-limit")],
)
def test_too_much_memory_or_time_costs_only_its_picture(tasks, limits, code):
    records = list(LocalPool(1, limits).outcomes(tasks("a.png", "b.png")))
    assert [record["error"]["code"] for record in records] == [code, code]
    assert not workers()


def test_ending_the_iterator_ends_all_work(tasks):
    outcomes = LocalPool(2).outcomes(tasks("a.png", "b.png", "c.png"))
    next(outcomes)
    outcomes.close()
    assert not workers()


def test_workers_share_the_cores():
    before = os.environ.get("UNFLAT_CORES")
    with environment(thread_limits(3)):
        from unflat.core.device import cores

        assert cores() == 3
        assert os.environ["OMP_NUM_THREADS"] == os.environ["NUMBA_NUM_THREADS"] == "3"
    assert os.environ.get("UNFLAT_CORES") == before
    assert set(thread_limits(0).values()) == {"1"}


def test_a_process_and_its_children_are_ended_together():
    line = ["sh", "-c", "sleep 60 & echo $!; sleep 60"]
    shell = subprocess.Popen(line, start_new_session=True, stdout=subprocess.PIPE)
    with shell:
        child = int(shell.stdout.readline())
        end_tree(shell.pid)
    assert shell.returncode == -signal.SIGTERM
    assert not is_running(child)


def workers():
    """Our worker processes, dead ones that wait to be collected left out."""
    told = subprocess.run(["ps", "-axo", "pid=,ppid=,stat=,args="], capture_output=True, text=True, check=True).stdout
    rows = [line.split(None, 3) for line in told.splitlines()]
    return [int(pid) for pid, parent, state, command in rows
            if "unflat.apps.batch.worker" in command and int(parent) == os.getpid() and "Z" not in state]  # fmt: skip


def is_running(process):
    told = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True, check=False).stdout
    return bool(told.strip()) and "Z" not in told
