"""What is refused before the app sees it."""

from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

from unflat.apps.server.app import create_app

POST = {"json": {"pictures": []}}


@pytest.fixture
def named(settings):
    """A server behind a proxy that calls it by a name."""
    app = create_app(replace(settings, trusted_hosts=("Models.example.com",)), work=False)
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


def test_a_server_goes_by_its_names_whatever_their_case_and_by_this_machine_s(named):
    for host in ("models.example.com", "MODELS.EXAMPLE.COM", "127.0.0.1", "localhost"):
        assert named.get("/health", headers={"Host": host}).status_code == 200
    assert named.get("/health", headers={"Host": "evil.example.com"}).status_code == 400


@pytest.mark.parametrize("origin", ["http://evil.example.com", "http://[", "null"])
def test_a_page_of_another_site_orders_nothing(client, origin):
    assert client.post("/v1/jobs", headers={"Origin": origin}, **POST).status_code == 403


@pytest.mark.parametrize("path", ["/v1/files", "/v1/checks", "/v3/files", "/openapi/v1/image-to-3d"])
def test_too_many_bytes_without_a_length_are_too_many(settings, path):
    app = create_app(replace(settings, max_request_bytes=10_000), work=False)

    def endless():
        for _ in range(100):
            yield b"x" * 1000

    with TestClient(app, raise_server_exceptions=False) as client:
        kind = {"Content-Type": "multipart/form-data; boundary=b"}
        assert client.post(path, content=endless(), headers=kind).status_code in (400, 413)
        assert client.post("/v1/files", content=endless(), headers=kind).status_code == 413


def test_waiting_for_quick_work_leaves_room_for_others(app, client, picture):
    file = client.post("/v1/files", files={"file": ("pear.png", picture)}).json()["id"]
    places = app.state.shared.quick_places
    while places.acquire(blocking=False):
        pass
    answer = client.post("/v1/masks", json={"picture": {"file": file}})
    assert answer.json()["error"]["code"] == "busy" and client.get("/health").status_code == 200
