"""Frames of a film as photos: evenly spread over the camera's way, each the sharpest of its surroundings."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from jaxtyping import Int64

from unflat.core.errors import InputError
from unflat.io.atomic import write_atomically
from unflat.io.video_motion import FilmMotion, film_frames, measure_film, unreadable_film

_WINDOW = 0.35
"""A frame may be this share of a step before or behind its place, so that neighbours keep their distance."""
_OFF_PLACE = 0.3
"""Sharpness, as a logarithm, that a frame at the window's edge must have ahead of one at its middle."""
_LEAST_STEP = 0.01
"""Frames nearer to each other than this share of the width show the same."""
_FIRST_PASS = 0.8
"""Share of the time."""
_JPEG_QUALITY = 95


@dataclass(frozen=True)
class VideoFrame:
    """A frame that was written."""

    path: Path
    index: int
    """In the film, from 0."""
    time_s: float
    travelled: float
    """How far the picture moved since the film's first frame, in shares of its width."""


def choose_frames(
    video: str | Path,
    folder: str | Path,
    count: int,
    *,
    picture_format: Literal["jpg", "png"] = "jpg",
    progress: Callable[[float], None] = lambda _: None,
) -> tuple[VideoFrame, ...]:
    """Write at most `count` frames of a film as ``frame_000123.jpg`` (its number in the film) into the folder.

    Between neighbours the picture moves about equally far, and of the frames around each such place the sharpest is
    taken. So a standing film gives one frame, and one that moves little fewer than `count`. Frames are upright and
    whole; other files in the folder stay. `progress` hears 0..1.

    Raises `InputError` with code ``file-not-found``, ``not-a-file``, ``unreadable-video`` or ``frame-count``, and
    `SetupError` as the disk does. Cost: the film is decoded twice; a few frames are in memory.
    """
    video, folder = Path(video), Path(folder)
    if count < 1:
        raise InputError(f"{count} frames were asked for.", code="frame-count", hint="Ask for one frame or more.")
    motion = measure_film(video, lambda share: progress(_FIRST_PASS * share))
    chosen = even_and_sharp(motion, count)
    frames = []
    for number, (index, path) in enumerate(_written(video, folder, chosen, picture_format), 1):
        frames.append(VideoFrame(path, index, float(motion.time_s[index]), float(motion.travelled[index])))
        progress(_FIRST_PASS + (1 - _FIRST_PASS) * number / len(chosen))
    return tuple(frames)


def even_and_sharp(motion: FilmMotion, count: int) -> Int64[np.ndarray, "m"]:
    """Indices of at most `count` frames, rising: about equal motion in between, sharp among their neighbours."""
    whole = float(motion.travelled[-1] - motion.travelled[0])
    steps = min(count - 1, int(whole / _LEAST_STEP))
    if steps == 0:
        return np.array([np.argmax(motion.sharpness)])
    step = whole / steps
    chosen: list[int] = []
    missed: list[int] = []
    for place in motion.travelled[0] + step * np.arange(steps + 1):
        off = np.where(np.isfinite(motion.sharpness), np.abs(motion.travelled - place) / (step * _WINDOW), np.inf)
        near = np.flatnonzero(off <= 1)
        if len(near) > 0:
            chosen.append(int(near[np.argmax(motion.sharpness[near] - _OFF_PLACE * off[near] ** 2)]))
        else:
            missed.append(int(np.argmin(off)))  # the film moves too fast here
    for idx in missed:
        if np.abs(motion.travelled[chosen] - motion.travelled[idx]).min(initial=np.inf) > (1 - 2 * _WINDOW) * step:
            chosen.append(idx)
    return np.unique(chosen)


def _written(video: Path, folder: Path, chosen: Int64[np.ndarray, "m"], ending: str) -> Iterator[tuple[int, Path]]:
    """The second pass: each chosen frame's number and file, as soon as it is written."""
    wanted = set(chosen.tolist())
    options = [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY] if ending == "jpg" else []
    for index, (_, decode) in enumerate(film_frames(video)):
        if index not in wanted:
            continue
        frame = decode()
        done, content = (False, None) if frame is None else cv2.imencode(f".{ending}", frame, options)
        if not done or content is None:
            raise unreadable_film(video, f"gave frame {index} once, and not again")
        yield index, write_atomically(folder / f"frame_{index:06d}.{ending}", content.tobytes())
        wanted.remove(index)
        if not wanted:
            return
    raise unreadable_film(video, "ended earlier than before")
