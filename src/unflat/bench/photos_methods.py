"""The methods of the photo-set benchmark by name: our pipeline, one to compare with, and the truth as a bound."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast, get_args

from unflat.bench.photos_cases import Photographed
from unflat.bench.photos_engine import reconstruct_photos
from unflat.bench.photos_pixelmap import pixelmap_outcome, pixelmap_python
from unflat.bench.photos_truth import Outcome
from unflat.core import Asset, RecipeError
from unflat.pipeline.request import Quality

Method = Callable[[Photographed], Outcome]
_PIXELMAP_QUALITIES = ("low", "medium", "high")


def default_methods() -> tuple[str, ...]:
    """Our pipeline, the bound, and pixelmap-multiview if it is set up."""
    return ("unflat", "truth", *(("pixelmap",) if pixelmap_python() else ()))


def method_of(name: str) -> Method:
    """``unflat``, ``unflat:draft``, ``unflat:high``, ``truth``, ``pixelmap``, ``pixelmap:low``, ``pixelmap:high``.

    Raises `RecipeError` (``unknown-method``) for anything else.
    """
    base, _, quality = name.partition(":")
    if base == "unflat" and quality in ("", *get_args(Quality)):
        wanted = cast(Quality, quality or "standard")
        return lambda taken: reconstruct_photos(taken.paths, wanted)
    if base == "pixelmap" and quality in ("", *_PIXELMAP_QUALITIES):
        return lambda taken: pixelmap_outcome(taken.paths, quality or "medium")
    if name == "truth":
        return truth_itself
    raise RecipeError(
        f"“{name}” is no method of the photo-set benchmark.",
        code="unknown-method",
        hint="Name unflat, unflat:draft, unflat:high, pixelmap or truth.",
    )


def truth_itself(taken: Photographed) -> Outcome:
    """The scan with the true cameras: what the measures leave at best. Its base colour has no light baked in, so its
    PSNR is no bound."""
    return Outcome(Asset((taken.truth.part,), name=taken.truth.name), taken.truth.cameras, {}, 0.0, 0.0)
