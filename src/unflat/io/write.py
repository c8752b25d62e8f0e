"""Assets to files, by ending."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from unflat.core.asset import Asset
from unflat.core.context import Context
from unflat.core.errors import RecipeError
from unflat.io.atomic import write_all_atomically
from unflat.io.glb import GlbOptions, glb_bytes

FORMATS = ("glb", "usdz", "obj", "ply", "stl", "3mf")
"""Endings of the model files that can be written."""


def write_asset(
    asset: Asset, path: Path | str, options: GlbOptions | None = None, context: Context | None = None
) -> tuple[Path, ...]:
    """Write the asset in the format of the path's ending; gives all files written, the model first.

    Coarser levels go to files of their own beside it (``cup.glb``, ``cup_lod1.glb``, ...), because few viewers know
    levels within a file. All files are written or none. ``options`` are for GLB. Raises `RecipeError`
    ``unknown-format`` and what `unflat.io.atomic` raises.
    """
    path = Path(path)
    files = _files_of(path, options, context or Context())
    contents: dict[Path, bytes] = {}
    for number, parts in enumerate((asset.parts, *asset.levels)):
        stem = path.stem if number == 0 else f"{path.stem}_lod{number}"
        level = replace(asset, parts=parts, levels=())
        contents |= {path.with_name(name): content for name, content in files(level, stem).items()}
    return write_all_atomically(contents)


def _files_of(path: Path, options: GlbOptions | None, context: Context) -> Callable[[Asset, str], dict[str, bytes]]:
    """What gives the files of an asset in the format of the path: names, beginning with the stem, and contents."""
    ending = path.suffix.lower().lstrip(".")
    if ending not in FORMATS:
        found = f"the ending “{ending}”" if ending else "no ending"
        raise RecipeError(
            f"“{path.name}” has {found}, which is no format that unflat writes.",
            hint=f"Give a name that ends in one of {', '.join(FORMATS)}.",
            code="unknown-format",
        )

    def files(asset: Asset, stem: str) -> dict[str, bytes]:
        if ending == "obj":
            from unflat.io.obj import obj_files

            return obj_files(asset, stem, path.suffix)
        return {f"{stem}{path.suffix}": _content(asset, ending, options, context)}

    return files


def _content(asset: Asset, ending: str, options: GlbOptions | None, context: Context) -> bytes:
    """The bytes of a format that is one file. Imports wait until they are needed: importing unflat stays quick."""
    if ending == "glb":
        return glb_bytes(asset, options)
    if ending == "usdz":
        from unflat.io.usdz import usdz_bytes

        return usdz_bytes(asset)
    if ending == "ply":
        from unflat.io.ply import ply_bytes

        return ply_bytes(asset)
    if ending == "stl":
        from unflat.io.stl import stl_bytes

        return stl_bytes(asset)
    from unflat.io.threemf import threemf_bytes

    return threemf_bytes(asset, context)
