"""Data for the single-photo network: objects are photographed into shards, shards become batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from unflat.core import InputError, Part
from unflat.geometry.visible_solid import visible_solid
from unflat.render.scene import build_scene
from unflat.synth.drawn import drawn_version
from unflat.synth.object_views import ObjectView, ViewStyle, photograph_object
from unflat.synth.objects import ObjectEntry, ObjectLibrary, open_library
from unflat.synth.procedural import procedural_object
from unflat.synth.random_textures import random_texture
from unflat.train.shards import PackedViews, write_shard

VIEWS_PER_OBJECT = 4
VIEWS_PER_SHARD = 512
_SOLID_RESOLUTION = 48
_PROCEDURAL = 0.5
"""Share of made-up objects: half of those are goods, which shops photograph and libraries of models lack."""
_TEXTURED = 2.0
"""Objects with a texture of their own come so often for one with plain colours: real things look more like them."""
_REPAINTED = 0.15
"""Share of coloured objects that get a random texture nevertheless; plain ones always do."""
_DRAWN = 0.08
"""Share of views that are drawn."""


@dataclass(frozen=True)
class DataOptions:
    """What is made."""

    objects: Path
    folder: Path
    environments: Path | None = None
    views: int = 60_000
    size_px: int = 128
    seed: int = 0


def make_shards(options: DataOptions, tell: Callable[[str], None]) -> None:
    """Photograph objects into shards until there are enough; shards that exist are kept. 25 views a second and core.

    A shard depends on the seed and its number alone, so several machines can each make some of them.
    """
    options.folder.mkdir(parents=True, exist_ok=True)
    library = open_library(options.objects)
    entries = tuple(entry for entry in library.entries if entry.split == "train")
    environments = read_environments(options.environments)
    style = ViewStyle(options.size_px, environments)
    count = -(-options.views // VIEWS_PER_SHARD)
    for number in range(count):
        path = options.folder / f"views-{options.seed:03d}-{number:05d}.tar"
        if path.exists():
            continue
        rng = np.random.default_rng((options.seed, number))
        write_shard(path, _views(library, entries, style, rng))
        tell(f"{path.name}  {number + 1}/{count}")


def read_environments(folder: Path | None) -> tuple[np.ndarray, ...]:
    """The linear light of all places in the folder; none where it is not given."""
    if folder is None:
        return ()
    return tuple(np.load(path).astype(np.float32) for path in sorted(folder.glob("*.npy")))


def _views(
    library: ObjectLibrary, entries: tuple[ObjectEntry, ...], style: ViewStyle, rng: np.random.Generator
) -> Iterator[tuple[str, ObjectView]]:
    made = 0
    while made < VIEWS_PER_SHARD:
        part = _random_part(library, entries, rng)
        scene = build_scene((part,))
        solid = visible_solid(part.mesh, _SOLID_RESOLUTION)
        for _ in range(min(VIEWS_PER_OBJECT, VIEWS_PER_SHARD - made)):
            try:
                view = photograph_object(scene, solid, rng, style)
            except InputError:
                continue
            if rng.random() < _DRAWN:
                view = _drawn(view, rng)
            yield f"{made:05d}", view
            made += 1


def _random_part(library: ObjectLibrary, entries: tuple[ObjectEntry, ...], rng: np.random.Generator) -> Part:
    if rng.random() < _PROCEDURAL:
        return procedural_object(int(rng.integers(2**31)))
    weights = np.array([_TEXTURED if entry.textured else 1.0 for entry in entries])
    entry = entries[int(rng.choice(len(entries), p=weights / weights.sum()))]
    part = library.part(entry)
    return random_texture(part, rng) if entry.uniform_colour or rng.random() < _REPAINTED else part


class Batches:
    """Batches by step: the same step gives the same batch, so that training goes on exactly where it stopped."""

    def __init__(self, views: PackedViews, *, seed: int, augment: bool = True) -> None:
        self._views, self._seed, self._augment = views, seed, augment

    def batch(self, step: int, count: int, size_px: int, rank: int = 0) -> dict[str, Tensor]:
        """`count` views of this size. Names as the network's inputs and outputs, ``inside`` where losses count."""
        rng = np.random.default_rng((self._seed, step, rank))
        picked = rng.integers(len(self._views), size=count)
        rows = [view_arrays(self._views.view(int(index)), size_px, rng if self._augment else None) for index in picked]
        return {name: torch.from_numpy(np.stack([row[name] for row in rows])) for name in rows[0]}


def view_arrays(view: ObjectView, size_px: int, rng: np.random.Generator | None = None) -> dict[str, np.ndarray]:
    """A view as channels-first arrays at this size; with `rng`, mirrored and recoloured at random."""
    flip = rng is not None and rng.random() < 0.5
    nearest = ((np.arange(size_px) + 0.5) * len(view.alpha) / size_px).astype(int)
    pick = np.ix_(nearest, nearest[::-1] if flip else nearest)
    mirror = np.array([-1, 1, 1] if flip else [1, 1, 1], np.float32)

    def smooth(image: np.ndarray) -> np.ndarray:
        method = cv2.INTER_AREA if size_px < len(view.alpha) else cv2.INTER_LINEAR
        resized = cv2.resize(image, (size_px, size_px), interpolation=method)
        return resized[:, ::-1] if flip else resized

    image = smooth(view.image).astype(np.float32) / 255
    back_color = smooth(view.back_color).astype(np.float32) / 255
    if rng is not None:
        gain = (rng.uniform(0.75, 1.25) * rng.uniform(0.93, 1.07, 3)).astype(np.float32)
        image, back_color = np.clip(image * gain, 0, 1), np.clip(back_color * gain, 0, 1)
    given = smooth(view.given_alpha)
    image = image * given[..., None] + np.float32(0.5) * (1 - given[..., None])
    front, back = view.front[pick], view.back[pick]
    inside = (np.isfinite(front) & np.isfinite(back)).astype(np.float32)
    coarse = ((np.arange(size_px // 8) + 0.5) * view.filled.shape[1] / (size_px // 8)).astype(int)
    filled = view.filled[:, coarse][:, :, coarse[::-1] if flip else coarse]
    return {
        "image": np.ascontiguousarray(image.transpose(2, 0, 1)),
        "mask": given[None].copy(),
        "thickness": smooth(view.thickness)[None].copy(),
        "front": np.nan_to_num(front)[None],
        "back": np.nan_to_num(back)[None],
        "front_normal": (view.front_normal[pick] * mirror).transpose(2, 0, 1).copy(),
        "back_normal": (view.back_normal[pick] * mirror).transpose(2, 0, 1).copy(),
        "back_color": np.ascontiguousarray(back_color.transpose(2, 0, 1)),
        "filled": filled.astype(np.float32),
        "up": view.up * mirror,
        "tan_half_fov": np.float32(view.tan_half_fov),
        "inside": inside[None],
    }


def _drawn(view: ObjectView, rng: np.random.Generator) -> ObjectView:
    """The view as a drawing; nobody drew its back, so the front's drawing stands for it."""
    drawing = drawn_version(view.image, view.alpha, view.front, view.front_normal, rng)
    return replace(view, image=drawing, back_color=drawing)
