"""Tripo's task API (`/v3`): their own client works with our address as its base URL.

What we can't do is answered as theirs does with a task type that it does not know, never with a failure of ours.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from typing import Annotated, Any

from fastapi import APIRouter, Body, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from unflat.apps.jobs.database import AWAY
from unflat.apps.jobs.ids import is_id, new_id
from unflat.apps.jobs.job import Job
from unflat.apps.jobs.problems import NotFound
from unflat.apps.server.callers import Caller, Parts, Reader, Writer, refuse_over_quota
from unflat.apps.server.doors import ENDLESS_CREDITS, links_of, model_of, ordered, percent, root_of
from unflat.apps.server.errors import Unauthorized
from unflat.apps.server.incoming import Upload, store_upload
from unflat.apps.server.links import is_signed, signed
from unflat.apps.server.state import Shared
from unflat.core.errors import InputError, UnflatError

ROUTER = APIRouter()
_STATES = {"succeeded": "success"}
_FORMATS = {"GLTF": "glb", "GLB": "glb", "USDZ": "usdz", "OBJ": "obj", "STL": "stl", "3MF": "3mf", "PLY": "ply"}
_MALFORMED, _INVALID, _UNKNOWN_TASK, _UNSUPPORTED_TASK, _UNSUPPORTED_FILE = 1003, 1004, 2001, 2002, 2004
_CODES = {400: _INVALID, 401: 1002, 403: 1005, 404: _UNKNOWN_TASK, 409: _INVALID, 413: _INVALID, 422: _INVALID,
          429: 2000, 503: 1000}  # fmt: skip
_UPLOAD_S = 3600.0
_SIDES = ("front", "left", "back", "right")
"""What the inputs of several views show, in this order; one that is missing is null."""
_ENDINGS = ("jpg", "jpeg", "png", "webp", "glb", "gltf", "obj", "stl", "ply", "3mf", "usdz", "heic", "avif")
_REFUSED_WISHES = ("quad", "generate_parts", "smart_low_poly", "auto_size", "compress", "style")
"""Wishes of image and multiview that would give another model than the one that we make; false is fine."""


class TripoRefusal(UnflatError):
    """A refusal with the number that Tripo's API has for it."""

    http_status = 400

    def __init__(self, number: int, message: str, hint: str) -> None:
        super().__init__(message, hint=hint)
        self.number = number


def tripo_app(shared: Shared) -> FastAPI:
    """The app to mount at `/v3`."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.shared = shared
    for kind, answer in _ANSWERS.items():
        app.add_exception_handler(kind, answer)
    app.include_router(ROUTER)
    return app


@ROUTER.post("/files")
def upload(shared: Parts, caller: Writer, file: Upload) -> dict[str, Any]:
    """Keep a file."""
    refuse_over_quota(shared, caller)
    return _good({"file_token": f"file_{store_upload(shared, caller, file).id}"})


@ROUTER.post("/files/presign")
def presign(
    request: Request, shared: Parts, caller: Writer, asked: Annotated[dict[str, Any], Body()]
) -> dict[str, Any]:
    """A link that a large file can be put to without a key."""
    refuse_over_quota(shared, caller)
    ending = str(asked.get("format", "")).lower().lstrip(".")
    if ending not in _ENDINGS:
        raise TripoRefusal(_UNSUPPORTED_FILE, "The file type is not supported.", f"Use one of {', '.join(_ENDINGS)}.")
    id = new_id()
    path = f"/v3/files/put/{caller.owner or '-'}/{id}/file.{ending}"
    link = root_of(shared, request) + signed(shared.secret, path, _UPLOAD_S)
    return _good({"file_token": f"file_{id}", "presigned_url": link, "expires_in": int(_UPLOAD_S)})


@ROUTER.put("/files/put/{owner}/{id}/{name}")
async def put(
    *, request: Request, shared: Parts, owner: str, id: str, name: str, until: str = "", signature: str = ""
) -> dict[str, Any]:
    """What comes to such a link."""
    from fastapi.concurrency import run_in_threadpool

    if not is_signed(shared.secret, f"/v3/files/put/{owner}/{id}/{name}", until, signature) or not is_id(id):
        raise Unauthorized("The link is not valid any more.")
    content = await request.body()
    settings = shared.settings
    caller = Caller("" if owner == "-" else owner, True, settings.max_queued, settings.max_kept_bytes)
    await run_in_threadpool(refuse_over_quota, shared, caller)
    await run_in_threadpool(shared.files.add, caller.owner, name, [content], id)
    return _good({})


@ROUTER.post("/generation/image-to-model")
def image_to_model(shared: Parts, caller: Writer, asked: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
    """A model of one picture."""
    picture = _reference(shared, caller, asked.get("input", asked.get("file")))
    return _begun(ordered(shared, caller, "tripo/image_to_model", asked, _wishes(asked) | {"pictures": [picture]}))


@ROUTER.post("/generation/multiview-to-model")
def multiview_to_model(shared: Parts, caller: Writer, asked: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
    """A model of several pictures of one thing."""
    inputs = asked.get("inputs", asked.get("files"))
    if not isinstance(inputs, list) or any(isinstance(item, dict) and "task_id" in item for item in inputs):
        raise TripoRefusal(_INVALID, "inputs must be a list of files or links.", "Upload the pictures first.")
    shown = [(side, _reference(shared, caller, item)) for side, item in zip(_SIDES, inputs, strict=False) if item]
    if not shown or len(inputs) > len(_SIDES):
        raise TripoRefusal(
            _INVALID, "inputs must be 1 to 4 pictures: front, left, back, right.", "Give the front view."
        )
    wishes = _wishes(asked) | ({"sides": [side for side, _ in shown]} if len(shown) > 1 else {})
    pictures = [picture for _, picture in shown]
    return _begun(ordered(shared, caller, "tripo/multiview_to_model", asked, wishes | {"pictures": pictures}))


@ROUTER.post("/models/import")
def import_model(shared: Parts, caller: Writer, asked: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
    """A model of the client's own, as a task that others can begin with."""
    model = _model(shared, caller, asked)
    wishes = {"kind": "rework", "formats": ["glb"]}
    return _begun(ordered(shared, caller, "tripo/import_model", asked, wishes | {"model": model}))


