"""The JSON that `/v1` answers with."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any, Literal

from pydantic import BaseModel

from unflat.apps.jobs.files import StoredFile
from unflat.apps.jobs.job import Job


class Problem(BaseModel):
    """Why something did not work, and what to do."""

    code: str
    message: str
    hint: str
    field: str | None = None


class ProblemAnswer(BaseModel):
    """What every error looks like."""

    error: Problem


class FileAnswer(BaseModel):
    """An uploaded file."""

    id: str
    name: str
    bytes: int
    media_type: str
    width_px: int | None
    height_px: int | None
    sha256: str


class ResultFile(BaseModel):
    """A file that a job left."""

    name: str
    role: Literal["model", "preview", "sheet", "turntable", "report", "mask"]
    format: str
    bytes: int
    media_type: str
    sha256: str
    url: str
    signed_url: str
    """As `url`, but for a day without a token: for a phone, or another program."""


class AssetAnswer(BaseModel):
    """One model of a job."""

    name: str
    report: dict[str, Any] | None
    files: list[ResultFile]


class ProgressAnswer(BaseModel):
    """How far a job is."""

    stage: str
    fraction: float
    seconds_left: float | None
    message: str


class JobAnswer(BaseModel):
    """A job."""

    id: str
    kind: Literal["make", "rework", "check"]
    state: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    created_at: str
    started_at: str | None
    finished_at: str | None
    attempts: int
    priority: int
    progress: ProgressAnswer | None
    order: dict[str, Any]
    warnings: list[str]
    error: Problem | None
    assets: list[AssetAnswer]
    timings_s: dict[str, float]
    labels: dict[str, str]


class JobPage(BaseModel):
    """Some jobs, the newest first; `after` is what to ask for the next ones with."""

    jobs: list[JobAnswer]
    after: str | None


class MaskAnswer(BaseModel):
    """The mask that unflat would take."""

    file: str
    """Id of the mask as a PNG of the picture's proportions: give it as `mask` of an order."""
    url: str
    box: tuple[float, float, float, float]
    confidence: float
    made_by: str
    share: float
    warnings: list[str]


def file_answer(stored: StoredFile) -> FileAnswer:
    """What is told of an uploaded file."""
    return FileAnswer(
        id=stored.id, name=stored.name, bytes=stored.bytes, media_type=stored.media_type, width_px=stored.width_px,
        height_px=stored.height_px, sha256=stored.sha256,
    )  # fmt: skip


def job_answer(job: Job, sign: Any) -> JobAnswer:
    """What is told of a job. `sign` makes a link that needs no token."""
    progress = None if job.progress is None else ProgressAnswer(**job.progress)
    return JobAnswer.model_construct(
        id=job.id, kind=job.kind, state=job.state, created_at=_time(job.created_at), started_at=_time(job.started_at),
        finished_at=_time(job.finished_at), attempts=job.attempts, priority=job.priority, progress=progress,
        order=job.order, warnings=job.warnings, error=None if job.error is None else Problem(**job.error),
        assets=[_asset(job, asset, sign) for asset in job.assets], timings_s=job.timings_s,
        labels=job.order.get("labels", {}),
    )  # fmt: skip


def _asset(job: Job, asset: dict[str, Any], sign: Any) -> AssetAnswer:
    files = []
    for entry in asset["files"]:
        path = f"/v1/jobs/{job.id}/files/{entry['name']}"
        told = {name: value for name, value in entry.items() if name != "attempt"}
        files.append(ResultFile(**told, url=path, signed_url=sign(path)))
    return AssetAnswer(name=asset["name"], report=asset["report"], files=files)


def _time(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
