"""The built studio, a real server with a worker, and a real browser."""

import io
import json
import os
import re
import subprocess
import sys
import time
import urllib.request
import uuid

import numpy as np
import pytest
from PIL import Image

from unflat.apps.studio import ensure_built
from unflat.core import SetupError

from .chromium import AXE_PACKAGE, CACHE, installed, launch_options

DRAFT = {"quality": "draft", "texture_px": 512, "formats": ["glb", "usdz"]}
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 360, "height": 740}
PATIENCE_MS = 40_000


def pear_png(side=160):
    """A yellow green pear before a pale wall."""
    v, u = np.mgrid[0:side, 0:side] / side
    inside = np.hypot((u - 0.5) / 0.28, (v - 0.62) / 0.28) < 1
    inside |= np.hypot((u - 0.5) / 0.15, (v - 0.33) / 0.2) < 1
    color = np.uint8((0.55 + 0.45 * np.clip(1.2 - u - 0.3 * v, 0, 1))[..., None] * [200, 180, 60])
    return png(np.where(inside[..., None], color, np.uint8([226, 228, 235])))


def png(pixels):
    stream = io.BytesIO()
    Image.fromarray(np.asarray(pixels)).save(stream, "png")
    return stream.getvalue()


@pytest.fixture(scope="session")
def built():
    """The folder of the built studio, made of the sources as they are."""
    try:
        return ensure_built()
    except SetupError as error:
        pytest.skip(f"THE STUDIO CAN'T BE BUILT HERE AND IS NOT TESTED: {error.message}")


class Server:
    """`unflat serve` in a process of its own, and a few calls to it."""

    def __init__(self, folder):
        command = [sys.executable, "-m", "unflat.apps.cli.main", "serve", "--data", str(folder / "data"), "--port", "0",
                   "--rate", "0", "--log-level", "warning"]  # fmt: skip
        env = os.environ | {"OMP_NUM_THREADS": "1", "UNFLAT_CACHE": str(folder / "cache")}
        self.log = (folder / "log").open("w")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True, env=env)
        self.url = re.search(r"http://\S+/(?= )", self.process.stdout.readline()).group()

    def send(self, path, body=None, kind="application/json"):
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}v1/{path}", data, {"Content-Type": kind})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def upload(self, content, name):
        edge = uuid.uuid4().hex
        head = f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
        kind = f"multipart/form-data; boundary={edge}"
        return self.send("files", head + content + f"\r\n--{edge}--\r\n".encode(), kind)["id"]

    def make(self, content, title, **wishes):
        """Order a model and wait for its end."""
        order = {
            **DRAFT,
            "pictures": [{"file": self.upload(content, "thing.png")}],
            "labels": {"title": title},
        } | wishes
        job = self.send("jobs", order)
        while job["state"] in ("queued", "running"):
            time.sleep(0.1)
            job = self.send(f"jobs/{job['id']}")
        return job

    def end(self):
        self.process.terminate()
        self.process.wait(30)
        self.process.stdout.close()
        self.log.close()


@pytest.fixture(scope="session")
def server(built, tmp_path_factory):
    found = Server(tmp_path_factory.mktemp("studio"))
    yield found
    found.end()


@pytest.fixture(scope="session")
def pear(tmp_path_factory):
    path = tmp_path_factory.mktemp("photos") / "green pear.png"
    path.write_bytes(pear_png())
    return path


@pytest.fixture(scope="session")
def made(server):
    """A finished model."""
    job = server.make(pear_png(), "Pear of the server")
    assert job["state"] == "succeeded", job["error"]
    return job


@pytest.fixture(scope="session")
def failed(server):
    """A job that found nothing in its picture."""
    job = server.make(png(np.full((120, 160, 3), 200, np.uint8)), "Blank wall")
    assert job["state"] == "failed"
    return job


@pytest.fixture(scope="module")
def browser():
    """Closed after each file: while Playwright runs, other tests of this process can't run an event loop."""
    sync_playwright = pytest.importorskip("playwright.sync_api", reason="playwright is missing").sync_playwright
    options = launch_options()
    with sync_playwright() as play:
        started = play.chromium.launch(**options)
        yield started
        started.close()


@pytest.fixture
def open_page(browser, server):
    """Opens a page of the studio; at the end nothing may have been complained about in the browser's console."""
    contexts, complaints = [], []

    def open_at(place="", viewport=DESKTOP, quiet=False, **looks):
        context = browser.new_context(viewport=viewport, accept_downloads=True, **looks)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        if not quiet:
            page.on("console", lambda told: told.type == "error" and complaints.append(told.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda asked: asked.url.startswith((server.url, "blob:", "data:"))
                or complaints.append(f"asked elsewhere: {asked.url}"))  # fmt: skip
        page.goto(server.url + place)
        return page

    yield open_at
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def axe():
    """The source of axe-core, which judges a page for accessibility."""
    return (installed(AXE_PACKAGE, CACHE / "axe") / "axe.min.js").read_text("utf-8")


def pixels_of(page, which=0):
    """What a model's canvas shows, RGBA."""
    import base64

    drawn = page.locator(".model-view canvas[data-drawn=yes]").nth(which)
    drawn.wait_for()
    page.wait_for_timeout(150)  # one more frame: damping and new materials draw on the next
    url = drawn.evaluate("canvas => canvas.toDataURL('image/png')")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))).convert("RGBA"))
