"""Request: all that a door may ask for, and what becomes of it: an intake, a plan and run options."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from unflat.core import Asset, Cancelled, RecipeError
from unflat.core.events import Event, StageProgress
from unflat.io.depth import DepthKind
from unflat.io.load import load_mesh
from unflat.pipeline.folder import RunFolder, default_folder, photo_cache
from unflat.pipeline.intake import Intake, Kind, read_intake
from unflat.pipeline.photo_store import SetReading
from unflat.pipeline.plan import Plan, plan
from unflat.pipeline.recipe import Recipe, load_recipe
from unflat.pipeline.run import RunOptions, run
from unflat.stages.check.targets import find_target

Quality = Literal["draft", "standard", "high"]
"""How much time to spend."""

_SET_SIDE_PX = {"draft": 1600, "standard": 2400, "high": 4096}
"""Photos of a set are read at no more than this: the texture's detail comes from them."""
_OBJECT_SEGMENTER = "network"
_ENTRY_STAGES = ("reconstruct", "surface", "finish")


@dataclass(frozen=True)
class Request:
    """One object wanted. Doors fill this in; `fulfil` does the rest."""

    pictures: Sequence[Any]
    """Paths, bytes, arrays, PIL images, or "-"."""
    kind: Kind | None = None
    """photo, photos (of one thing), drawing or views (with cameras); None looks at the picture."""
    mask: Any = None
    """A mask picture of the photo's size; skips the segment stage."""
    depth: Any = None
    """A depth map of the photo."""
    depth_kind: DepthKind = "auto"
    """What its numbers mean: depth, disparity, or relative (near is bright)."""
    depth_unit_m: float | None = None
    """Length of 1 in the depth map, in metres; makes it metric."""
    cameras: Path | str | None = None
    """The photos' cameras: a transforms.json, a COLMAP model, or what Metashape or RealityScan exported."""
    sides: Sequence[str] = ()
    """Which side of the object each picture shows, where photos share nothing: front, left, back, right, or degrees."""
    frames: int = 60
    """How many frames of a film are taken at most."""
    recipe: str | None = None
    """A recipe's name or TOML file; None chooses by kind of source."""
    quality: Quality = "standard"
    target: str = ""
    """game, ar, print or web: sets budgets and is checked at the end."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """`stage.option` to value; these win over recipe and target."""
    height: str | None = None
    """Real height, such as "12cm"."""
    size: str | None = None
    """Real longest side, such as "0.3m"."""
    seed: int = 0
    object_masks: bool = False
    """Of photos taken together, only the object counts: it may turn before a background that stands still."""
    all_objects: bool = False
    levels: int = 0
    commercial: bool = False
    """Refuse backends whose code or weights may not be used commercially."""
    run_folder: Path | str | None = None
    """Where stage results are kept; None: in the user's cache."""
    store: bool = True
    """False keeps nothing on disk."""
    entry: tuple[str, str | Path] | None = None
    """Go on from this stage's result, replaced by a mesh file: ("surface", "edited.ply")."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """A request that was read and planned."""

    intake: Intake
    plan: Plan
    options: RunOptions


def choose_recipe(request: Request, kind: str) -> Recipe:
    """The recipe for a request: named or by kind, in the wanted quality, with target and own settings applied."""
    base = (
        request.recipe
        or ("sides" if request.sides else None)
        or {"photo": "relief" if request.depth is not None else "photo", "views": "photos"}.get(kind, kind)
    )
    if request.quality != "standard":
        if request.recipe is not None and base.endswith((".toml", "-draft", "-high")):
            raise RecipeError(
                f"“{base}” can't be combined with --quality {request.quality}.",
                code="recipe-quality",
                hint="Give a base recipe such as photo, or set the options with --set.",
            )
        base = f"{base}-{request.quality}"
    recipe = load_recipe(base)
    if request.object_masks:
        recipe = recipe.with_segmenter(_OBJECT_SEGMENTER)
    if request.target:
        recipe = recipe.with_settings(dict(find_target(request.target).settings))
    if request.sides:
        recipe = recipe.with_settings({"pose.sides": tuple(request.sides)})
    lengths = {f"finish.scale.{name}": getattr(request, name) for name in ("height", "size")}
    recipe = recipe.with_settings({key: value for key, value in lengths.items() if value is not None})
    return recipe.with_settings(request.settings)


def prepare(
    request: Request,
    on_event: Callable[[Event], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Prepared:
    """Read the pictures, choose and plan the recipe. Nothing expensive yet."""
    intake = read_intake(
        request.pictures,
        kind="photos" if request.sides else request.kind,
        mask=request.mask,
        depth=request.depth,
        depth_kind=request.depth_kind,
        depth_unit_m=request.depth_unit_m,
        cameras=request.cameras,
        reading=SetReading(
            _SET_SIDE_PX[request.quality],
            request.frames,
            _photo_folder(request),
            _reading(on_event, cancelled),
            as_given=bool(request.sides),
        ),
    )
    planned = plan(choose_recipe(request, intake.kind), intake.kind, commercial_only=request.commercial)
    options = RunOptions(
        seed=request.seed,
        target=request.target,
        all_objects=request.all_objects,
        levels=request.levels,
        folder=_folder_of(request, intake),
        entry=_entry_of(request),
        on_event=on_event,
        cancelled=cancelled,
    )
    return Prepared(intake, planned, options)


def fulfil(
    request: Request,
    on_event: Callable[[Event], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> tuple[Asset, ...]:
    """Prepare and run: the one call behind every door."""
    prepared = prepare(request, on_event, cancelled)
    return run(prepared.plan, prepared.intake, prepared.options)


def _photo_folder(request: Request) -> Path | None:
    """Where many photos are unpacked to and mapped from."""
    if not request.store:
        return None
    return photo_cache() if request.run_folder is None else Path(request.run_folder) / "photos"


def _reading(on_event: Callable[[Event], None], cancelled: Callable[[], bool]) -> Callable[[float], None]:
    """Tells how far the reading of many photos is."""

    def progress(share: float) -> None:
        if cancelled():
            raise Cancelled
        on_event(StageProgress("read", share, 0.0, None))

    return progress


def _folder_of(request: Request, intake: Intake) -> RunFolder | None:
    if not request.store:
        return None
    return default_folder(intake.digest) if request.run_folder is None else RunFolder(Path(request.run_folder))


def _entry_of(request: Request) -> tuple[str, Any] | None:
    if request.entry is None:
        return None
    stage, path = request.entry
    if stage not in _ENTRY_STAGES:
        raise RecipeError(
            f"A run can't be entered at “{stage}”.",
            code="entry-stage",
            hint=f"Give one of {', '.join(_ENTRY_STAGES)} with a mesh file; for a mask use --mask.",
        )
    return stage, load_mesh(path)
