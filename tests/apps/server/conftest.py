"""Servers to talk to: one inside this process without workers, one real with its processes."""

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
import time

import httpx
import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image

from unflat.apps.jobs.config import JobsConfig
from unflat.apps.server.app import create_app
from unflat.apps.server.settings import ServerSettings

DRAFT = {
    "recipe": "inflate-draft",
    "texture_px": 512,
    "preview": False,
    "settings": {"reconstruct.resolution": 48},
}
"""A job of about a second."""


def png(pixels):
    stream = io.BytesIO()
    Image.fromarray(np.asarray(pixels)).save(stream, "png")
    return stream.getvalue()


def shaded_pear(side=160):
    """A cut out pear."""
    v, u = np.mgrid[0:side, 0:side] / side
    inside = np.hypot((u - 0.5) / 0.28, (v - 0.62) / 0.28) < 1
    inside |= np.hypot((u - 0.5) / 0.15, (v - 0.33) / 0.2) < 1
    color = np.uint8((0.55 + 0.45 * np.clip(1.2 - u - 0.3 * v, 0, 1))[..., None] * [200, 180, 60])
    return np.dstack([color, np.uint8(inside * 255)])


@pytest.fixture(scope="session")
def pear_png():
    return png(shaded_pear())


@pytest.fixture(scope="session")
def sides(tmp_path_factory):
    """Pictures of the pear's left, back and right; they share no spot, for each has another colour."""
    folder = tmp_path_factory.mktemp("sides")
    paths = []
    for name, order in (("left", (1, 0, 2)), ("back", (2, 1, 0)), ("right", (0, 2, 1))):
        pear = shaded_pear()
        paths.append(folder / f"{name}.png")
        paths[-1].write_bytes(png(np.dstack([pear[..., list(order)], pear[..., 3]])))
    return paths


@pytest.fixture
def picture(pear_png):
    return pear_png


@pytest.fixture
def settings(tmp_path):
    return ServerSettings(JobsConfig(tmp_path / "data"), rate_per_s=0)


@pytest.fixture
def app(settings):
    return create_app(settings, work=False)


@pytest.fixture
def client(app):
    """A client of a server that takes everything in and works on nothing."""
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


class Served:
    """A real server: `unflat serve` in its own process, with workers in theirs."""

    def __init__(self, data, *options, workers=1, port=0, **environment):
        command = [sys.executable, "-m", "unflat.apps.cli.main", "serve", "--data", str(data), "--port", str(port),
                   "--workers", str(workers), "--rate", "0", "--log-level", "warning", *map(str, options)]  # fmt: skip
        self.log = (data.parent / f"{data.name}.log").open("a+")
        env = os.environ | {"OMP_NUM_THREADS": "1", "UNFLAT_CACHE": str(data.parent / "cache")} | environment
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True, env=env)
        line = self.process.stdout.readline()
        self.url = re.search(r"http://\S+?(?=/ )", line).group()
        self.http = httpx.Client(base_url=self.url, timeout=120.0, trust_env=False)

    def order(self, picture=None, **wishes):
        """Order a draft of a picture; gives the job."""
        if picture is None:
            answer = self.http.post("/v1/jobs", json=DRAFT | wishes)
        else:
            form = {"data": {"order": json.dumps(DRAFT | wishes)}, "files": {"pictures": ("pear.png", picture)}}
            answer = self.http.post("/v1/jobs", **form)
        assert answer.status_code == 202, answer.text
        return answer.json()

    def job(self, id):
        return self.http.get(f"/v1/jobs/{id}").json()

    def wait(self, id, states=("succeeded", "failed", "cancelled"), patience_s=150.0):
        until = time.monotonic() + patience_s
        while (job := self.job(id))["state"] not in states:
            assert time.monotonic() < until, job
            time.sleep(0.1)
        return job

    def kill(self):
        """As a crash of the machine would: without a word."""
        self.process.send_signal(signal.SIGKILL)
        self.close()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(60)
        self.close()
        return status

    def close(self):
        self.http.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        self.process.stdout.close()
        self.log.close()


@pytest.fixture
def serve(tmp_path):
    """Start real servers; they are ended with the test."""
    running = []

    def start(*options, data=None, **more):
        running.append(Served(data or tmp_path / "served", *options, **more))
        return running[-1]

    yield start
    for served in running:
        if served.process.poll() is None:
            served.stop()


@pytest.fixture(scope="package")
def served(tmp_path_factory):
    """One real server for the tests that only talk to it."""
    server = Served(tmp_path_factory.mktemp("served") / "data", "--allow-private-urls")
    yield server
    assert server.stop() == 0
