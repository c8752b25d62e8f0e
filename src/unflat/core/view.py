"""What a user may bring: views of an object, or a drawing of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from unflat.core.arrays import freeze_fields, require
from unflat.core.camera import Camera
from unflat.core.photo import Mask, Photo
from unflat.core.scale import Scale
from unflat.core.tracks import Tracks


@dataclass(frozen=True, eq=False)
class DepthMap:
    """z-depth per pixel (metres if METRIC, else up to one factor), NaN where unknown."""

    depth: Float32[np.ndarray, "h w"]
    scale: Scale = Scale.UP_TO_SCALE
    confidence: Float32[np.ndarray, "h w"] | None = None
    """How sure each depth is, 0..1; 0 where it is unknown."""

    def __post_init__(self) -> None:
        known = self.depth[np.isfinite(self.depth)]
        require(
            known.size > 0,
            "The depth map has no finite value.",
            code="depth-empty",
            hint="Give a depth map with positive numbers; NaN or 0 where it is unknown.",
        )
        require(
            bool((known > 0).all()),
            "A depth must be positive, in front of the camera.",
            code="depth-not-positive",
            hint="Turn disparity (near is large) into depth with --depth-kind disparity.",
        )
        require(
            not np.isinf(self.depth).any(),
            "The depth map has infinite values.",
            code="depth-infinite",
            hint="Mark unknown depth with NaN.",
        )
        freeze_fields(self, "depth", "confidence")


def _same_size(photo: Photo, other: np.ndarray | None, what: str) -> None:
    if other is None:
        return
    height, width = other.shape[:2]
    require(
        (height, width) == (photo.height, photo.width),
        f"The {what} of “{photo.name}” is {width}x{height}, the photo {photo.width}x{photo.height}.",
        code="size-mismatch",
        hint=f"Give a {what} of the same size as the photo.",
    )


@dataclass(frozen=True, eq=False)
class View:
    """One photo with all that is known about it; None is unknown."""

    photo: Photo
    mask: Mask | None = None
    camera: Camera | None = None
    depth: DepthMap | None = None
    normals: Float32[np.ndarray, "h w 3"] | None = None
    """Unit normals in the world's frame, NaN where unknown."""

    def __post_init__(self) -> None:
        _same_size(self.photo, None if self.mask is None else self.mask.alpha, "mask")
        _same_size(self.photo, None if self.depth is None else self.depth.depth, "depth map")
        _same_size(self.photo, self.normals, "normal map")
        camera = self.camera
        require(
            camera is None or (camera.height_px, camera.width_px) == (self.photo.height, self.photo.width),
            f"The camera of “{self.photo.name}” is for another image size.",
            code="size-mismatch",
            hint="Resize the camera with Camera.resized.",
        )
        freeze_fields(self, "normals")


@dataclass(frozen=True, eq=False)
class Views:
    """One or more views of the same, unmoved object."""

    items: tuple[View, ...]
    tracks: Tracks | None = None
    """Points that several views see, once their poses were found; the indices are those of `items`."""

    def __post_init__(self) -> None:
        require(len(self.items) > 0, "There is no view.", code="no-views", hint="Give at least one photo.")

    @property
    def names(self) -> tuple[str, ...]:
        """The photos' names, in order."""
        return tuple(view.photo.name for view in self.items)


@dataclass(frozen=True, eq=False)
class Drawing:
    """A drawing with its paper removed.

    ``photo`` is the rectified picture (paper seen straight on), ``mask`` the drawn body with its regions filled,
    ``ink`` the strokes alone (outline and inner lines), None for a silhouette.
    """

    photo: Photo
    mask: Mask
    ink: Mask | None = None

    def __post_init__(self) -> None:
        _same_size(self.photo, self.mask.alpha, "mask")
        _same_size(self.photo, None if self.ink is None else self.ink.alpha, "ink mask")


Source = Views | Drawing
"""What a user may bring."""
