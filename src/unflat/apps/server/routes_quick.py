"""`/v1/masks` and `/v1/checks`: small work that the client waits for. A worker does it, under the same limits."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import APIRouter, Body, Form
from pydantic import BaseModel, ConfigDict, Field

from unflat.apps.jobs.order import FileRef, Pixel, Target
from unflat.apps.jobs.retention import remove_job
from unflat.apps.server.callers import Caller, Parts, Writer, refuse_over_quota
from unflat.apps.server.incoming import Upload, refuse_family, store_upload, stored
from unflat.apps.server.shapes import MaskAnswer
from unflat.apps.server.state import Shared
from unflat.core.errors import SetupError, UnflatError

ROUTER = APIRouter(prefix="/v1", tags=["quick"])
_WAIT_S = 90.0
_LOOK_S = 0.03
_SMALL_MODEL_BYTES = 64 * 2**20


class MaskOrder(BaseModel):
    """A picture, and marks of what is meant."""

    model_config = ConfigDict(extra="forbid")
    picture: FileRef
    box: tuple[Pixel, Pixel, Pixel, Pixel] | None = None
    clicks: list[tuple[Pixel, Pixel, Annotated[int, Field(ge=0, le=1)]]] | None = Field(None, max_length=100)


class QuickFailed(UnflatError):
    """The engine refused; with the status that belongs to its code."""

    http_status = 422


@ROUTER.post("/masks")
def find_mask(shared: Parts, caller: Writer, order: Annotated[MaskOrder, Body()]) -> MaskAnswer:
    """The mask that the segment stage would take, as a PNG to show, correct and give back with an order."""
    refuse_over_quota(shared, caller)
    found = stored(shared, caller, order.picture)
    refuse_family(found, "mask")
    asked = {"kind": "quick-mask", "picture": {"file": found.id}, "name": found.name.rsplit(".", 1)[0],
             "box": order.box, "clicks": order.clicks}  # fmt: skip
    result = _done(shared, caller, asked)
    return MaskAnswer(**result, url=f"/v1/files/{result['file']}/content")


@ROUTER.post("/checks")
def check_model(shared: Parts, caller: Writer, model: Upload, target: Annotated[Target, Form()] = "") -> dict[str, Any]:
    """A quality report of a model, at once. For large models order a job of kind `check`."""
    refuse_over_quota(shared, caller)
    found = store_upload(shared, caller, model)
    try:
        refuse_family(found, "model")
        if found.bytes > _SMALL_MODEL_BYTES:
            raise QuickFailed("The model is too large to wait for.", code="too-large-to-wait",
                              hint="Order a job of kind check.")  # fmt: skip
        asked = {"kind": "quick-check", "picture": {"file": found.id}, "target": target}
        return dict(_done(shared, caller, asked)["report"])
    finally:
        shared.files.remove(caller.owner, found.id)


def _done(shared: Shared, caller: Caller, asked: dict[str, Any]) -> dict[str, Any]:
    """The result of a quick order; raises what the worker was refused with."""
    if not shared.quick_places.acquire(blocking=False):
        raise _busy()
    try:
        return _waited_for(shared, caller, asked)
    finally:
        shared.quick_places.release()


def _waited_for(shared: Shared, caller: Caller, asked: dict[str, Any]) -> dict[str, Any]:
    job = shared.queue.submit(asked, owner=caller.owner, lane="quick")
    shared.supervisor.poke_quick()
    until = time.monotonic() + _WAIT_S
    try:
        while not job.has_ended:
            if time.monotonic() > until or shared.stopping.is_set():
                raise _busy()
            time.sleep(_LOOK_S)
            job = shared.queue.get(caller.owner, job.id)
    finally:
        remove_job(shared.settings.jobs, shared.queue, shared.files, caller.owner, job.id)
    if job.error is not None:
        raise QuickFailed(job.error["message"], code=job.error["code"], hint=job.error["hint"])
    return dict(job.extra["result"])


def _busy() -> SetupError:
    return SetupError("The server is too busy for that.", code="busy", hint="Try again in a moment.")
