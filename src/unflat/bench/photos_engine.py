"""Our own pipeline as a method of the photo-set benchmark."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from unflat.bench.photos_truth import Outcome
from unflat.core import Camera, Reconstruction, Views
from unflat.core.events import Event, StageFinished
from unflat.pipeline.request import Quality, Request, fulfil
from unflat.pipeline.store import Unreadable, decode

STAGES = ("pose", "reconstruct", "surface", "finish", "texture")
_STAGES_WITH_CAMERAS = ("finish", "surface", "reconstruct", "pose")
"""The last of them that was run tells the cameras in the asset's frame."""


def reconstruct_photos(paths: Sequence[Path], quality: Quality = "standard", seed: int = 0) -> Outcome:
    """The asset that the pipeline makes of the photos, nothing taken from a cache. Raises what `fulfil` raises."""
    seconds: dict[str, float] = {}

    def note(event: Event) -> None:
        if isinstance(event, StageFinished):
            seconds[event.stage] = seconds.get(event.stage, 0.0) + event.seconds

    with tempfile.TemporaryDirectory(prefix="unflat-bench-") as folder:
        request = Request([str(path) for path in paths], kind="photos", quality=quality, seed=seed, run_folder=folder)
        started, started_cpu = time.perf_counter(), cpu_seconds()
        asset = fulfil(request, note)[0]
        total, cpu = time.perf_counter() - started, cpu_seconds() - started_cpu
        cameras = _cameras_in(Path(folder))
    return Outcome(asset, cameras, seconds, total, cpu)


def cpu_seconds() -> float:
    """Processor seconds of this process and of the programs it has waited for, all threads."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _cameras_in(folder: Path) -> dict[str, Camera]:
    """The cameras of the last reconstruction in a run folder, by photo; none where no stage stored any."""
    for stage in _STAGES_WITH_CAMERAS:
        for path in folder.glob(f"{stage}-*.npz"):
            try:
                result = decode(path.read_bytes())
            except Unreadable:
                continue
            views = result.views if isinstance(result, Reconstruction) else result
            if isinstance(views, Views):
                return {view.photo.name: view.camera for view in views.items if view.camera is not None}
    return {}
