"""The files that a run leaves: models, pictures of them, the quality report. Every door writes them here."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import UInt8

from unflat.core import Asset, Photo, RecipeError
from unflat.io.atomic import write_atomically
from unflat.io.glb import GlbOptions
from unflat.io.movie import write_png, write_turntable
from unflat.io.write import FORMATS, write_asset
from unflat.render.cameras import orbit_camera
from unflat.render.frame import render_frame
from unflat.render.pictures import contact_sheet, preview, sheet, turntable_frames
from unflat.render.scene import build_scene
from unflat.render.styles import Shading
from unflat.stages.check.describe import report_json
from unflat.stages.check.targets import find_target

TURNTABLE_FRAMES = 36
TURNTABLE_PX = 512
PREVIEW_PX = 768
SHEET_PX = 384
CONTACT_PX = 224
CONTACT_SIDES: tuple[tuple[str, float, Shading], ...] = (
    ("front", 0.0, "lit"),
    ("turned", 55.0, "lit"),
    ("back", 180.0, "lit"),
    ("seen or inferred", 55.0, "seen"),
)


@dataclass(frozen=True)
class Outputs:
    """Which files are wanted of each asset."""

    formats: tuple[str, ...] = ("glb",)
    """Endings of the model files; see `unflat.io.write.FORMATS`."""
    image_format: Literal["jpeg", "png", "webp"] = "jpeg"
    """How the base colour is stored in a GLB."""
    meshopt: bool = False
    """Compress the GLB's geometry."""
    preview: bool = False
    """A picture: NAME_preview.png."""
    sheet: bool = False
    """The photo, the sides, the normals, seen or inferred: NAME_sheet.png."""
    turntable: Literal["webp", "mp4"] | None = None
    """A turning picture: NAME_turntable.webp."""
    report: bool = False
    """The quality report: NAME_report.json."""

    def __post_init__(self) -> None:
        for ending in self.formats:
            if ending not in FORMATS:
                raise RecipeError(
                    f"“{ending}” is no format that unflat writes.",
                    code="unknown-format",
                    hint=f"Write one of {', '.join(FORMATS)}.",
                )

    @property
    def glb(self) -> GlbOptions:
        """How a GLB is stored."""
        return GlbOptions(self.image_format, compression="meshopt" if self.meshopt else None)


def formats_for(target: str, named: str | None = None) -> tuple[str, ...]:
    """The formats named, as in "glb,usdz"; else those that the target wants; else GLB."""
    if named:
        return tuple(ending.strip().lstrip(".").lower() for ending in named.split(","))
    return find_target(target).formats if target else ("glb",)


def write_outputs(asset: Asset, photo: Photo | None, paths: list[Path], outputs: Outputs) -> list[Path]:
    """Write the model to the paths, each in the format of its ending, and pictures beside the first; give all files.

    A sheet shows the photo too: without a photo there is none.
    """
    written: list[Path] = []
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        written += write_asset(asset, path, outputs.glb)
    return written + _pictures(asset, photo, paths[0], outputs)


def contact_row(asset: Asset, photo: Photo) -> list[tuple[UInt8[np.ndarray, "_ _ 3"], str]]:
    """An asset's row of a contact sheet: the photo, three sides, and what was seen."""
    points = np.concatenate([part.mesh.vertices for part in asset.parts])
    scene = build_scene(asset)
    row = [(photo.pixels, asset.name)]
    for caption, azimuth, shading in CONTACT_SIDES:
        camera = orbit_camera(points, azimuth, 15.0, size_px=CONTACT_PX)
        row.append((render_frame(scene, camera, shading=shading).color, caption))
    return row


def write_contact_sheet(rows: list[list[tuple[UInt8[np.ndarray, "_ _ 3"], str]]], path: Path) -> None:
    """Write the rows as one picture."""
    write_png(contact_sheet(rows, CONTACT_PX), path)


def _pictures(asset: Asset, photo: Photo | None, path: Path, outputs: Outputs) -> list[Path]:
    made = []
    if outputs.preview:
        made.append(path.with_name(f"{path.stem}_preview.png"))
        write_png(preview(asset, PREVIEW_PX), made[-1])
    if outputs.sheet and photo is not None:
        made.append(path.with_name(f"{path.stem}_sheet.png"))
        write_png(sheet(asset, photo, SHEET_PX), made[-1])
    if outputs.turntable:
        made.append(path.with_name(f"{path.stem}_turntable.{outputs.turntable}"))
        write_turntable(turntable_frames(asset, TURNTABLE_FRAMES, TURNTABLE_PX), made[-1])
    if outputs.report and asset.report is not None:
        made.append(path.with_name(f"{path.stem}_report.json"))
        write_atomically(made[-1], json.dumps(report_json(asset.report), indent=2).encode())
    return made
