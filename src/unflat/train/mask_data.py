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
from jaxtyping import UInt8
from torch import Tensor

from unflat.core import InputError
from unflat.synth.environments import EnvironmentLibrary, Split
from unflat.synth.mask_views import MaskView, mask_views, random_cast
from unflat.synth.objects import open_library

VIEWS_PER_SHARD = 400
_CROP_KEEPS = 0.6
"""A crop that leaves less of the object than this would teach to see it where it is not."""


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
        picture = np.asarray(cv2.imdecode(image, cv2.IMREAD_COLOR))
        return picture[..., ::-1], np.asarray(cv2.imdecode(alpha, cv2.IMREAD_GRAYSCALE))


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
    window = (slice(top, top + height), slice(left, left + width))
    cut = alpha[window]
    if cut.sum() < _CROP_KEEPS * alpha.sum():
        window, cut = (slice(0, side), slice(0, side)), alpha
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
