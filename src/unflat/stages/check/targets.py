"""Targets: what an asset has to be to be used in a game, in AR, in a printer, on the web. Data, no code.

Where each number comes from is in docs/quality.md.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from unflat.core import RecipeError

SettingValue = bool | int | float | str
"""What a recipe's setting may be."""


@dataclass(frozen=True)
class Target:
    """What a use asks of an asset. None and False: it does not ask."""

    name: str
    summary: str
    formats: tuple[str, ...]
    """File endings to write, the most usual first."""
    settings: tuple[tuple[str, SettingValue], ...] = ()
    """Recipe settings it asks for: `stage.option` and value. They aim below the limits."""
    max_faces: int | None = None
    max_texture_px: int | None = None
    max_file_mb: float | None = None
    """Megabytes (10^6 bytes) as a GLB."""
    max_size_m: float | None = None
    """Longest side."""
    min_wall_mm: float | None = None
    min_texels_per_m: float | None = None
    needs_watertight: bool = False
    needs_metric: bool = False
    needs_uv: bool = False
    refuses_overlap: bool = False
    """Whether faces may not share texels."""
    refuses_intersections: bool = False
    """Whether faces that pass through each other are worth a warning."""


TARGETS: tuple[Target, ...] = (
    Target(
        "game",
        "a prop in a game engine: few faces, one texture set, room for baked light",
        formats=("glb",),
        settings=(("finish.decimate.faces", 10_000), ("texture.size_px", 2048)),
        max_faces=20_000,
        max_texture_px=2048,
        needs_uv=True,
        refuses_overlap=True,
    ),
    Target(
        "ar",
        "a phone's camera: true to scale, quick to load on iOS (usdz) and Android (glb)",
        formats=("usdz", "glb"),
        settings=(("finish.decimate.faces", 30_000), ("texture.size_px", 2048)),
        max_faces=100_000,
        max_texture_px=2048,
        max_file_mb=10.0,
        needs_metric=True,
        needs_uv=True,
    ),
    Target(
        "print",
        "a 3D printer: closed, true to scale, walls that a nozzle can lay",
        formats=("3mf", "stl"),
        settings=(("finish.decimate.faces", 100_000), ("texture.size_px", 1024)),
        max_faces=1_000_000,
        max_size_m=0.256,
        min_wall_mm=0.8,
        needs_watertight=True,
        needs_metric=True,
        refuses_intersections=True,
    ),
    Target(
        "web",
        "a page in a browser: a few megabytes, shown at once on a phone",
        formats=("glb",),
        settings=(("finish.decimate.faces", 15_000), ("texture.size_px", 1024)),
        max_faces=50_000,
        max_texture_px=2048,
        max_file_mb=5.0,
        needs_uv=True,
    ),
)
"""All targets that unflat knows."""


def find_target(name: str) -> Target:
    """The target of this name. Raises `RecipeError` with the near name."""
    known = {target.name: target for target in TARGETS}
    if name not in known:
        near = difflib.get_close_matches(name, known, n=1)
        raise RecipeError(
            f"There is no target “{name}”.",
            code="unknown-target",
            hint=(f"Did you mean “{near[0]}”? " if near else "") + f"Known: {', '.join(known)}.",
        )
    return known[name]
