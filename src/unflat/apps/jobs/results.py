"""Results: files of a finished run go to the storage first, and into the job with the same stroke that ends it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unflat.apps.jobs.job import Job
from unflat.apps.jobs.media import media_type_of
from unflat.apps.jobs.storage import Storage

_ROLES = ("preview", "sheet", "turntable", "report", "mask")


@dataclass(frozen=True)
class Made:
    """What a run left: assets with name, report and the paths of their files; how long its stages took."""

    assets: list[dict[str, Any]]
    timings_s: dict[str, float]


def key_of(job: str, attempt: int, name: str) -> str:
    """The storage key of a result file. Attempts don't share a folder: a late loser can't touch the winner's files."""
    return f"results/{job}/{attempt}/{name}"


def publish(storage: Storage, job: Job, made: Made) -> tuple[list[dict[str, Any]], int]:
    """Store all files; gives the assets as the job will show them, and their bytes."""
    assets, total = [], 0
    for asset in made.assets:
        files = []
        for path in asset["files"]:
            storage.put(key_of(job.id, job.attempts, path.name), path)
            entry = _entry(path, str(asset["name"]))
            total += entry["bytes"]
            files.append({**entry, "attempt": job.attempts})
        assets.append({"name": asset["name"], "report": asset["report"], "files": files})
    return assets, total


def remove_results(storage: Storage, job: Job) -> None:
    """Remove every file that any attempt at the job stored."""
    storage.delete(f"results/{job.id}")


def remove_attempt(storage: Storage, job: Job) -> None:
    """Remove what this attempt stored, after its job was lost to another one."""
    storage.delete(f"results/{job.id}/{job.attempts}")


def _entry(path: Path, asset: str) -> dict[str, Any]:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(1 << 20):
            digest.update(piece)
    suffix = path.stem.removeprefix(asset).lstrip("_")
    return {
        "name": path.name,
        "role": suffix if suffix in _ROLES else "model",
        "format": path.suffix.lstrip(".").lower(),
        "bytes": path.stat().st_size,
        "media_type": media_type_of(path.name),
        "sha256": digest.hexdigest(),
    }
