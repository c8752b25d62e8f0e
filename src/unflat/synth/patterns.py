"""Random pictures for surfaces: plain, striped, chequered, dotted, clouded, grained, printed, or like a photo.

Each takes a generator and a side in pixels and gives sRGB 0..255. They need not tile.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

Color = Float32[np.ndarray, "3"]

_PAINTS = np.array(
    [(245, 245, 242), (32, 32, 36), (128, 128, 128), (196, 178, 150), (120, 82, 50), (88, 58, 36), (168, 120, 72),
     (190, 40, 40), (220, 120, 40), (235, 200, 60), (70, 130, 60), (40, 90, 160), (30, 50, 100), (120, 60, 130)],
    np.float32,
)  # fmt: skip
"""Common colours of things: white, black, grey, sand, woods, and the usual paints."""


def random_color(rng: np.random.Generator) -> Color:
    """A colour as things have them: often a common paint, else any, with all greys likelier than the rainbow."""
    if rng.random() < 0.5:
        color = _PAINTS[int(rng.integers(len(_PAINTS)))] + rng.normal(0, 14, 3)
    else:
        hue, saturation, value = rng.integers(0, 180), 255 * rng.beta(1.1, 1.6), 255 * rng.beta(2.5, 1.3)
        color = cv2.cvtColor(np.array([[[hue, saturation, value]]], np.uint8), cv2.COLOR_HSV2RGB)[0, 0]
    return np.clip(color, 4, 250).astype(np.float32)


def near_color(color: Color, rng: np.random.Generator) -> Color:
    """A colour that goes with another: lighter, darker or a little off, sometimes quite another."""
    if rng.random() < 0.35:
        return random_color(rng)
    return np.clip(color * np.float32(rng.uniform(0.45, 1.5)) + rng.normal(0, 12, 3), 4, 250).astype(np.float32)


def clouds(rng: np.random.Generator, side: int, coarse: int = 3, octaves: int = 4) -> Float32[np.ndarray, "side side"]:
    """Fractal noise (fBm), scaled to 0..1: value noise of doubling fineness and halving strength."""
    total = np.zeros((side, side), np.float32)
    for octave in range(octaves):
        cells = min(coarse << octave, side)
        grid = rng.random((cells + 1, cells + 1), np.float32)
        total += cv2.resize(grid, (side, side), interpolation=cv2.INTER_CUBIC) * np.float32(0.5**octave)
    low, high = float(total.min()), float(total.max())
    return np.asarray((total - low) / max(high - low, 1e-6), np.float32)


def plain(rng: np.random.Generator, side: int) -> UInt8[np.ndarray, "side side 3"]:
    """One colour, perhaps with faint wear."""
    color = random_color(rng)
    if rng.random() < 0.5:
        return _bytes(np.broadcast_to(color, (side, side, 3)))
    wear = (clouds(rng, side)[..., None] - np.float32(0.5)) * np.float32(rng.uniform(5, 50))
    return _bytes(color + wear)


def gradient(rng: np.random.Generator, side: int) -> UInt8[np.ndarray, "side side 3"]:
    """Two or three colours that flow into each other, mostly downwards."""
    share = _ramp(rng, side, 1.0, upright=rng.random() < 0.6)
    share = (share - share.min()) / max(float(np.ptp(share)), 1e-6)
    first = random_color(rng)
    stops = [first, near_color(first, rng), random_color(rng)][: int(rng.integers(2, 4))]
    at = np.linspace(0, 1, len(stops))
    return _bytes(np.stack([np.interp(share, at, [stop[c] for stop in stops]) for c in range(3)], axis=-1))


def stripes(rng: np.random.Generator, side: int) -> UInt8[np.ndarray, "side side 3"]:
    """Bands of two to four colours, straight or wavy."""
    phase = _ramp(rng, side, rng.uniform(1.5, 9), upright=rng.random() < 0.6)
    if rng.random() < 0.3:
        phase = phase + clouds(rng, side, octaves=2) * np.float32(rng.uniform(0.5, 2))
    return _chosen(np.floor(phase * 2).astype(np.int32), _palette(rng, int(rng.integers(2, 5))))


def checks(rng: np.random.Generator, side: int) -> UInt8[np.ndarray, "side side 3"]:
    """A chess board, tiles or bricks with joints."""
    across, down = _turned(rng, side, rng.uniform(2, 10))
    colors = _palette(rng, 3)
    if rng.random() < 0.5:
        return _chosen((np.floor(across) + np.floor(down)).astype(np.int32), colors[:2])
    across = across + np.floor(down) * np.float32(0.5) if rng.random() < 0.5 else across
    joint = (np.mod(across, 1) < 0.1) | (np.mod(down, 1) < 0.1)
    shade = np.float32(1) + np.float32(0.25) * np.sin(np.floor(across) * 12.9898 + np.floor(down) * 78.233)
    return _bytes(np.where(joint[..., None], colors[1], colors[0] * shade[..., None]))


def dots(rng: np.random.Generator, side: int) -> UInt8[np.ndarray, "side side 3"]:
    """Dots on a grid."""
    across, down = _turned(rng, side, rng.uniform(2, 9))
    across = across + np.floor(down) * np.float32(rng.choice([0.0, 0.5]))
    away = np.hypot(np.mod(across, 1) - 0.5, np.mod(down, 1) - 0.5)
    return _chosen((away < rng.uniform(0.15, 0.4)).astype(np.int32), _palette(rng, 2))


def marble(rng: np.random.Generator, side: int) -> UInt8[np.ndarray, "side side 3"]:
    """Clouds or veins between two colours: stone, rust, fur, camouflage."""
    noise = clouds(rng, side, int(rng.integers(2, 9)), 5)
    kind = rng.random()
    if kind < 0.35:
        noise = np.abs(np.sin(np.float32(rng.uniform(4, 14)) * noise)).astype(np.float32)
    elif kind < 0.6:
        noise = np.clip((noise - 0.5) * np.float32(rng.uniform(2, 20)) + 0.5, 0, 1)
    first, second = _palette(rng, 2)
    return _bytes(first + noise[..., None] * (second - first))


def wood(rng: np.random.Generator, side: int) -> UInt8[np.ndarray, "side side 3"]:
    """Grain: long fibres and rings, in browns or any paint."""
    stretched = clouds(rng, side, 4, 5)
    across, down = _turned(rng, side, 1.0, straight=True)
    rings = np.mod(across * np.float32(rng.uniform(3, 10)) + stretched * np.float32(0.6) + down * np.float32(0.2), 1)
    columns = clouds(rng, side, 24, 2)[:1]
    fibre = columns if rng.random() < 0.5 else columns.T
    color = _PAINTS[int(rng.choice([3, 4, 5, 6]))] if rng.random() < 0.75 else random_color(rng)
    return _bytes(color * (np.float32(0.75) + 0.3 * rings + 0.2 * fibre)[..., None] + rng.normal(0, 8, 3))


def leaves(rng: np.random.Generator, side: int) -> UInt8[np.ndarray, "side side 3"]:
    """Dead leaves: overlapping shapes of all sizes, whose statistics are those of photos (Lee, Mumford, Huang 2001)."""
    picture = np.empty((side, side, 3), np.uint8)
    colors = _palette(rng, int(rng.integers(3, 9)))
    picture[:] = colors[0].astype(np.uint8)
    for _ in range(int(rng.integers(30, 160))):
        radius = 0.5 * side * rng.uniform(0.1, 1.0) ** 3
        centre = tuple(int(value) for value in rng.uniform(0, side, 2))
        color = np.clip(colors[int(rng.integers(len(colors)))] * rng.uniform(0.7, 1.3), 0, 255)
        paint = tuple(int(value) for value in color)
        if rng.random() < 0.6:
            axes = (int(radius) + 1, int(radius * rng.uniform(0.3, 1)) + 1)
            cv2.ellipse(picture, centre, axes, rng.uniform(0, 180), 0, 360, paint, -1, cv2.LINE_AA)
        else:
            corner = centre[0] + int(radius) + 1, centre[1] + int(radius * rng.uniform(0.2, 1)) + 1
            cv2.rectangle(picture, centre, corner, paint, -1)
    light = np.float32(0.75) + np.float32(0.5) * clouds(rng, side)
    return _bytes(cv2.GaussianBlur(picture, (0, 0), rng.uniform(0.3, 2.0)) * light[..., None])


def printed(rng: np.random.Generator, side: int) -> UInt8[np.ndarray, "side side 3"]:
    """A packet's print: bands, panels, a picture, lines that look like writing."""
    ground, ink = random_color(rng), random_color(rng)
    if np.abs(ground - ink).sum() < 150:
        ink = np.where(ground.mean() > 128, 25, 235) + np.zeros(3, np.float32)
    picture = np.empty((side, side, 3), np.uint8)
    picture[:] = ground.astype(np.uint8)
    for _ in range(int(rng.integers(0, 4))):
        (x0, y0), (x1, y1) = np.sort(rng.uniform(0, side, (2, 2)), axis=0).astype(int)
        if rng.random() < 0.5:
            x0, x1 = 0, side
        cv2.rectangle(picture, (int(x0), int(y0)), (int(x1), int(y1)), near_color(ground, rng).tolist(), -1)
    if rng.random() < 0.5:
        size = int(side * rng.uniform(0.2, 0.5))
        x, y = rng.integers(0, side - size, 2)
        picture[y : y + size, x : x + size] = leaves(rng, size)
    for _ in range(int(rng.integers(1, 5))):
        _write(picture, rng, tuple(int(value) for value in ink))
    return picture