@ROUTER.post("/models/convert")
def convert_model(shared: Parts, caller: Writer, asked: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
    """A model in another format, lighter, or in quads."""
    wanted = str(asked.get("format", "")).upper()
    if wanted not in _FORMATS:
        raise TripoRefusal(
            _UNSUPPORTED_FILE, f"The format “{wanted[:20]}” is not supported.", f"Use one of {', '.join(_FORMATS)}."
        )
    _refuse_wishes(asked, ("force_symmetry", "flatten_bottom", "part_names", "export_vertex_colors", "pack_uv"))
    wishes = {"kind": "rework", "formats": [_FORMATS[wanted]], "quads": bool(asked.get("quad", False))}
    wishes |= _given(asked, faces="face_limit", texture_px="texture_size")
    if str(asked.get("texture_format", "JPEG")).upper() in ("PNG", "WEBP"):
        wishes["image_format"] = str(asked["texture_format"]).lower()
    model = _model(shared, caller, asked)
    return _begun(ordered(shared, caller, "tripo/convert_model", asked, wishes | {"model": model}))


@ROUTER.post("/mesh/decimate")
def decimate(shared: Parts, caller: Writer, asked: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
    """A model with fewer faces."""
    _refuse_wishes(asked, ("part_names",))
    wishes = {"kind": "rework", "formats": ["glb"], "quads": bool(asked.get("quad", False)), "faces": 5000}
    wishes |= _given(asked, faces="face_limit")
    model = _model(shared, caller, asked)
    return _begun(ordered(shared, caller, "tripo/highpoly_to_lowpoly", asked, wishes | {"model": model}))


@ROUTER.get("/tasks/{id}")
def task(request: Request, shared: Parts, caller: Reader, id: str) -> dict[str, Any]:
    """One task."""
    return _good(_told(shared, request, shared.queue.get(caller.owner, id)))


@ROUTER.post("/tasks/list")
def tasks(request: Request, shared: Parts, caller: Reader, asked: Annotated[dict[str, Any], Body()]) -> dict[str, Any]:
    """Several tasks at once."""
    ids = asked.get("task_ids")
    if not isinstance(ids, list) or not ids or len(ids) > 100:
        raise TripoRefusal(_INVALID, "task_ids must name 1 to 100 tasks.", "Send a list of task ids.")
    found, missed = {}, []
    for id in map(str, ids):
        try:
            found[id] = _told(shared, request, shared.queue.get(caller.owner, id))
        except NotFound:
            missed.append(id[:60])
    return _good({"tasks": found, "missed": missed})


@ROUTER.get("/account/balance")
def balance(caller: Reader) -> dict[str, Any]:
    """Credits: we have no such thing, so there are always enough."""
    return _good({"balance": float(ENDLESS_CREDITS), "frozen": 0.0})


@ROUTER.get("/account/usage")
def usage(shared: Parts, caller: Reader, limit: int = 50, offset: int = 0) -> dict[str, Any]:
    """The latest tasks; each cost nothing."""
    jobs = shared.queue.page(caller.owner, limit=max(1, min(limit, 200)), skip=max(0, min(offset, 10**6)))
    return _good({
        "items": [
            {"task_id": job.id, "type": _type(job), "status": _STATES.get(job.state, job.state),
             "created_at": _iso(job.created_at), "credits_consumed": 0.0}
            for job in jobs
        ]
    })  # fmt: skip


@ROUTER.api_route("/{rest:path}", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
def everything_else(caller: Reader, rest: str) -> dict[str, Any]:
    """What this server does not do."""
    raise TripoRefusal(
        _UNSUPPORTED_TASK, f"“{rest[:80]}” is not supported by this server.",
        "It makes models of pictures, and converts and decimates models.",
    )  # fmt: skip


def _wishes(asked: dict[str, Any]) -> dict[str, Any]:
    """An order's wishes for making a model."""
    _refuse_wishes(asked, _REFUSED_WISHES)
    detailed = "detailed" in (asked.get("texture_quality"), asked.get("geometry_quality"))
    fast = "turbo" in str(asked.get("model", "")).lower()
    quality = "draft" if fast else "high" if detailed else "standard"
    return {"quality": quality, "formats": ["glb"]} | _given(asked, faces="face_limit", seed="model_seed")


def _given(asked: dict[str, Any], **names: str) -> dict[str, Any]:
    return {ours: asked[theirs] for ours, theirs in names.items() if asked.get(theirs) not in (None, 0, -1)}


def _refuse_wishes(asked: dict[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        if asked.get(name):
            raise TripoRefusal(_INVALID, f"The parameter {name} is not supported by this server.", f"Leave {name} out.")


def _reference(shared: Shared, caller: Any, given: Any) -> dict[str, str]:
    """A picture or model as theirs names it: link, file token, task, or an object that holds one of these."""
    if isinstance(given, dict):
        given = given.get("file_token") or given.get("url") or given.get("task_id")
    if not isinstance(given, str) or not given:
        raise TripoRefusal(_INVALID, "input must be a link, a file token or a task.", "Upload the file first.")
    if given.startswith(("http://", "https://")):
        return {"url": given}
    if is_id(given):
        return {"result": model_of(_finished(shared.queue.get(caller.owner, given)))}
    return {"file": given.removeprefix("file_")[:100]}


def _model(shared: Shared, caller: Any, asked: dict[str, Any]) -> dict[str, str]:
    return _reference(shared, caller, asked.get("input", asked.get("original_model_task_id", asked.get("file"))))


def _finished(job: Job) -> Job:
    if job.state != "succeeded":
        raise TripoRefusal(2007, "The original task is not done.", "Wait until its status is success.")
    return job


def _begun(job: Job) -> dict[str, Any]:
    return _good({"task_id": job.id})


def _good(data: dict[str, Any]) -> dict[str, Any]:
    return {"code": 0, "data": data}


def _told(shared: Shared, request: Request, job: Job) -> dict[str, Any]:
    """A job as a task of theirs."""
    links = links_of(shared, request, job)
    model = next((links[format] for format in _FORMATS.values() if format in links), None)
    output = {} if model is None else {"model_url": model, "rendered_image_url": links.get("preview")}
    left = None if job.progress is None else job.progress["seconds_left"]
    told: dict[str, Any] = {
        "task_id": job.id, "type": _type(job), "status": _STATES.get(job.state, job.state),
        "input": job.extra.get("asked", {}), "output": output, "progress": percent(job),
        "create_time": int(job.created_at), "created_at": _iso(job.created_at), "credits_consumed": 0.0,
        "running_left_time": None if left is None else int(left + 1),
        "queuing_num": 0 if job.state == "queued" else -1,
        "completed_at": None if job.finished_at is None else _iso(job.finished_at),
    }  # fmt: skip
    if job.error is not None and job.state == "failed":
        told |= {"error_code": _INVALID, "error_msg": f"{job.error['message']} {job.error['hint']}"}
    return told


def _type(job: Job) -> str:
    return job.door.removeprefix("tripo/") if job.door.startswith("tripo/") else f"{job.kind}_model"


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")


def _answer(status: int, number: int, message: str, suggestion: str) -> JSONResponse:
    return JSONResponse({"code": number, "message": message, "suggestion": suggestion}, status)


async def _own(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, UnflatError)
    number = error.number if isinstance(error, TripoRefusal) else _CODES.get(error.http_status, 1000)
    if isinstance(error, InputError) and error.code in ("unsupported-format", "not-a-picture", "wrong-kind-of-file"):
        number = _UNSUPPORTED_FILE
    elif isinstance(error, InputError) and error.code == "empty-file":
        number = 2003
    return _answer(400 if error.http_status == 422 else error.http_status, number, error.message, error.hint)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    return _answer(400, _MALFORMED, "The request is malformed.", "Send a JSON object, or a file as `file`.")


async def _away(request: Request, error: Exception) -> JSONResponse:
    return _answer(503, _CODES[503], "The database does not answer.", "Try again in a moment.")


async def _plain(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    return _answer(error.status_code, _CODES.get(error.status_code, _INVALID), str(error.detail), "See Tripo's docs.")


_ANSWERS: dict[type[Exception], Callable[..., Any]] = {
    UnflatError: _own, RequestValidationError: _invalid, HTTPException: _plain, json.JSONDecodeError: _invalid,
    **dict.fromkeys(AWAY, _away),
}  # fmt: skip
