"""OBJ, PLY, STL and OFF to assets, parsed by trimesh."""

from __future__ import annotations

import io
import re
import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from unflat.core.asset import Asset, Part
from unflat.core.context import Context
from unflat.core.errors import InputError
from unflat.core.scale import Scale
from unflat.geometry.meshes import welded
from unflat.io.printing import world_from_printing
from unflat.io.textures import decode_image
from unflat.io.trimesh_bridge import part_from_trimesh

_OURS = re.compile(rb"unflat \S+ unit=(m|mm) up=(y|z) scale=(metric|up-to-scale)")
"""What our own PLY, OBJ and STL files say about themselves in a comment or header."""
_HEADER_BYTES = 512
_MTL_MAPS = {"norm": "normal", "map_pr": "roughness", "map_pm": "metallic"}


def read_plain(content: bytes, kind: str, name: str, folder: Path | None, context: Context) -> Asset:
    """An asset from the bytes of a file of that kind. ``folder`` is where an OBJ's materials and textures lie.

    These formats have no units: files of ours say so in a comment and come back in metres, others keep their numbers.
    STL and OFF, which repeat or lack everything but positions, are welded.
    """
    said = _OURS.search(content[:_HEADER_BYTES])
    parts = []
    geometries = _parsed(content, kind, folder, ours=said is not None)
    named = _in_order(geometries, content) if kind == "obj" else [(name, one) for one in geometries.values()]
    for key, geometry in named:
        if not len(getattr(geometry, "faces", ())):
            continue
        part = part_from_trimesh(geometry, key)
        if kind == "obj":
            part = _with_mtl(part, geometry, folder, context)
        elif kind == "ply" and said is not None:
            part = _with_columns(part, geometry)
        elif kind in ("stl", "off"):
            part = replace(part, mesh=welded(part.mesh))
        parts.append(part)
    if not parts and kind == "stl" and not content.lstrip().startswith(b"solid"):
        raise _damaged(kind, "it ends before its faces do")
    if not parts:
        raise InputError(
            f"The {kind.upper()} file has no faces.", hint="Give a model with a surface.", code="empty-mesh"
        )
    if said is None:
        return Asset(tuple(parts), name)
    if said[2] == b"z":
        parts = [replace(part, mesh=_upright(part)) for part in parts]
    return Asset(tuple(parts), name, scale=Scale(said[3].decode()))


def _parsed(content: bytes, kind: str, folder: Path | None, *, ours: bool) -> dict[str, Any]:
    import trimesh
    from trimesh.exchange.stl import HeaderError

    options: dict[str, Any] = {"process": False}
    if kind == "obj":
        options["split_objects"] = True
        options["resolver"] = None if folder is None else trimesh.resolvers.FilePathResolver(str(folder))
    if kind == "ply":
        # Foreign files may have UV at the corners of faces, for which trimesh splits vertices; ours stay in order.
        options["fix_texture"] = not ours
    try:
        with np.errstate(all="ignore"):
            loaded: dict[str, Any] = dict(trimesh.load_scene(io.BytesIO(content), file_type=kind, **options).geometry)
    except (
        HeaderError, ValueError, TypeError, KeyError, IndexError, AttributeError, NameError, EOFError, OverflowError,
        struct.error, NotImplementedError, AssertionError,
    ) as error:  # fmt: skip
        # What a parser of damaged text trips over; the list is what truncated and scrambled files gave.
        raise _damaged(kind, str(error)) from error
    return loaded


def _damaged(kind: str, why: str) -> InputError:
    return InputError(
        f"The {kind.upper()} file can't be read: it is damaged or of another format ({why}).",
        hint="Export it again; check that the ending fits the content.",
        code="corrupt-model",
    )


def _in_order(geometries: dict[str, Any], content: bytes) -> list[tuple[str, Any]]:
    """An OBJ's meshes by the names of their objects, in the order of the file; trimesh calls them "object_material"."""
    objects = [line.decode(errors="replace").strip() for line in re.findall(rb"^o[ \t]+(.+)$", content, re.MULTILINE)]
    place = {name: number for number, name in enumerate(objects)}

    def object_of(key: str) -> str:
        return max((name for name in place if key == name or key.startswith(f"{name}_")), key=len, default=key)

    names = [object_of(key) for key in geometries]
    ordered = sorted(zip(names, geometries.items(), strict=True), key=lambda one: place.get(one[0], len(place)))
    return [(name if names.count(name) == 1 else key, geometry) for name, (key, geometry) in ordered]


def _with_mtl(part: Part, geometry: Any, folder: Path | None, context: Context) -> Part:
    """The part with what trimesh leaves of an MTL's PBR statements: factors, normal, roughness, metallic."""
    stated: dict[str, Any] = getattr(getattr(geometry.visual, "material", None), "kwargs", {})
    factors: dict[str, Any] = {
        field: min(max(float(stated[key][0]), 0.0), 1.0)
        for key, field in (("pr", "roughness_factor"), ("pm", "metallic_factor"))
        if key in stated
    }
    maps: dict[str, Any] = {}
    for key, field in _MTL_MAPS.items():
        path = None if folder is None or key not in stated else (folder / " ".join(stated[key])).resolve()
        if path is None or folder is None or not path.is_relative_to(folder.resolve()):
            continue
        if not path.is_file():
            context.warn(f"The texture “{path.name}” of the OBJ's material is missing.")
            continue
        pixels = decode_image(path.read_bytes(), path.name)
        maps[field] = pixels if field == "normal" else np.ascontiguousarray(pixels[:, :, 0])
    sizes = {one.shape for field, one in maps.items() if field != "normal"}
    if len(sizes) > 1:
        context.warn("The OBJ's roughness and metallic textures differ in size; they are left out.")
        maps = {field: one for field, one in maps.items() if field == "normal"}
    # White vertices beside a texture are padding, see `unflat.io.obj`.
    padded = part.mesh.colors is not None and part.material.base_color is not None and part.mesh.colors.min() == 255
    mesh = replace(part.mesh, colors=None) if padded else part.mesh
    return replace(part, mesh=mesh, material=replace(part.material, **factors, **maps))


def _with_columns(part: Part, geometry: Any) -> Part:
    """The part with the vertex columns of our PLY files that trimesh does not know."""
    columns = geometry.metadata["_ply_raw"]["vertex"]["data"]
    changes: dict[str, Any] = {}
    if {"s", "t"} <= set(columns.dtype.names):
        changes["uv"] = np.column_stack([columns["s"], 1 - columns["t"]]).astype(np.float32)
    if "confidence" in columns.dtype.names:
        changes["confidence"] = np.asarray(columns["confidence"], np.float32)
    return replace(part, mesh=replace(part.mesh, **changes))


def _upright(part: Part) -> Any:
    """The mesh of our STL files back in the world: Y up, metres."""
    return part.mesh.with_vertices(world_from_printing(part.mesh.vertices, metres_per_unit=1e-3))
