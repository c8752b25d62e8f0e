"""Rework: a finished model, ours or anyone's, made closed, lighter, upright, of another size or for another use."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np

from unflat.core import (
    Asset,
    Cancelled,
    Context,
    Material,
    Mesh,
    Part,
    Provenance,
    RecipeError,
    Scale,
    StageFailed,
)
from unflat.core.events import Event, RunFinished, StageFinished, StageProgress, StageStarted, WarningRaised
from unflat.geometry.closing import is_solid, remeshed, repaired
from unflat.geometry.decimation import decimated
from unflat.geometry.lengths import parse_length_m
from unflat.geometry.meshes import transformed, welded
from unflat.geometry.similarities import rotation_between, scaling, shift, turning
from unflat.io.load import merged_mesh
from unflat.pipeline.guard import guarded
from unflat.stages.check.gate import check
from unflat.stages.check.targets import find_target
from unflat.stages.finish.quad_remesh import quads_over
from unflat.stages.texture.transfer import transferred

UPS = ("x", "-x", "y", "-y", "z", "-z")
"""Axes of a model that may be called its up."""

_VOXELS = 192
_TEXTURE_PX = 2048
"""For a model without a texture of its own."""
_SMALLEST_PX, _LARGEST_PX = 64, 8192
_FEWEST_FACES = 4
_QUADS = 5000
_MAPS = ("base_color", "normal", "occlusion", "roughness", "metallic", "confidence")


@dataclass(frozen=True)
class Rework:
    """What is wanted of a model; what is left out stays as it is."""

    watertight: bool = False
    """Close it: small repairs first, a new surface around everything that can be seen where they are not enough."""
    faces: int | None = None
    """Most triangles to keep; of quads, twice their number."""
    quads: bool = False
    """Lay clean quads over it, for editing and animating."""
    texture_px: int | None = None
    """Width and height of the texture."""
    height: str | None = None
    """Real height, such as "12cm"."""
    size: str | None = None
    """Real longest side, such as "0.3m"."""
    up: str | None = None
    """The axis of the model that shall point up: x, -x, y, -y, z or -z."""
    target: str = ""
    """game, ar, print or web: its budgets count where nothing else is said, and it is checked at the end."""

    def __post_init__(self) -> None:
        if self.height is not None and self.size is not None:
            _refuse("Give a height or a size, not both.", "Keep one of them.")
        for length in (self.height, self.size):
            if length is not None:
                parse_length_m(length)
        if self.up is not None and self.up not in UPS:
            _refuse(f"“{self.up}” is no axis.", f"Give one of {', '.join(UPS)}.")
        if self.faces is not None and self.faces < _FEWEST_FACES:
            _refuse(f"A model can't have {self.faces} faces.", f"Give at least {_FEWEST_FACES}.")
        if self.texture_px is not None and not _SMALLEST_PX <= self.texture_px <= _LARGEST_PX:
            _refuse(f"A texture can't be {self.texture_px} pixels wide.", f"Give {_SMALLEST_PX} to {_LARGEST_PX}.")

    def for_target(self) -> Rework:
        """The wishes with the target's budgets where nothing else was said."""
        if not self.target:
            return self
        target = find_target(self.target)
        budgets = dict(target.settings)
        return replace(
            self,
            faces=self.faces or _whole(budgets.get("finish.decimate.faces")),
            texture_px=self.texture_px or _whole(budgets.get("texture.size_px")),
            watertight=self.watertight or target.needs_watertight,
        )


