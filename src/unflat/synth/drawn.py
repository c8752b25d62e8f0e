"""Drawn versions of a rendered view, so that a network that learns from them understands drawings too.

Line art in pen, marker or pencil; flat colours with an outline; crayon; pencil shading: on white, grey or lined paper,
under uneven light. Pure arithmetic on arrays; what is drawn stays where it was in the view, to about a hundredth of
its side.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float32, Int32, Int64, UInt8

from unflat.synth.patterns import clouds
from unflat.synth.pen_lines import inner_pixels, outline_pixels, strayed, strokes

_STYLES = {"lines": 0.4, "flat": 0.2, "crayon": 0.25, "shaded": 0.15}
"""How often each comes: bare lines are what most people draw, and the hardest to understand."""

_INKS = np.array(
    [(25, 25, 28), (25, 25, 28), (30, 30, 40), (70, 70, 75), (60, 40, 140), (30, 60, 160), (190, 40, 60),
     (205, 80, 140), (110, 70, 40)],
    np.float32,
)  # fmt: skip
"""Pens people have at hand: mostly black, then pencil, violet and blue markers, red, pink and brown crayons."""


_GRAINS = 110
"""Grains of paper along the picture: the crayon of a child on a sheet as large as the picture."""


@dataclass(frozen=True, eq=False)
class _View:
    """What is seen at each pixel, with clean values beside the object."""

    color: UInt8[np.ndarray, "h w 3"]
    inside: Bool[np.ndarray, "h w"]
    depth: Float32[np.ndarray, "h w"]
    normals: Float32[np.ndarray, "h w 3"]
    pieces: Int32[np.ndarray, "h w"] | None


def drawn_version(
    color: UInt8[np.ndarray, "h w 3"],
    coverage: Float32[np.ndarray, "h w"],
    depth: Float32[np.ndarray, "h w"],
    normals: Float32[np.ndarray, "h w 3"],
    rng: np.random.Generator,
    *,
    pieces: Int32[np.ndarray, "h w"] | None = None,
) -> UInt8[np.ndarray, "h w 3"]:
    """A drawing of the view on paper (sRGB).

    `color` is the albedo or the photo, `depth` in half squares (any offset), `normals` in the camera's frame, `pieces`
    numbers what a hand would part with a line; values beside the object do not matter. About 7 ms at 128 pixels.
    """
    view = _View(color, coverage > 0.5, np.nan_to_num(depth), np.nan_to_num(normals), pieces)
    style = str(rng.choice(list(_STYLES), p=list(_STYLES.values())))
    paper = _paper(rng, color.shape[:2])
    picture, light = paper, _light(rng, color.shape[:2])
    if view.inside.any():
        if style in ("flat", "crayon"):
            picture = _filled(view, picture, rng, crayon=style == "crayon")
        elif style == "shaded":
            picture = _shaded(view, picture, rng)
        picture = _outlined(view, picture, rng, style)
    return np.clip(picture * light[..., None], 0, 255).astype(np.uint8)


def _paper(rng: np.random.Generator, shape: tuple[int, int]) -> Float32[np.ndarray, "h w 3"]:
    """White, off-white, grey or brownish paper with a little grain, sometimes ruled."""
    if rng.random() < 0.35:
        return np.full((*shape, 3), 255, np.float32)
    tone = np.clip(rng.uniform(165, 250) + rng.normal(0, 2, 3) + np.array([2, 0, -5]) * rng.uniform(0, 1.5), 0, 255)
    paper = tone.astype(np.float32) + _grain(rng, shape)[..., None] * np.float32(rng.uniform(0.5, 3))
    if rng.random() < 0.1:
        pitch = rng.uniform(0.04, 0.1) * shape[0]
        rows = np.mod(np.arange(shape[0]) + rng.uniform(0, pitch), pitch) < 1
        paper[rows] *= np.array([0.8, 0.88, 0.97], np.float32)
    return np.asarray(paper, np.float32)


def _light(rng: np.random.Generator, shape: tuple[int, int]) -> Float32[np.ndarray, "h w"]:
    """The uneven light of a phone photo; even for scans and computer drawings."""
    if rng.random() < 0.4:
        return np.ones(shape, np.float32)
    cloudy = clouds(rng, max(shape), 1, 2)[: shape[0], : shape[1]]
    return np.asarray(np.float32(1) - np.float32(rng.uniform(0.05, 0.3)) * cloudy, np.float32)


def _outlined(
    view: _View, picture: Float32[np.ndarray, "h w 3"], rng: np.random.Generator, style: str
) -> Float32[np.ndarray, "h w 3"]:
    """Lines over the picture: the outline always (nearly, where there is colour), inner ones more or less of them."""
    side = max(view.inside.shape)
    if style in ("flat", "crayon") and rng.random() < 0.2:
        return picture
    width = side * float(np.exp(rng.uniform(np.log(0.006), np.log(0.03 if style == "lines" else 0.016))))
    wobble = rng.uniform(0.0, 0.009) * side
    ink = strokes(outline_pixels(view.inside), width, rng, wobble_px=wobble, broken=_few(rng))
    if rng.random() < 0.8:
        # a child's drawing has few inner lines, an engineer's all of them
        pixels = inner_pixels(view.inside, view.depth, view.normals, view.pieces)
        inner = strokes(pixels, width * rng.uniform(0.4, 1), rng, wobble_px=wobble, broken=rng.choice([0.0, 0.15, 0.5]))
        ink = np.maximum(ink, inner)
    if rng.random() < 0.3:  # the hand went over it twice
        again = strokes(outline_pixels(view.inside), width * 0.7, rng, wobble_px=2 * wobble + 0.5, broken=0.4)
        ink = np.maximum(ink, again)
    if style != "shaded" and rng.random() < 0.25:
        ink = np.maximum(ink, _face(view.inside, width, rng))
    color = np.clip(_INKS[int(rng.integers(len(_INKS)))] + rng.normal(0, 12, 3), 0, 255).astype(np.float32)
    strength = np.float32(rng.uniform(0.7, 1.0))
    if rng.random() < 0.4:  # pencil, crayon: the paper's grain shows
        rough = np.float32(rng.uniform(0.1, 0.4))
        strength = strength * np.clip(np.float32(0.9) + rough * _grain(rng, view.inside.shape), 0, 1)
    alpha = (ink * strength)[..., None]
    return np.asarray(picture * (1 - alpha) + alpha * color, np.float32)


def _few(rng: np.random.Generator) -> float:
    return float(rng.choice([0.0, 0.0, 0.04, 0.12]))


def _face(inside: Bool[np.ndarray, "h w"], width: float, rng: np.random.Generator) -> Float32[np.ndarray, "h w"]:
    """Eyes and a mouth somewhere in the upper half: what drawings have and shapes do not."""
    canvas = np.zeros(inside.shape, np.uint8)
    rows, columns = np.nonzero(inside)
    y, x = rows.min() + np.ptp(rows) * rng.uniform(0.15, 0.5), columns.min() + np.ptp(columns) * rng.uniform(0.3, 0.7)
    gap, thick = max(np.ptp(columns) * rng.uniform(0.05, 0.15), 2.0), max(1, round(width * 0.8))
    for sign in (-1, 1):
        cv2.circle(
            canvas, (int(x + sign * gap), int(y)), max(1, int(gap * rng.uniform(0.1, 0.5))), 255, -1, cv2.LINE_AA
        )
    axes = (int(gap) + 1, int(gap * 0.5) + 1)
    cv2.ellipse(canvas, (int(x), int(y + gap)), axes, 0, 20, 160, 255, thick, cv2.LINE_AA)
    return np.where(inside, canvas, 0).astype(np.float32) / np.float32(255)


def _filled(
    view: _View, picture: Float32[np.ndarray, "h w 3"], rng: np.random.Generator, *, crayon: bool
) -> Float32[np.ndarray, "h w 3"]:
    """The object in a few flat colours: evenly, or with the streaks of a crayon that leaves paper bare."""
    side = max(view.inside.shape)
    flat, index = _few_colors(view, rng)
    amount = strayed(view.inside.astype(np.float32), rng, side * (0.012 if crayon else 0.003), 8)
    if crayon:
        # every colour is rubbed on in a direction of its own
        streaks = np.where(index % 2 == 0, *(_streaks(rng, view.inside.shape) for _ in range(2)))
        bare = rng.uniform(-0.3, 0.35)
        tooth = np.float32(rng.uniform(0.08, 0.25)) * _grain(rng, view.inside.shape)
        amount = amount * np.clip((streaks + tooth - bare) * 2.2, 0, 1)
        flat = flat * (np.float32(1.1) - np.float32(0.25) * streaks[..., None])
    alpha = (amount * np.float32(rng.uniform(0.75, 1)))[..., None]
    return np.asarray(picture * (1 - alpha) + alpha * flat, np.float32)


def _few_colors(view: _View, rng: np.random.Generator) -> tuple[Float32[np.ndarray, "h w 3"], Int64[np.ndarray, "h w"]]:
    """The view's colours reduced to two to five, rather purer than they were: a box of crayons; and which is where."""
    smooth = cv2.medianBlur(np.ascontiguousarray(view.color), 5)
    pool = smooth[view.inside].astype(np.float32)
    sample = pool[rng.integers(0, len(pool), 200)]
    count = int(rng.integers(2, 6))
    centres = sample[:1]
    for _ in range(count - 1):  # farthest point first: keeps small but different areas
        distance = ((sample[:, None] - centres[None]) ** 2).sum(axis=2).min(axis=1)
        centres = np.concatenate([centres, sample[[int(distance.argmax())]]])
    grey = centres.mean(axis=1, keepdims=True)
    vivid = np.clip(grey + (centres - grey) * np.float32(rng.uniform(1, 1.8)) + np.float32(rng.uniform(0, 40)), 0, 255)
    nearest = ((smooth.reshape(-1, 1, 3).astype(np.float32) - centres) ** 2).sum(axis=2).argmin(axis=1)
    return vivid[nearest].reshape(*view.inside.shape, 3).astype(np.float32), nearest.reshape(view.inside.shape)


