"""The segment stage over many photos: one at a time, each mask kept in a file as soon as it is there."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from unflat.core import Context, Drawing, InputError, Mask, Photo, View, Views
from unflat.io.atomic import write_atomically
from unflat.io.mapped import let_go, mapped, open_mapped
from unflat.pipeline.intake import Intake

_EVERYTHING = 0.98
"""A mask that covers more of the photo than this says nothing."""
_NOTHING = "nothing-in-picture"


@dataclass(frozen=True)
class _Found:
    """What became of one photo: a mask, or a sentence that says why there is none."""

    mask: Mask | None
    why_none: str = ""


def segmented(
    segmenter: Callable[[Photo, Context], View | Drawing], intake: Intake, context: Context, *, needed: bool
) -> Views | Drawing:
    """The intake's photos with their masks, in order; or the drawing that a photo turned out to be.

    Where masks are `needed`, a photo without an object is refused with ``nothing-in-picture``. Where they only help, a
    mask that would be empty, or cover all of its photo, is left out with a warning, and the photo counts whole. Masks
    lie in the context's workspace, from which a run that was stopped goes on; one photo at a time is in memory.
    """
    folder = context.workspace() if len(intake.photos) > 1 else None
    views = []
    for index, photo in enumerate(intake.photos):
        share = context.part(index / len(intake.photos), (index + 1) / len(intake.photos))
        path = None if folder is None else folder / f"mask-{index:04d}"
        found = _kept(path)
        if found is None:
            made = _made(segmenter, photo, share, needed=needed)
            if isinstance(made, Drawing):
                return made
            found = made if path is None else _keep(path, made)
        if found.why_none:
            context.warn(f"“{photo.name}” counts whole: {found.why_none}.")
        views.append(View(photo, found.mask, intake.cameras.get(photo.name), intake.depth))
        let_go(photo.pixels, *([] if found.mask is None else [found.mask.alpha]))
        share.progress(1.0)
    return Views(tuple(views))


def _made(
    segmenter: Callable[[Photo, Context], View | Drawing], photo: Photo, context: Context, *, needed: bool
) -> _Found | Drawing:
    try:
        made = segmenter(photo, context)
    except InputError as error:
        if needed or error.code != _NOTHING:
            raise
        return _Found(None, "no object was found in it")
    if isinstance(made, Drawing):
        return made
    mask = made.mask
    if mask is not None and not needed and mask.solid.mean() > _EVERYTHING:
        return _Found(None, "its mask covers all of it")
    return _Found(mask)


def _keep(path: Path, found: _Found) -> _Found:
    """Write the mask, and beside it what is known of it, last: where that lies, the mask is whole."""
    said: dict[str, Any] = {"why_none": found.why_none}
    mask = found.mask
    if mask is not None:
        mask = replace(mask, alpha=mapped(path.with_suffix(".npy"), mask.alpha))
        said |= {"made_by": mask.made_by, "confidence": mask.confidence}
    write_atomically(path.with_suffix(".json"), json.dumps(said).encode())
    return replace(found, mask=mask)


def _kept(path: Path | None) -> _Found | None:
    """What an earlier run found; None where it did not come so far, or where a file is damaged."""
    if path is None:
        return None
    try:
        said = json.loads(path.with_suffix(".json").read_text("utf-8"))
        if "made_by" not in said:
            return _Found(None, str(said["why_none"]))
        return _Found(Mask(open_mapped(path.with_suffix(".npy")), str(said["made_by"]), float(said["confidence"])))
    except (OSError, ValueError, KeyError, TypeError, InputError):
        return None