def rework(
    asset: Asset,
    wishes: Rework,
    on_event: Callable[[Event], None] = lambda _: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> Asset:
    """The asset as wished. What needs no new surface (size, up, smaller textures) leaves mesh and UV as they are.

    A new surface is one part with one UV layout, whose colours, normals and confidence are taken over from the old
    one; what was not there before counts as inferred. Coarser levels belong to the old surface and are dropped.
    Raises `RecipeError` for wishes that can't be, `StageFailed` where the shape can't take them, and `Cancelled`.
    """
    wishes = wishes.for_target()
    work = _Work(on_event, cancelled)
    started = time.perf_counter()
    if wishes.up is not None:
        asset = _turned(asset, wishes.up)
    with work.stage("finish") as context:
        shape = _reshaped(asset, wishes, context)
    if shape is not None:
        with work.stage("texture") as context:
            part = transferred(asset.parts, shape, _texture_px(asset, wishes), context)
        asset = replace(asset, parts=(part,), levels=())
    elif wishes.texture_px is not None:
        asset = _retextured(asset, wishes.texture_px, work.warn)
    asset = _grounded(_scaled(asset, wishes)) if wishes.height or wishes.size or wishes.up else asset
    with work.stage("check"):
        asset = replace(asset, report=check(asset, wishes.target))
    on_event(RunFinished(time.perf_counter() - started))
    return replace(asset, provenance=_told(asset.provenance, wishes, work))


class _Work:
    """Tells how far the work is, and hears whether to stop."""

    def __init__(self, on_event: Callable[[Event], None], cancelled: Callable[[], bool]) -> None:
        self._tell, self._cancelled = on_event, cancelled
        self.warnings: list[str] = []
        self.timings_s: dict[str, float] = {}
        self._spans = {"finish": (0.0, 0.5), "texture": (0.5, 0.9), "check": (0.9, 1.0)}

    @contextmanager
    def stage(self, name: str) -> Iterator[Context]:
        """A stage under way; whatever it throws leaves as an error of ours."""
        start, end = self._spans[name]

        def progress(fraction: float) -> None:
            if self._cancelled():
                raise Cancelled
            self._tell(StageProgress(name, fraction, start + (end - start) * fraction, None))

        self._tell(StageStarted(name, "rework", start))
        started = time.perf_counter()
        with guarded(name, self._cancelled):
            yield Context(progress=progress, warn=self.warn)
        self.timings_s[name] = time.perf_counter() - started
        self._tell(StageFinished(name, "rework", self.timings_s[name], False, ""))

    def warn(self, message: str) -> None:
        """Keep the sentence and tell it."""
        self.warnings.append(message)
        self._tell(WarningRaised("rework", message))


def _reshaped(asset: Asset, wishes: Rework, context: Context) -> Mesh | None:
    """The new surface; None where the old one can stay."""
    whole = merged_mesh(asset)
    mesh = bare = welded(whole)
    if wishes.watertight and not is_solid(mesh):
        closed = repaired(mesh) or remeshed(mesh, _VOXELS, lambda share: context.progress(0.5 * share))
        mesh = closed.mesh
        context.warn(f"Made the model watertight: {', '.join(closed.done)}.")
    context.progress(0.5)
    if wishes.quads:
        mesh = quads_over(mesh, _QUADS if wishes.faces is None else wishes.faces // 2, context.part(0.5, 1.0))
    elif wishes.faces is not None and len(mesh.faces) > wishes.faces:
        mesh = decimated(mesh, wishes.faces)
        if len(mesh.faces) > wishes.faces:
            context.warn(f"The model keeps {len(mesh.faces)} faces instead of {wishes.faces}: fewer would tear it.")
    context.progress(1.0)
    return None if mesh is bare else mesh


def _texture_px(asset: Asset, wishes: Rework) -> int:
    """The side asked for, else of the largest texture there is."""
    if wishes.texture_px is not None:
        return wishes.texture_px
    sides = [max(image.shape[:2]) for part in asset.parts if (image := part.material.base_color) is not None]
    return min(max(sides), _LARGEST_PX) if sides else _TEXTURE_PX


def _retextured(asset: Asset, side_px: int, warn: Callable[[str], None]) -> Asset:
    """Every texture at most that large; none is enlarged, since no detail would come of it."""
    sides = [max(image.shape[:2]) for part in asset.parts if (image := part.material.base_color) is not None]
    if sides and max(sides) < side_px:
        warn(f"The texture stays {max(sides)} pixels wide: {side_px} would hold no more detail.")

    def smaller(part: Part) -> Part:
        return replace(part, material=_smaller(part.material, side_px))

    levels = tuple(tuple(smaller(part) for part in level) for level in asset.levels)
    return replace(asset, parts=tuple(smaller(part) for part in asset.parts), levels=levels)


def _smaller(material: Material, side_px: int) -> Material:
    made: dict[str, Any] = {}
    for name in _MAPS:
        image = getattr(material, name)
        if image is not None and max(image.shape[:2]) > side_px:
            share = side_px / max(image.shape[:2])
            size = (max(round(image.shape[1] * share), 1), max(round(image.shape[0] * share), 1))
            made[name] = np.asarray(cv2.resize(np.asarray(image), size, interpolation=cv2.INTER_AREA))
    return replace(material, **made)


def _moved(asset: Asset, similarity: np.ndarray) -> Asset:
    def moved(part: Part) -> Part:
        return replace(part, mesh=transformed(part.mesh, similarity))

    levels = tuple(tuple(moved(part) for part in level) for level in asset.levels)
    return replace(asset, parts=tuple(moved(part) for part in asset.parts), levels=levels)


def _turned(asset: Asset, up: str) -> Asset:
    axis = np.eye(3)["xyz".index(up[-1])] * (-1.0 if up.startswith("-") else 1.0)
    return _moved(asset, turning(rotation_between(axis, np.array([0.0, 1.0, 0.0]))))


def _scaled(asset: Asset, wishes: Rework) -> Asset:
    length = wishes.height or wishes.size
    if length is None:
        return asset
    extent = merged_mesh(asset).extent
    now = float(extent[1] if wishes.height else extent.max())
    if now <= 0:
        raise StageFailed(
            "The model is flat, so it can't be scaled to a height.",
            code="flat-object",
            hint="Give its size (longest side) instead.",
        )
    return replace(_moved(asset, scaling(parse_length_m(length) / now)), scale=Scale.METRIC)


def _grounded(asset: Asset) -> Asset:
    lowest = min(float(part.mesh.vertices[:, 1].min()) for part in asset.parts)
    return _moved(asset, shift(np.array([0.0, -lowest, 0.0])))


def _told(before: Provenance, wishes: Rework, work: _Work) -> Provenance:
    """The old provenance with what was done now at its end."""
    asked = {name: value for name, value in vars(wishes).items() if value not in (None, False, "")}
    words = ", ".join(f"{name} = {str(value).lower()}" for name, value in asked.items())
    return replace(
        before,
        recipe=before.recipe + f"\n# reworked: {words or 'nothing asked for'}\n",
        timings_s=(*before.timings_s, *((f"rework {name}", round(s, 3)) for name, s in work.timings_s.items())),
        warnings=(*before.warnings, *work.warnings),
    )


def _whole(value: object) -> int | None:
    return int(value) if isinstance(value, int | float) else None


def _refuse(message: str, hint: str) -> None:
    raise RecipeError(message, code="bad-option", hint=hint)