def _write(picture: UInt8[np.ndarray, "s s 3"], rng: np.random.Generator, ink: tuple[int, ...]) -> None:
    """A line or a paragraph of strokes that have the rhythm of letters; drawn into the picture given."""
    side = len(picture)
    tall = side * rng.choice([0.03, 0.05, 0.08, 0.16])
    x0, y = side * rng.uniform(0.1, 0.4), side * rng.uniform(0.1, 0.8)
    lines = 1 if tall > 0.06 * side else int(rng.integers(2, 7))
    thick = max(1, round(tall * 0.16))
    for _ in range(lines):
        x, end = x0, side * rng.uniform(0.5, 0.9)
        while x < end:
            wide = tall * rng.uniform(0.35, 0.7)
            corners = rng.uniform(0, 1, (int(rng.integers(3, 5)), 2)) * [wide, tall] + [x, y]
            cv2.polylines(picture, [np.rint(corners).astype(np.int32)], False, ink, thick, cv2.LINE_AA)
            x += wide * 1.3 + (tall * 0.5 if rng.random() < 0.18 else 0)
        y += tall * 1.6


PATTERNS: dict[str, tuple[float, Callable[[np.random.Generator, int], UInt8[np.ndarray, "_ _ 3"]]]] = {
    "plain": (0.38, plain),
    "gradient": (0.08, gradient),
    "stripes": (0.08, stripes),
    "checks": (0.05, checks),
    "dots": (0.04, dots),
    "marble": (0.12, marble),
    "wood": (0.1, wood),
    "leaves": (0.08, leaves),
    "printed": (0.07, printed),
}
"""How often each comes, and who paints it."""


