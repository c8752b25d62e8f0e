"""`unflat serve`: the web server with its workers."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unflat.apps.server.settings import ServerSettings

MIB = 2**20


def run(arguments: Sequence[str]) -> int:
    """Serve until SIGTERM or Ctrl-C."""
    settings, log_level = settings_of(arguments)
    from unflat.apps.server.app import create_app
    from unflat.apps.server.logs import log_as_json
    from unflat.apps.server.run import listen, serve

    log_as_json(log_level)
    with listen(settings) as socket:
        app = create_app(settings)
        host, port = socket.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        print(f"unflat serves at http://{shown}:{port}/ (data in {settings.jobs.data}); Ctrl-C ends it.", flush=True)
        if not settings.is_loopback and not app.state.shared.tokens.any():
            print("No token exists yet, and this address asks for one: `unflat token create NAME`.", file=sys.stderr)
        serve(app, socket)
    return 0


def settings_of(arguments: Sequence[str]) -> tuple[ServerSettings, str]:
    """The settings that the options and the environment make, and the level of the log."""
    options = _parser().parse_args(arguments)
    from unflat.apps.jobs.extras import need_server_extra

    need_server_extra()
    from unflat.apps.server.settings import ServerSettings

    settings = ServerSettings(
        jobs_config(options),
        host=options.host,
        port=options.port,
        public_url=options.public_url.rstrip("/"),
        allow_private_urls=options.allow_private_urls,
        rate_per_s=options.rate,
        rate_burst=options.burst,
        max_queued=options.max_queued,
        trusted_hosts=tuple(options.trusted_host),
    )
    return settings, options.log_level


def add_jobs_options(parser: argparse.ArgumentParser) -> None:
    """Options that say where jobs lie and what they may take: the same for `serve`, `worker` and `token`."""
    where = parser.add_argument_group("where things lie")
    where.add_argument("--data", metavar="DIR", help="data folder (default: $UNFLAT_DATA, or the user's)")
    where.add_argument("--database", metavar="URL", default=os.environ.get("UNFLAT_DATABASE", ""),
                       help="postgresql://… instead of a file in the folder (default: $UNFLAT_DATABASE)")  # fmt: skip
    where.add_argument("--storage", metavar="URL", default=os.environ.get("UNFLAT_STORAGE", ""),
                       help="folder or s3://bucket/prefix for files (default: $UNFLAT_STORAGE)")  # fmt: skip


def add_work_options(parser: argparse.ArgumentParser) -> None:
    """Options of the worker processes."""
    work = parser.add_argument_group("workers")
    work.add_argument("--workers", type=int, default=1, metavar="N", help="worker processes (0: none here)")
    work.add_argument("--memory", type=int, default=6000, metavar="MB", help="most memory of a worker")
    work.add_argument("--time-limit", type=float, default=1800.0, metavar="S", help="longest job")
    work.add_argument(
        "--crashes", type=int, default=3, metavar="N", help="give a job up that ended its worker so often"
    )
    work.add_argument("--lease", type=float, default=30.0, metavar="S", help="free jobs of machines silent for so long")
    work.add_argument("--grace", type=float, default=10.0, metavar="S", help="for jobs to finish when stopped")


def jobs_config(options: argparse.Namespace) -> Any:
    """The configuration that the parsed options make."""
    from unflat.apps.jobs.config import JobsConfig, default_data

    named: dict[str, Any] = {
        "workers": "workers", "memory_mb": "memory", "time_s": "time_limit", "max_crashes": "crashes",
        "lease_s": "lease", "shutdown_grace_s": "grace",
    }  # fmt: skip
    values = {field: getattr(options, name) for field, name in named.items() if hasattr(options, name)}
    if hasattr(options, "keep_days"):
        values |= {"keep_s": options.keep_days * 86400.0, "keep_bytes": int(options.keep_gb * 1e9),
                   "max_pixels": int(options.max_megapixels * 1e6),
                   "max_upload_bytes": options.max_upload * MIB}  # fmt: skip
    data = Path(options.data) if options.data else default_data()
    return JobsConfig(data, database=options.database, storage=options.storage, **values)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="unflat serve", description="Serve the studio and the API.")
    parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 for all; tokens are asked for then")
    parser.add_argument("--port", type=int, default=8000, help="0: any free one")
    parser.add_argument("--public-url", default="", metavar="URL", help="what clients call this server by")
    parser.add_argument(
        "--trusted-host", action="append", default=[], metavar="NAME", help="a name it may be called by"
    )
    add_jobs_options(parser)
    add_work_options(parser)
    limits = parser.add_argument_group("limits")
    limits.add_argument("--max-upload", type=int, default=256, metavar="MIB", help="largest file")
    limits.add_argument("--max-megapixels", type=float, default=100.0, metavar="N", help="largest picture")
    limits.add_argument("--max-queued", type=int, default=1000, metavar="N", help="jobs that wait or run, per token")
    limits.add_argument("--rate", type=float, default=50.0, metavar="N", help="requests a second per token; 0: any")
    limits.add_argument("--burst", type=int, default=200, metavar="N", help="requests at once per token")
    limits.add_argument("--keep-days", type=float, default=30.0, metavar="N", help="age at which jobs are removed")
    limits.add_argument("--keep-gb", type=float, default=20.0, metavar="N", help="size at which the oldest are removed")
    parser.add_argument("--allow-private-urls", action="store_true", help="fetch from private networks too (tests)")
    parser.add_argument("--log-level", choices=("debug", "info", "warning", "error"), default="info")
    return parser
