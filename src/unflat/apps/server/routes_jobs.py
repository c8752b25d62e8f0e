"""`/v1/jobs`: orders in, models out."""

from __future__ import annotations

import json
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import ValidationError
from starlette.datastructures import UploadFile

from unflat.apps.jobs.job import Job
from unflat.apps.jobs.order import Order
from unflat.apps.jobs.problems import NotFound
from unflat.apps.jobs.results import key_of
from unflat.apps.jobs.retention import remove_job
from unflat.apps.server.callers import Caller, Parts, Reader, Writer, address_of, caller_for, refuse_over_quota
from unflat.apps.server.content import content_response
from unflat.apps.server.errors import describe_problems
from unflat.apps.server.facts import refuse_unknown_names
from unflat.apps.server.incoming import refuse_family, settled, store_upload
from unflat.apps.server.links import is_signed, signed
from unflat.apps.server.shapes import JobAnswer, JobPage, job_answer
from unflat.apps.server.state import Shared
from unflat.core.errors import InputError

ROUTER = APIRouter(prefix="/v1/jobs", tags=["jobs"])
_FORM_FILES = ("pictures", "model", "mask", "cameras")
_ORDER_SCHEMA = {"$ref": "#/components/schemas/Order"}
_FORM_SCHEMA = {
    "type": "object",
    "required": ["order"],
    "properties": {
        "order": {"type": "string", "contentMediaType": "application/json", "description": "An Order as JSON."},
        "pictures": {"type": "array", "items": {"type": "string", "format": "binary"}},
        **{name: {"type": "string", "format": "binary"} for name in _FORM_FILES[1:]},
    },
}
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": _ORDER_SCHEMA},
            "multipart/form-data": {"schema": _FORM_SCHEMA},
        },
    }
}
_KEY = Header(alias="Idempotency-Key", min_length=1, max_length=200, pattern=r"^[\x21-\x7e]+$")


@ROUTER.post("", status_code=202, openapi_extra=_BODY)
async def order_job(
    request: Request, shared: Parts, caller: Writer, idempotency_key: Annotated[str | None, _KEY] = None
) -> JobAnswer:
    """Order a job: an Order as JSON, or a form with the field `order` and the files themselves.

    With an `Idempotency-Key` the same order can be sent again without a second job.
    """
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        async with request.form(max_files=1100, max_fields=10, max_part_size=2**20) as form:
            uploads = [(name, value) for name, value in form.multi_items() if isinstance(value, UploadFile)]
            text = form.get("order")
            if not isinstance(text, str):
                raise InputError("order: the form has no text field “order”.", code="invalid-request",
                                 hint="Send the order as JSON in the field “order”.")  # fmt: skip
            body = await run_in_threadpool(_with_uploads, shared, caller, text, uploads)
    else:
        body = _json(await request.body())
    return await run_in_threadpool(_ordered, shared, caller, body, idempotency_key)


@ROUTER.get("")
def list_jobs(
    shared: Parts,
    caller: Reader,
    state: Literal["queued", "running", "succeeded", "failed", "cancelled"] | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str | None, Query(max_length=36)] = None,
) -> JobPage:
    """The newest jobs first."""
    jobs = shared.queue.page(caller.owner, state=state, limit=limit, after=after)
    answers = [answered(shared, job) for job in jobs]
    return JobPage.model_construct(jobs=answers, after=jobs[-1].id if len(jobs) == limit else None)


@ROUTER.get("/{id}")
def get_job(shared: Parts, caller: Reader, id: str) -> JobAnswer:
    """One job."""
    return answered(shared, shared.queue.get(caller.owner, id))


@ROUTER.post("/{id}/cancel", status_code=202)
def cancel_job(shared: Parts, caller: Writer, id: str) -> JobAnswer:
    """Stop a job; one that has ended stays as it is."""
    return answered(shared, shared.queue.cancel(caller.owner, id))


@ROUTER.post("/{id}/retry", status_code=202)
def retry_job(shared: Parts, caller: Writer, id: str) -> JobAnswer:
    """Run a failed or cancelled job again; it goes on from the stages that were done."""
    refuse_over_quota(shared, caller, jobs=1)
    job = shared.queue.retry(caller.owner, id)
    shared.supervisor.poke()
    return answered(shared, job)


