"""Photos to learn masks from, and to measure them on: objects in places, each with its true mask."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from unflat.render.scene import Scene, build_scene
from unflat.synth.environments import EnvironmentLibrary, Split
from unflat.synth.objects import ObjectLibrary
from unflat.synth.photographic import photographed
from unflat.synth.places import photograph_place
from unflat.synth.random_textures import random_texture
from unflat.synth.staging import BACKDROPS, Backdrop, Cast, exposed, random_place

_OBJECTS, _PLACES, _SURFACES = 130, 24, 12
"""A cast has so many, so that each is made ready once for many pictures."""
_SHARE_OF = {"white": 0.08, "studio": 0.16, "gradient": 0.1, "busy": 0.22, "placed": 0.44}
"""How often each backdrop comes."""
_EMPTY = 0.06
"""Share of pictures without any object."""
_REPAINTED = 0.1
"""Share of coloured objects that get a random texture nevertheless; plain ones always do."""
_LEAST_SEEN = 0.012
"""Share of the frame that the main object must cover."""
_TRIES = 4
_LENS_BLUR = 0.55
"""Pixels over which the lens spreads an edge that was rendered with one ray a pixel."""


@dataclass(frozen=True, eq=False)
class MaskView:
    """A photo and its true mask, which is empty where there is no object."""

    image: UInt8[np.ndarray, "s s 3"]
    alpha: Float32[np.ndarray, "s s"]
    backdrop: Backdrop


def random_cast(library: ObjectLibrary, places: EnvironmentLibrary, split: Split, rng: np.random.Generator) -> Cast:
    """Objects, places and surfaces of one split, enough for some hundred pictures."""
    entries = [entry for entry in library.entries if entry.split == split]
    chosen = rng.permutation(len(entries))[:_OBJECTS]
    scenes: list[Scene] = []
    for index in chosen:
        part = library.part(entries[index])
        if split == "train" and (entries[index].uniform_colour or rng.random() < _REPAINTED):
            part = random_texture(part, rng)
        scenes.append(build_scene((part,)))
    around = rng.permutation(np.array(places.of_split(split), object))[:_PLACES]
    under = rng.permutation(np.array(places.surfaces_of_split(split), object))[:_SURFACES]
    return Cast(scenes, [places.environment(entry) for entry in around], [places.surface(str(name)) for name in under])


def mask_views(cast: Cast, size_px: int, count: int, rng: np.random.Generator) -> Iterator[MaskView]:
    """Random views of the cast, some of them without an object."""
    names, shares = list(_SHARE_OF), np.array(list(_SHARE_OF.values()))
    for _ in range(count):
        backdrop: Backdrop = BACKDROPS[int(rng.choice(len(names), p=shares / shares.sum()))]
        yield mask_view(cast, backdrop, size_px, rng, empty=bool(rng.random() < _EMPTY))


def mask_view(
    cast: Cast,
    backdrop: Backdrop,
    size_px: int,
    rng: np.random.Generator,
    *,
    empty: bool = False,
    main: int | None = None,
) -> MaskView:
    """One photo before this backdrop. The main object is surely seen, and larger than all others, unless `empty`.

    `main` says which object of the cast it is; without, any.
    """
    for attempt in range(_TRIES):
        place = random_place(cast, backdrop, rng, size_px, clutter=attempt == 0, empty=empty, main=main)
        seen = photograph_place(place, rng)
        share = float(seen.main.mean())
        if empty or (share > _LEAST_SEEN and share > 0.8 * float(seen.others.mean())):
            break
    linear = exposed(seen.linear, seen.main, rng) if backdrop in ("busy", "placed") else seen.linear
    linear = np.minimum(cv2.GaussianBlur(np.minimum(linear, 8), (0, 0), _LENS_BLUR), 4)
    alpha = cv2.GaussianBlur(seen.main, (0, 0), _LENS_BLUR)
    whole, nothing = np.ones_like(alpha), np.zeros_like(linear)
    return MaskView(photographed(linear, whole, nothing, rng), np.asarray(alpha, np.float32), backdrop)
