"""How large a picture may be: checked from its header, before a pixel is unpacked."""

from __future__ import annotations

from dataclasses import dataclass

from unflat.core.errors import InputError


@dataclass(frozen=True)
class Limits:
    """What a reader accepts; more is refused in milliseconds, so that no small file can fill the memory."""

    max_pixels: int = 200_000_000
    """200 megapixels: the largest phone sensors."""
    max_bytes: int = 512 * 1024 * 1024
    min_side_px: int = 8
    """Fewer pixels show no object."""
    max_aspect: float = 50.0
    """Longer side over shorter side."""


DEFAULT_LIMITS = Limits()
"""What readers take where nothing else is asked."""


def check_size(width_px: int, height_px: int, name: str, limits: Limits) -> None:
    """Raise `InputError` (``too-small``, ``too-many-pixels``, ``too-narrow``) unless the size is welcome."""
    size = f"“{name}” is {width_px}x{height_px} pixels"
    if width_px * height_px > limits.max_pixels:
        raise InputError(
            f"{size}: {width_px * height_px / 1e6:.0f} megapixels, at most {limits.max_pixels / 1e6:.0f} are read.",
            code="too-many-pixels",
            hint="Scale the picture down first, or raise Limits.max_pixels in Python.",
        )
    if max(width_px, height_px) > limits.max_aspect * min(width_px, height_px):
        raise InputError(
            f"{size}: one side is more than {limits.max_aspect:g} times the other.",
            code="too-narrow",
            hint="Crop the picture to the object.",
        )
    if min(width_px, height_px) < limits.min_side_px:
        raise InputError(
            f"{size}, expected at least {limits.min_side_px} on each side.",
            code="too-small",
            hint="Give the original picture, not an icon or a thumbnail of it.",
        )


def check_bytes(size_bytes: int, name: str, limits: Limits) -> None:
    """Raise `InputError` with code ``too-many-bytes`` for a file that is larger than is read."""
    if size_bytes > limits.max_bytes:
        raise InputError(
            f"“{name}” has {size_bytes / 2**20:.0f} MiB, at most {limits.max_bytes / 2**20:.0f} MiB are read.",
            code="too-many-bytes",
            hint="Save it as JPEG or PNG, or raise Limits.max_bytes in Python.",
        )


def scaled_size(width_px: int, height_px: int, max_side_px: int | None) -> tuple[int, int]:
    """Width and height after scaling down to a longest side; unchanged where it is short enough, or None is asked."""
    longest = max(width_px, height_px)
    if max_side_px is None or longest <= max_side_px:
        return width_px, height_px
    return (max(1, round(width_px * max_side_px / longest)), max(1, round(height_px * max_side_px / longest)))
