"""What is wrong with a set of photos, in words: twins, photos that do not overlap, a camera that only turned."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise

from unflat.core import InputError, View, Views
from unflat.stages.pose.colmap_job import ColmapAnswer

_FEW_FEATURES = 150
"""A photo with fewer is blurred, dark or shows nothing but plain surfaces."""
_FEW_MATCHES = 30
"""Points shared with all others together; with fewer a photo does not overlap."""
_FLAT_SHARE = 0.7
"""Share of the pairs explained by a plane or a turn from which no depth can be told."""


def without_twins(source: Views, warn: Callable[[str], None]) -> Views:
    """The views without those whose picture is there already. Raises `InputError` where all are the same picture."""
    kept: list[View] = []
    twins: list[tuple[str, str]] = []
    seen: dict[int, str] = {}
    for view in source.items:
        digest = hash(view.photo.pixels.tobytes())
        if digest in seen:
            twins.append((view.photo.name, seen[digest]))
        else:
            seen[digest] = view.photo.name
            kept.append(view)
    if twins and len(kept) == 1:
        raise InputError(
            f"All {len(source.items)} photos are the same picture.",
            code="photos-identical",
            hint="Walk around the object and take photos from different sides; or give the one photo alone.",
        )
    for name, other in twins:
        warn(f"“{name}” is the same picture as “{other}” and was left out.")
    return Views(tuple(kept), source.tracks) if twins else source


def refuse_unplaceable(answer: ColmapAnswer, called: Mapping[str, str]) -> None:
    """Raise `InputError` with advice where no model was found. `called`: the user's names of COLMAP's pictures."""
    if answer.registered >= 2:
        return
    plain = [called[name] for name, count in answer.features.items() if count < _FEW_FEATURES]
    if len(plain) > len(called) / 2:
        raise InputError(
            f"{len(plain)} of {len(called)} photos show too little detail to be found again, such as “{plain[0]}”.",
            code="photos-without-detail",
            hint="Take sharp, well lit photos; put a plain object on a printed cloth or newspaper.",
        )
    if answer.pairs and answer.flat_pairs >= _FLAT_SHARE * len(answer.pairs):
        raise InputError(
            "The photos overlap, but they were taken from one place, or show a flat thing: nothing tells depth.",
            code="no-parallax",
            hint="Walk around the object instead of turning the camera; for a flat thing give one photo.",
        )
    alone, gap = _islands(answer, called)
    raise InputError(
        f"{alone} of {len(called)} photos do not overlap enough with the others.",
        code="photos-do-not-overlap",
        hint=f"Add pictures between {gap[0]} and {gap[1]}, each sharing two thirds with the next."
        if gap
        else "Take photos that share two thirds of what they show with the next.",
    )


def left_out_warnings(answer: ColmapAnswer, source: Views, placed: Views, names: tuple[str, ...]) -> list[str]:
    """For each photo that could not be placed, why."""
    there = set(placed.names)
    matched: dict[str, int] = {}
    for first, second, count in answer.pairs:
        matched[first] = matched.get(first, 0) + count
        matched[second] = matched.get(second, 0) + count
    warnings = []
    for name, called in zip(names, source.names, strict=True):
        if called in there:
            continue
        if answer.features.get(name, 0) < _FEW_FEATURES:
            reason = "it is blurred, dark or plain: too little in it can be found again"
        elif matched.get(name, 0) < _FEW_MATCHES:
            reason = "it does not overlap with the other photos"
        else:
            reason = "its place could not be told: its matches contradict each other"
        warnings.append(f"“{called}” was left out: {reason}.")
    if warnings:
        warnings.insert(0, f"{len(placed.items)} of {len(source.items)} photos could be placed.")
    return warnings


def _islands(answer: ColmapAnswer, called: Mapping[str, str]) -> tuple[int, tuple[str, str] | None]:
    """How many photos are outside the largest group that hangs together, and two neighbours that do not."""
    root = {name: name for name in called}

    def find(name: str) -> str:
        while root[name] != name:
            name = root[name]
        return name

    for first, second, count in answer.pairs:
        if count >= _FEW_MATCHES:
            root[find(first)] = find(second)
    groups: dict[str, int] = {}
    for name in called:
        groups[find(name)] = groups.get(find(name), 0) + 1
    order = list(called)
    for here, there in pairwise(order):
        if find(here) != find(there):
            return len(order) - max(groups.values()), (called[here], called[there])
    return len(order) - max(groups.values()), None
