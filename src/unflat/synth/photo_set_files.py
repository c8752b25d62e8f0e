"""A photo set as a folder that other programs can read: pictures, cameras, masks, and the true mesh."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from unflat.core import Asset, Camera, Photo, View, Views
from unflat.io.atomic import write_atomically
from unflat.io.cameras import write_cameras
from unflat.io.glb import GlbOptions, glb_bytes
from unflat.io.ply import ply_bytes
from unflat.synth.photo_sets import PhotoSet, TakenPhoto

MARKER = "truth.json"
_FILM_DIAGONAL_MM = float(np.hypot(36.0, 24.0))
"""35 mm equivalents compare diagonals (CIPA DCG-001)."""
_EXIF_FOLDER, _FOCAL_LENGTH_35MM = 0x8769, 0xA405


def write_photo_set(
    taken: PhotoSet, folder: Path, *, exif_focal: bool = False, tell: Callable[[str], None] = lambda _: None
) -> Path:
    """Render the set into the folder; nothing is done where the very same set lies there already.

    ``images/photo_000.jpg`` and so on, ``masks/photo_000.png``, ``transforms.json`` (their cameras),
    ``left_out/left_out_000.png`` with ``left_out_masks/`` and ``left_out.json`` (cameras), ``mesh.ply``, ``mesh.glb``
    (with texture), and last ``truth.json``. `exif_focal` writes the focal length as a 35 mm equivalent, which has whole
    millimetres. Raises `SetupError` as the disk does.
    """
    what = {"name": taken.name, "seed": taken.seed, "exif_focal": exif_focal, "style": repr(taken.style)}
    if _made_from(folder) == what:
        return folder
    asset = Asset((taken.truth,), name=taken.name)
    write_atomically(folder / "mesh.ply", ply_bytes(asset))
    write_atomically(folder / "mesh.glb", glb_bytes(asset, GlbOptions(image_format="png")))
    names = []
    for index in range(len(taken.cameras)):
        photo = taken.photo(index)
        names.append(f"images/{photo.name}")
        _write_photo(photo, folder, ("images", "masks"), exif_focal)
        tell(f"{taken.name}: {photo.name}")
    left_out = []
    for index in range(len(taken.left_out)):
        photo = taken.left_out_photo(index)
        left_out.append(f"left_out/{photo.name}")
        _write_photo(photo, folder, ("left_out", "left_out_masks"), False)
        tell(f"{taken.name}: {photo.name}")
    write_cameras(_views(names, taken.cameras), folder / "transforms.json")
    if left_out:
        write_cameras(_views(left_out, taken.left_out), folder / "left_out.json")
    write_atomically(folder / MARKER, json.dumps({"made_from": what, **_facts(taken)}, indent=1).encode())
    return folder


def _made_from(folder: Path) -> object:
    """What the set in the folder was made from; None where there is none."""
    path = folder / MARKER
    return json.loads(path.read_text(encoding="utf-8")).get("made_from") if path.is_file() else None


def _facts(taken: PhotoSet) -> dict[str, object]:
    """What the other files do not say."""
    return {
        "unit": "metre",
        "up": "transforms.json: +Z as such files have it; mesh.ply, mesh.glb: +Y",
        "world": "mesh = (x, y, z) is (x, -z, y) in transforms.json",
        "object_longest_side": float(taken.truth.mesh.extent.max()),
        "table_height": 0.0,
    }


def _write_photo(photo: TakenPhoto, folder: Path, below: tuple[str, str], exif_focal: bool) -> None:
    content = photo.jpeg if photo.jpeg is not None else _png(photo.pixels)
    if photo.jpeg is not None and exif_focal:
        content = _with_focal(photo.jpeg, photo.camera)
    write_atomically(folder / below[0] / photo.name, content)
    mask = _png(np.rint(photo.alpha * 255).astype(np.uint8))
    write_atomically(folder / below[1] / f"{Path(photo.name).stem}.png", mask)


def _with_focal(content: bytes, camera: Camera) -> bytes:
    """The JPEG with the focal length in its EXIF data; its pixels are not touched."""
    millimetres = camera.fx * _FILM_DIAGONAL_MM / float(np.hypot(camera.width_px, camera.height_px))
    exif = Image.Exif()
    exif.get_ifd(_EXIF_FOLDER)[_FOCAL_LENGTH_35MM] = round(millimetres)
    block = exif.tobytes()
    assert content[:2] == b"\xff\xd8", "a JPEG begins so"
    return content[:2] + b"\xff\xe1" + (len(block) + 2).to_bytes(2, "big") + block + content[2:]


def _png(pixels: UInt8[np.ndarray, "..."]) -> bytes:
    packed = io.BytesIO()
    Image.fromarray(pixels).save(packed, "PNG", compress_level=4)
    return packed.getvalue()


def _views(names: Sequence[str], cameras: Sequence[Camera]) -> Views:
    """Views that hold nothing but names and cameras."""
    first = cameras[0]
    empty = np.zeros((first.height_px, first.width_px, 3), np.uint8)
    views = [View(Photo(empty, name=name), camera=camera) for name, camera in zip(names, cameras, strict=True)]
    return Views(tuple(views))
