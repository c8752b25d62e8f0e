"""Who may do what: tokens, scopes, quotas, rates, and what a page of another site may not."""

import pytest
from fastapi.testclient import TestClient

from unflat.apps.jobs.config import JobsConfig
from unflat.apps.server.app import create_app
from unflat.apps.server.errors import TooManyRequests
from unflat.apps.server.links import is_signed, signed
from unflat.apps.server.rates import Rates
from unflat.apps.server.settings import ServerSettings


def bearer(secret):
    return {"Authorization": f"Bearer {secret}"}


@pytest.fixture
def tokens(app):
    return app.state.shared.tokens


def test_an_open_server_asks_for_a_token_as_soon_as_there_is_one(client, tokens):
    assert client.get("/v1/jobs").status_code == 200
    assert client.get("/v1/jobs", headers=bearer("tsk_whatever")).status_code == 200
    _, secret = tokens.create("me")
    tokens._any = (0.0, False)  # what it remembered for two seconds
    refused = client.get("/v1/jobs")
    assert refused.status_code == 401 and refused.headers["www-authenticate"] == "Bearer"
    assert refused.json()["error"]["code"] == "unauthorized"
    assert client.get("/v1/jobs", headers=bearer("wrong")).status_code == 401
    assert client.get("/v1/jobs", headers=bearer(secret)).status_code == 200
    assert client.get("/health").status_code == 200


def test_an_address_that_others_reach_always_asks(tmp_path):
    app = create_app(ServerSettings(JobsConfig(tmp_path / "d"), host="0.0.0.0"), work=False)
    with TestClient(app) as client:
        assert client.get("/v1/jobs").status_code == 401


def test_a_token_is_kept_as_a_hash_and_can_be_revoked(client, tokens, settings):
    token, secret = tokens.create("shop", prefix="msy_")
    assert secret.startswith("msy_") and len(secret) == 4 + 64
    stored = (settings.jobs.data / "unflat.sqlite").read_bytes()
    for beside in settings.jobs.data.glob("unflat.sqlite-*"):
        stored += beside.read_bytes()
    assert secret.encode() not in stored and token.beginning.encode() in stored
    assert tokens.find(secret).name == "shop"
    assert tokens.revoke("shop") == 1
    tokens._seen.clear()
    assert tokens.find(secret) is None


def test_what_belongs_to_one_token_is_not_there_for_another(client, tokens, picture):
    (_, mine), (_, yours) = tokens.create("mine"), tokens.create("yours")
    file = client.post("/v1/files", files={"file": ("a.png", picture)}, headers=bearer(mine)).json()["id"]
    job = client.post("/v1/jobs", json={"pictures": [{"file": file}]}, headers=bearer(mine)).json()["id"]
    asked = [f"GET /v1/files/{file}", f"GET /v1/files/{file}/content", f"DELETE /v1/files/{file}"]
    asked += [f"GET /v1/jobs/{job}", f"DELETE /v1/jobs/{job}", f"GET /v1/jobs/{job}/events"]
    asked += [f"POST /v1/jobs/{job}/cancel", f"POST /v1/jobs/{job}/retry"]
    for method, path in map(str.split, asked):
        assert client.request(method, path, headers=bearer(yours)).status_code == 404, path
    stolen = client.post("/v1/jobs", json={"pictures": [{"file": file}]}, headers=bearer(yours))
    assert stolen.status_code == 404
    assert client.get("/v1/jobs", headers=bearer(yours)).json()["jobs"] == []


def test_a_token_that_only_reads_can_not_write(client, tokens, picture):
    _, secret = tokens.create("screen", scope="read")
    assert client.get("/v1/jobs", headers=bearer(secret)).status_code == 200
    refused = client.post("/v1/files", files={"file": ("a.png", picture)}, headers=bearer(secret))
    assert refused.status_code == 403 and refused.json()["error"]["code"] == "forbidden"


def test_quotas_hold(client, tokens, picture):
    _, secret = tokens.create("small", max_jobs=1, max_bytes=2000)
    file = client.post("/v1/files", files={"file": ("a.png", picture)}, headers=bearer(secret))
    assert file.status_code == 201
    full = client.post("/v1/files", files={"file": ("a.png", picture)}, headers=bearer(secret))
    assert full.status_code == 429 and full.json()["error"]["code"] == "too-many-kept"
    _, other = tokens.create("one", max_jobs=1)
    id = client.post("/v1/files", files={"file": ("a.png", picture)}, headers=bearer(other)).json()["id"]
    order = {"pictures": [{"file": id}]}
    assert client.post("/v1/jobs", json=order, headers=bearer(other)).status_code == 202
    queued = client.post("/v1/jobs", json=order, headers=bearer(other))
    assert queued.status_code == 429 and queued.json()["error"]["code"] == "too-many-jobs"


def test_a_bucket_runs_empty_and_fills_again():
    now = [0.0]
    rates = Rates(2.0, 3, clock=lambda: now[0])
    for _ in range(3):
        rates.count("a")
    with pytest.raises(TooManyRequests):
        rates.count("a")
    rates.count("b")
    now[0] += 0.5
    rates.count("a")
    with pytest.raises(TooManyRequests):
        rates.count("a")


def test_wrong_tokens_are_soon_refused_unseen(tmp_path):
    settings = ServerSettings(JobsConfig(tmp_path / "d"), host="0.0.0.0", rate_per_s=1, rate_burst=60)
    with TestClient(create_app(settings, work=False)) as client:
        statuses = [client.get("/v1/jobs", headers=bearer(f"guess{n}")).status_code for n in range(6)]
    assert statuses[0] == 401 and statuses[-1] == 429


def test_pages_of_other_sites_can_not_order(client, picture):
    form = {"files": {"file": ("a.png", picture)}}
    alien = client.post("/v1/files", **form, headers={"Origin": "https://evil.example"})
    assert alien.status_code == 403 and alien.json()["error"]["code"] == "cross-origin"
    assert client.post("/v1/files", **form, headers={"Origin": "http://testserver"}).status_code == 201
    rebound = client.get("/v1/jobs", headers={"Host": "evil.example"})
    assert rebound.status_code == 400 and rebound.json()["error"]["code"] == "unknown-host"


def test_a_signed_link_holds_for_its_path_and_its_time():
    secret, path = b"s", "/v1/jobs/x/files/a b.glb"
    link = signed(secret, path, 3600.0, now=1000.0)
    asked, _, query = link.partition("?")
    until, signature = (part.split("=")[1] for part in query.split("&"))
    assert asked == "/v1/jobs/x/files/a%20b.glb"
    assert is_signed(secret, path, until, signature, now=2000.0)
    assert not is_signed(secret, path, until, signature, now=9000.0)
    assert not is_signed(secret, path + "x", until, signature, now=2000.0)
    assert not is_signed(secret, path, str(int(until) + 1), signature, now=2000.0)
    assert not is_signed(b"t", path, until, signature, now=2000.0)
    assert not is_signed(secret, path, None, None) and not is_signed(secret, path, "٣", "ü")


def test_the_page_and_every_answer_carry_the_headers(client):
    for path in ("/", "/v1/jobs", "/nothing", "/openapi.json"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "'unsafe-inline'" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff" and headers["x-request-id"]
