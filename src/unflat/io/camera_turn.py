"""Cameras of pictures that EXIF turns: other programs align the pixels as stored, our photos are upright."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from unflat.core.camera import Camera
from unflat.core.errors import InputError
from unflat.core.photo import Photo
from unflat.core.view import View

_QUARTER_TURNS = {1: 0, 6: 1, 3: 2, 8: 3}
"""Clockwise, that make a stored picture upright (EXIF 2.3, section 4.6.4 A)."""
_BACK = {1: 1, 6: 8, 3: 3, 8: 6}
_FIRST_SIDEWAYS = 5
"""Orientations from here on swap width and height."""
_TOLERANCE, _TOLERANCE_PX = 0.02, 1.5
"""A camera's height may be off from the photo's proportions by this share and this much: copies have rounded sizes."""

_RIGHT_IS_UP = np.array([[0.0, 1, 0, 0], [-1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
"""Axes of a camera whose picture was turned once clockwise, in those of the picture before: right was up."""


def camera_of_photo(known: Camera, photo: Photo) -> Camera:
    """The camera of the upright photo at its own size, from a camera file's, which is that of the pixels as stored.

    A camera whose proportions are the upright photo's, not the stored one's, comes from a program that turned the
    picture before, and is not turned again. Where both fit (a square, or upside down) it is that of the stored pixels.

    Raises `InputError`: ``size-mismatch`` where neither fits, ``mirrored-photo`` for orientations that mirror.
    """
    sideways = photo.exif_orientation >= _FIRST_SIDEWAYS
    stored = (photo.height, photo.width) if sideways else (photo.width, photo.height)
    if _fits(known, *stored) and not (sideways and _fits_better_upright(known, photo)):
        if photo.exif_orientation not in _QUARTER_TURNS:
            raise InputError(
                f"EXIF says that “{photo.name}” is stored mirrored (orientation {photo.exif_orientation}): its known "
                "camera can't be that of the picture as it is seen.",
                code="mirrored-photo",
                hint="Save the photo without that mark, or leave it out.",
            )
        return upright_camera(known, photo.exif_orientation).resized(photo.width, photo.height)
    if not _fits(known, photo.width, photo.height):
        raise InputError(
            f"The camera of “{photo.name}” is for a picture of {known.width_px}x{known.height_px} pixels, of which "
            f"one of {photo.width}x{photo.height} is no copy.",
            code="size-mismatch",
            hint="Give the photos that the cameras were found with, not cropped or otherwise turned ones.",
        )
    return known.resized(photo.width, photo.height)


def camera_of_file(view: View) -> Camera:
    """The camera of the photo's pixels as its file stores them, at the file's size: `camera_of_photo` gives it back.

    A mirrored file (orientations 2, 4, 5, 7) has none: its upright picture's is given. Raises `InputError` with code
    ``no-camera``.
    """
    photo, camera = view.photo, view.camera
    if camera is None:
        raise InputError(f"“{photo.name}” has no camera.", code="no-camera", hint="Estimate the poses first.")
    full = camera.resized(*(photo.file_size_px or (photo.width, photo.height)))
    return upright_camera(full, _BACK.get(photo.exif_orientation, 1))


def upright_camera(stored: Camera, exif_orientation: int) -> Camera:
    """The camera of the upright picture, from that of the pixels as stored. EXIF orientations 1, 3, 6 and 8.

    Raises `KeyError` for the mirrored orientations, which no camera writes.
    """
    for _ in range(_QUARTER_TURNS[exif_orientation]):
        stored = _turned_clockwise(stored)
    return stored


def _fits(camera: Camera, width: int, height: int) -> bool:
    """Whether a picture of this size may be a copy of the camera's, smaller or larger."""
    off_px = abs(camera.height_px - camera.width_px * height / width)
    # the picture's own size was rounded, too
    rounding_px = _TOLERANCE_PX * max(1.0, camera.width_px / width, camera.height_px / height)
    return off_px <= _TOLERANCE * camera.height_px + rounding_px


def _fits_better_upright(camera: Camera, photo: Photo) -> bool:
    """Whether the camera's proportions are nearer to the upright photo's than to those of one lying on its side."""
    return math.log(camera.width_px / camera.height_px) * math.log(photo.width / photo.height) > 0


def _turned_clockwise(camera: Camera) -> Camera:
    """u becomes v, and v runs from right to left."""
    k1, k2, p1, p2, k3 = camera.distortion
    return replace(
        camera,
        width_px=camera.height_px,
        height_px=camera.width_px,
        fx=camera.fy,
        fy=camera.fx,
        cx=camera.height_px - camera.cy,
        cy=camera.cx,
        world_from_camera=camera.world_from_camera @ _RIGHT_IS_UP,
        distortion=(k1, k2, p2, -p1, k3),
    )
