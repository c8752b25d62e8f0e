"""The tools. Their descriptions are written for a model that has never seen unflat."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp_types import CallToolResult, ToolAnnotations
from pydantic import Field, ValidationError

from unflat.apps.jobs.order import ModelFormat, Order, Target
from unflat.apps.mcp.answers import JobAnswer, error_result, job_result, wrong_arguments
from unflat.apps.mcp.desk import JOBS_URI, Desk
from unflat.apps.mcp.waiting import in_thread, wait_for
from unflat.core import UnflatError

Answer = Annotated[CallToolResult, JobAnswer]
Picture = Annotated[
    str, Field(max_length=60_000_000, description="A path on the user's machine, an http(s) address, or a data: URL.")
]
Model = Annotated[
    str,
    Field(max_length=60_000_000, description="A 3D model (glb, gltf, obj, ply, stl, 3mf, off, usdz): a path, an "
          "http(s) address, a data: URL, or the unflat://jobs/… URI of an earlier result."),
]  # fmt: skip
Wait = Annotated[
    float,
    Field(ge=0, le=600, description="Wait so many seconds for the end, with progress. Then the job goes on by itself "
          "and you ask again with job_status."),
]  # fmt: skip
Goal = Annotated[
    Target,
    Field(description="What it is for: game (few faces), ar (phones), print (3D printer), web; sets budgets and "
          "formats and is checked at the end. Empty: no target."),
]  # fmt: skip
Length = Annotated[
    str | None, Field(max_length=30, description="Real length with unit, such as 12cm, 0.3m or 4in; null: unknown.")
]
Formats = Annotated[
    list[ModelFormat] | None, Field(description="Files to write; null: what the target wants, else glb.")
]
SaveTo = Annotated[
    str | None, Field(description="Folder on the user's machine to copy the files to, if they are done in time.")
]
_MAKES = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=True)
_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)


@dataclass(frozen=True)
class _Ordering:
    """What the tools that hand in orders share."""

    desk: Desk

    async def order(
        self, context: Context, wait_seconds: float, save_to: str | None, files: dict[str, Any], **wishes: Any
    ) -> CallToolResult:
        """Store the files, hand in the order, wait. `files`: field of the order to source or list of sources."""
        if save_to is not None:
            self.desk.roots.folder(save_to)
        wishes = {name: value for name, value in wishes.items() if value is not None}
        for name, given in files.items():
            families = ("model",) if name == "model" else ("picture", "film") if name == "pictures" else ("picture",)
            if isinstance(given, list):
                wishes[name] = [{"file": await in_thread(self.desk.take, one, families)} for one in given]
            elif given is not None:
                wishes[name] = {"file": await in_thread(self.desk.take, given, families)}
        job = await in_thread(self.desk.submit, _order(wishes))
        return await self.wait(context, job.id, wait_seconds, save_to)

    async def preview(self, context: Context, model: str, wait_seconds: float) -> CallToolResult:
        """The job that has a picture of the model already, or a new one that makes it."""
        if model.startswith(JOBS_URI):
            job = (await in_thread(self.desk.result_file, model)).job
            if any(file.role == "preview" for file in self.desk.results(job)):
                return await in_thread(job_result, job, self.desk, [])
        return await self.order(context, wait_seconds, None, {"model": model}, kind="rework")

    async def wait(self, context: Context, id: str, wait_seconds: float, save_to: str | None) -> CallToolResult:
        """Wait for a job and tell what came of it."""
        job = await wait_for(self.desk, id, wait_seconds, context)
        saved = await in_thread(self.desk.save, job, save_to) if save_to and job.state == "succeeded" else []
        return await in_thread(job_result, job, self.desk, saved)


def add_tools(server: MCPServer, desk: Desk) -> None:
    """Add all tools that hand in orders or look at jobs."""
    ordering = _Ordering(desk)
    _add_making(server, ordering)
    _add_rework(server, ordering)
    _add_jobs(server, ordering)


def _add_making(server: MCPServer, ordering: _Ordering) -> None:
    @server.tool(title="Pictures to a 3D model", annotations=_MAKES)
    async def image_to_3d(  # noqa: PLR0913 - each is a wish that a user may have
        context: Context,
        *,
        pictures: Annotated[list[Picture], Field(min_length=1, max_length=500)],
        source: Annotated[
            Literal["photo", "photos", "drawing"] | None,
            Field(description="photos: all pictures show one object from around; null: unflat looks."),
        ] = None,
        sides: Annotated[
            list[str] | None,
            Field(max_length=12, description="Which side each picture shows, where they share no spot: front, left, …"),
        ] = None,
        target: Goal = "",
        quality: Annotated[
            Literal["draft", "standard", "high"], Field(description="How much time to spend.")
        ] = "standard",
        height: Length = None,
        size: Annotated[
            str | None, Field(max_length=30, description="Real longest side, as an alternative to height.")
        ] = None,
        formats: Formats = None,
        faces: Annotated[int | None, Field(ge=4, le=5_000_000, description="Face budget.")] = None,
        texture_px: Annotated[int | None, Field(ge=64, le=8192, description="Side of the texture in pixels.")] = None,
        mask: Annotated[str | None, Field(description="A picture of the photo's size: white is object.")] = None,
        all_objects: Annotated[
            bool, Field(description="A model for each object in the picture, not the main one.")
        ] = False,
        seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0,
        save_to: SaveTo = None,
        wait_seconds: Wait = 50,
    ) -> Answer:
        """Turn one picture (photo or drawing), or several pictures of one object, into a textured, watertight 3D model.

        One photo takes seconds to a minute, many photos of one object take minutes. The answer has a preview, the
        model files, and what is true of it: which share of the surface was seen and which was inferred, and whether the
        size is real. Without height or size a single picture gives the right proportions at best, never the real size.
        """
        return await _answered(
            ordering.order(
                context, wait_seconds, save_to, {"pictures": pictures, "mask": mask}, kind="make",
                source=source or ("photos" if len(pictures) > 1 else None), sides=sides or [],
                target=target, quality=quality,
                height=height, size=size, formats=formats, faces=faces, texture_px=texture_px,
                all_objects=all_objects, seed=seed,
            )
        )  # fmt: skip


def _add_rework(server: MCPServer, ordering: _Ordering) -> None:
    @server.tool(title="Check a 3D model", annotations=_READS)
    async def check_model(context: Context, model: Model, target: Goal = "", wait_seconds: Wait = 50) -> Answer:
        """Measure a 3D model: faces, watertight or not, crossing faces, walls, size; judge it for a target."""
        given = ordering.order(context, wait_seconds, None, {"model": model}, kind="check", target=target)
        return await _answered(given)

    @server.tool(title="Repair a 3D model", annotations=_MAKES)
    async def repair_model(
        context: Context,
        *,
        model: Model,
        target: Goal = "",
        height: Length = None,
        formats: Formats = None,
        save_to: SaveTo = None,
        wait_seconds: Wait = 50,
    ) -> Answer:
        """Close the holes of a 3D model and make it watertight, as 3D printers need it; the original stays as it is."""
        return await _answered(
            ordering.order(
                context, wait_seconds, save_to, {"model": model}, kind="rework", watertight=True, target=target,
                height=height, formats=formats,
            )
        )  # fmt: skip

    @server.tool(title="Convert a 3D model", annotations=_MAKES)
    async def convert_model(
        context: Context,
        *,
        model: Model,
        formats: Annotated[list[ModelFormat], Field(min_length=1, description="Files to write.")],
        height: Length = None,
        up: Annotated[
            Literal["x", "-x", "y", "-y", "z", "-z"] | None,
            Field(description="The axis of the given model that shall point up, if it lies on its side."),
        ] = None,
        save_to: SaveTo = None,
        wait_seconds: Wait = 50,
    ) -> Answer:
        """Write a 3D model in other formats: glb, usdz (iOS), obj, ply, stl, 3mf (printing); also turn or scale it."""
        return await _answered(
            ordering.order(
                context, wait_seconds, save_to, {"model": model}, kind="rework", formats=formats, height=height, up=up
            )
        )

    @server.tool(title="Change the faces of a 3D model", annotations=_MAKES)
    async def remesh_model(
        context: Context,
        *,
        model: Model,
        faces: Annotated[int, Field(ge=4, le=5_000_000, description="How many faces it shall have at most.")],
        quads: Annotated[bool, Field(description="Faces of four corners, for editing by hand.")] = False,
        formats: Formats = None,
        save_to: SaveTo = None,
        wait_seconds: Wait = 50,
    ) -> Answer:
        """Make a 3D model lighter: fewer faces, or new ones with four corners. Its texture is carried over."""
        return await _answered(
            ordering.order(
                context,
                wait_seconds,
                save_to,
                {"model": model},
                kind="rework",
                faces=faces,
                quads=quads,
                formats=formats,
            )
        )

    @server.tool(title="Change the texture size of a 3D model", annotations=_MAKES)
    async def resize_texture(
        context: Context,
        *,
        model: Model,
        texture_px: Annotated[int, Field(ge=64, le=8192, description="Side of the texture in pixels.")],
        formats: Formats = None,
        save_to: SaveTo = None,
        wait_seconds: Wait = 50,
    ) -> Answer:
        """Give a 3D model a texture of another size: smaller files for the web, or room for detail."""
        return await _answered(
            ordering.order(
                context, wait_seconds, save_to, {"model": model}, kind="rework", texture_px=texture_px, formats=formats
            )
        )

    @server.tool(title="Look at a 3D model", annotations=_READS)
    async def preview_model(context: Context, model: Model, wait_seconds: Wait = 50) -> Answer:
        """See a 3D model: gives a picture of it, from the front's right and a little above."""
        return await _answered(ordering.preview(context, model, wait_seconds))


def _add_jobs(server: MCPServer, ordering: _Ordering) -> None:
    @server.tool(title="How far a job is", annotations=_READS)
    async def job_status(context: Context, job_id: str, save_to: SaveTo = None, wait_seconds: Wait = 50) -> Answer:
        """Ask what became of a job that another tool began; waits for its end. Ask again while it runs."""
        return await _answered(ordering.wait(context, job_id, wait_seconds, save_to))

    @server.tool(title="Stop a job", annotations=ToolAnnotations(destructive_hint=True, idempotent_hint=True))
    async def cancel_job(context: Context, job_id: str) -> Answer:
        """Stop a job that is queued or running; ended jobs stay as they are."""

        async def cancel() -> CallToolResult:
            await in_thread(ordering.desk.cancel, job_id)
            return await ordering.wait(context, job_id, 10.0, None)

        return await _answered(cancel())


async def _answered(work: Awaitable[CallToolResult]) -> CallToolResult:
    """The answer, or the error as an answer: code, message, hint."""
    try:
        return await work
    except UnflatError as error:
        return error_result(error)


def _order(wishes: dict[str, Any]) -> Order:
    try:
        return Order.model_validate(wishes)
    except ValidationError as error:
        raise wrong_arguments(error) from error
