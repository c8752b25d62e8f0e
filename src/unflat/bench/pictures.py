"""Pictures for measuring, made here: a photographed solid, a drawing of it, and its depth, at any size."""

from __future__ import annotations

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from unflat.render.cameras import orbit_camera
from unflat.synth.capture import patterned_part, photograph
from unflat.synth.solids import mug


def photographed_mug(side_px: int) -> tuple[UInt8[np.ndarray, "h w 3"], Float32[np.ndarray, "h w"]]:
    """A mug on a wooden-looking table, and its z-depth (NaN beside it)."""
    part = patterned_part(mug(), waves=2.0)
    camera = orbit_camera(part.mesh.vertices, 30, 20, fov_deg=35, size_px=side_px)
    view = photograph(part, camera, background=_boards(side_px))
    assert view.depth is not None
    return view.photo.pixels, view.depth.depth


def drawn_fish(side_px: int) -> UInt8[np.ndarray, "h w 3"]:
    """A fish in ink on paper, with a fin, an eye and a shadow across the sheet."""
    unit = side_px / 512
    paper = np.full((side_px, side_px, 3), (236, 232, 224), np.uint8)
    pen = max(round(5 * unit), 1)

    def at(x: float, y: float) -> tuple[int, int]:
        return round(x * unit), round(y * unit)

    cv2.ellipse(paper, at(230, 256), at(150, 90), 0, 0, 360, (40, 30, 90), pen, cv2.LINE_AA)
    tail = np.array([at(372, 240), at(460, 180), at(440, 256), at(460, 335), at(372, 275)])
    cv2.polylines(paper, [tail], False, (40, 30, 90), pen, cv2.LINE_AA)
    cv2.circle(paper, at(150, 230), round(12 * unit), (20, 20, 20), pen, cv2.LINE_AA)
    cv2.ellipse(paper, at(250, 260), at(60, 25), 10, 0, 200, (40, 30, 90), pen, cv2.LINE_AA)
    shade = np.linspace(1.0, 0.75, side_px, dtype=np.float32)[None, :, None]
    return np.asarray(paper * shade, np.uint8)


def _boards(side_px: int) -> UInt8[np.ndarray, "h w 3"]:
    """Brown boards with grain: busy enough that cutting out is real work."""
    random = np.random.default_rng(0)
    grain = cv2.resize(random.normal(0, 1, (side_px // 4, 16)).astype(np.float32), (side_px, side_px))
    rows = np.arange(side_px)[:, None]
    board = np.where(rows % (side_px // 5) < 3, -40.0, 0.0)
    brown = np.array([150.0, 105.0, 70.0])
    return np.clip(brown + 12 * grain[..., None] + board[..., None], 0, 255).astype(np.uint8)
