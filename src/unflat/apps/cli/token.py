"""`unflat token`: make, list and revoke the tokens that the server asks for."""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence


def run(arguments: Sequence[str]) -> int:
    """Print the new token, or the list."""
    from unflat.apps.cli.serve import add_jobs_options, jobs_config

    parser = argparse.ArgumentParser(prog="unflat token", description="Tokens for `unflat serve`.")
    parser.add_argument("action", choices=("create", "list", "revoke"))
    parser.add_argument("name", nargs="?", default="", help="what to call it; for revoke also its id")
    parser.add_argument("--prefix", choices=("unf_", "tsk_", "msy_"), default="unf_",
                        help="tsk_ for Tripo's clients, msy_ for Meshy's")  # fmt: skip
    parser.add_argument("--scope", choices=("use", "read"), default="use")
    parser.add_argument("--max-jobs", type=int, metavar="N", help="jobs that may wait or run at once")
    parser.add_argument("--max-gb", type=float, metavar="N", help="what may be kept")
    add_jobs_options(parser)
    options = parser.parse_args(arguments)
    if options.action != "list" and not options.name:
        parser.error(f"{options.action} needs a name")
    from unflat.apps.jobs.extras import need_server_extra

    need_server_extra()
    from unflat.apps.jobs.database import Database
    from unflat.apps.server.tokens import Tokens

    config = jobs_config(options)
    config.data.mkdir(parents=True, exist_ok=True)
    tokens = Tokens(Database(config.database_url))
    if options.action == "create":
        most = None if options.max_gb is None else int(options.max_gb * 1e9)
        _, secret = tokens.create(options.name, options.scope, options.prefix, options.max_jobs, most)
        print(secret)  # alone, so that TOKEN=$(unflat token create me) works
    elif options.action == "revoke":
        count = tokens.revoke(options.name)
        print(f"{count} token{'s' if count > 1 else ''} revoked.")
    else:
        for token in tokens.all():
            day = time.strftime("%Y-%m-%d", time.gmtime(token.created_at))
            state = "revoked" if token.revoked_at else token.scope
            print(f"{token.id}  {token.beginning}…  {day}  {state:<8} {token.name}")
    return 0