def _streaks(rng: np.random.Generator, shape: tuple[int, ...]) -> Float32[np.ndarray, "h w"]:
    """Parallel crayon strokes, 0..1, at a random angle."""
    side = 2 * max(shape)
    grid = rng.random((int(rng.uniform(30, 90)), int(rng.uniform(4, 9))), np.float32)
    lines = cv2.resize(grid, (side, side), interpolation=cv2.INTER_CUBIC)
    turn = cv2.getRotationMatrix2D((side / 2, side / 2), rng.uniform(0, 180), 1.0)
    turn[:, 2] -= side / 4
    turned = cv2.warpAffine(lines, turn, (shape[1], shape[0]), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(np.clip(turned, 0, 1), np.float32)


def _shaded(
    view: _View, picture: Float32[np.ndarray, "h w 3"], rng: np.random.Generator
) -> Float32[np.ndarray, "h w 3"]:
    """Pencil tones where light does not reach: smudged, or hatched along lines that follow the surface."""
    towards = np.array([rng.uniform(-0.8, 0.8), rng.uniform(-0.9, -0.2), -rng.uniform(0.3, 0.9)], np.float32)
    dark = np.clip(np.float32(0.75) - view.normals @ (towards / np.linalg.norm(towards)), 0, 1)
    height, width = view.inside.shape
    if rng.random() < 0.6:
        x, y = np.meshgrid(np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32))
        angle, curve = rng.uniform(0, np.pi), rng.uniform(-0.8, 0.8)
        along = np.cos(angle) * x + np.sin(angle) * y + curve * view.depth
        wave = np.sin(2 * np.pi * np.float32(rng.uniform(9, 24)) * strayed(along.astype(np.float32), rng, 0.7, 8))
        tone = np.clip((dark * 2.2 - 1 - wave) * 1.5 + 0.5, 0, 1) * 0.8
    else:
        tone = (dark * np.float32(0.9) + np.float32(0.1)) * np.clip(
            np.float32(0.85) + np.float32(rng.uniform(0.05, 0.3)) * _grain(rng, view.inside.shape), 0, 1
        )
    tone = np.where(view.inside, tone * np.float32(rng.uniform(0.5, 0.95)), 0)[..., None]
    pencil = _INKS[int(rng.integers(len(_INKS)))] if rng.random() < 0.3 else np.float32(50)
    return np.asarray(picture * (1 - tone) + tone * pencil, np.float32)


def _grain(rng: np.random.Generator, shape: tuple[int, ...]) -> Float32[np.ndarray, "h w"]:
    """The tooth of paper: noise of about unit strength, as coarse in the picture at any size."""
    coarse = rng.standard_normal(
        (_GRAINS * shape[0] // max(shape) + 1, _GRAINS * shape[1] // max(shape) + 1), np.float32
    )
    fine = rng.standard_normal(shape, np.float32)
    large = cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR)
    return np.asarray(0.4 * fine + 1.2 * large, np.float32)
