"""Films: frames are chosen evenly along the camera's way, sharp ones rather than blurred, none while it stands."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
import pytest

from unflat.core import InputError
from unflat.io.photo import read_photo
from unflat.io.video_frames import VideoFrame, choose_frames, even_and_sharp
from unflat.io.video_motion import FilmMotion, measure_film

WIDTH, HEIGHT, RATE = 320, 240, 25.0


def wall() -> np.ndarray:
    """A long textured wall to film along."""
    noise = np.random.default_rng(5).integers(0, 255, (HEIGHT // 6, 2400 // 6, 3)).astype(np.uint8)
    return np.asarray(cv2.resize(noise, (2400, HEIGHT), interpolation=cv2.INTER_CUBIC))


def frames_at(offsets: Iterable[float], blurred: Iterable[int] = ()) -> list[np.ndarray]:
    texture, blurred = wall(), set(blurred)
    pictures = []
    for idx, offset in enumerate(offsets):
        shift = np.array([[1, 0, -offset], [0, 1, 0]], np.float32)
        picture = cv2.warpAffine(texture, shift, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)
        pictures.append(cv2.blur(picture, (9, 1)) if idx in blurred else picture)
    return pictures


def film_of(path: Path, pictures: list[np.ndarray], codec: str = "MJPG") -> Path:
    height, width = pictures[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), RATE, (width, height))
    assert writer.isOpened()
    for picture in pictures:
        writer.write(picture)
    writer.release()
    return path


def film(folder: Path, offsets: Iterable[float], blurred: Iterable[int] = ()) -> Path:
    return film_of(folder / "film.avi", frames_at(offsets, blurred))


def way_between(frames: tuple[VideoFrame, ...], offsets: list[float]) -> np.ndarray:
    return np.diff([offsets[frame.index] for frame in frames]) / WIDTH


UNEVEN = np.concatenate([np.arange(0, 60, 1.0), np.arange(60, 300, 6.0), np.arange(300, 360, 1.0)]).tolist()
"""Slow, fast, slow: 60, 40 and 60 frames over 60, 240 and 60 pixels."""


def test_motion_is_measured_in_shares_of_the_width(tmp_path: Path) -> None:
    motion = measure_film(film(tmp_path, UNEVEN), lambda _: None)
    assert len(motion.travelled) == len(UNEVEN) == 160
    assert np.allclose(motion.travelled, np.array(UNEVEN) / WIDTH, atol=0.03)
    assert np.allclose(motion.time_s, np.arange(160) / RATE, atol=0.021)


def test_frames_are_even_along_the_way_and_not_in_time(tmp_path: Path) -> None:
    frames = choose_frames(film(tmp_path, UNEVEN), tmp_path / "out", 13)
    ways = way_between(frames, UNEVEN)
    assert len(frames) == 13
    assert np.allclose(ways, 30 / WIDTH, atol=0.35 * 30 / WIDTH)
    in_time = np.diff([frame.index for frame in frames])
    assert in_time.max() > 3 * in_time.min()


def test_blurred_frames_are_avoided(tmp_path: Path) -> None:
    offsets = np.arange(0, 300, 3.0).tolist()
    blurred = [idx for idx in range(100) if idx % 10 in (8, 9, 0, 1)]  # around each place but for the first and last
    frames = choose_frames(film(tmp_path, offsets, blurred), tmp_path / "out", 11)
    assert len(frames) >= 10
    assert not {frame.index for frame in frames} & set(blurred)
    assert way_between(frames, offsets).max() <= 2 * way_between(frames, offsets).min()


def test_a_standing_film_gives_its_sharpest_frame(tmp_path: Path) -> None:
    pictures = frames_at([100.0] * 40, blurred=set(range(40)) - {17})
    noise = np.random.default_rng(2)
    shaky = [np.clip(one + noise.normal(0, 3, one.shape), 0, 255).astype(np.uint8) for one in pictures]
    frames = choose_frames(film_of(tmp_path / "film.avi", shaky), tmp_path / "out", 20)
    assert [frame.index for frame in frames] == [17]


def test_a_pause_gives_no_frames(tmp_path: Path) -> None:
    offsets = [*np.arange(0, 150, 3.0), *[150.0] * 100, *np.arange(150, 300, 3.0)]
    frames = choose_frames(film(tmp_path, offsets), tmp_path / "out", 10)
    assert way_between(frames, offsets).min() > 0.5 * 300 / WIDTH / 9
    assert sum(52 < frame.index < 148 for frame in frames) <= 1


def test_darkness_and_a_blank_wall_do_not_move(tmp_path: Path) -> None:
    dark = [np.zeros((HEIGHT, WIDTH, 3), np.uint8)] * 30
    motion = measure_film(film_of(tmp_path / "film.avi", [*dark, *frames_at(np.arange(0, 60, 2.0))]), lambda _: None)
    assert motion.travelled[29] == 0
    assert motion.travelled[-1] == pytest.approx(0.1 + 58 / WIDTH, abs=0.03)  # the light goes on: a cut


def test_way_and_back_counts_both(tmp_path: Path) -> None:
    there = np.arange(0, 60, 2.0)
    motion = measure_film(film(tmp_path, [*there, *there[::-1]]), lambda _: None)
    assert motion.travelled[-1] == pytest.approx(116 / WIDTH, abs=0.04)


def test_files_are_named_by_their_frame_and_hold_it(tmp_path: Path) -> None:
    offsets = np.arange(0, 120, 4.0).tolist()
    path = film(tmp_path, offsets)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.jpg").write_bytes(b"mine")
    heard: list[float] = []
    frames = choose_frames(path, tmp_path / "out", 4, picture_format="png", progress=heard.append)
    assert [frame.path.name for frame in frames] == [f"frame_{frame.index:06d}.png" for frame in frames]
    assert len(list((tmp_path / "out").iterdir())) == 5
    for frame in frames:
        expected = frames_at([offsets[frame.index]])[0][..., ::-1].astype(int)
        found = read_photo(frame.path).pixels.astype(int)
        assert found.shape == (HEIGHT, WIDTH, 3) and np.abs(found - expected).mean() < 12
        assert frame.time_s == pytest.approx(frame.index / RATE, abs=0.021)
    assert heard == sorted(heard) and heard[-1] == pytest.approx(1) and heard[0] < 0.1


def test_jpeg_is_the_default_and_of_high_quality(tmp_path: Path) -> None:
    frames = choose_frames(film(tmp_path, np.arange(0, 60, 4.0)), tmp_path / "out", 2)
    assert [frame.path.suffix for frame in frames] == [".jpg", ".jpg"]
    assert frames[0].path.read_bytes().startswith(b"\xff\xd8\xff")


def test_more_frames_than_there_is_motion_for_are_not_made(tmp_path: Path) -> None:
    frames = choose_frames(film(tmp_path, np.arange(0, 32, 0.5)), tmp_path / "out", 1000)  # a tenth of the width
    assert 5 <= len(frames) <= 10


def test_a_phone_held_upright_gives_upright_frames(tmp_path: Path) -> None:
    picture = np.zeros((96, 160, 3), np.uint8)
    picture[:, :80] = (0, 0, 255)  # left is red
    path = film_of(tmp_path / "film.mp4", [picture] * 5, "mp4v")
    content = bytearray(path.read_bytes())
    at = content.index(b"tkhd") + 4 + 40  # version 0: the matrix follows 40 bytes of flags, times, numbers and volume
    one, identity = 0x10000, struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    assert content[at : at + 36] == identity
    content[at : at + 36] = struct.pack(">9i", 0, one, 0, -one, 0, 0, 96 * one, 0, 0x40000000)  # a quarter clockwise
    path.write_bytes(content)
    (frame,) = choose_frames(path, tmp_path / "out", 1)
    pixels = read_photo(frame.path).pixels
    assert pixels.shape == (160, 96, 3)
    assert pixels[20, 48, 0] > 200 and pixels[140, 48, 0] < 50  # left has become top


def test_a_film_too_fast_for_any_window_gives_its_nearest_frames() -> None:
    travelled = np.array([0.0, 0.5, 1.0, 1.01, 1.02])
    motion = FilmMotion(travelled, np.array([0.0, 0, -9, 0, -np.inf]), np.arange(5.0))
    assert even_and_sharp(motion, 5).tolist() == [0, 1, 3]


@pytest.mark.parametrize("content", [b"", b"no film at all", b"\0\0\0\x20ftypisom" + bytes(500)])
def test_files_that_are_no_films_are_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(content)
    with pytest.raises(InputError) as caught:
        choose_frames(tmp_path / "film.mp4", tmp_path / "out", 5)
    assert caught.value.code == "unreadable-video" and caught.value.hint


def test_a_cut_film_gives_what_it_has_or_is_refused(tmp_path: Path) -> None:
    path = film(tmp_path, np.arange(0, 120, 4.0))
    path.write_bytes(path.read_bytes()[:80_000])
    frames = choose_frames(path, tmp_path / "out", 3)
    assert 1 <= len(frames) <= 3


def test_missing_films_folders_and_no_frames_are_refused(tmp_path: Path) -> None:
    for video, count, code in (
        (tmp_path / "a.mp4", 5, "file-not-found"),
        (tmp_path, 5, "not-a-file"),
        (tmp_path, 0, "frame-count"),
    ):
        with pytest.raises(InputError) as caught:
            choose_frames(video, tmp_path / "out", count)
        assert caught.value.code == code
