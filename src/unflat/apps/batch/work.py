"""The work on one item, wherever it is done: fetch, make, write, publish. Nothing that goes wrong leaves it."""

from __future__ import annotations

import base64
import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timezone
from io import BytesIO
from pathlib import Path
from typing import Any

from unflat.apps.batch.place import fetched, inputs_of
from unflat.apps.batch.results import RECORD, Record, Results
from unflat.apps.batch.task import Task
from unflat.core import Asset, Cancelled, InputError, Photo, StageFailed, UnflatError

_THUMB_PX = 96


def make_item(task: Task) -> Record:
    """Make and publish one item; gives its record, with ``state`` made, refused (by the target) or failed.

    Failures are not stored here: the conductor does it, for those too of which no process is left to tell.
    """
    started = time.perf_counter()
    record: Record = {**task.base_record(), "by": os.getpid()}
    try:
        _refuse_complaint(task)
        with fetched(task.item.files) as paths:
            record["inputs"] = inputs_of(task.item.files, paths)
            return _made(task, paths, record, started)
    except Cancelled:
        over = f"It took longer than {task.time_limit_s:g} s." if task.time_limit_s else "It was cancelled."
        error: UnflatError = StageFailed(over, code="over-time-limit", hint="Raise --time-limit, or lower the quality.")
    except UnflatError as caught:
        error = caught
    except Exception as caught:  # one bad photo never stops the batch, whatever it does
        error = StageFailed(f"{type(caught).__name__}: {caught}", hint="Run this picture alone with --debug.")
    return failed(record, error, time.perf_counter() - started)


def failed(record: Mapping[str, Any], error: UnflatError, seconds: float = 0.0) -> Record:
    """The record of a failure."""
    told = {"code": error.code, "message": error.message, "hint": error.hint, "exit_status": error.exit_status,
            "kind": type(error).__name__}  # fmt: skip
    return {**record, "state": "failed", "error": told, "seconds": seconds, "finished_at": _now()}


def _made(task: Task, paths: list[Path], record: Record, started: float) -> Record:
    from unflat.pipeline.request import Request, prepare
    from unflat.pipeline.run import run

    def out_of_time() -> bool:
        return task.time_limit_s is not None and time.perf_counter() - started > task.time_limit_s

    pictures = [str(path) for path in paths[: len(task.item.pictures)]]
    mask = str(paths[-1]) if task.item.mask is not None else None
    try:
        prepared = prepare(Request(pictures, mask=mask, store=False, **task.all_wishes), cancelled=out_of_time)
        assets = run(prepared.plan, prepared.intake, prepared.options)
    except UnflatError:
        with suppress(UnflatError):
            record["thumb"] = thumbnails(pictures[0], None)
        raise
    results = Results(task.out)
    with results.staged(task.item.name) as folder:
        told = [
            _written(asset, prepared.intake.photos[0], folder / _file_name(task, number), task)
            for number, asset in enumerate(assets)
        ]
        passed = all(asset.report is None or asset.report.passed for asset in assets)
        record |= {
            "state": "made" if passed else "refused",
            "kind": prepared.intake.kind,
            "assets": told,
            "warnings": sorted({warning for asset in assets for warning in asset.provenance.warnings}),
            "stages_s": _stage_seconds(assets),
            "thumb": thumbnails(prepared.intake.photos[0], folder / f"{_file_name(task, 0)}_preview.png"),
            "seconds": time.perf_counter() - started,
            "finished_at": _now(),
        }
        (folder / RECORD).write_text(json.dumps(record, ensure_ascii=False, allow_nan=False, indent=1), "utf-8")
    return record


def _written(asset: Asset, photo: Photo, path: Path, task: Task) -> dict[str, Any]:
    """Write an asset's files, their names beginning with the path; tell them and its quality."""
    from unflat.apps.outputs import write_outputs
    from unflat.stages.check.describe import report_json

    asset = replace(asset, name=path.name)
    paths = [path.with_name(f"{path.name}.{ending}") for ending in task.outputs.formats]
    files = write_outputs(asset, photo, paths, task.outputs)
    assert asset.report is not None
    listed = [{"name": path.name, "bytes": path.stat().st_size} for path in files]
    return {"name": path.name, "files": listed, "quality": report_json(asset.report)}


def _file_name(task: Task, number: int) -> str:
    return task.item.name if number == 0 else f"{task.item.name}_{number + 1}"


def _refuse_complaint(task: Task) -> None:
    if task.item.complaint is not None:
        code, message, hint = task.item.complaint
        raise InputError(message, code=code, hint=hint)


def _stage_seconds(assets: tuple[Asset, ...]) -> dict[str, float]:
    seconds: dict[str, float] = {}
    for asset in assets:
        for stage, spent in asset.provenance.timings_s:
            seconds[stage] = max(seconds.get(stage, 0.0), spent)
    return {stage: round(spent, 3) for stage, spent in seconds.items()}


def thumbnails(photo: Any, preview: Path | None) -> str:
    """The photo and the model side by side, as a data URL; the photo alone where there is no preview."""
    from PIL import Image

    from unflat.io.photo import read_photo

    seen = photo if isinstance(photo, Photo) else read_photo(photo, max_side_px=4 * _THUMB_PX)
    shown: list[Image.Image] = [Image.fromarray(seen.pixels)]
    if preview is not None and preview.is_file():
        with Image.open(preview) as picture:
            shown.append(picture.convert("RGB"))
    row = Image.new("RGB", (_THUMB_PX * len(shown), _THUMB_PX), "white")
    for number, small in enumerate(shown):
        small.thumbnail((_THUMB_PX, _THUMB_PX))
        row.paste(small, (number * _THUMB_PX + (_THUMB_PX - small.width) // 2, (_THUMB_PX - small.height) // 2))
    stream = BytesIO()
    row.save(stream, "JPEG", quality=72)
    return "data:image/jpeg;base64," + base64.b64encode(stream.getvalue()).decode()


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
