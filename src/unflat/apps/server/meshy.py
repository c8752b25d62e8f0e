"""Meshy's task API (`/openapi/v1` and `/openapi/v2`): their MCP server and scripts work with our address as host.

What we can't do is answered with status 400 and a message, as theirs does, never with a failure of ours: their client
would try a 500 again and again.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Body, Depends, FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.exceptions import HTTPException

from unflat.apps.jobs.database import AWAY
from unflat.apps.jobs.job import Job
from unflat.apps.jobs.problems import NotFound, QuotaReached
from unflat.apps.jobs.retention import remove_job
from unflat.apps.server.callers import Parts, Reader, Writer
from unflat.apps.server.doors import ENDLESS_CREDITS, links_of, model_of, ordered, percent
from unflat.apps.server.errors import TooManyRequests
from unflat.apps.server.state import Shared
from unflat.core.errors import UnflatError

ROUTER = APIRouter()
_DONE_HERE = ("image-to-3d", "multi-image-to-3d", "remesh", "convert", "resize", "print/analyze", "print/repair")
"""Task types that we know; every other list is empty, every other task unknown, every other order refused."""
_STATES = {"queued": "PENDING", "running": "IN_PROGRESS", "succeeded": "SUCCEEDED", "failed": "FAILED",
           "cancelled": "CANCELED"}  # fmt: skip
_OUR_STATES = {theirs: ours for ours, theirs in _STATES.items()}
_FORMATS = ("glb", "usdz", "obj", "stl", "3mf", "ply")
_USUAL_FORMATS = ["glb", "usdz", "obj", "stl"]
_TEXTURE_PX = {"2k": 2048, "4k": 4096, "8k": 8192}
_SIDES = {2: ["front", "back"], 3: ["front", "left", "back"], 4: ["front", "left", "back", "right"]}
"""What several pictures are taken to show, by their number: theirs says no more than “from different angles”."""
_KEPT_MS = 30 * 86_400_000
_LOOK_S = 0.5
_REFUSED = {"pose_mode": "a pose", "texture_prompt": "a texture prompt", "texture_image_url": "a texture picture",
            "auto_size": "a guessed size", "input_task_id": "a picture of another task"}  # fmt: skip


@dataclass(frozen=True)
class _Page:
    """Which tasks of a list are wanted, as their clients say it."""

    page_num: int = 1
    page_size: int = 10
    sort_by: str = "-created_at"
    status: str | None = None


class MeshyRefusal(UnflatError):
    """A refusal with status 400, and the code that Meshy has for it, if any."""

    http_status = 400

    def __init__(self, message: str, theirs: str | None = None) -> None:
        super().__init__(message, hint="See the server's docs for what it does.")
        self.theirs = theirs


def meshy_app(shared: Shared) -> FastAPI:
    """The app to mount at `/openapi`."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.shared = shared
    for kind, answer in _ANSWERS.items():
        app.add_exception_handler(kind, answer)
    app.include_router(ROUTER)
    return app


@ROUTER.get("/v1/balance")
def balance(caller: Reader) -> dict[str, int]:
    """Credits: we have no such thing, so there are always enough."""
    return {"balance": ENDLESS_CREDITS}


@ROUTER.post("/v1/image-to-3d", status_code=202)
def image_to_3d(shared: Parts, caller: Writer, asked: Annotated[dict[str, Any], Body()]) -> dict[str, str]:
    """A model of one picture."""
    wishes, pictures = _wishes(asked), [_reference(asked.get("image_url"), "image_url")]
    return _begun(ordered(shared, caller, "meshy/image-to-3d", asked, wishes | {"pictures": pictures}))


