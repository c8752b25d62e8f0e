"""What is wrong with a set of photos, in words: twins, photos that do not overlap, a camera that only turned."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import pairwise

import numpy as np

from unflat.core import InputError, Photo, View, Views
from unflat.io.mapped import let_go
from unflat.stages.pose.colmap_job import LENS_TOLD_FROM, ColmapAnswer

_MOST_SIDES = 6
_SIDES_HINT = " Or, if each shows another side, name them: --sides front,left,back,right."
"""What a few photos, a quarter turn apart, are better made with."""
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
    seen: dict[bytes, str] = {}
    for view in source.items:
        digest = _digest(view.photo)
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


def _digest(photo: Photo) -> bytes:
    """The same for the same pixels; they are read where they lie, and given back."""
    digest = hashlib.blake2b(repr(photo.pixels.shape).encode())
    digest.update(np.ascontiguousarray(photo.pixels).reshape(-1).data)
    let_go(photo.pixels)
    return digest.digest()


def refuse_unplaceable(answer: ColmapAnswer, called: Mapping[str, str], *, masked: bool = False) -> None:
    """Raise `InputError` with advice where no model was found. `called`: the user's names of COLMAP's pictures.

    `masked`: only what lies on masks was looked at. Codes: ``photos-without-detail``, ``no-parallax``,
    ``photos-do-not-overlap``, ``photos-contradict``.
    """
    if answer.registered >= 2:
        return
    plain = [called[name] for name, count in answer.features.items() if count < _FEW_FEATURES]
    if len(plain) > len(called) / 2:
        detail = "of the object's detail" if masked else "detail"
        raise InputError(
            f"{len(plain)} of {len(called)} photos show too little {detail} to be found again, such as “{plain[0]}”.",
            code="photos-without-detail",
            hint="Leave out --object if the object stood still: what stands around it tells where photos were taken."
            if masked
            else "Take sharp, well lit photos; put a plain object on a printed cloth or newspaper.",
        )
    if answer.turned or (answer.pairs and answer.flat_pairs >= _FLAT_SHARE * len(answer.pairs)):
        raise InputError(
            "The photos overlap, but they were taken from one place, or show a flat thing: nothing tells depth.",
            code="no-parallax",
            hint="Walk around the object instead of turning the camera; for a flat thing give one photo."
            + ("" if masked else " If the object was turned before a background that stood still, add --object."),
        )
    alone, gap = _islands(answer, called)
    if alone == 0:
        raise InputError(
            f"The {len(called)} photos share points, but no places of the camera explain them all.",
            code="photos-contradict",
            hint="Nothing may move while photos are taken; take more of them, in smaller steps."
            + ("" if masked else " If the object was turned before a background that stood still, add --object."),
        )
    raise InputError(
        f"{alone} of {len(called)} photos do not overlap enough with the others.",
        code="photos-do-not-overlap",
        hint=(_add_between(*gap) if gap else "Take photos that share two thirds of what they show with the next.")
        + (_SIDES_HINT if len(called) <= _MOST_SIDES else ""),
    )


def left_out_warnings(answer: ColmapAnswer, source: Views, placed: Views, names: tuple[str, ...]) -> list[str]:
    """How many photos could be placed, for each other one why not, and where more photos would help.

    `names` are COLMAP's, in the order of `source`. Nothing where all could be placed.
    """
    there = {name for name, called in zip(names, source.names, strict=True) if called in set(placed.names)}
    if len(there) == len(names):
        return []
    to_all, to_placed = Counter[str](), Counter[str]()
    for pair in answer.pairs:
        for one, other in (pair[:2], pair[1::-1]):
            to_all[one] += pair[2]
            to_placed[one] += pair[2] if other in there else 0
    warnings, apart = [f"{len(there)} of {len(names)} photos could be placed."], set()
    for name, view in zip(names, source.items, strict=True):
        if name in there:
            continue
        if answer.features.get(name, 0) < _FEW_FEATURES:
            what = "it" if view.mask is None else "the object in it"
            reason = f"{what} is blurred, dark or plain: too little can be found again"
        elif to_placed[name] >= _FEW_MATCHES:
            reason = "its place could not be told: its matches contradict each other"
        else:
            apart.add(name)
            alike = to_all[name] >= _FEW_MATCHES
            reason = f"it does not overlap with {'those that could be placed' if alike else 'the other photos'}"
        warnings.append(f"“{view.photo.name}” was left out: {reason}.")
    called = dict(zip(names, source.names, strict=True))
    for here, next_one in pairwise(names):
        if {here in there, next_one in there} == {True, False} and {here, next_one} & apart:
            between = _add_between(called[here], called[next_one])
            warnings.append(
                f"{len(apart)} of {len(names)} photos do not overlap with the others: {between[0].lower()}{between[1:]}"
            )
            break
    return warnings


def lens_warnings(placed: Views) -> list[str]:
    """That the lens is a guess, where neither EXIF tells it nor enough photos do."""
    unknown = sum(view.photo.focal_px is None for view in placed.items)
    if len(placed.items) >= LENS_TOLD_FROM or not unknown:
        return []
    return [
        f"The lens is a guess, so the depth may be stretched or bent: {unknown} of {len(placed.items)} photos tell no "
        f"focal length. Give the files as the camera wrote them, with EXIF, or at least {LENS_TOLD_FROM} photos."
    ]


def _add_between(first: str, second: str) -> str:
    return f"Add pictures between {first} and {second}, each sharing two thirds with the next."


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
    groups = Counter(find(name) for name in called)
    order = list(called)
    alone = len(order) - max(groups.values())
    for here, there in pairwise(order):
        if find(here) != find(there):
            return alone, (called[here], called[there])
    return alone, None
