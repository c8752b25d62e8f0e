"""What a photo's EXIF says: which way up it is, its focal length and place; nothing where silent or not believable."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from PIL import Image

_ORIENTATION, _EXIF_FOLDER, _GPS_FOLDER = 0x0112, 0x8769, 0x8825
_FOCAL_LENGTH, _FOCAL_LENGTH_35MM = 0x920A, 0xA405
_PIXEL_X, _PIXEL_Y = 0xA002, 0xA003
_PLANE_X_RESOLUTION, _PLANE_UNIT = 0xA20E, 0xA210
_LATITUDE_REF, _LATITUDE, _LONGITUDE_REF, _LONGITUDE, _ALTITUDE_REF, _ALTITUDE, _STATUS = 1, 2, 3, 4, 5, 6, 9
_VOID = "V"
"""Status of a fix that the receiver itself does not believe (NMEA 0183)."""
_HIGHEST_M = 30_000.0

_TURN = {
    # Orientation says where the stored first row and first column belong (EXIF 2.3, section 4.6.4 A).
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

_FILM_DIAGONAL_MM = math.hypot(36.0, 24.0)
"""35 mm equivalents compare diagonals (CIPA DCG-001)."""

_PLANE_UNIT_MM = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}

_SENSOR_WIDTHS_MM = (4.8, 5.76, 6.17, 7.18, 7.44, 8.8, 13.2, 17.3, 18.7, 22.3, 23.5, 28.7, 36.0, 43.8, 53.4)
"""Long sides that sensors are made with, from 1/3 inch to medium format."""

_SENSOR_TOLERANCE = 0.04
_SMALLEST_CAMERA_PICTURE_PX = 2100
"""Long side. Cameras that write FocalPlaneXResolution make no smaller pictures: one that is was resized."""
_ASPECT_TOLERANCE = 0.02
_FOCAL_35MM_RANGE = (4.0, 3000.0)
"""From fisheye to the longest telephoto lens; phones write 0 or nonsense where they do not know."""


@dataclass(frozen=True)
class ExifSays:
    """What is read of a photo's EXIF."""

    orientation: int = 1
    """1..8, how the stored picture still has to be turned."""
    written_orientation: int = 1
    """1..8, what is written, whoever has turned the picture since."""
    focal_px: float | None = None
    """At the stored size."""
    gps: tuple[float, float, float] | None = None
    """Degrees north, degrees east, metres above the sea or NaN."""


def orientation(exif: Image.Exif) -> int:
    """EXIF orientation 1..8; 1 (upright) where none or nonsense is given."""
    value = exif.get(_ORIENTATION, 1)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def upright(image: Image.Image, exif_orientation: int) -> Image.Image:
    """The picture turned and mirrored so that it stands as it was seen."""
    turn = _TURN.get(exif_orientation)
    return image if turn is None else image.transpose(turn)


def focal_px(exif: Image.Exif, width_px: int, height_px: int) -> float | None:
    """Focal length in pixels of a file of this size, None where unknown.

    First by FocalLengthIn35mmFilm, then by FocalLength and the sensor's width. The width comes from
    FocalPlaneXResolution, which resizing leaves as it was: it counts only with PixelXDimension, and only where
    both together give a sensor that is made. A cropped picture (other proportions than EXIF says) has none.
    """
    tags = exif.get_ifd(_EXIF_FOLDER)
    stored = sorted((_number(tags.get(_PIXEL_X)), _number(tags.get(_PIXEL_Y))))
    known_size = all(side > 0 for side in stored)
    aspect = max(width_px, height_px) / min(width_px, height_px)
    if known_size and abs(stored[1] / stored[0] / aspect - 1) > _ASPECT_TOLERANCE:
        return None
    equivalent_mm = _number(tags.get(_FOCAL_LENGTH_35MM))
    if not equivalent_mm > 0 and known_size:
        equivalent_mm = _equivalent_by_sensor(tags, stored[1], aspect)
    if not _FOCAL_35MM_RANGE[0] <= equivalent_mm <= _FOCAL_35MM_RANGE[1]:
        return None
    return equivalent_mm / _FILM_DIAGONAL_MM * math.hypot(width_px, height_px)


def gps(exif: Image.Exif) -> tuple[float, float, float] | None:
    """Degrees north, degrees east and metres above the sea (NaN unknown; EXIF 2.3, section 4.6.6); None where unknown.

    A fix that is marked as void is none, and neither is (0, 0), which programs write where they do not know.
    """
    tags = exif.get_ifd(_GPS_FOLDER)
    north = _degrees(tags.get(_LATITUDE), tags.get(_LATITUDE_REF), "S")
    east = _degrees(tags.get(_LONGITUDE), tags.get(_LONGITUDE_REF), "W")
    believable = abs(north) <= 90 and abs(east) <= 180 and (north, east) != (0.0, 0.0)
    if not believable or _letter(tags.get(_STATUS)) == _VOID:
        return None
    up = _number(tags.get(_ALTITUDE))
    below = tags.get(_ALTITUDE_REF) in (1, b"\x01")
    return north, east, (-up if below else up) if up < _HIGHEST_M else math.nan


def _degrees(value: Any, reference: Any, negative: str) -> float:
    """Degrees of degrees, minutes and seconds; NaN for anything else."""
    try:
        degrees, minutes, seconds = (float(part) for part in value)
    except (TypeError, ValueError, ArithmeticError):
        return math.nan
    total = degrees + minutes / 60 + (seconds if math.isfinite(seconds) else 0.0) / 3600
    return -total if _letter(reference) == negative else total


def _letter(value: Any) -> str:
    text = value.decode("ascii", "replace") if isinstance(value, bytes) else str(value or "")
    return text.strip("\0 ").upper()[:1]


def _equivalent_by_sensor(tags: dict[int, Any], stored_long_side_px: float, aspect: float) -> float:
    """35 mm equivalent from the lens's focal length and the sensor's width; NaN where they are not believable."""
    unit = tags.get(_PLANE_UNIT, 2)
    pixels_per_mm = _number(tags.get(_PLANE_X_RESOLUTION)) / _PLANE_UNIT_MM.get(unit, math.nan)
    if not pixels_per_mm > 0 or stored_long_side_px < _SMALLEST_CAMERA_PICTURE_PX:
        return math.nan
    sensor_mm = stored_long_side_px / pixels_per_mm
    if min(abs(sensor_mm / made - 1) for made in _SENSOR_WIDTHS_MM) > _SENSOR_TOLERANCE:
        return math.nan
    return _number(tags.get(_FOCAL_LENGTH)) * _FILM_DIAGONAL_MM / (sensor_mm * math.hypot(1.0, 1.0 / aspect))


def _number(value: Any) -> float:
    """A positive finite number, or NaN: EXIF holds rationals such as 0/0, text, and lists."""
    try:
        number = float(value)
    except (TypeError, ValueError, ArithmeticError):
        return math.nan
    return number if math.isfinite(number) and number > 0 else math.nan
