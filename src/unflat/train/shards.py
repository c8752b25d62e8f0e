"""Packed views: tar files in WebDataset's manner, one member per picture, read in any order.

A view is ``<key>.image.jpg``, ``.back.jpg`` (colours), ``.masks.png`` (true mask, given mask, thickness as R, G, B),
``.depth.png`` (16 bits, front above back), ``.normal.png`` (front above back), ``.filled.bin`` (packed bits) and
``.json`` (up, tan_half_fov, size). Every tool that knows WebDataset can stream them from many machines.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np

from unflat.core import InputError
from unflat.synth.object_views import BIN_STRIDE, BINS, ObjectView

_DEPTH_RANGE = 4.0
"""Depths of -4 to 4 half squares fit into 16 bits; 0 is unknown."""
_JPEG_QUALITY = 92


def write_shard(path: Path, views: Iterable[tuple[str, ObjectView]]) -> None:
    """All views with their keys in one tar, which appears only when it is whole."""
    partial = path.with_suffix(".partial")
    with tarfile.open(partial, "w", format=tarfile.USTAR_FORMAT) as shard:
        for key, view in views:
            for ending, content in _packed(view).items():
                member = tarfile.TarInfo(f"{key}.{ending}")
                member.size = len(content)
                shard.addfile(member, io.BytesIO(content))
    partial.replace(path)


class PackedViews:
    """The views of all shards in a folder, by number. Safe to read from several threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._files: dict[str, int] = {}
        self._members: list[tuple[int, dict[str, tuple[int, int]]]] = []
        self.refresh()
        if not self._members:
            raise InputError(
                f"There are no packed views in {folder}.",
                code="no-shards",
                hint="Make some: unflat train data --objects FOLDER -o FOLDER",
            )

    def __len__(self) -> int:
        return len(self._members)

    def refresh(self) -> None:
        """Take in shards that have appeared since, in the order of their names."""
        for path in sorted(self._folder.glob("*.tar")):
            if path.name in self._files:
                continue
            self._files[path.name] = os.open(path, os.O_RDONLY)
            views: dict[str, dict[str, tuple[int, int]]] = {}
            with tarfile.open(path) as shard:
                for member in shard:
                    key, ending = member.name.split(".", 1)
                    views.setdefault(key, {})[ending] = (member.offset_data, member.size)
            self._members.extend((self._files[path.name], views[key]) for key in sorted(views))

    def close(self) -> None:
        """Close all files."""
        for file in self._files.values():
            os.close(file)
        self._files.clear()
        self._members.clear()

    def view(self, index: int) -> ObjectView:
        """One view, unpacked. About 3 ms at 128 pixels."""
        file, members = self._members[index]
        return _unpacked({ending: os.pread(file, size, start) for ending, (start, size) in members.items()})


def _packed(view: ObjectView) -> dict[str, bytes]:
    masks = np.stack([view.alpha, view.given_alpha, np.clip(view.thickness / 2, 0, 1)], axis=-1)
    depth = np.concatenate([view.front, view.back])
    steps = np.rint((depth + _DEPTH_RANGE) / (2 * _DEPTH_RANGE) * 65534) + 1
    normal = np.concatenate([view.front_normal, view.back_normal])
    facts = {"up": view.up.tolist(), "tan_half_fov": view.tan_half_fov, "size": len(view.alpha)}
    return {
        "image.jpg": _jpeg(view.image),
        "back.jpg": _jpeg(view.back_color),
        "masks.png": _png(np.rint(masks * 255).astype(np.uint8)),
        "depth.png": _png(np.where(np.isnan(depth), 0, np.clip(np.nan_to_num(steps), 1, 65535)).astype(np.uint16)),
        "normal.png": _png(np.rint(normal * 127 + 128).astype(np.uint8)),
        "filled.bin": np.packbits(view.filled).tobytes(),
        "json": json.dumps(facts).encode(),
    }


def _unpacked(content: dict[str, bytes]) -> ObjectView:
    facts = json.loads(content["json"])
    masks = _picture(content["masks.png"]).astype(np.float32) / 255
    steps = _picture(content["depth.png"])
    depth = (steps.astype(np.float32) - 1) / 65534 * (2 * _DEPTH_RANGE) - _DEPTH_RANGE
    depth[steps == 0] = np.nan
    normal = (_picture(content["normal.png"]).astype(np.float32) - 128) / 127
    coarse, size = facts["size"] // BIN_STRIDE, facts["size"]
    bits = np.unpackbits(np.frombuffer(content["filled.bin"], np.uint8))[: BINS * coarse * coarse]
    return ObjectView(
        _picture(content["image.jpg"]), masks[..., 0], masks[..., 1], masks[..., 2] * 2, depth[:size], depth[size:],
        normal[:size], normal[size:], _picture(content["back.jpg"]), bits.reshape(BINS, coarse, coarse),
        np.array(facts["up"], np.float32), float(facts["tan_half_fov"]),
    )  # fmt: skip


def _jpeg(image: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1].tobytes()


def _png(image: np.ndarray) -> bytes:
    swapped = image[..., ::-1] if image.ndim == 3 else image
    return cv2.imencode(".png", swapped, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()


def _picture(content: bytes) -> np.ndarray:
    image = np.asarray(cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED))
    return image[..., ::-1] if image.ndim == 3 else image
