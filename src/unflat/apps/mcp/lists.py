"""What there is: jobs, recipes, backends, targets; and the resources that results are read by."""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ResourceNotFoundError
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel, Field

from unflat.apps.jobs.job import Job
from unflat.apps.mcp.answers import job_answer
from unflat.apps.mcp.desk import JOBS_URI, Desk
from unflat.apps.mcp.waiting import in_thread
from unflat.core import UnflatError

_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)


class JobLine(BaseModel):
    """A job in a list."""

    job_id: str
    kind: str
    state: str
    created_at: float = Field(description="Seconds since 1970.")
    files: list[str] = Field(description="URIs of its results.")


class JobList(BaseModel):
    """Jobs, the newest first."""

    jobs: list[JobLine] = Field(default_factory=list)


class Choice(BaseModel):
    """Something that may be named."""

    name: str
    summary: str
    details: dict[str, Any] = Field(default_factory=dict)


class Choices(BaseModel):
    """What may be named."""

    what: str = ""
    choices: list[Choice] = Field(default_factory=list)


def add_lists(server: MCPServer, desk: Desk) -> None:
    """Add the tools that list, and the resources."""

    @server.tool(title="List jobs", annotations=_READS)
    async def list_jobs(
        state: Literal["queued", "running", "succeeded", "failed", "cancelled"] | None = None,
        limit: Annotated[int, Field(ge=1, le=100)] = 20,
    ) -> Annotated[CallToolResult, JobList]:
        """List the jobs of this user, the newest first, also those of earlier conversations."""
        jobs = await in_thread(desk.jobs, limit, state)
        lines = [_line(job) for job in jobs]
        text = "\n".join(f"{line.job_id} {line.kind} {line.state} {' '.join(line.files)}" for line in lines)
        return _told(JobList(jobs=lines), text or "There are no jobs yet.")

    @server.tool(title="List recipes, backends or targets", annotations=_READS)
    async def list_choices(
        what: Annotated[
            Literal["recipes", "backends", "targets", "formats"],
            Field(description="targets: uses with their limits; recipes: how models are made; backends: the parts of "
                  "recipes with their licences; formats: files that can be written."),
        ],
    ) -> Annotated[CallToolResult, Choices]:  # fmt: skip
        """List what can be named in the other tools, and what it means."""
        choices = await in_thread(_choices, what)
        text = "\n".join(f"{choice.name}: {choice.summary}" for choice in choices)
        return _told(Choices(what=what, choices=choices), text)

    @server.resource(JOBS_URI + "{job_id}", name="job", mime_type="application/json",
                     description="A job: its state, its models, what is true of them.")  # fmt: skip
    async def job(job_id: str) -> str:
        try:
            found = await in_thread(desk.job, job_id)
        except UnflatError as error:
            raise ResourceNotFoundError(f"{error.message} {error.hint}") from error
        return job_answer(found, [], desk).model_dump_json(indent=1)

    @server.resource(JOBS_URI + "{job_id}/{name}", name="result", mime_type="application/octet-stream",
                     description="A file of a finished job: model, preview, report.")  # fmt: skip
    async def result(job_id: str, name: str) -> bytes:
        try:
            return await in_thread(lambda: desk.content(desk.result_file(f"{JOBS_URI}{job_id}/{name}")))
        except UnflatError as error:
            raise ResourceNotFoundError(f"{error.message} {error.hint}") from error


def _line(job: Job) -> JobLine:
    files = [f"{JOBS_URI}{job.id}/{file['name']}" for asset in job.assets for file in asset["files"]]
    return JobLine(job_id=job.id, kind=job.kind, state=job.state, created_at=job.created_at, files=files)


def _told(answer: BaseModel, text: str) -> CallToolResult:
    return CallToolResult(
        content=[TextContent(type="text", text=text)], structured_content=json.loads(answer.model_dump_json())
    )


def _choices(what: str) -> list[Choice]:
    if what == "recipes":
        from unflat.pipeline.recipe import load_recipe, recipe_names

        recipes = [load_recipe(name) for name in recipe_names()]
        return [Choice(name=one.name, summary=one.description, details={"takes": one.takes}) for one in recipes]
    if what == "backends":
        from unflat.stages.catalog import all_cards

        return [
            Choice(
                name=f"{card.stage}/{card.name}",
                summary=card.summary,
                details={
                    "licence": card.licence,
                    "weights_licence": card.weights_licence,
                    "ready": not card.missing,
                },
            )
            for card in all_cards()
        ]
    if what == "targets":
        from unflat.stages.check.targets import TARGETS

        return [
            Choice(name=one.name, summary=one.summary,
                   details={"formats": list(one.formats), "max_faces": one.max_faces,
                            "max_texture_px": one.max_texture_px, "needs_real_size": one.needs_metric,
                            "needs_watertight": one.needs_watertight})
            for one in TARGETS
        ]  # fmt: skip
    from unflat.io.write import FORMATS

    told = {
        "glb": "web, games, Android: one file with textures",
        "usdz": "iOS and macOS, AR",
        "obj": "older tools",
        "ply": "measuring and research",
        "stl": "3D printing, shape alone",
        "3mf": "3D printing with size and colour",
    }
    return [Choice(name=name, summary=told[name]) for name in FORMATS]
