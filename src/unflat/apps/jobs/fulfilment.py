"""An order fulfilled: the one place that knows both what clients may ask and what the engine takes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from unflat.apps.jobs.order import FileRef, Order
from unflat.apps.jobs.results import Made
from unflat.core import Asset, Photo
from unflat.core.events import Event

Place = Callable[[FileRef], Path]
"""Gives the file of this machine that a reference of the order stands for."""


def fulfil_order(
    order: Order, place: Place, work: Path, on_event: Callable[[Event], None], cancelled: Callable[[], bool]
) -> Made:
    """Do what the order asks; files are written into `work`/out. Raises `UnflatError`."""
    if order.kind == "make":
        return _make(order, place, work, on_event, cancelled)
    if order.kind == "rework":
        return _rework(order, place, work, on_event, cancelled)
    return _check(order, place, work)


def request_fields(order: Order, place: Place) -> dict[str, Any]:
    """The fields of `unflat.Request` that a make order sets."""
    pictures = [place(picture) for picture in order.pictures]
    return {
        "pictures": pictures,
        "kind": order.source,
        "sides": tuple(order.sides),
        "mask": None if order.mask is None else place(order.mask),
        "cameras": None if order.cameras is None else place(order.cameras),
        "recipe": order.recipe,
        "quality": order.quality,
        "target": order.target,
        "settings": _settings(order, pictures[0]),
        "height": order.height,
        "size": order.size,
        "seed": order.seed,
        "object_masks": order.object_masks,
        "all_objects": order.all_objects,
        "levels": order.levels,
    }


def marks(order_box: Any, order_clicks: Any, picture: Path) -> dict[str, str]:
    """Settings of the segment stage: marks in the file's pixels become marks in those that the engine works on."""
    from unflat.pipeline.intake import WORKING_SIDE_PX

    if order_box is None and not order_clicks:
        return {}
    factor = min(1.0, WORKING_SIDE_PX / max(_size_of(picture)))
    settings: dict[str, str] = {}
    if order_box is not None:
        settings["segment.box"] = ",".join(str(round(side * factor)) for side in order_box)
    for name, label in (("clicks", 1), ("background_clicks", 0)):
        points = [point for point in order_clicks or () if point[2] == label]
        if points:
            settings[f"segment.{name}"] = ",".join(f"{round(x * factor)},{round(y * factor)}" for x, y, _ in points)
    return settings


def _make(
    order: Order, place: Place, work: Path, on_event: Callable[[Event], None], cancelled: Callable[[], bool]
) -> Made:
    from unflat.apps.outputs import formats_for
    from unflat.pipeline.request import Request, prepare
    from unflat.pipeline.run import run

    request = Request(**request_fields(order, place), run_folder=work / "run")
    prepared = prepare(request, on_event, cancelled)
    assets = run(prepared.plan, prepared.intake, prepared.options)
    formats = tuple(order.formats or formats_for(order.target))
    return _written(order, assets, prepared.intake.photos[0], formats, work)


def _rework(
    order: Order, place: Place, work: Path, on_event: Callable[[Event], None], cancelled: Callable[[], bool]
) -> Made:
    from unflat.apps.outputs import formats_for
    from unflat.io.load import load_asset
    from unflat.pipeline.rework import Rework, rework

    assert order.model is not None
    wishes = Rework(
        faces=order.faces, quads=order.quads, texture_px=order.texture_px, watertight=order.watertight,
        height=order.height, size=order.size, up=order.up, target=order.target,
    )  # fmt: skip
    asset = rework(load_asset(place(order.model)), wishes, on_event, cancelled)
    return _written(order, (asset,), None, tuple(order.formats or formats_for(order.target)), work)


def _check(order: Order, place: Place, work: Path) -> Made:
    assert order.model is not None
    path = place(order.model)
    report = check_report(path, order.target)
    out = work / "out" / f"{path.stem}_report.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(report, indent=2), "utf-8")
    return Made([{"name": path.stem, "report": report, "files": [out]}], {})


def check_report(path: Path, target: str) -> dict[str, Any]:
    """A model's quality report as JSON can hold it."""
    from unflat.io.load import load_asset
    from unflat.stages.check.describe import report_json
    from unflat.stages.check.gate import check

    return report_json(check(load_asset(path), target))


def _written(
    order: Order, assets: tuple[Asset, ...], photo: Photo | None, formats: tuple[str, ...], work: Path
) -> Made:
    from unflat.apps.outputs import Outputs, write_outputs
    from unflat.stages.check.describe import report_json

    outputs = Outputs(
        formats, image_format=order.image_format, preview=order.preview, sheet=order.sheet, turntable=order.turntable,
        report=True,
    )  # fmt: skip
    made = []
    for asset in assets:
        paths = [work / "out" / f"{asset.name}.{ending}" for ending in formats]
        files = write_outputs(asset, photo, paths, outputs)
        report = None if asset.report is None else report_json(asset.report)
        made.append({"name": asset.name, "report": report, "files": files})
    return Made(made, dict(assets[0].provenance.timings_s))


def _settings(order: Order, picture: Path) -> Mapping[str, Any]:
    settings: dict[str, Any] = {}
    if order.faces is not None:
        settings["finish.decimate.faces"] = order.faces
    if order.texture_px is not None:
        settings["texture.size_px"] = order.texture_px
    return settings | marks(order.box, order.clicks, picture) | order.settings


def _size_of(picture: Path) -> tuple[int, int]:
    from unflat.io.limits import DEFAULT_LIMITS
    from unflat.io.picture import picture_size

    return picture_size(picture.read_bytes(), picture.name, DEFAULT_LIMITS)
