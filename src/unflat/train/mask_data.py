"""Data for the mask network: objects are photographed in places into shards, shards become batches."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from jaxtyping import Float32, UInt8
from torch import Tensor

from unflat.core import InputError
from unflat.render.scene import Scene, build_scene
from unflat.synth.environments import EnvironmentLibrary, Split
from unflat.synth.objects import ObjectLibrary, open_library
from unflat.synth.photographic import photographed
from unflat.synth.places import photograph_place
from unflat.synth.random_textures import random_texture
from unflat.synth.staging import BACKDROPS, Backdrop, Cast, exposed, random_place

VIEWS_PER_SHARD = 400
_OBJECTS_PER_SHARD, _PLACES_PER_SHARD, _SURFACES_PER_SHARD = 130, 24, 12
"""A shard draws its pictures from so many, so that each is made ready once."""
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


@dataclass(frozen=True)
class MaskDataOptions:
    """What is made."""

    objects: Path
    environments: Path
    folder: Path
    shards: int = 25
    size_px: int = 256
    seed: int = 0
    split: Split = "train"


@dataclass(frozen=True, eq=False)
class MaskView:
    """A photo and its true mask, which is empty where there is no object."""

    image: UInt8[np.ndarray, "s s 3"]
    alpha: Float32[np.ndarray, "s s"]
    backdrop: Backdrop


def make_mask_shards(options: MaskDataOptions, tell: Callable[[str], None]) -> None:
    """Photograph objects in places into shards; those that exist are kept. About ten views a second and core.

    A shard depends on the seed and its number alone, so several machines can each make some of them.
    """
    options.folder.mkdir(parents=True, exist_ok=True)
    library, places = open_library(options.objects), EnvironmentLibrary(options.environments)
    for number in range(options.shards):
        path = options.folder / f"masks-{options.seed:03d}-{number:05d}.tar"
        if path.exists():
            continue
        rng = np.random.default_rng((options.seed, number))
        cast = random_cast(library, places, options.split, rng)
        _write(path, mask_views(cast, options.size_px, VIEWS_PER_SHARD, rng))
        tell(f"{path.name}  {number + 1}/{options.shards}")


def random_cast(
    library: ObjectLibrary, places: EnvironmentLibrary, split: Split, rng: np.random.Generator
) -> Cast:
    """Objects, places and surfaces of one split, enough for a shard."""
    entries = [entry for entry in library.entries if entry.split == split]
    chosen = rng.permutation(len(entries))[:_OBJECTS_PER_SHARD]
    scenes: list[Scene] = []
    for index in chosen:
        part = library.part(entries[index])
        if split == "train" and (entries[index].uniform_colour or rng.random() < _REPAINTED):
            part = random_texture(part, rng)
        scenes.append(build_scene((part,)))
    around = rng.permutation(np.array(places.of_split(split), object))[:_PLACES_PER_SHARD]
    under = rng.permutation(np.array(places.surfaces_of_split(split), object))[:_SURFACES_PER_SHARD]
    return Cast(scenes, [places.environment(entry) for entry in around], [places.surface(str(name)) for name in under])


def mask_views(cast: Cast, size_px: int, count: int, rng: np.random.Generator) -> Iterator[MaskView]:
    """Random views of the cast, some of them without an object."""
    names, shares = list(_SHARE_OF), np.array(list(_SHARE_OF.values()))
    for _ in range(count):
        backdrop: Backdrop = BACKDROPS[int(rng.choice(len(names), p=shares / shares.sum()))]
        yield mask_view(cast, backdrop, size_px, rng, empty=bool(rng.random() < _EMPTY))


def mask_view(
    cast: Cast, backdrop: Backdrop, size_px: int, rng: np.random.Generator, *, empty: bool = False
) -> MaskView:
    """One photo before this backdrop. The main object is surely seen, and larger than all others, unless `empty`."""
    for attempt in range(_TRIES):
        place = random_place(cast, backdrop, rng, size_px, clutter=attempt == 0, empty=empty)
        seen = photograph_place(place, rng)
        share = float(seen.main.mean())
        if empty or (share > _LEAST_SEEN and share > 0.8 * float(seen.others.mean())):
            break
    linear = exposed(seen.linear, seen.main, rng) if backdrop in ("busy", "placed") else seen.linear
    linear = np.minimum(cv2.GaussianBlur(np.minimum(linear, 8), (0, 0), _LENS_BLUR), 4)
    alpha = cv2.GaussianBlur(seen.main, (0, 0), _LENS_BLUR)
    whole, nothing = np.ones_like(alpha), np.zeros_like(linear)
    return MaskView(photographed(linear, whole, nothing, rng), np.asarray(alpha, np.float32), backdrop)


class PackedMasks:
    """The views of all mask shards in a folder, packed in memory: about 20 kB each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: set[str] = set()
        self._views: list[tuple[bytes, bytes]] = []
        self.refresh()
        if not self._views:
            raise InputError(
                f"There are no mask shards in {folder}.",
                code="no-shards",
                hint="Make some: unflat train mask-data --objects FOLDER --environments FOLDER -o FOLDER",
            )

    def __len__(self) -> int:
        return len(self._views)

    def refresh(self) -> None:
        """Take in shards that have appeared since, in the order of their names."""
        for path in sorted(self._folder.glob("masks-*.tar")):
            if path.name in self._known:
                continue
            self._known.add(path.name)
            with tarfile.open(path) as shard:
                contents = [_content(shard, member) for member in shard]
            self._views.extend(zip(contents[::2], contents[1::2], strict=True))

    def view(self, index: int) -> tuple[UInt8[np.ndarray, "s s 3"], UInt8[np.ndarray, "s s"]]:
        """Photo and mask, 0..255."""
        image, alpha = (np.frombuffer(content, np.uint8) for content in self._views[index])
        picture = cv2.imdecode(image, cv2.IMREAD_COLOR)[..., ::-1]
        return np.asarray(picture), np.asarray(cv2.imdecode(alpha, cv2.IMREAD_GRAYSCALE))


