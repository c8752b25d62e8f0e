"""`unflat view MODEL`: a page on this machine that shows the model, without any network."""

from __future__ import annotations

import argparse
import webbrowser
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path

_PAGES = {
    "/": ("viewer.html", "text/html; charset=utf-8"),
    "/glb.js": ("glb.js", "text/javascript"),
    "/scene.js": ("scene.js", "text/javascript"),
}


def run(arguments: Sequence[str]) -> int:
    """Serve the page until Ctrl-C."""
    from unflat.io.glb import glb_bytes
    from unflat.io.load import load_asset

    parser = argparse.ArgumentParser(prog="unflat view", description="Show a model in the browser, offline.")
    parser.add_argument("model")
    parser.add_argument("--port", type=int, default=0, help="default: any free one")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    options = parser.parse_args(arguments)
    with server_for(glb_bytes(load_asset(Path(options.model))), options.port) as server:
        address = f"http://127.0.0.1:{server.server_address[1]}/"
        print(f"{options.model} is shown at {address}; Ctrl-C ends it.", flush=True)
        if not options.no_browser:
            webbrowser.open(address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return 0
    return 0


def server_for(model: bytes, port: int) -> ThreadingHTTPServer:
    """A server, on this machine only, of the viewer's page and one GLB."""

    class Handler(BaseHTTPRequestHandler):
        """Answers the page, its two scripts and the model."""

        def do_GET(self) -> None:
            """Answer one request."""
            if self.path == "/model.glb":
                self._answer(model, "model/gltf-binary")
            elif self.path in _PAGES:
                name, kind = _PAGES[self.path]
                self._answer((resources.files("unflat.apps.cli") / name).read_bytes(), kind)
            else:
                self.send_error(404)

        def log_message(self, format: str, *values: object) -> None:
            """Stay silent: the address is all the user needs."""

        def _answer(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)
