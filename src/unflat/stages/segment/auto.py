"""The mask that needs no thought: the file's own alpha, else our network, else a plain background, else GrabCut."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from unflat.core import Context, Drawing, InputError, Mask, Photo, RecipeError, View
from unflat.geometry.masks import intersection_over_union
from unflat.stages.catalog import find_card
from unflat.stages.options import build

_TRANSPARENT_BELOW = 128
"""Alpha under this (of 255) is more background than object."""
_MEANINGFUL_SHARE = 0.002
"""An alpha channel says something if it leaves at least this share of the picture out, and as much in."""
_HOPELESS = 0.25
"""Below this confidence no backend saw an object: textures, crowds and landscapes end here."""
_KNOWING, _FINE, _CREDULOUS = "network", "plain", "grabcut"
"""The first can tell that there is no object, in a coarse picture; the second follows every pixel before a plain
background, but takes shadows for object; the third finds an object in anything, and is not asked if there is none."""
_CERTAIN = 0.9
"""Confidence of the network from which its outline needs no second opinion."""
_FLAT, _AGREEMENT = 0.95, 0.8
"""From this confidence on, and if it overlaps the network's this much, the finer outline is taken."""


@dataclass(frozen=True)
class Auto:
    """Tries backends from the surest to the boldest until one is confident; takes the best."""

    box: tuple[int, int, int, int] | None = None
    """The object's box in pixels: left, top, right, bottom. Goes to the backends that take one."""
    clicks: tuple[int, ...] = ()
    """Points on the object in pixels: x, y, x, y … Goes to the backends that take them."""
    background_clicks: tuple[int, ...] = ()
    """Points beside the object in pixels: x, y, x, y …"""
    order: tuple[str, ...] = ("given", "network", "plain", "grabcut")
    """Backends to try, in this order."""
    threshold: float = 0.6
    """Confidence 0..1 from which a mask is taken without trying the next backend."""

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise _bad("threshold", self.threshold, "0 to 1")
        if not self.order or "auto" in self.order:
            raise _bad(
                "order", ",".join(self.order) or "empty", "names of other segment backends, such as plain,grabcut"
            )
        for name in self.order:
            find_card("segment", name)

    def __call__(self, photo: Photo, context: Context) -> View:
        """The photo with the most convincing mask. Raises `InputError` where no backend finds an object."""
        tried: dict[str, Mask | None] = {}
        candidates = self._candidates(photo)
        for place, name in enumerate(candidates):
            if self._is_worth_asking(name, tried):
                share = context.part(place / len(candidates), (place + 1) / len(candidates))
                tried[name] = self._try(name, photo, share)
        best = self._best({name: mask for name, mask in tried.items() if mask is not None})
        if best is None or (best.confidence < _HOPELESS and not self._is_marked):
            raise InputError(
                f"There is no clear object in “{photo.name}” (tried {', '.join(candidates)}).",
                code="nothing-in-picture",
                hint="Give a picture with one clear object, or mark it with --box or --mask; a landscape or a room is "
                "a scene: give its depth map and take --recipe scene, which makes a relief of it.",
            )
        if best.confidence < self.threshold:
            context.warn("The mask is uncertain; check it or give --box/--mask.")
        return View(photo, best)

    def _is_worth_asking(self, name: str, tried: Mapping[str, Mask | None]) -> bool:
        surest = max((mask.confidence for mask in tried.values() if mask is not None), default=0.0)
        if name == _FINE and _KNOWING in tried:
            return surest < _CERTAIN
        known = tried.get(_KNOWING)
        sees_nothing = _KNOWING in tried and (known is None or known.confidence < _HOPELESS)
        if name == _CREDULOUS and sees_nothing and not self._is_marked:
            return False
        return surest < self.threshold

    def _best(self, found: Mapping[str, Mask]) -> Mask | None:
        """The surest; but where the network knows an object, a plain background only makes its outline finer."""
        known, fine = found.get(_KNOWING), found.get(_FINE)
        if known is not None and known.confidence >= self.threshold:
            is_flat = fine is not None and fine.confidence >= _FLAT
            agree = fine is not None and intersection_over_union(known.solid, fine.solid) >= _AGREEMENT
            return fine if is_flat and agree else known
        return max(found.values(), key=lambda mask: mask.confidence, default=None)

    @property
    def _is_marked(self) -> bool:
        return self.box is not None or bool(self.clicks or self.background_clicks)

    def _candidates(self, photo: Photo) -> tuple[str, ...]:
        """The backends worth trying: alpha only if it says something; where the user marks, those that listen."""
        names = [name for name in self.order if name != "given" or has_meaningful_alpha(photo)]
        if self._is_marked:
            names = [name for name in names if self._marks_for(name)]
        if not names:
            wanted = "takes a box or clicks" if self._is_marked else "fits this picture"
            raise RecipeError(
                f"None of the backends {', '.join(self.order)} {wanted}.",
                code="bad-option",
                hint="Add grabcut to segment.order.",
            )
        return tuple(names)

    def _marks_for(self, name: str) -> dict[str, object]:
        """The user's marks that the backend has options for."""
        known = {field.name for field in dataclasses.fields(find_card("segment", name).load())}
        marks = {"box": self.box, "clicks": self.clicks, "background_clicks": self.background_clicks}
        return {option: value for option, value in marks.items() if value and option in known}

    def _try(self, name: str, photo: Photo, context: Context) -> Mask | None:
        """One backend's mask; None where it finds nothing."""
        backend = build(find_card("segment", name).load(), self._marks_for(name), where=f"segment backend “{name}”")
        try:
            result: View | Drawing = backend(photo, context)
        except InputError as error:
            if error.code != "nothing-in-picture":
                raise
            return None
        if isinstance(result, Drawing) or result.mask is None:
            raise _bad("order", name, "backends that give a mask of the photo as it is")
        return result.mask


def has_meaningful_alpha(photo: Photo) -> bool:
    """Whether the file's alpha separates something: neither opaque nor transparent (almost) everywhere."""
    if photo.alpha is None:
        return False
    share = float((photo.alpha < _TRANSPARENT_BELOW).mean())
    return _MEANINGFUL_SHARE <= share <= 1 - _MEANINGFUL_SHARE


def _bad(name: str, value: object, expected: str) -> RecipeError:
    return RecipeError(f"segment.{name} can't be {value}.", code="bad-option", hint=f"Give {expected}.")
