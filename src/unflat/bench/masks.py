"""Masks: scans on real surfaces in real places, which no training saw, cut out by each segmenter."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unflat.core import Context, InputError, Photo, View
from unflat.geometry.masks import intersection_over_union
from unflat.render.scene import build_scene
from unflat.stages.catalog import find_card
from unflat.stages.options import build
from unflat.synth.environments import EnvironmentLibrary
from unflat.synth.mask_views import MaskView, mask_view
from unflat.synth.objects import open_library
from unflat.synth.staging import BACKDROPS, Backdrop, Cast

METHODS = ("plain", "grabcut", "network", "auto")
PHOTO_PX = 384
_EMPTY = "no object"
_GOOD = 0.9
"""An overlap that needs no correction."""
_REFUSED_BELOW = 0.25
"""`auto` calls a picture without object what no backend is surer of than this."""
_EMPTY_PER_BACKDROP = 4


@dataclass(frozen=True)
class MaskRow:
    """One segmenter on one kind of background; on pictures without object, only `refused` means something."""

    method: str
    background: str
    photos: int
    iou: float
    """Mean overlap with the truth; a refusal counts 0."""
    good: float
    """Share with an overlap above 0.9."""
    refused: float
    """Share in which the segmenter found no object."""
    confidence_error: float
    """Mean of how far its confidence is from the overlap."""
    seconds: float
    """Median."""


@dataclass(frozen=True)
class _Answer:
    iou: float
    confidence: float
    seconds: float


def bench_masks(
    objects: Path,
    environments: Path,
    tell: Callable[[str], None],
    methods: tuple[str, ...] = METHODS,
    limit: int | None = None,
) -> list[MaskRow]:
    """One photo of each scan before each kind of background, and some without object; a line of the table per row."""
    photos = bench_photos(objects, environments, limit)
    tell(f"{'method':<10}{'background':<12}{'photos':>7}{'IoU':>7}{'>.9':>6}{'refused':>9}{'unsure':>8}{'seconds':>9}")
    rows = []
    for method in methods:
        backend = build(find_card("segment", method).load(), {}, where=f"segment backend “{method}”")
        for background, views in photos.items():
            answers = [_asked(backend, view, background, index) for index, view in enumerate(views)]
            row = _row(method, background, answers)
            rows.append(row)
            tell(
                f"{row.method:<10}{row.background:<12}{row.photos:>7}{row.iou:>7.3f}{row.good:>6.2f}"
                f"{row.refused:>9.2f}{row.confidence_error:>8.2f}{row.seconds:>9.2f}"
            )
    return rows


def bench_photos(objects: Path, environments: Path, limit: int | None = None) -> dict[str, list[MaskView]]:
    """The photos, by kind of background: held-out scans, places and surfaces; always the same."""
    library, places = open_library(objects), EnvironmentLibrary(environments)
    entries = [entry for entry in library.entries if entry.split == "bench"]
    entries = entries[:: max(1, len(entries) // limit)][:limit] if limit else entries
    scenes = [build_scene((library.part(entry),)) for entry in entries]
    around = [places.environment(entry) for entry in places.of_split("bench")]
    under = [places.surface(name) for name in places.surfaces_of_split("bench")]
    photos: dict[str, list[MaskView]] = {backdrop: [] for backdrop in BACKDROPS}
    for number, scene in enumerate(scenes):
        # the first of the cast is the main object: clutter comes from the others
        cast = Cast([scene, *scenes[:number], *scenes[number + 1 :]], around, under)
        for kind, backdrop in enumerate(BACKDROPS):
            photos[backdrop].append(_photographed(cast, backdrop, (number, kind)))
    whole = Cast(scenes, around, under)
    photos[_EMPTY] = [
        mask_view(whole, backdrop, PHOTO_PX, np.random.default_rng((kind, number, 1)), empty=True)
        for kind, backdrop in enumerate(BACKDROPS)
        for number in range(_EMPTY_PER_BACKDROP)
    ]
    return photos


def _photographed(cast: Cast, backdrop: Backdrop, seed: tuple[int, int]) -> MaskView:
    return mask_view(cast, backdrop, PHOTO_PX, np.random.default_rng(seed), main=0)


def _asked(backend: Any, view: MaskView, background: str, number: int) -> _Answer:
    """What the segmenter makes of a photo; a refusal has no overlap and no confidence."""
    photo = Photo(view.image, name=f"{background} {number}")
    start = time.perf_counter()
    try:
        found = backend(photo, Context())
    except InputError:
        return _Answer(0.0, 0.0, time.perf_counter() - start)
    seconds = time.perf_counter() - start
    assert isinstance(found, View) and found.mask is not None
    return _Answer(intersection_over_union(found.mask.solid, view.alpha > 0.5), found.mask.confidence, seconds)


def _row(method: str, background: str, answers: list[_Answer]) -> MaskRow:
    overlap, confidence = (np.array([getattr(answer, name) for answer in answers]) for name in ("iou", "confidence"))
    return MaskRow(
        method,
        background,
        len(answers),
        float("nan") if background == _EMPTY else float(overlap.mean()),
        float("nan") if background == _EMPTY else float((overlap > _GOOD).mean()),
        float((confidence < _REFUSED_BELOW).mean()),
        float(np.abs(confidence - overlap).mean()),
        float(np.median([answer.seconds for answer in answers])),
    )
