"""A film's first pass: how far the picture moved up to each frame, and how sharp each frame is."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from jaxtyping import Float32, Float64, UInt8

from unflat.core.errors import InputError

_MOTION_SIDE_PX = 320
_SHARPNESS_SIDE_PX = 960
"""Blur of a few pixels in 4K would not be seen in anything as small as motion is measured in."""
_CORNERS = 120
_FEWEST_CORNERS = 16
_ANCHOR_STEP_PX = 3.0
"""Motion is measured to one and the same frame up to this distance: from frame to frame, noise would add up."""
_TRACKING_NOISE_PX = 0.3
_SAME_LEVELS = 1.5
"""Of 255, on average: frames that differ by less are the same but for noise."""
_CUT = 0.1
"""Motion, in shares of the width, that is assumed where nothing of a frame is found in the next."""


@dataclass(frozen=True, eq=False)
class FilmMotion:
    """What the first pass found, per frame."""

    travelled: Float64[np.ndarray, "n"]
    """Median way of the picture's corners since the first frame, in shares of the picture's width; never falls."""
    sharpness: Float64[np.ndarray, "n"]
    """Logarithm of how much detail there is; only frames near each other compare."""
    time_s: Float64[np.ndarray, "n"]


def film_frames(video: Path) -> Iterator[tuple[float, Callable[[], UInt8[np.ndarray, "h w 3"] | None]]]:
    """Each frame's time in seconds, and a function that decodes it (BGR, upright), good until the next is asked for.

    Raises `InputError` with code ``file-not-found``, ``not-a-file`` or ``unreadable-video``.
    """
    film = open_film(video)
    try:
        rate = film.get(cv2.CAP_PROP_FPS)
        previous_s, idx = -math.inf, 0
        while film.grab():
            time_s = film.get(cv2.CAP_PROP_POS_MSEC) / 1000
            if not (math.isfinite(time_s) and time_s > previous_s):  # some containers give none
                time_s = idx / rate if rate > 0 else float(idx)
            yield time_s, lambda: _decoded(film)
            previous_s, idx = time_s, idx + 1
        if idx == 0:
            raise unreadable_film(video, "has no frame")
    finally:
        film.release()


def open_film(video: Path) -> cv2.VideoCapture:
    """The opened film, which turns its frames upright. Raises as `film_frames`."""
    if video.is_dir():
        raise InputError(f"“{video}” is a folder, expected a film.", code="not-a-file", hint="Name the film in it.")
    if not video.is_file():
        raise InputError(f"There is no file “{video}”.", code="file-not-found", hint="Check the path.")
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # what it has to say is said below, in our words
    film = cv2.VideoCapture(str(video))
    if not film.isOpened():
        raise unreadable_film(video, "is no film, damaged, or of a kind that is not read")
    film.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
    return film


def unreadable_film(video: Path, what: str) -> InputError:
    """The refusal of a film."""
    return InputError(
        f"“{video.name}” {what}.", code="unreadable-video", hint="Save it as MP4 (H.264), or give photos instead."
    )


def measure_film(video: Path, progress: Callable[[float], None]) -> FilmMotion:
    """Motion and sharpness of every frame. Linear in the frames, a few of which are held.

    `progress` hears 0..1. Raises as `film_frames`. Cost: little more than decoding.
    """
    film = open_film(video)
    expected = film.get(cv2.CAP_PROP_FRAME_COUNT)
    film.release()
    way = _Way()
    travelled: list[float] = []
    sharpness: list[float] = []
    times: list[float] = []
    for time_s, decode in film_frames(video):
        frame = decode()
        if frame is None:  # damaged within: the frame counts, and is never chosen
            travelled.append(travelled[-1] if travelled else 0.0)
            sharpness.append(-math.inf)
        else:
            grey = cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
            travelled.append(way.up_to(shrunk(grey, _MOTION_SIDE_PX)))
            sharpness.append(_sharpness(shrunk(grey, _SHARPNESS_SIDE_PX)))
        times.append(time_s)
        progress(min(1.0, len(times) / expected) if expected > 0 else 0.0)
    if not np.isfinite(sharpness).any():
        raise unreadable_film(video, "has no frame that can be decoded")
    return FilmMotion(np.maximum.accumulate(travelled), np.array(sharpness), np.array(times))


def shrunk(grey: UInt8[np.ndarray, "h w"], side_px: int) -> UInt8[np.ndarray, "h2 w2"]:
    """The picture with a longer side of at most that, each pixel an average."""
    factor = side_px / max(grey.shape)
    if factor >= 1:
        return grey
    size = (max(1, round(grey.shape[1] * factor)), max(1, round(grey.shape[0] * factor)))
    return np.asarray(cv2.resize(grey, size, interpolation=cv2.INTER_AREA))


@dataclass
class _Way:
    """The way that the picture has gone, followed frame by frame by the corners of an anchor frame."""

    before: UInt8[np.ndarray, "h w"] | None = None
    anchor: Float32[np.ndarray, "k 2"] = field(default_factory=lambda: np.zeros((0, 2), np.float32))
    corners: Float32[np.ndarray, "k 2"] = field(default_factory=lambda: np.zeros((0, 2), np.float32))
    to_anchor: float = 0.0
    beyond: float = 0.0

    def up_to(self, grey: UInt8[np.ndarray, "h w"]) -> float:
        """The whole way up to the next frame."""
        if self.before is None or self.before.shape != grey.shape:
            self._drop_anchor(grey)
            return self.to_anchor
        found, kept = _followed(self.before, grey, self.corners)
        if len(found) < _FEWEST_CORNERS:
            self.to_anchor += self.beyond + _shift(self.before, grey)
            self._drop_anchor(grey)
            return self.to_anchor
        self.anchor, self.corners, self.before = self.anchor[kept], found, grey
        moved_px = float(np.median(np.linalg.norm(self.corners - self.anchor, axis=1)))
        self.beyond = max(moved_px - _TRACKING_NOISE_PX, 0.0) / grey.shape[1]
        if moved_px > _ANCHOR_STEP_PX:
            self.to_anchor += moved_px / grey.shape[1]
            self._drop_anchor(grey)
        return self.to_anchor + self.beyond

    def _drop_anchor(self, grey: UInt8[np.ndarray, "h w"]) -> None:
        corners = cv2.goodFeaturesToTrack(grey, _CORNERS, qualityLevel=0.01, minDistance=10)
        found = np.zeros((0, 2), np.float32) if corners is None else corners.reshape(-1, 2).astype(np.float32)
        self.before, self.anchor, self.corners, self.beyond = grey, found, found, 0.0


def _followed(
    before: UInt8[np.ndarray, "h w"], after: UInt8[np.ndarray, "h w"], corners: Float32[np.ndarray, "k 2"]
) -> tuple[Float32[np.ndarray, "m 2"], np.ndarray]:
    """Where corners went that are found again, and which they were (boolean (k,)).

    Pyramidal Lucas-Kanade, there and back: Kalal, Mikolajczyk and Matas, "Forward-Backward Error", ICPR 2010.
    """
    if len(corners) == 0:
        return corners, np.zeros(0, bool)
    there, found, _ = cv2.calcOpticalFlowPyrLK(before, after, corners[:, None], None, winSize=(15, 15), maxLevel=4)
    back, returned, _ = cv2.calcOpticalFlowPyrLK(after, before, there, None, winSize=(15, 15), maxLevel=4)
    miss = np.linalg.norm(back.reshape(-1, 2) - corners, axis=1)
    kept = (found.ravel() == 1) & (returned.ravel() == 1) & (miss < 1.0)
    return there.reshape(-1, 2)[kept], kept


def _shift(before: UInt8[np.ndarray, "h w"], after: UInt8[np.ndarray, "h w"]) -> float:
    """How far the whole picture moved, in shares of its width, where corners could not be followed."""
    if cv2.absdiff(before, after).mean() < _SAME_LEVELS:  # also where there is nothing to follow: black, a white wall
        return 0.0
    window = cv2.createHanningWindow(before.shape[::-1], cv2.CV_32F)
    (x, y), response = cv2.phaseCorrelate(before.astype(np.float32), after.astype(np.float32), window)
    return math.hypot(x, y) / before.shape[1] if response > 0.3 else _CUT


def _sharpness(grey: UInt8[np.ndarray, "h w"]) -> float:
    """Logarithm of the Laplacian's variance over that of the picture: Pech-Pacheco and others, ICPR 2000."""
    smooth = cv2.GaussianBlur(grey, (3, 3), 0)  # noise and blocks of compression are no detail
    detail = float(cv2.Laplacian(smooth, cv2.CV_32F).var())
    return math.log((detail + 1e-3) / (float(grey.std()) ** 2 + 1.0))


def _decoded(film: cv2.VideoCapture) -> UInt8[np.ndarray, "h w 3"] | None:
    decoded, frame = film.retrieve()
    return frame if decoded else None
