"""One clear sentence where the extra of the server is not installed."""

from __future__ import annotations

import importlib.util

from unflat.core.errors import SetupError

_NEEDED = ("sqlalchemy", "pydantic", "fsspec", "httpx", "fastapi", "uvicorn", "multipart", "prometheus_client")


def need_server_extra(*names: str) -> None:
    """Raise `SetupError` (``missing-extra``) unless what the server and its jobs stand on is installed."""
    missing = [name for name in names or _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise SetupError(
            f"The server needs {', '.join(missing)}.", code="missing-extra", hint="pip install 'unflat[server]'"
        )
