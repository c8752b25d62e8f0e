"""What the user gave, read and judged: photos, and the mask, depth or cameras that go with them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from unflat.core import Camera, DepthMap, InputError, Mask, Photo
from unflat.io.camera_turn import camera_of_photo
from unflat.io.cameras import camera_for, read_cameras
from unflat.io.depth import DepthKind, read_depth
from unflat.io.mask import read_mask
from unflat.io.media import media_kind_of_file
from unflat.io.photo import read_photo
from unflat.pipeline.photo_store import SetReading, read_photo_set
from unflat.stages.segment.kind import kind_of_picture

Kind = Literal["photo", "photos", "drawing", "views"]
"""Kinds of source, as recipes name them."""

_AS_USUAL = SetReading()
WORKING_SIDE_PX = 2048
"""Photos are read at no more than this: larger ones add time and memory, not detail that a 4096 texture could hold."""


@dataclass(frozen=True, eq=False)
class Intake:
    """One object's worth of input."""

    photos: tuple[Photo, ...]
    kind: Kind
    mask: Mask | None = None
    depth: DepthMap | None = None
    cameras: Mapping[str, Camera] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    """Sentences about files that could not be read."""
    in_order: bool = False
    """Whether neighbours were taken one after the other, as the frames of a film are."""

    @property
    def name(self) -> str:
        """What to call the asset."""
        return Path(self.photos[0].name).stem or "asset"

    @property
    def digest(self) -> str:
        """SHA-256 of everything given: the root of all cache keys."""
        digest = hashlib.sha256(self.kind.encode())
        for photo in self.photos:
            digest.update(photo.name.encode())
            # the hash of the file stands for its pixels: hundreds of photos need not be read again
            digest.update(photo.pixels.tobytes() if photo.sha256 is None else photo.sha256.encode())
            digest.update(b"" if photo.alpha is None else photo.alpha.tobytes())
            digest.update(repr((photo.focal_px, photo.gps, photo.file_size_px)).encode())
        digest.update(b"" if self.mask is None else self.mask.alpha.tobytes())
        digest.update(b"" if self.depth is None else self.depth.depth.tobytes() + self.depth.scale.value.encode())
        for name, camera in sorted(self.cameras.items()):
            digest.update((name + repr(camera)).encode() + camera.world_from_camera.tobytes())
        return digest.hexdigest()


def read_intake(
    pictures: Sequence[Any],
    *,
    kind: Kind | None = None,
    mask: Any = None,
    depth: Any = None,
    depth_kind: DepthKind = "auto",
    depth_unit_m: float | None = None,
    cameras: Path | str | None = None,
    reading: SetReading = _AS_USUAL,
) -> Intake:
    """Read the pictures of one object, with what goes with them. `kind` None: look at the picture and decide.

    Several pictures (files, folders, archives, films), or a film alone, are read as `reading` says.

    Raises `InputError` for what can't be read or does not belong together.
    """
    if not pictures:
        raise InputError("No picture was given.", code="no-views", hint="Name at least one picture.")
    if cameras is not None or len(pictures) > 1 or kind == "photos" or _is_film(pictures[0]):
        found = read_photo_set(pictures, reading)
        if cameras is not None:
            return Intake(found.photos, "views", cameras=_cameras_of(found.photos, cameras), left_out=found.left_out)
        return Intake(found.photos, "photos", left_out=found.left_out, in_order=found.in_order)
    photo = read_photo(pictures[0], max_side_px=WORKING_SIDE_PX)
    size = (photo.width, photo.height)
    return Intake(
        (photo,),
        kind or kind_of_picture(photo),
        mask=None if mask is None else read_mask(mask, size, max_side_px=WORKING_SIDE_PX),
        depth=None if depth is None else read_depth(depth, size, kind=depth_kind, unit_m=depth_unit_m),
    )


def _is_film(picture: Any) -> bool:
    """Whether it is the path of a film: its frames show one thing, whoever asks."""
    return isinstance(picture, str | Path) and Path(picture).is_file() and media_kind_of_file(Path(picture)) == "video"


def _cameras_of(photos: tuple[Photo, ...], path: Path | str) -> dict[str, Camera]:
    """The camera of each photo, upright and at its size. Names match with or without folder and ending."""
    known = read_cameras(path)
    found = {photo.name: camera_for(known, photo.name) for photo in photos}
    missing = [name for name, camera in found.items() if camera is None]
    if missing:
        raise InputError(
            f"{len(missing)} of {len(photos)} photos have no camera in “{path}”, “{missing[0]}” among them.",
            code="no-camera",
            hint="Give photos that the camera file names, or leave these out.",
        )
    by_name = {photo.name: photo for photo in photos}
    return {name: camera_of_photo(camera, by_name[name]) for name, camera in found.items() if camera is not None}
