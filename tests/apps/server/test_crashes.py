"""Limits, cancels, crashes and restarts, with real processes: no job is lost, no file is half."""

import hashlib
import os
import random
import signal
import time
from pathlib import Path

import unflat

SLOW = {"recipe": None, "settings": {}}
"""A job of some seconds: there is time to disturb it."""


def children(pid):
    """The processes that a process started."""
    found = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        found += map(int, (thread / "children").read_text().split())
    return found


def whole(server, job, tmp_path):
    """Every file of the job is there, is what its checksum says, and opens."""
    for file in job["assets"][0]["files"]:
        content = server.http.get(file["url"]).content
        assert hashlib.sha256(content).hexdigest() == file["sha256"] and len(content) == file["bytes"]
        if file["format"] == "glb":
            (tmp_path / "x.glb").write_bytes(content)
            assert unflat.load(tmp_path / "x.glb").parts


def test_a_job_that_takes_too_much_memory_is_ended(serve, picture):
    server = serve("--memory", "60")
    job = server.wait(server.order(picture)["id"])
    assert job["state"] == "failed" and job["error"]["code"] == "out-of-memory" and "--memory" in job["error"]["hint"]


def test_a_job_that_takes_too_long_is_ended_and_a_retry_goes_on(serve, picture):
    server = serve("--time-limit", "0.4")
    job = server.wait(server.order(picture, **SLOW)["id"])
    assert job["state"] == "failed" and job["error"]["code"] == "job-timeout"
    again = server.http.post(f"/v1/jobs/{job['id']}/retry").json()
    assert again["state"] == "queued" and server.wait(job["id"])["attempts"] == 2


def test_a_running_job_is_cancelled_and_can_be_run_again(serve, picture, tmp_path):
    server = serve()
    job = server.order(picture, **SLOW)
    second = server.order(picture, priority=-1)
    server.wait(job["id"], ("running", "succeeded"))
    server.http.post(f"/v1/jobs/{second['id']}/cancel")
    assert server.job(second["id"])["state"] == "cancelled"
    server.http.post(f"/v1/jobs/{job['id']}/cancel")
    cancelled = server.wait(job["id"])
    assert cancelled["state"] == "cancelled" and cancelled["error"]["code"] == "cancelled"
    server.http.post(f"/v1/jobs/{job['id']}/retry")
    whole(server, server.wait(job["id"]), tmp_path)


def test_a_job_that_is_deleted_while_it_runs_lets_its_worker_go(serve, picture, tmp_path):
    server = serve()
    first = server.order(picture, **SLOW)
    server.wait(first["id"], states=("running",))
    assert server.http.delete(f"/v1/jobs/{first['id']}").status_code == 204
    job = server.wait(server.order(picture)["id"])
    assert job["state"] == "succeeded"
    results = tmp_path / "served" / "files" / "results"
    assert list((results / job["id"]).rglob("*.glb")) and not list((results / first["id"]).rglob("*.glb"))


def test_a_killed_worker_is_replaced_and_its_job_goes_on_from_its_stages(serve, picture, tmp_path):
    server = serve()
    job = server.order(picture)
    with server.http.stream("GET", f"/v1/jobs/{job['id']}/events") as stream:
        for line in stream.iter_lines():
            if '"stage": "reconstruct"' in line and "finished" in line:
                break
    for pid in children(server.process.pid):
        os.kill(pid, signal.SIGKILL)
    done = server.wait(job["id"])
    assert done["state"] == "succeeded" and done["attempts"] == 2
    whole(server, done, tmp_path)
    told = server.http.get(f"/v1/jobs/{job['id']}/events").text
    assert '"cached": true' in told


def test_a_server_that_is_told_to_stop_puts_its_job_back(serve, picture, tmp_path):
    server = serve("--grace", "0.1")
    jobs = [server.order(picture, **SLOW), server.order(picture)]
    server.wait(jobs[0]["id"], ("running",))
    started = time.monotonic()
    assert server.stop() == 0 and time.monotonic() - started < 30
    heir = serve()
    for job in jobs:
        done = heir.wait(job["id"])
        assert done["state"] == "succeeded", done
        whole(heir, done, tmp_path)


def test_kills_at_random_moments_lose_nothing(serve, picture, tmp_path):
    """Workers and whole servers are killed; `unflat bench server` does it fifty times."""
    dice = random.Random(7)
    server = serve("--crashes", "50", workers=2)
    jobs = [server.order(picture, seed=number) for number in range(4)]
    for kill in range(4):
        time.sleep(dice.uniform(0.2, 2.0))
        if kill % 2:
            server.kill()
            server = serve("--crashes", "50", workers=2)
        else:
            for pid in children(server.process.pid)[:1]:
                os.kill(pid, signal.SIGKILL)
    for job in jobs:
        done = server.wait(job["id"])
        assert done["state"] == "succeeded", done
        whole(server, done, tmp_path)
    left = list((tmp_path / "served" / "files").rglob("*.tmp"))
    assert left == []