@ROUTER.post("/v1/multi-image-to-3d", status_code=202)
def multi_image_to_3d(shared: Parts, caller: Writer, asked: Annotated[dict[str, Any], Body()]) -> dict[str, str]:
    """A model of several pictures of one thing."""
    urls = asked.get("image_urls")
    if not isinstance(urls, list) or not urls:
        raise MeshyRefusal("image_urls must be a list of pictures.")
    if len(urls) > max(_SIDES):
        raise MeshyRefusal(f"image_urls may name {max(_SIDES)} pictures at most.")
    wishes = _wishes(asked) | ({"sides": _SIDES[len(urls)]} if len(urls) > 1 else {})
    pictures = [_reference(url, "image_urls") for url in urls]
    return _begun(ordered(shared, caller, "meshy/multi-image-to-3d", asked, wishes | {"pictures": pictures}))


@ROUTER.post("/v1/remesh", status_code=202)
def remesh(shared: Parts, caller: Writer, asked: Annotated[dict[str, Any], Body()]) -> dict[str, str]:
    """A model with other faces, size or formats."""
    wishes = {"formats": _formats(asked, ["glb"])} | _size(asked)
    if not asked.get("convert_format_only"):
        wishes |= {"quads": asked.get("topology") == "quad", "faces": asked.get("target_polycount")}
    return _rework(shared, caller, "remesh", asked, wishes)


@ROUTER.post("/v1/convert", status_code=202)
def convert(shared: Parts, caller: Writer, asked: Annotated[dict[str, Any], Body()]) -> dict[str, str]:
    """A model in other formats."""
    return _rework(shared, caller, "convert", asked, {"formats": _formats(asked, None)})


@ROUTER.post("/v1/resize", status_code=202)
def resize(shared: Parts, caller: Writer, asked: Annotated[dict[str, Any], Body()]) -> dict[str, str]:
    """A model of another size."""
    return _rework(shared, caller, "resize", asked, {"formats": ["glb"]} | _size(asked))


@ROUTER.post("/v1/print/repair", status_code=202)
def print_repair(shared: Parts, caller: Writer, asked: Annotated[dict[str, Any], Body()]) -> dict[str, str]:
    """A model closed for a printer."""
    stl = str(asked.get("model_url", "")).split("?")[0].lower().endswith(".stl")
    return _rework(shared, caller, "print/repair", asked, {"formats": ["stl" if stl else "glb"], "watertight": True})


@ROUTER.post("/v1/print/analyze", status_code=202)
def print_analyze(shared: Parts, caller: Writer, asked: Annotated[dict[str, Any], Body()]) -> dict[str, str]:
    """Whether a model can be printed."""
    wishes = {"kind": "check", "target": "print"}
    refs = {"model": _model(shared, caller, asked)}
    return _begun(ordered(shared, caller, "meshy/print/analyze", asked, wishes | refs))


@ROUTER.get("/{version}/{type:path}/{id}/stream")
async def stream(
    *, request: Request, shared: Parts, caller: Reader, version: str, type: str, id: str
) -> StreamingResponse:
    """A task as it goes on, until it has ended."""
    await run_in_threadpool(_found, shared, caller, type, id)

    async def told() -> AsyncIterator[str]:
        last = ""
        while not shared.stopping.is_set() and not await request.is_disconnected():
            try:
                job = await run_in_threadpool(_found, shared, caller, type, id)
            except NotFound:
                return
            data = json.dumps(_told(shared, request, job))
            if data != last:
                yield f"event: message\ndata: {data}\n\n"
            if job.has_ended:
                return
            last = data
            await asyncio.sleep(_LOOK_S)

    return StreamingResponse(told(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})


