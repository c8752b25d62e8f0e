"""Run: a plan works on an intake, tells what it does, stores what it made, and gives assets."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from typing import Any

from unflat.core import (
    Asset,
    Cancelled,
    Context,
    Drawing,
    Mesh,
    Part,
    Reconstruction,
    View,
    Views,
)
from unflat.core.device import calm_blas
from unflat.core.events import Event, RunFinished, StageFinished, StageStarted, WarningRaised
from unflat.geometry.decimation import levels_of_detail
from unflat.geometry.masks import objects_of
from unflat.pipeline.clock import Clock
from unflat.pipeline.folder import RunFolder, chain_key
from unflat.pipeline.guard import guarded
from unflat.pipeline.intake import Intake
from unflat.pipeline.plan import Plan, PlannedStep
from unflat.pipeline.provenance import provenance_of
from unflat.pipeline.segmenting import segmented
from unflat.stages.check.gate import check

_LEVEL_RATIO = 0.25
"""Each level of detail has a quarter of the faces, and half the texture's side, of the one before."""

_MIN_LEVEL_TEXTURE_PX = 512


@dataclass(frozen=True)
class RunOptions:
    """How a run is done; nothing here changes what a stage computes, except the seed and the entry."""

    seed: int = 0
    target: str = ""
    """game, ar, print, web, or empty: what the check judges by."""
    all_objects: bool = False
    """An asset for each object in the picture, not for the main one alone."""
    levels: int = 0
    """How many coarser levels of detail to add."""
    folder: RunFolder | None = None
    """Where results are stored and found again; None: nowhere."""
    entry: tuple[str, Mesh] | None = None
    """Replace the result of this stage (reconstruct, surface or finish) by a mesh, then go on."""
    on_event: Callable[[Event], None] = field(default=lambda _: None)
    cancelled: Callable[[], bool] = field(default=lambda: False)
    on_reconstruction: Callable[[str, Reconstruction], None] = field(default=lambda stage, made: None)
    """Hears what the stages reconstruct, surface and finish gave: shape, cameras, depth maps."""


def run(plan: Plan, intake: Intake, options: RunOptions = RunOptions()) -> tuple[Asset, ...]:
    """Do the work; give one asset, or one per object.

    Raises what the stages raise (`UnflatError`), `Cancelled` on Ctrl-C, and `StageFailed` for anything unforeseen.
    """
    with calm_blas():
        return _Run(plan, intake, options).assets()


