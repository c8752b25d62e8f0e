"""The pictures that go with an asset: a preview, a turntable, a sheet, and a contact sheet of many."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import UInt8

from unflat.core import Asset, Camera, Photo, Scale
from unflat.render.cameras import orbit_camera, turntable_cameras
from unflat.render.frame import render_frame
from unflat.render.layout import PAPER, Tile, lay_out
from unflat.render.scene import Scene, build_scene
from unflat.render.studio import FloorShadow, backdrop, floor_shadow
from unflat.render.styles import INFERRED_COLOR, SEEN_COLOR, UNSAID_COLOR, Shading

_THREE_QUARTER_DEG = (32.0, 16.0)
"""Azimuth and elevation of the view that shows most of an object: front, side and a little of the top."""
_LEVEL_DEG = 4.0
"""Elevation of the views from the front and the back."""
_FRONT_FOV_DEG = 20.0
_AIR = 1.18
"""Preview and sheet leave this much room around the object, for its shadow."""
_PLAIN = (244, 245, 247)


def preview(asset: Asset, size_px: int = 768) -> UInt8[np.ndarray, "h w 3"]:
    """The asset in a pale studio, from the front's right and a little above."""
    scene = build_scene(asset)
    camera = orbit_camera(scene.points, *_THREE_QUARTER_DEG, size_px=size_px, margin=_AIR)
    return _studio_picture(scene, camera, floor_shadow(scene))


def turntable_frames(asset: Asset, count: int = 36, size_px: int = 512) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
    """One turn around the asset, picture by picture, beginning at its front."""
    scene = build_scene(asset)
    shadow = floor_shadow(scene)
    for camera in turntable_cameras(scene.points, count, size_px=size_px):
        yield _studio_picture(scene, camera, shadow)


def sheet(asset: Asset, photo: Photo | None, size_px: int = 384) -> UInt8[np.ndarray, "h w 3"]:
    """Photo, the same side rendered, three-quarter view, back, normals, and what was seen: six tiles of `size_px`.

    Without a photo (None) the shape in clay takes its place.
    """
    scene = build_scene(asset)
    shadow = floor_shadow(scene)
    front = orbit_camera(scene.points, 0, _LEVEL_DEG, fov_deg=_FRONT_FOV_DEG, size_px=size_px, margin=_AIR)
    side = orbit_camera(scene.points, *_THREE_QUARTER_DEG, size_px=size_px, margin=_AIR)
    back = orbit_camera(scene.points, 180, _LEVEL_DEG, fov_deg=_FRONT_FOV_DEG, size_px=size_px, margin=_AIR)
    first = (
        Tile(_studio_picture(scene, front, shadow, "clay"), "Shape")
        if photo is None
        else Tile(_on_paper(photo), "Photo")
    )
    rows = (
        (
            first,
            Tile(_studio_picture(scene, front, shadow), "Same side, rendered"),
            Tile(_studio_picture(scene, side, shadow), "Three-quarter view"),
        ),
        (
            Tile(_studio_picture(scene, back, shadow), "Back"),
            Tile(render_frame(scene, side, shading="normals", background=_PLAIN).color, "Normals"),
            Tile(_studio_picture(scene, side, shadow, "seen"), "Seen or inferred", _legend(asset)),
        ),
    )
    return lay_out(rows, size_px, asset.name, _facts(asset))


def contact_sheet(
    rows: Sequence[Sequence[tuple[UInt8[np.ndarray, "_ _ 3"], str]]], size_px: int = 192
) -> UInt8[np.ndarray, "h w 3"]:
    """Many pictures with captions on one sheet, each fitted into a square of `size_px`."""
    return lay_out([[Tile(picture, caption) for picture, caption in row] for row in rows], size_px)


def _studio_picture(
    scene: Scene, camera: Camera, shadow: FloorShadow, shading: Shading = "lit"
) -> UInt8[np.ndarray, "h w 3"]:
    return render_frame(scene, camera, shading=shading, background=backdrop(camera, shadow)).color


def _on_paper(photo: Photo) -> UInt8[np.ndarray, "h w 3"]:
    """The photo's pixels; where the file itself is transparent, over white."""
    if photo.alpha is None:
        return photo.pixels
    alpha = photo.alpha[..., None] / 255.0
    return np.rint(photo.pixels * alpha + np.array(PAPER) * (1 - alpha)).astype(np.uint8)


def _legend(asset: Asset) -> tuple[tuple[tuple[int, int, int], str], ...]:
    said = any(part.mesh.confidence is not None or part.material.confidence is not None for part in asset.parts)
    return ((SEEN_COLOR, "seen"), (INFERRED_COLOR, "inferred")) if said else ((UNSAID_COLOR, "not recorded"),)


def _facts(asset: Asset) -> str:
    """Faces, size and seen share, in a few words."""
    facts = [f"{sum(len(part.mesh.faces) for part in asset.parts):,} faces"]
    if asset.scale is Scale.METRIC:
        corners = np.concatenate([part.mesh.vertices for part in asset.parts])
        facts.append(" x ".join(f"{side * 100:.3g}" for side in np.ptp(corners, axis=0)) + " cm")
    if asset.report is not None and np.isfinite(asset.report.seen_share):
        facts.append(f"{asset.report.seen_share:.0%} seen")
    return "  ·  ".join(facts)
