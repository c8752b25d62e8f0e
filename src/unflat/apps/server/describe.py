"""Writes the API's description: ``python -m unflat.apps.server.describe docs/openapi.json``."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

from unflat.apps.jobs.config import JobsConfig
from unflat.apps.server.app import create_app
from unflat.apps.server.settings import ServerSettings


def description() -> str:
    """The OpenAPI document as text."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(ServerSettings(JobsConfig(Path(folder))), work=False)
        return json.dumps(app.openapi(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(description(), "utf-8")
