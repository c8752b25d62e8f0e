"""A worker process: its settings come first, whoever speaks to it meanwhile."""

import subprocess
import sys
import threading
import time

import pytest

from unflat.apps.jobs.config import JobsConfig
from unflat.apps.jobs.slot import Slot


@pytest.fixture
def slot(tmp_path):
    slot = Slot(JobsConfig(data=tmp_path), "supervisor", "main")
    yield slot
    slot.kill()
    slot.forget()


def test_orders_from_other_threads_never_come_before_the_settings(slot):
    begun = threading.Event()

    def poke():
        while not slot.ready and not begun.wait(0):
            slot.say("poke")

    poking = threading.Thread(target=poke)
    poking.start()
    slot.start()
    until = time.monotonic() + 60.0
    while not slot.ready and slot.is_alive and time.monotonic() < until:
        time.sleep(0.05)
    begun.set()
    poking.join()
    assert slot.ready and slot.is_alive


def test_a_worker_whose_supervisor_is_gone_leaves_in_silence():
    command = [sys.executable, "-m", "unflat.apps.jobs.worker"]
    left = subprocess.run(command, input='{"data": ".', capture_output=True, text=True, check=False)
    assert left.returncode == 0 and not left.stderr
