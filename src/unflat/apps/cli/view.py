"""`unflat view MODEL`: a page on this machine that shows the model, without any network."""

from __future__ import annotations

import argparse
import json
import math
import sys
import webbrowser
from collections.abc import Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unflat.core import Camera

_PAGES = {
    "/": ("viewer.html", "text/html; charset=utf-8"),
    "/glb.js": ("glb.js", "text/javascript"),
    "/scene.js": ("scene.js", "text/javascript"),
    "/cameras.js": ("cameras.js", "text/javascript"),
}
_CAMERA_FILE = "transforms.json"
_BESIDE = (".", "capture")
"""Folders, from the model's own, in which the capture that it was made from may lie."""


def run(arguments: Sequence[str]) -> int:
    """Serve the page until Ctrl-C."""
    from unflat.io.glb import glb_bytes
    from unflat.io.load import load_asset

    parser = argparse.ArgumentParser(prog="unflat view", description="Show a model in the browser, offline.")
    parser.add_argument("model")
    parser.add_argument(
        "--capture",
        metavar="DIR",
        help="cameras of its photos, as `unflat --capture DIR` writes them (default: those beside the model)",
    )
    parser.add_argument("--port", type=int, default=0, help="default: any free one")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    options = parser.parse_args(arguments)
    model = Path(options.model)
    cameras = capture_cameras(model, options.capture)
    with server_for(glb_bytes(load_asset(model)), options.port, cameras) as server:
        address = f"http://127.0.0.1:{server.server_address[1]}/"
        print(f"{options.model} is shown at {address}; Ctrl-C ends it.", flush=True)
        if not options.no_browser:
            webbrowser.open(address)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            return 0
    return 0


def capture_cameras(model: Path, capture: str | None) -> dict[str, Camera]:
    """The cameras of the capture that is named, else of one beside the model; none where there is none.

    Raises `InputError` (``bad-cameras`` …) for one that is named; for one that lies there it is only told.
    """
    from unflat.core import InputError
    from unflat.io.cameras import read_cameras

    if capture is not None:
        named = Path(capture)
        return read_cameras(named / _CAMERA_FILE if (named / _CAMERA_FILE).is_file() else named)
    for folder in _BESIDE:
        beside = model.parent / folder / _CAMERA_FILE
        if beside.is_file():
            try:
                return read_cameras(beside)
            except InputError as error:
                print(f"unflat: no cameras are shown: {error.message} [{error.code}]", file=sys.stderr)
    return {}


def server_for(model: bytes, port: int, cameras: Mapping[str, Camera] | None = None) -> ThreadingHTTPServer:
    """A server, on this machine only, of the viewer's page, one GLB and the cameras of its photos."""
    frusta = json.dumps({"cameras": [_frustum(name, camera) for name, camera in (cameras or {}).items()]}).encode()

    class Handler(BaseHTTPRequestHandler):
        """Answers the page, its scripts, the model and the cameras."""

        def do_GET(self) -> None:
            """Answer one request."""
            if self.path == "/model.glb":
                self._answer(model, "model/gltf-binary")
            elif self.path == "/cameras.json":
                self._answer(frusta, "application/json")
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


def _frustum(name: str, camera: Camera) -> dict[str, object]:
    """What the page draws of a camera: world_from_camera by rows, and how wide and high it sees."""
    sides = ((camera.width_px, camera.fx), (camera.height_px, camera.fy))
    return {
        "name": name,
        "matrix": camera.world_from_camera.ravel().tolist(),
        "fov_deg": [math.degrees(2 * math.atan(side / (2 * focal))) for side, focal in sides],
    }
