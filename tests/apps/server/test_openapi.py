"""The API's description: checked in, the same as what the server says, and true when a machine tries it."""

import json
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from unflat.apps.jobs.config import JobsConfig
from unflat.apps.server.app import create_app
from unflat.apps.server.settings import ServerSettings

DESCRIPTION = Path(__file__).parents[3] / "docs" / "openapi.json"


@pytest.fixture(scope="module")
def open_app(tmp_path_factory):
    return create_app(ServerSettings(JobsConfig(tmp_path_factory.mktemp("api")), rate_per_s=0), work=False)


def test_the_description_that_is_checked_in_is_that_of_the_server(open_app):
    """`python -m unflat.apps.server.describe docs/openapi.json` writes it anew."""
    assert json.loads(DESCRIPTION.read_text("utf-8")) == json.loads(json.dumps(open_app.openapi()))


def test_every_field_of_an_order_is_described(open_app):
    order = open_app.openapi()["components"]["schemas"]["Order"]
    assert order["additionalProperties"] is False and "pictures" in order["properties"]
    undescribed = [name for name, field in order["properties"].items() if "description" not in field]
    assert set(undescribed) <= {"kind", "pictures", "seed", "webhook", "labels"}


OPERATIONS = [
    (path, method)
    for path, methods in json.loads(DESCRIPTION.read_text("utf-8"))["paths"].items()
    for method in methods
    # an endless stream of a job that no worker takes; readiness without workers is tested elsewhere
    if not path.endswith("/events") and path != "/ready"
]


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_nothing_that_a_machine_tries_breaks_it(open_app, monkeypatch, path, method):
    # what waits for a worker has none here: it is answered as busy at once
    monkeypatch.setattr("unflat.apps.server.routes_quick._WAIT_S", 0.0)
    monkeypatch.setattr(open_app.state.shared.supervisor, "poke_quick", lambda: None)
    operation = schemathesis.openapi.from_asgi("/openapi.json", open_app)[path][method]

    @settings(max_examples=12, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy())
    def tried(case):
        response = case.call()
        checks = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
        if response.status_code == 503 and path in ("/v1/masks", "/v1/checks"):
            checks.remove(not_a_server_error)
        case.validate_response(response, checks=checks)

    tried()