def random_pattern(rng: np.random.Generator, side: int) -> UInt8[np.ndarray, "side side 3"]:
    """One of the patterns."""
    names = list(PATTERNS)
    weights = np.array([PATTERNS[name][0] for name in names])
    return PATTERNS[names[int(rng.choice(len(names), p=weights / weights.sum()))]][1](rng, side)


def _palette(rng: np.random.Generator, count: int) -> Float32[np.ndarray, "count 3"]:
    first = random_color(rng)
    return np.stack([first, *[near_color(first, rng) for _ in range(count - 1)]])


def _turned(
    rng: np.random.Generator, side: int, repeats: float, *, straight: bool = False
) -> tuple[Float32[np.ndarray, "side side"], Float32[np.ndarray, "side side"]]:
    """Coordinates across and down that repeat so often, upright or at an angle."""
    angle = rng.choice([0, np.pi / 2]) if straight or rng.random() < 0.6 else rng.uniform(0, np.pi)
    at = np.linspace(0, repeats, side, dtype=np.float32)
    x, y = np.meshgrid(at, at)
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return np.asarray(cosine * x + sine * y), np.asarray(cosine * y - sine * x)


def _ramp(rng: np.random.Generator, side: int, repeats: float, *, upright: bool) -> Float32[np.ndarray, "side side"]:
    at = np.linspace(0, repeats, side, dtype=np.float32)
    if upright:
        return np.broadcast_to(at[:, None], (side, side))
    return _turned(rng, side, repeats)[0]


def _chosen(index: np.ndarray, colors: Float32[np.ndarray, "n 3"]) -> UInt8[np.ndarray, "side side 3"]:
    return _bytes(colors)[np.mod(index, len(colors))]


def _bytes(color: np.ndarray) -> UInt8[np.ndarray, "..."]:
    return np.clip(color, 0, 255).astype(np.uint8)