@ROUTER.get("/{version}/{path:path}", response_model=None)
def one_or_many(
    *,
    request: Request,
    shared: Parts,
    caller: Reader,
    path: str,
    wanted: Annotated[_Page, Depends()],
) -> dict[str, Any] | list[dict[str, Any]]:
    """A task; or the tasks of a type, a page of them."""
    type, _, id = path.rpartition("/")
    if type in _DONE_HERE:
        return _told(shared, request, _found(shared, caller, type, id))
    if path not in _DONE_HERE:
        if len(id) == 36:
            raise NotFound("task", id)
        return []
    size, page = max(1, min(wanted.page_size, 50)), max(1, min(wanted.page_num, 10**6))
    oldest_first, state = wanted.sort_by == "+created_at", _OUR_STATES.get(wanted.status or "")
    jobs = shared.queue.page(
        caller.owner, door=f"meshy/{path}", limit=size, skip=(page - 1) * size, oldest_first=oldest_first, state=state
    )
    return [_told(shared, request, job) for job in jobs]


@ROUTER.delete("/{version}/{type:path}/{id}")
def delete(shared: Parts, caller: Writer, version: str, type: str, id: str) -> dict[str, Any]:
    """A task that goes on is cancelled, one that has ended is deleted."""
    job = _found(shared, caller, type, id)
    if job.has_ended:
        remove_job(shared.settings.jobs, shared.queue, shared.files, caller.owner, id)
    else:
        shared.queue.cancel(caller.owner, id)
    return {}


@ROUTER.api_route("/{path:path}", methods=["POST", "PUT", "PATCH"])
def everything_else(caller: Reader, path: str) -> None:
    """What this server does not do."""
    raise MeshyRefusal(f"“{path[:80]}” is not supported by this server: it makes models of pictures.")


def _wishes(asked: dict[str, Any]) -> dict[str, Any]:
    """An order's wishes for making a model."""
    for name, words in _REFUSED.items():
        if asked.get(name):
            raise MeshyRefusal(f"{name} is not supported: this server can't use {words}.")
    if asked.get("topology") == "quad":
        raise MeshyRefusal("topology quad is not supported here; remesh the finished model with it.")
    fast = asked.get("model_type") in ("lowpoly", "smart-topology")
    wishes: dict[str, Any] = {"formats": _formats(asked, _USUAL_FORMATS), "quality": "draft" if fast else "standard"}
    if asked.get("target_polycount"):
        wishes["faces"] = asked["target_polycount"]
    if asked.get("texture_resolution") in _TEXTURE_PX:
        wishes["texture_px"] = _TEXTURE_PX[asked["texture_resolution"]]
    return wishes


def _formats(asked: dict[str, Any], otherwise: list[str] | None) -> list[str]:
    given = asked.get("target_formats") or otherwise
    if not isinstance(given, list) or not given:
        raise MeshyRefusal("target_formats must name at least one format.")
    for name in given:
        if name not in _FORMATS:
            raise MeshyRefusal(
                f"The format “{str(name)[:20]}” is not supported: use {', '.join(_FORMATS)}.",
                "InvalidModel:NotSupported",
            )
    return list(given)


def _size(asked: dict[str, Any]) -> dict[str, Any]:
    """Their lengths are numbers of metres."""
    if asked.get("auto_size"):
        raise MeshyRefusal("auto_size is not supported: this server does not guess sizes.")
    if asked.get("origin_at") == "center":
        raise MeshyRefusal("origin_at center is not supported: models stand on the ground.")
    names = {"height": "resize_height", "size": "resize_longest_side"}
    return {ours: f"{asked[theirs]}m" for ours, theirs in names.items() if asked.get(theirs)}


def _rework(shared: Shared, caller: Any, type: str, asked: dict[str, Any], wishes: dict[str, Any]) -> dict[str, str]:
    refs = {"model": _model(shared, caller, asked)}
    return _begun(ordered(shared, caller, f"meshy/{type}", asked, wishes | {"kind": "rework"} | refs))


def _model(shared: Shared, caller: Any, asked: dict[str, Any]) -> dict[str, str]:
    id = asked.get("input_task_id")
    if not id:
        return _reference(asked.get("model_url"), "model_url")
    job = shared.queue.get(caller.owner, str(id))
    if job.state != "succeeded":
        raise MeshyRefusal("input_task_id names a task that is not done.")
    return {"result": model_of(job)}


