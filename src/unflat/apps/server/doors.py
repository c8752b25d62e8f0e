"""What the task APIs of others share: a job found, its files as links that need no token."""

from __future__ import annotations

from functools import partial
from typing import Any

from fastapi import Request

from unflat.apps.jobs.job import Job
from unflat.apps.jobs.problems import NotFound
from unflat.apps.server.callers import Caller
from unflat.apps.server.links import signed
from unflat.apps.server.routes_jobs import read_order, submit
from unflat.apps.server.state import Shared

ENDLESS_CREDITS = 1_000_000
"""Our models cost nothing; their clients want a number."""


def root_of(shared: Shared, request: Request) -> str:
    """What the client calls this server by, such as http://127.0.0.1:8000."""
    if shared.settings.public_url:
        return shared.settings.public_url
    url = request.url
    port = url.port
    if port is None and shared.settings.is_loopback and request.scope.get("server"):
        port = request.scope["server"][1]  # Tripo's client leaves the port out of its Host header
    name = f"[{url.hostname}]" if ":" in (url.hostname or "") else url.hostname
    return f"{url.scheme}://{name}" + ("" if port is None else f":{port}")


def links_of(shared: Shared, request: Request, job: Job) -> dict[str, str]:
    """Absolute links by role or, for models, by format."""
    root = root_of(shared, request)
    link = partial(signed, shared.secret)
    found: dict[str, str] = {}
    for asset in job.assets[:1]:
        for file in asset["files"]:
            key = file["format"] if file["role"] == "model" else file["role"]
            found.setdefault(key, root + link(f"/v1/jobs/{job.id}/files/{file['name']}"))
    return found


def ordered(shared: Shared, caller: Caller, door: str, asked: dict[str, Any], wishes: dict[str, Any]) -> Job:
    """Hand in an order that another API's request was turned into. `asked` is shown again with the task."""
    return submit(shared, caller, read_order(wishes), door=door, extra={"asked": _shown(asked)})


def model_of(job: Job) -> str:
    """The model of a job that has ended well, as `result` of an order: its GLB before all others."""
    files = [file for asset in job.assets[:1] for file in asset["files"] if file["role"] == "model"]
    best = sorted(files, key=lambda file: file["format"] != "glb")
    if not best:
        raise NotFound("model of task", job.id)
    return f"{job.id}/{best[0]['name']}"


def percent(job: Job) -> int:
    """How far a job is, 0 to 100."""
    if job.state == "succeeded":
        return 100
    return 0 if job.progress is None else min(99, int(job.progress["fraction"] * 100))


def _shown(asked: Any) -> Any:
    """What was asked, long texts (pictures as data URLs) cut."""
    if isinstance(asked, dict):
        return {str(key)[:60]: _shown(value) for key, value in list(asked.items())[:60]}
    if isinstance(asked, list):
        return [_shown(item) for item in asked[:20]]
    return asked[:200] if isinstance(asked, str) else asked