class MaskBatches:
    """Batches by step: the same step gives the same batch, so that training goes on exactly where it stopped."""

    def __init__(self, views: PackedMasks, *, seed: int, augment: bool = True) -> None:
        self._views, self._seed, self._augment = views, seed, augment

    def batch(self, step: int, count: int, size_px: int, rank: int = 0) -> dict[str, Tensor]:
        """`count` views of this size: ``image`` (n, 3, s, s) sRGB 0..1 and ``alpha`` (n, 1, s, s)."""
        rng = np.random.default_rng((self._seed, step, rank))
        images, alphas = [], []
        for index in rng.integers(len(self._views), size=count):
            image, alpha = self._views.view(int(index))
            image, alpha = _varied(image, alpha, size_px, rng) if self._augment else _sized(image, alpha, size_px)
            images.append(image.transpose(2, 0, 1).astype(np.float32) / 255)
            alphas.append(alpha[None].astype(np.float32) / 255)
        return {"image": torch.from_numpy(np.stack(images)), "alpha": torch.from_numpy(np.stack(alphas))}


def _sized(image: np.ndarray, alpha: np.ndarray, size_px: int) -> tuple[np.ndarray, np.ndarray]:
    size = (size_px, size_px)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA), cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)


def _varied(
    image: np.ndarray, alpha: np.ndarray, size_px: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A crop of 70 to 100 %, stretched, mirrored, with another brightness, contrast, saturation and sharpness."""
    side = len(image)
    height, width = (int(side * rng.uniform(0.7, 1.0)) for _ in range(2))
    if rng.random() < 0.5:
        height = width = side
    top, left = int(rng.integers(side - height + 1)), int(rng.integers(side - width + 1))
    window = np.s_[top : top + height, left : left + width]
    cut = alpha[window]
    # a crop that leaves little of the object would teach to see it where it is not
    if cut.sum() < 0.6 * alpha.sum():
        window, cut = np.s_[:, :], alpha
    image, alpha = _sized(np.ascontiguousarray(image[window]), np.ascontiguousarray(cut), size_px)
    if rng.random() < 0.5:
        image, alpha = image[:, ::-1], alpha[:, ::-1]
    color = image.astype(np.float32)
    grey = color.mean(axis=2, keepdims=True)
    color = grey + (color - grey) * np.float32(rng.uniform(0.3, 1.5))
    color = (color - 128) * np.float32(rng.uniform(0.75, 1.3)) + 128 + np.float32(rng.uniform(-25, 25))
    color *= rng.uniform(0.92, 1.08, 3).astype(np.float32)
    if rng.random() < 0.2:
        color = cv2.GaussianBlur(color, (0, 0), rng.uniform(0.5, 1.5))
    elif rng.random() < 0.2:
        color = color + (color - cv2.GaussianBlur(color, (0, 0), 1.0)) * np.float32(rng.uniform(0.3, 1.5))
    return np.clip(color, 0, 255), alpha


def _write(path: Path, views: Iterator[MaskView]) -> None:
    """All views in one tar, which appears only when it is whole."""
    partial = path.with_suffix(".partial")
    with tarfile.open(partial, "w", format=tarfile.USTAR_FORMAT) as shard:
        for number, view in enumerate(views):
            image = cv2.imencode(".jpg", view.image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 93])[1].tobytes()
            alpha = cv2.imencode(".png", np.rint(np.clip(view.alpha, 0, 1) * 255).astype(np.uint8))[1].tobytes()
            for ending, content in (("image.jpg", image), ("mask.png", alpha)):
                member = tarfile.TarInfo(f"{number:05d}.{ending}")
                member.size = len(content)
                shard.addfile(member, io.BytesIO(content))
    partial.replace(path)


def _content(shard: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = shard.extractfile(member)
    assert file is not None
    with file:
        return file.read()
