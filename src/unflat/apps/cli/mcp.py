"""`unflat mcp`: agents (Claude, Cursor, VS Code …) use unflat by the Model Context Protocol."""

from __future__ import annotations

import argparse
import importlib.util
import os
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from unflat.core import RecipeError, SetupError

_GRACE_S = 1.0
"""Clients kill a server that does not end within two seconds; its job is put back and goes on next time."""


def run(arguments: Sequence[str]) -> int:
    """Serve until the client leaves, or SIGTERM."""
    options = _parser().parse_args(arguments)
    address = None if options.http is None else _address(options.http)
    for package in ("mcp", "sqlalchemy", "fsspec", "httpx"):
        if importlib.util.find_spec(package) is None:
            raise SetupError(f"The MCP server needs {package}.", code="missing-extra", hint="pip install 'unflat[mcp]'")
    from unflat.apps.jobs.config import JobsConfig, default_data
    from unflat.apps.mcp.desk import Desk
    from unflat.apps.mcp.roots import Roots
    from unflat.apps.mcp.serving import refuse_open_address, serve_http, serve_stdio

    token = os.environ.get("UNFLAT_MCP_TOKEN", "")
    if address is not None:
        refuse_open_address(address[0], token)
    data = Path(options.data) if options.data else default_data() / "mcp"
    config = replace(JobsConfig(data), shutdown_grace_s=_GRACE_S, cancel_grace_s=_GRACE_S)
    with closing(Desk(config, Roots.of(options.root), allow_private_urls=options.allow_private_urls)) as desk:
        if address is None:
            serve_stdio(desk)
        else:
            serve_http(desk, *address, token)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="unflat mcp", description="Serve agents by the Model Context Protocol, over stdio or HTTP."
    )
    parser.add_argument(
        "--http",
        metavar="HOST:PORT",
        help="streamable HTTP at http://HOST:PORT/mcp instead of stdio; a token comes from UNFLAT_MCP_TOKEN",
    )
    parser.add_argument(
        "--root",
        action="append",
        default=[],
        metavar="DIR",
        help="a folder whose files agents may use (default: the current and the temporary folder)",
    )
    parser.add_argument(
        "--data", metavar="DIR", help="where jobs and results are kept (default: the user's data folder)"
    )
    parser.add_argument("--allow-private-urls", action="store_true", help="also fetch pictures from private networks")
    return parser


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdigit() or not host or int(port) > 65535:
        raise RecipeError(f"“--http {text}” is no HOST:PORT.", code="bad-option", hint="For example 127.0.0.1:8765.")
    return host.strip("[]"), int(port)
