"""The studio's page at `/`: the built files, or a small page that says how to build them."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

from unflat.apps.studio import dist

_NOT_BUILT = """<!doctype html><html lang="en"><meta charset="utf-8"><title>unflat</title>
<h1>unflat is running</h1>
<p>The studio is not built in this install. From a checkout:
<code>unflat studio</code> or <code>make studio</code>.</p>
<p>The API is described at <a href="/docs">/docs</a> and in <a href="/openapi.json">/openapi.json</a>.</p></html>
"""


def add_studio(app: FastAPI, folder: str | None) -> None:
    """Serve the studio; must be added last, because it answers every path that nothing else does."""
    built = folder or dist()
    if built is not None:
        app.mount("/", StaticFiles(directory=built, html=True), name="studio")
        return

    @app.get("/", include_in_schema=False, response_class=HTMLResponse)
    def not_built() -> str:
        return _NOT_BUILT
