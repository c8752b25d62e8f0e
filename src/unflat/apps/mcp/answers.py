"""What tools answer: a job in words for a model to read, and the same as data."""

from __future__ import annotations

import base64
import io
from typing import Any

from mcp_types import CallToolResult, ContentBlock, ImageContent, ResourceLink, TextContent
from pydantic import BaseModel, Field, ValidationError

from unflat.apps.jobs.job import Job
from unflat.apps.mcp.desk import Desk, ResultFile
from unflat.core import InputError, UnflatError

_PICTURE_PX = 512


class FileAnswer(BaseModel):
    """A file of a finished job."""

    name: str
    role: str = Field(description="model, preview, sheet, turntable or report")
    uri: str = Field(description="Read it as an MCP resource, or give it to another tool of unflat.")
    path: str | None = Field(None, description="Where it lies on the user's machine. Copy it, don't change it.")
    media_type: str
    bytes: int


class ModelAnswer(BaseModel):
    """One finished 3D model."""

    name: str
    files: list[FileAnswer]
    faces: int | None = None
    watertight: bool | None = None
    true_to_scale: bool = Field(description="Whether size_m is in real metres. If not, only the proportions are known.")
    size_m: list[float] | None = Field(None, description="Width, height, depth; metres only if true_to_scale.")
    seen_share: float | None = Field(
        None, description="Share of the surface that a picture showed; the rest is inferred."
    )
    passed: bool | None = Field(None, description="Whether it meets the target that was asked for.")
    findings: list[str] = Field(default_factory=list, description="What the quality check found, with what to do.")
    truth: str = Field(description="What is known and what is not, in words: tell the user.")


class ErrorAnswer(BaseModel):
    """What went wrong."""

    code: str = Field(description="Stable; may be matched.")
    message: str
    hint: str = Field(description="What to do now.")


class JobAnswer(BaseModel):
    """A job and what came of it. Where no job came to be there is only an error: clients check this even then."""

    job_id: str = ""
    state: str = Field("", description="queued, running, succeeded, failed or cancelled")
    stage: str = ""
    progress: float = Field(0.0, description="From 0 to 1.")
    seconds_left: float | None = None
    models: list[ModelAnswer] = Field(default_factory=list)
    warnings: list[str] = Field(default_factory=list)
    saved: list[str] = Field(default_factory=list, description="Paths of the copies in the folder that was asked for.")
    error: ErrorAnswer | None = None
    next_step: str = Field("", description="What to do now, if anything.")


def job_answer(job: Job, saved: list[str], desk: Desk) -> JobAnswer:
    """A job as data."""
    progress = job.progress or {}
    files = {file.name: file for file in desk.results(job)}
    return JobAnswer(
        job_id=job.id,
        state=job.state,
        stage=str(progress.get("stage", "")),
        progress=1.0 if job.state == "succeeded" else float(progress.get("fraction", 0.0)),
        seconds_left=None if job.has_ended else progress.get("seconds_left"),
        models=[_model(asset, files) for asset in job.assets],
        warnings=job.warnings,
        saved=saved,
        error=None
        if job.error is None
        else ErrorAnswer(**{name: job.error[name] for name in ErrorAnswer.model_fields}),
        next_step=_next_step(job),
    )


def job_result(job: Job, desk: Desk, saved: list[str]) -> CallToolResult:
    """The answer of a tool that works on a job: words, the preview, links to the files, and all of it as data."""
    answer = job_answer(job, saved, desk)
    content: list[ContentBlock] = [TextContent(type="text", text=_words(answer))]
    for file in desk.results(job):
        if file.role == "preview":
            content.append(picture_of(desk.content(file)))
    content += [_link(file) for file in desk.results(job)]
    return CallToolResult(
        content=content, structured_content=answer.model_dump(mode="json"), is_error=job.state == "failed"
    )


def error_result(error: UnflatError) -> CallToolResult:
    """An error as a tool's answer."""
    told = ErrorAnswer(code=error.code, message=error.message, hint=error.hint)
    return CallToolResult(
        content=[TextContent(type="text", text=f"{error.message} [{error.code}]\n→ {error.hint}")],
        structured_content={"error": told.model_dump()},
        is_error=True,
    )