class _Run:
    """One run under way: the clock, the warnings and the timings that belong to it."""

    def __init__(self, plan: Plan, intake: Intake, options: RunOptions) -> None:
        self._plan, self._intake, self._options = plan, intake, options
        self._clock = Clock([planned.card.seconds for planned in plan.steps] or [1.0], options.on_event)
        self._warnings: list[str] = []
        self._timings_s: dict[str, float] = {}

    def assets(self) -> tuple[Asset, ...]:
        started = time.perf_counter()
        for sentence in self._intake.left_out:
            self._warn("intake", sentence)
        key = chain_key(self._intake.digest, repr(self._options.seed))
        source, key = self._segmented(key)
        objects = _objects(source, self._options.all_objects)
        names = [self._intake.name] + [f"{self._intake.name}_{index + 1}" for index in range(1, len(objects))]
        assets = []
        for index, (name, item) in enumerate(zip(names, objects, strict=True)):
            assets.append(self._asset(name, item, chain_key(key, str(index)) if len(objects) > 1 else key))
        self._options.on_event(RunFinished(time.perf_counter() - started))
        return tuple(assets)

    def _segmented(self, key: str) -> tuple[Views | Drawing, str]:
        steps = self._plan.of_stage("segment")
        if self._intake.mask is not None or not steps:
            return _source_without_segmenter(self._intake), chain_key(key, "no segmenter")
        key = chain_key(key, steps[0].fingerprint)
        # where photos are placed by what they share, masks only help
        needed = not self._plan.of_stage("pose")
        work = partial(segmented, steps[0].backend, self._intake, needed=needed)
        return self._stage("segment", steps[:1], key, work), key

    def _asset(self, name: str, source: Views | Drawing, key: str) -> Asset:
        result: Any = source
        for stage in ("pose", "reconstruct", "surface", "finish", "texture"):
            steps = self._plan.of_stage(stage)
            if not steps:
                continue
            key = chain_key(key, *(planned.fingerprint for planned in steps))
            result = self._stage(stage, steps, key, partial(_chain, steps, result))
            if self._options.entry is not None and self._options.entry[0] == stage:
                edited = self._options.entry[1]
                result = replace(result.with_mesh(edited), detail=None)
                key = chain_key(key, sha256(edited.vertices.tobytes() + edited.faces.tobytes()).hexdigest())
            if isinstance(result, Reconstruction):
                last_reconstruction = result
                self._options.on_reconstruction(stage, result)
        levels = self._levels(last_reconstruction)
        asset = Asset((replace(result, name=name),), name=name, scale=last_reconstruction.scale, levels=levels)
        provenance = provenance_of(self._plan, self._intake, self._options.seed, self._timings_s, self._warnings)
        with guarded("check", self._options.cancelled):
            report = check(asset, self._options.target)
        return replace(asset, provenance=provenance, report=report)

    def _levels(self, reconstruction: Reconstruction) -> tuple[tuple[Part, ...], ...]:
        """Coarser meshes, each textured anew from the same views at half the size."""
        if self._options.levels == 0:
            return ()
        texturer = self._plan.of_stage("texture")[0].backend
        ratios = tuple(_LEVEL_RATIO ** (level + 1) for level in range(self._options.levels))
        levels = []
        for index, mesh in enumerate(levels_of_detail(reconstruction.mesh, ratios)):
            size_px = max(texturer.size_px >> (index + 1), _MIN_LEVEL_TEXTURE_PX)
            with guarded("texture", self._options.cancelled):
                part = replace(texturer, size_px=size_px)(reconstruction.with_mesh(mesh), self._context("texture"))
            levels.append((replace(part, name=f"level {index + 1}"),))
        return tuple(levels)

    def _stage(self, stage: str, steps: tuple[PlannedStep, ...], key: str, work: Callable[[Context], Any]) -> Any:
        """The stage's result: from the run folder if it is there, else made and stored."""
        names = ", ".join(planned.card.name for planned in steps)
        self._options.on_event(StageStarted(stage, names, self._clock.fraction))
        started = time.perf_counter()
        with guarded(stage, self._options.cancelled):
            folder = self._options.folder
            result = None if folder is None else folder.load(stage, key)
            cached = result is not None
            if result is None:
                result = work(self._context(stage, key))
                if folder is not None:
                    folder.save(stage, key, result)
        seconds = time.perf_counter() - started
        self._timings_s[stage] = self._timings_s.get(stage, 0.0) + seconds
        for _ in steps:
            self._clock.step_done()
        self._options.on_event(StageFinished(stage, names, seconds, cached, summary_of(result)))
        return result

    def _context(self, stage: str, key: str = "") -> Context:
        def progress(fraction: float) -> None:
            if self._options.cancelled():
                raise Cancelled
            self._clock.progress(stage, fraction)

        folder = self._options.folder
        workspace = partial(folder.workspace, stage, key) if folder is not None and key else lambda: None
        return Context(self._options.seed, progress, partial(self._warn, stage), workspace)

    def _warn(self, stage: str, message: str) -> None:
        if message not in self._warnings:
            self._warnings.append(message)
            self._options.on_event(WarningRaised(stage, message))


def summary_of(result: Any) -> str:
    """A stage's result in a few words."""
    if isinstance(result, Views | Drawing):
        masks = [result.mask] if isinstance(result, Drawing) else [view.mask for view in result.items]
        made = masks[0]
        if len(masks) > 1:
            count = sum(mask is not None for mask in masks)
            return f"{len(masks)} photos, {count} with a mask" if count else f"{len(masks)} photos"
        if made is None:
            return "whole picture"
        return f"{made.made_by}, {made.confidence:.0%} sure, {made.solid.mean():.0%} of the picture"
    if isinstance(result, Part):
        sizes = result.material.base_color
        return f"{len(result.mesh.faces)} faces" + ("" if sizes is None else f", {sizes.shape[1]} px")
    if isinstance(result, Reconstruction) and isinstance(result.shape, Mesh):
        return f"{len(result.shape.faces)} faces"
    shape = result.shape
    return f"{type(shape).__name__.lower()}" + (
        f" {'x'.join(map(str, shape.distance.shape))}" if hasattr(shape, "distance") else ""
    )


def _chain(steps: tuple[PlannedStep, ...], value: Any, context: Context) -> Any:
    """The steps one after the other, each with its share of the stage's progress."""
    for index, planned in enumerate(steps):
        share = context.part(index / len(steps), (index + 1) / len(steps))
        share.progress(0.0)
        value = planned.backend(value, share)
    return value


def _source_without_segmenter(intake: Intake) -> Views | Drawing:
    if intake.kind == "drawing" and intake.mask is not None:
        return Drawing(intake.photos[0], intake.mask)
    cameras = intake.cameras
    return Views(tuple(View(photo, intake.mask, cameras.get(photo.name), intake.depth) for photo in intake.photos))


def _objects(source: Views | Drawing, all_objects: bool) -> list[Views | Drawing]:
    """The source once per object: its main one, or all, each with its own mask. Several views show one object."""
    if isinstance(source, Drawing):
        return [replace(source, mask=mask) for mask in objects_of(source.mask, keep="all" if all_objects else "main")]
    view = source.items[0]
    if len(source.items) > 1 or view.mask is None:
        return [source]
    masks = objects_of(view.mask, keep="all" if all_objects else "main")
    return [Views((replace(view, mask=mask),)) for mask in masks]