@ROUTER.delete("/{id}", status_code=204)
def delete_job(shared: Parts, caller: Writer, id: str) -> None:
    """Delete a job with its files; one that runs is stopped."""
    remove_job(shared.settings.jobs, shared.queue, shared.files, caller.owner, id)


@ROUTER.get("/{id}/files/{name}", response_class=Response)
def get_result(
    *,
    request: Request,
    shared: Parts,
    id: str,
    name: str,
    download: bool = False,
    until: str | None = None,
    signature: str | None = None,
) -> Response:
    """A file that the job left. A signed link needs no token."""
    if is_signed(shared.secret, f"/v1/jobs/{id}/files/{name}", until, signature):
        owner = None
    else:
        scheme, _, secret = request.headers.get("authorization", "").partition(" ")
        given = secret.strip() if scheme.lower() == "bearer" and secret else None
        owner = caller_for(shared, given, address_of(request)).owner
    job = shared.queue.get(owner, id)
    found = job.file(name)
    if found is None:
        raise NotFound("file", name)
    return content_response(
        request, shared.files.storage, key_of(job.id, found["attempt"], name), name, found["media_type"],
        found["bytes"], found["sha256"], download,
    )  # fmt: skip


def answered(shared: Shared, job: Job) -> JobAnswer:
    """The job as JSON, with signed links."""
    return job_answer(job, partial(signed, shared.secret))


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise InputError("The order is no JSON.", code="invalid-json", hint="Send an Order as JSON.") from error


def _with_uploads(shared: Shared, caller: Caller, text: str, uploads: list[tuple[str, UploadFile]]) -> Any:
    """The order with its uploads stored and named in it."""
    body = _json(text.encode())
    if not isinstance(body, dict):
        return body
    refuse_over_quota(shared, caller)
    for name, upload in uploads:
        if name not in _FORM_FILES:
            raise InputError(f"{name[:60]}: no file belongs here.", code="invalid-request",
                             hint=f"Files go into {', '.join(_FORM_FILES)}.")  # fmt: skip
        found = store_upload(shared, caller, upload)
        refuse_family(found, name)
        if name == "pictures":
            pictures = body.setdefault("pictures", [])
            if isinstance(pictures, list):
                pictures.append({"file": found.id})
        else:
            body[name] = {"file": found.id}
    return body


def read_order(body: Any) -> Order:
    """The order that JSON describes. Raises `InputError` (``invalid-request``) and names the field."""
    try:
        return Order.model_validate(body)
    except ValidationError as error:
        _, message = describe_problems(error.errors(include_url=False, include_input=False, include_context=False))
        raise InputError(message, code="invalid-request", hint="Compare it with Order at /docs.") from error
    except RecursionError as error:
        raise InputError("The order is nested too deep.", code="invalid-request", hint="See Order at /docs.") from error


def _ordered(shared: Shared, caller: Caller, body: Any, key: str | None) -> JobAnswer:
    order = read_order(body)
    return answered(shared, submit(shared, caller, order, key=key))


def submit(
    shared: Shared,
    caller: Caller,
    order: Order,
    *,
    key: str | None = None,
    door: str = "v1",
    extra: dict[str, Any] | None = None,
) -> Job:
    """Hand in an order of any door: check names and quota, store what it brings, queue it, wake a worker."""
    refuse_unknown_names(order)
    # an order that is sent again after a lost answer is one job, which counts already
    refuse_over_quota(shared, caller, jobs=0 if key is not None and shared.queue.knows(caller.owner, key) else 1)
    hook = order.webhook
    if hook is not None:
        shared.fetcher.check(hook.url)
    whole, digest = settled(shared, caller, order)
    told = whole.model_dump(mode="json", exclude={"webhook"}) | {"webhook": None if hook is None else {"url": hook.url}}
    job = shared.queue.submit(
        told, owner=caller.owner, door=door, extra=extra, webhook=None if hook is None else hook.model_dump(),
        idempotency_key=key, digest=digest,
    )  # fmt: skip
    shared.supervisor.poke()
    return job
