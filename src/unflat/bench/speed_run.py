"""One measured run in its own process: ``python -m unflat.bench.speed_run RECIPE SIDE FACES TEXTURE`` prints JSON."""

from __future__ import annotations

import json
import sys
import time

import numpy as np

from unflat.bench.memory import peak_memory_mb
from unflat.bench.pictures import drawn_fish, photographed_mug
from unflat.core import Asset, DepthMap
from unflat.core.events import Event, StageFinished
from unflat.io.glb import glb_bytes
from unflat.io.photo import read_photo
from unflat.pipeline.intake import Intake, Kind
from unflat.pipeline.plan import plan
from unflat.pipeline.recipe import load_recipe
from unflat.pipeline.run import RunOptions, run
from unflat.stages.check.gate import check


def measure(recipe: str, side_px: int, faces: int, texture_px: int) -> dict[str, object]:
    """Seconds per stage and peak memory of one run, imports and the making of the picture left out of the time."""
    depth = None
    if recipe == "drawing":
        picture = drawn_fish(side_px)
    else:
        picture, known = photographed_mug(side_px)
        depth = DepthMap(known) if recipe == "relief" else None
    seconds: dict[str, float] = {}

    def note(event: Event) -> None:
        if isinstance(event, StageFinished):
            seconds[event.stage] = event.seconds

    kind: Kind = "drawing" if recipe == "drawing" else "photo"
    settings = {"finish.decimate.faces": faces, "texture.size_px": texture_px}
    planned = plan(load_recipe(recipe).with_settings(settings), kind)
    started = time.perf_counter()
    intake = Intake((read_photo(picture),), kind, depth=depth)
    asset = run(planned, intake, RunOptions(on_event=note))[0]
    seconds["check"] = _check_seconds(asset)
    write_started = time.perf_counter()
    glb_bytes(asset)
    finished = time.perf_counter()
    seconds["write"] = finished - write_started
    return {"seconds": seconds, "total_s": finished - started - seconds["check"], "peak_mb": peak_memory_mb()}


def _check_seconds(asset: Asset) -> float:
    """The check once more, alone: inside the run it is no stage of its own."""
    started = time.perf_counter()
    check(asset, "")
    return time.perf_counter() - started


def _main() -> None:
    recipe, *sizes = sys.argv[1:]
    np.seterr(all="ignore")
    sys.stdout.write(json.dumps(measure(recipe, *(int(size) for size in sizes))))


if __name__ == "__main__":
    _main()