def wrong_arguments(error: ValidationError) -> UnflatError:
    """What is wrong with a tool's arguments, in a few words for each."""
    found = error.errors(include_url=False, include_input=False)
    said = "; ".join(f"{'.'.join(str(part) for part in one['loc']) or 'order'}: {one['msg']}" for one in found[:5])
    return InputError(f"{said}.", code="invalid-request", hint="See the tool's description for what it takes.")


def picture_of(png: bytes) -> ImageContent:
    """A picture, small enough for a conversation."""
    from PIL import Image

    with Image.open(io.BytesIO(png)) as picture:
        small = picture.convert("RGB")
    small.thumbnail((_PICTURE_PX, _PICTURE_PX))
    stream = io.BytesIO()
    small.save(stream, "JPEG", quality=80)
    return ImageContent(type="image", data=base64.b64encode(stream.getvalue()).decode(), mime_type="image/jpeg")


def _model(asset: dict[str, Any], files: dict[str, ResultFile]) -> ModelAnswer:
    report = asset["report"] or {}
    return ModelAnswer(
        name=asset["name"],
        files=[_file(files[one["name"]]) for one in asset["files"]],
        faces=report.get("faces"),
        watertight=report.get("watertight"),
        true_to_scale=report.get("scale") == "metric",
        size_m=report.get("size_m"),
        seen_share=report.get("seen_share"),
        passed=report.get("passed"),
        findings=[" ".join((one["message"], one["hint"])).strip() for one in report.get("findings", [])],
        truth=truth_of(report),
    )


def truth_of(report: dict[str, Any]) -> str:
    """What a quality report knows of size and of what was seen, in sentences."""
    size = report.get("size_m") or []
    told = []
    if report.get("scale") == "metric":
        told.append(f"True to scale: {' x '.join(f'{side * 100:.3g}' for side in size)} cm (width x height x depth).")
    elif size:
        longest = max(size) or 1.0
        told.append("Real size unknown: only the proportions are known, "
                    f"{' : '.join(f'{side / longest:.2f}' for side in size)} (width : height : depth). "
                    "Give height or size, such as “12cm”, to make it true to scale.")  # fmt: skip
    seen = report.get("seen_share")
    if seen is not None:
        told.append(f"{seen:.0%} of the surface was seen in a picture; {1 - seen:.0%} is inferred, "
                    "such as sides that no picture shows.")  # fmt: skip
    return " ".join(told)


def _file(file: ResultFile) -> FileAnswer:
    path = None if file.path is None else str(file.path)
    return FileAnswer(
        name=file.name, role=file.role, uri=file.uri, path=path, media_type=file.media_type, bytes=file.bytes
    )


def _link(file: ResultFile) -> ResourceLink:
    return ResourceLink(
        type="resource_link", uri=file.uri, name=file.name, mime_type=file.media_type, size=file.bytes,
        description=f"{file.role} of job {file.job.id}",
    )  # fmt: skip


def _next_step(job: Job) -> str:
    if not job.has_ended:
        return f"Not finished yet. Call job_status with job_id “{job.id}” until the state is final; it waits for you."
    if job.state == "cancelled":
        return "Hand in the order again to make it."
    return ""


def _words(answer: JobAnswer) -> str:
    lines = [f"Job {answer.job_id}: {answer.state}"]
    if answer.state in ("queued", "running"):
        left = "" if answer.seconds_left is None else f", about {answer.seconds_left:.0f} s left"
        lines.append(f"{answer.progress:.0%} done, at “{answer.stage or 'start'}”{left}.")
    if answer.error is not None:
        lines.append(f"{answer.error.message} [{answer.error.code}]\n→ {answer.error.hint}")
    for model in answer.models:
        facts = [f"{model.faces:,} faces"] if model.faces is not None else []
        facts += [] if model.watertight is None else ["watertight" if model.watertight else "not watertight"]
        lines += [f"{model.name}: {', '.join(facts)}", model.truth, *(f"- {finding}" for finding in model.findings)]
        lines += [f"{file.role}: {file.path or file.uri} ({file.bytes:,} bytes)" for file in model.files]
    lines += [f"saved: {path}" for path in answer.saved]
    lines += [f"! {warning}" for warning in answer.warnings]
    return "\n".join(line for line in (*lines, answer.next_step) if line)
