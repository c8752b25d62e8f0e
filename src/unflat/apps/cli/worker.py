"""`unflat worker`: workers on another machine, with the same database and storage."""

from __future__ import annotations

import argparse
import signal
import threading
from collections.abc import Sequence


def run(arguments: Sequence[str]) -> int:
    """Work until SIGTERM or Ctrl-C."""
    from unflat.apps.cli.serve import add_jobs_options, add_work_options, jobs_config

    parser = argparse.ArgumentParser(prog="unflat worker", description="Work on the jobs of a server.")
    add_jobs_options(parser)
    add_work_options(parser)
    parser.add_argument("--log-level", choices=("debug", "info", "warning", "error"), default="info")
    options = parser.parse_args(arguments)
    from unflat.apps.jobs.extras import need_server_extra

    need_server_extra("sqlalchemy", "pydantic", "fsspec")
    from unflat.apps.jobs.database import Database
    from unflat.apps.jobs.supervisor import Supervisor
    from unflat.apps.server.logs import log_as_json

    log_as_json(options.log_level)
    config = jobs_config(options)
    config.data.mkdir(parents=True, exist_ok=True)
    database = Database(config.database_url)
    supervisor = Supervisor(config, database)
    ending = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ending.set())
    supervisor.start()
    print(f"{config.workers} workers of {supervisor.name}; Ctrl-C ends them.", flush=True)
    ending.wait()
    supervisor.stop()
    database.close()
    return 0
