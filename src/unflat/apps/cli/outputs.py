"""Which files a run writes, and writing them."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from unflat.core import Asset, Photo, RecipeError, SetupError
from unflat.io.atomic import write_atomically
from unflat.io.glb import GlbOptions, glb_bytes
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


def output_paths(options: argparse.Namespace, name: str, several: bool) -> list[Path]:
    """The model files to write; empty for the pipe."""
    if options.output == "-":
        return []
    formats = _formats(options)
    if options.output is None:
        return [Path(f"{name}.{ending}") for ending in formats]
    output = Path(options.output)
    if several or output.is_dir() or not output.suffix:
        return [output / f"{name}.{ending}" for ending in formats]
    if options.format is None:
        return [output]
    return [output.with_suffix(f".{ending}") for ending in formats]


def refuse_unwritable(options: argparse.Namespace, several: bool) -> None:
    """Raise before any work if the output has an unknown ending or its folder can't be written to."""
    for path in output_paths(options, "model", several):
        if path.suffix.lstrip(".").lower() not in FORMATS:
            raise RecipeError(f"“{path.name}” has an ending that unflat can't write.", code="unknown-format",
                              hint=f"Write one of {', '.join(FORMATS)}.")  # fmt: skip
        folder = path.parent
        while not folder.exists():
            folder = folder.parent
        if not os.access(folder, os.W_OK):
            raise SetupError(f"The folder “{folder}” can't be written to.", code="not-writable",
                             hint="Name another place with -o.")  # fmt: skip


def write_outputs(asset: Asset, photo: Photo, paths: list[Path], options: argparse.Namespace) -> list[str]:
    """Write models and pictures; give the names of the files."""
    if not paths:
        sys.stdout.buffer.write(glb_bytes(asset, glb_options(options)))
        return ["-"]
    written: list[Path] = []
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        written += write_asset(asset, path, glb_options(options))
    return [str(path) for path in [*written, *_pictures(asset, photo, paths[0], options)]]


def glb_options(options: argparse.Namespace) -> GlbOptions:
    """How the command line wants a GLB stored."""
    return GlbOptions(options.image_format, compression="meshopt" if options.meshopt else None)


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


def _pictures(asset: Asset, photo: Photo, path: Path, options: argparse.Namespace) -> list[Path]:
    made = []
    if options.preview:
        made.append(path.with_name(f"{path.stem}_preview.png"))
        write_png(preview(asset, PREVIEW_PX), made[-1])
    if options.sheet:
        made.append(path.with_name(f"{path.stem}_sheet.png"))
        write_png(sheet(asset, photo, SHEET_PX), made[-1])
    if options.turntable:
        made.append(path.with_name(f"{path.stem}_turntable.{options.turntable}"))
        write_turntable(turntable_frames(asset, TURNTABLE_FRAMES, TURNTABLE_PX), made[-1])
    if options.report and asset.report is not None:
        made.append(path.with_name(f"{path.stem}_report.json"))
        write_atomically(made[-1], json.dumps(report_json(asset.report), indent=2).encode())
    return made


def _formats(options: argparse.Namespace) -> tuple[str, ...]:
    if options.format:
        return tuple(ending.strip().lstrip(".").lower() for ending in options.format.split(","))
    return find_target(options.target).formats if options.target else ("glb",)