def _reference(given: Any, name: str) -> dict[str, str]:
    if isinstance(given, str) and given.startswith("data:"):
        return {"data": given}
    if isinstance(given, str) and given.startswith(("http://", "https://")):
        return {"url": given}
    raise MeshyRefusal(f"{name} must be a public link or a data URI.")


def _found(shared: Shared, caller: Any, type: str, id: str) -> Job:
    job = shared.queue.get(caller.owner, id)
    if job.door != f"meshy/{type}":
        raise NotFound("task", id)
    return job


def _begun(job: Job) -> dict[str, str]:
    return {"result": job.id}


def _told(shared: Shared, request: Request, job: Job) -> dict[str, Any]:
    """A job as a task of theirs; times in milliseconds."""
    links = links_of(shared, request, job)
    report = job.assets[0]["report"] if job.assets else None
    told: dict[str, Any] = {
        "id": job.id, "type": job.door.removeprefix("meshy/").replace("/", "-"), "status": _STATES[job.state],
        "progress": percent(job), "created_at": _ms(job.created_at), "started_at": _ms(job.started_at),
        "finished_at": _ms(job.finished_at), "expires_at": _ms(job.created_at) + _KEPT_MS, "preceding_tasks": 0,
        "task_error": {"message": ""}, "consumed_credits": 0, "thumbnail_url": links.get("preview", ""),
        "model_urls": {name: links[name] for name in (*_FORMATS, "mtl") if name in links}, "texture_urls": [],
    }  # fmt: skip
    if job.error is not None:
        told["task_error"] = {"code": job.error["code"], "message": f"{job.error['message']} {job.error['hint']}"}
    if report is not None:
        told |= {"vertex_count": report["vertices"], "face_count": report["faces"]}
        if job.kind == "check":
            told["printability"] = _printability(report)
    return told


def _printability(report: dict[str, Any]) -> dict[str, Any]:
    errors = sum(finding["severity"] == "error" for finding in report["findings"])
    warnings = sum(finding["severity"] == "warning" for finding in report["findings"])
    return {
        "status": "error" if errors else "warning" if warnings else "healthy",
        "issue_count": errors + warnings, "error_count": errors, "warning_count": warnings,
        "metrics": {
            "is_watertight": report["watertight"], "volume": report["volume_m3"] or 0.0,
            # counted only where there are none: the report says whether, not how many
            "non_manifold_edges": 0 if report["manifold"] else None, "degenerate_faces": None,
            "holes": 0 if report["watertight"] else None,
        },
    }  # fmt: skip


def _ms(seconds: float | None) -> int:
    return int((seconds or 0) * 1000)


def _answer(status: int, message: str, theirs: str | None = None) -> JSONResponse:
    return JSONResponse({"message": message} | ({} if theirs is None else {"code": theirs}), status)


async def _own(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, UnflatError)
    theirs = error.theirs if isinstance(error, MeshyRefusal) else None
    kinds: tuple[tuple[type[UnflatError], str], ...] = (
        (NotFound, "NotFound"), (QuotaReached, "TooManyPendingTasks"), (TooManyRequests, "LimitExceeded"),
    )  # fmt: skip
    theirs = next((name for kind, name in kinds if isinstance(error, kind)), theirs)
    status = 400 if error.http_status in (409, 413, 422) else error.http_status
    return _answer(status, f"{error.message} {error.hint}", theirs)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    return _answer(400, "The request is malformed: send a JSON object.")


async def _away(request: Request, error: Exception) -> JSONResponse:
    return _answer(503, "The database does not answer. Try again in a moment.")


async def _plain(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return _answer(error.status_code, str(error.detail), "NotFound" if error.status_code == 404 else None)


_ANSWERS: dict[type[Exception], Callable[..., Any]] = {
    UnflatError: _own, RequestValidationError: _invalid, HTTPException: _plain,
    **dict.fromkeys(AWAY, _away),
}  # fmt: skip
