"""A photo and a mask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, UInt8

from unflat.core.arrays import freeze_fields, require


@dataclass(frozen=True, eq=False)
class Photo:
    """Pixels as they were seen: upright (EXIF orientation applied), sRGB.

    ``alpha`` is what the file itself said about transparency (255 opaque), None where it said nothing.
    """

    pixels: UInt8[np.ndarray, "h w 3"]
    name: str = "photo"
    alpha: UInt8[np.ndarray, "h w"] | None = None
    focal_px: float | None = None
    """Focal length in pixels at this size, from EXIF; None where unknown."""
    sha256: str | None = None
    """Hash of the bytes that the photo was read from; None if it never was a file."""
    gps: tuple[float, float, float] | None = None
    """Where it was taken, from EXIF: degrees north, degrees east, metres above the sea (NaN unknown); None unknown."""
    file_size_px: tuple[int, int] | None = None
    """Width and height of the upright picture that this one is a smaller copy of; None where it is none."""
    exif_orientation: int = 1
    """EXIF's 1..8 of the file, which these pixels have obeyed; 1 where they stand as they were stored."""

    def __post_init__(self) -> None:
        require(
            min(self.pixels.shape[:2]) >= 1,
            "A photo needs at least one pixel.",
            code="empty-image",
            hint="Give a picture with content.",
        )
        require(
            self.alpha is None or self.alpha.shape == self.pixels.shape[:2],
            "The alpha channel has another size than the pixels.",
            code="size-mismatch",
            hint="Give alpha of the same height and width.",
        )
        require(
            self.gps is None or (abs(self.gps[0]) <= 90.0 and abs(self.gps[1]) <= 180.0),
            f"{self.gps} is no place on Earth.",
            code="bad-gps",
            hint="Give degrees north from -90 to 90 and degrees east from -180 to 180.",
        )
        require(
            1 <= self.exif_orientation <= 8,
            f"{self.exif_orientation} is no EXIF orientation.",
            code="bad-orientation",
            hint="Give 1 to 8; 1 for pixels that stand as they were stored.",
        )
        freeze_fields(self, "pixels", "alpha")

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.pixels.shape[0])


@dataclass(frozen=True, eq=False)
class Mask:
    """How much of each pixel belongs to the object, 0..1, with soft edges. An empty one cannot exist."""

    alpha: Float32[np.ndarray, "h w"]
    made_by: str = "given"
    """The backend that made it."""
    confidence: float = 1.0
    """The backend's own judgement 0..1 of whether this is the object."""

    def __post_init__(self) -> None:
        require(
            bool(np.isfinite(self.alpha).all()),
            "The mask has NaN or infinite values.",
            code="mask-not-finite",
            hint="Give a mask with values from 0 (background) to 1 (object).",
        )
        require(
            float(self.alpha.min()) >= 0.0 and float(self.alpha.max()) <= 1.0,
            f"The mask has values from {self.alpha.min():g} to {self.alpha.max():g}, expected 0..1.",
            code="mask-range",
            hint="Divide an 8-bit mask by 255.",
        )
        require(
            bool((self.alpha > 0.5).any()),
            "There is nothing in the mask: no pixel is more object than background.",
            code="nothing-in-picture",
            hint="Give a picture with one clear object, or mark it with --box or --mask.",
        )
        freeze_fields(self, "alpha")

    @property
    def solid(self) -> np.ndarray:
        """Boolean (h, w): the pixels that are more object than background."""
        return np.asarray(self.alpha > 0.5)

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Bounding box of the solid pixels: left, top, right, bottom; right and bottom exclusive."""
        rows, columns = (np.flatnonzero(self.solid.any(axis=axis)) for axis in (1, 0))
        return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
