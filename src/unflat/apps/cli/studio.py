"""`unflat studio`: the studio in the browser, with its server and worker on this machine."""

from __future__ import annotations

import argparse
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Sequence

PORT = 8000
_LOOK_S = 0.2
_LONGEST_S = 60.0


def run(arguments: Sequence[str]) -> int:
    """Serve the studio until Ctrl-C, and open it."""
    from unflat.apps.cli import serve

    parser = argparse.ArgumentParser(prog="unflat studio", description="Make models in the browser, offline.")
    parser.add_argument("--port", type=int, help=f"default: {PORT}, or any free one")
    parser.add_argument("--share", action="store_true", help="for phones in this network too; asks for a token")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    serve.add_jobs_options(parser)
    serve.add_work_options(parser)
    options = parser.parse_args(arguments)
    from unflat.apps.jobs.extras import need_server_extra
    from unflat.apps.studio import ensure_built

    need_server_extra()
    ensure_built(lambda text: print(text, file=sys.stderr, flush=True))
    host = "0.0.0.0" if options.share else "127.0.0.1"
    port = options.port or _free_port(host)
    address = f"http://{own_address() if options.share else '127.0.0.1'}:{port}/"
    if options.share:
        _tell_token(options)
    print(f"The studio is at {address}; Ctrl-C ends it.", flush=True)
    if not options.no_browser:
        threading.Thread(target=_open_when_ready, args=(address,), daemon=True).start()
    return serve.run([*_passed_on(arguments), "--host", host, "--port", str(port), "--log-level", "warning"])


def own_address() -> str:
    """The address of this machine in its network; that of the loopback where there is no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            # Nothing is sent: connecting a datagram socket only chooses the way out. 192.0.2.1 is no one's (RFC 5737).
            asked.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(asked.getsockname()[0])


def _free_port(host: str) -> int:
    """The usual port, or any free one."""
    for port in (PORT, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind((host, port))
            except OSError:
                continue
            return int(tried.getsockname()[1])
    return PORT


def _passed_on(arguments: Sequence[str]) -> list[str]:
    """The arguments that `serve` knows too."""
    own = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    own.add_argument("--port")
    for flag in ("--share", "--no-browser"):
        own.add_argument(flag, action="store_true")
    return own.parse_known_args(arguments)[1]


def _tell_token(options: argparse.Namespace) -> None:
    """Who comes over the network needs a token: make the first one, or remind of it."""
    from unflat.apps.cli.serve import jobs_config
    from unflat.apps.jobs.database import Database
    from unflat.apps.server.tokens import Tokens

    config = jobs_config(options)
    config.data.mkdir(parents=True, exist_ok=True)
    tokens = Tokens(Database(config.database_url))
    if tokens.any():
        print("It asks for a token that you have made before; `unflat token create NAME` makes another.", flush=True)
    else:
        print(f"It asks for this token, once in each browser: {tokens.create('studio')[1]}", flush=True)


def _open_when_ready(address: str) -> None:
    until = time.monotonic() + _LONGEST_S
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"{address}health", timeout=2):
                webbrowser.open(address)
                return
        except (urllib.error.URLError, OSError):
            time.sleep(_LOOK_S)
