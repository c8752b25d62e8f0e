"""Webhooks: signed, tried again, not forgotten by a restart, not sent inside."""

import http.server
import json
import threading

import pytest

from unflat.apps.jobs.claims import Claims
from unflat.apps.jobs.config import JobsConfig
from unflat.apps.jobs.database import Database
from unflat.apps.jobs.queue import Queue
from unflat.apps.server.fetch import Fetcher
from unflat.apps.server.webhooks import WAITS_S, Deliverer, signature

SECRET = "0123456789abcdef"


@pytest.fixture
def hook():
    """An address that notes what comes, and fails as often as it is told."""

    class Hook(http.server.BaseHTTPRequestHandler):
        heard, fails = [], 0

        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            Hook.heard.append((dict(self.headers), body))
            Hook.fails -= 1
            self.send_response(503 if Hook.fails >= 0 else 204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Hook.url = f"http://127.0.0.1:{server.server_address[1]}/done"
    yield Hook
    server.shutdown()
    server.server_close()


class Clock:
    now = 1_800_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def database(tmp_path):
    (tmp_path / "data").mkdir()
    database = Database(JobsConfig(tmp_path / "data").database_url)
    yield database
    database.close()


def end_a_job(database, url, clock):
    queue, claims = Queue(database, clock), Claims(database, 30.0, clock)
    job = queue.submit({"kind": "make"}, webhook={"url": url, "secret": SECRET})
    claims.end(claims.claim("w", "main"), "succeeded", assets="[]")
    return job


def test_the_end_of_a_job_is_told_and_signed(database, hook):
    clock = Clock()
    job = end_a_job(database, hook.url, clock)
    deliverer = Deliverer(database, Fetcher(True, 1000), clock)
    assert deliverer.send_next() and not deliverer.send_next()
    headers, body = hook.heard[0]
    assert json.loads(body)["job"] == job.id and json.loads(body)["state"] == "succeeded"
    assert headers["Unflat-Signature"] == signature(SECRET, headers["Unflat-Timestamp"], body)


def test_it_is_tried_again_with_longer_and_longer_waits(database, hook):
    clock = Clock()
    hook.fails = 2
    end_a_job(database, hook.url, clock)
    for wait in WAITS_S[:3]:
        # a new deliverer each time: what is to be sent lies in the database, so a restart forgets nothing
        assert Deliverer(database, Fetcher(True, 1000), clock).send_next()
        assert not Deliverer(database, Fetcher(True, 1000), clock).send_next()
        clock.now += wait + 0.1
    assert len(hook.heard) == 3 and not Deliverer(database, Fetcher(True, 1000), clock).send_next()


def test_it_is_given_up_in_the_end(database, hook):
    clock = Clock()
    hook.fails = 100
    end_a_job(database, hook.url, clock)
    deliverer = Deliverer(database, Fetcher(True, 1000), clock)
    while deliverer.send_next():
        clock.now += 86_400
    assert len(hook.heard) == len(WAITS_S) + 1


def test_it_is_not_sent_into_the_private_network(database, hook):
    clock = Clock()
    end_a_job(database, hook.url, clock)
    assert Deliverer(database, Fetcher(False, 1000), clock).send_next()
    assert hook.heard == []


def test_an_order_with_a_hook_inside_is_refused(client, picture):
    order = {"pictures": [{"file": "x"}], "webhook": {"url": "http://169.254.169.254/x", "secret": SECRET}}
    answer = client.post("/v1/jobs", json=order)
    assert answer.status_code == 422 and answer.json()["error"]["code"] == "url-forbidden"


def test_the_secret_is_never_shown_again(served, picture, hook):
    job = served.order(picture, webhook={"url": hook.url, "secret": SECRET})
    assert SECRET not in json.dumps(served.wait(job["id"]))
