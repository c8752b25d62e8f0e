"""The Python door: what `import unflat` offers beside the nouns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from unflat.core import Asset, QualityReport
from unflat.core.events import Event
from unflat.io.load import load_asset
from unflat.io.write import write_asset
from unflat.pipeline.request import Request, fulfil
from unflat.pipeline.rework import Rework
from unflat.pipeline.rework import rework as rework_asset
from unflat.stages.catalog import find_card
from unflat.stages.check.gate import check as check_asset
from unflat.stages.options import build


def reconstruct(picture: Any, *more: Any, on_event: Callable[[Event], None] | None = None, **wishes: Any) -> Asset:
    """A textured, watertight, checked asset from a picture (path, bytes, array or PIL image).

    `wishes` are the fields of `unflat.Request`: recipe, quality, target, height, size, mask, depth, cameras,
    settings, seed, run_folder … Several pictures need `cameras`. Nothing is written to disk but the run cache;
    `store=False` leaves that out too.

    >>> import numpy as np, unflat
    >>> disc = np.hypot(*np.mgrid[-64:64, -64:64]) < 50
    >>> mask = np.uint8(disc * 255)
    >>> asset = unflat.reconstruct(np.dstack([mask] * 3), mask=mask, quality="draft", height="8cm", store=False)
    >>> asset.report.watertight, asset.scale.value
    (True, 'metric')

    Raises `UnflatError`; its `code` is stable and its `hint` says what to do.
    """
    wishes.setdefault("store", "run_folder" in wishes)
    return fulfil(Request((picture, *more), **wishes), on_event or (lambda _: None))[0]


def reconstruct_all(
    picture: Any, *, on_event: Callable[[Event], None] | None = None, **wishes: Any
) -> tuple[Asset, ...]:
    """As `reconstruct`, but one asset for each object in the picture."""
    wishes.setdefault("store", "run_folder" in wishes)
    return fulfil(Request((picture,), all_objects=True, **wishes), on_event or (lambda _: None))


def rework(asset: Asset, *, on_event: Callable[[Event], None] | None = None, **wishes: Any) -> Asset:
    """A model, ours or anyone's, made closed, lighter, upright, of real size, or fit for a target.

    `wishes` are the fields of `unflat.Rework`: watertight, faces, quads, texture_px, height, size, up, target.
    Colours, normals and what was seen or inferred are taken over where the surface changes.
    """
    return rework_asset(asset, Rework(**wishes), on_event or (lambda _: None))


def backend(stage: str, name: str, **options: Any) -> Any:
    """One stage's backend, ready to call: ``backend("segment", "grabcut")(photo, Context())``."""
    return build(find_card(stage, name).load(), options, where=f"{stage} backend “{name}”")


def write(asset: Asset, path: str | Path) -> tuple[Path, ...]:
    """Write the asset in the format of the ending (glb, usdz, obj, ply, stl, 3mf); gives the files written."""
    return write_asset(asset, Path(path))


def load(path: str | Path) -> Asset:
    """An asset from a model file of any known format, ours or anyone's."""
    return load_asset(Path(path))


def check(asset: Asset, target: str = "") -> QualityReport:
    """Measured facts about an asset, judged for a target: game, ar, print or web."""
    return check_asset(asset, target)
