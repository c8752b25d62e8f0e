"""3MF for printing, through lib3mf: millimetres, Z up, welded, with colours at the corners of each face."""

from __future__ import annotations

import ctypes
import json
import uuid
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64, UInt8

from unflat.core.asset import Asset, Part
from unflat.core.context import Context
from unflat.core.errors import InputError
from unflat.core.material import Material
from unflat.core.shape import Mesh
from unflat.core.view import Scale
from unflat.geometry.meshes import welded
from unflat.io.atomic import write_atomically
from unflat.io.metadata import GENERATOR, asset_metadata, asset_with_metadata, json_text
from unflat.io.printing import MILLIMETRES_PER_METRE, printing_from_world, world_from_printing
from unflat.io.textures import corner_colors

_NAMESPACE = "urn:unflat"
_METRES_PER_UNIT = {0: 1e-6, 1: 1e-3, 2: 1e-2, 3: 0.0254, 4: 0.3048, 5: 1.0}
"""By lib3mf's ModelUnit: micrometre, millimetre, centimetre, inch, foot, metre."""
_DECIMALS = 6
"""Digits behind the point of a millimetre: a nanometre, so that welded vertices stay where they are."""
_MAX_DEPTH = 100
"""Levels of components; deeper is a loop."""


def threemf_bytes(asset: Asset, context: Context | None = None) -> bytes:
    """The parts as objects of one 3MF file; the same bytes for the same asset. Warns of parts that are not watertight.

    3MF is in millimetres and Z up by its specification, and carries no UV here: colours are looked up in the texture at the
    corners of each face. About 1 s for 20k faces.
    """
    import lib3mf

    model = lib3mf.get_wrapper().CreateModel()
    model.SetUnit(lib3mf.ModelUnit.MilliMeter)
    model.SetBuildUUID(_uuid(asset.name, "build"))
    group = model.GetMetaDataGroup()
    group.AddMetaData("", "Title", asset.name, "xs:string", True)
    group.AddMetaData("", "Application", GENERATOR, "xs:string", True)
    group.AddMetaData(_NAMESPACE, "asset", json_text(asset_metadata(asset)), "xs:string", True)
    for number, part in enumerate(asset.parts):
        built = _add_object(model, part, f"{asset.name} {number}")
        if not built.IsManifoldAndOriented() and context is not None:
            context.warn(f"The part “{part.name}” is not watertight, so a slicer has to guess what is inside.")
        model.AddBuildItem(built, _identity()).SetUUID(_uuid(f"{asset.name} {number}", "item"))
    return _written(model)


def write_threemf(asset: Asset, path: Path | str, context: Context | None = None) -> Path:
    """Write `threemf_bytes` to a file, whole or not at all."""
    return write_atomically(path, threemf_bytes(asset, context))


def read_threemf(content: bytes, name: str) -> Asset:
    """The build items of a 3MF file as parts: metres, Y up, vertex colours. Raises `InputError` ``corrupt-model``."""
    import lib3mf

    model = lib3mf.get_wrapper().CreateModel()
    try:
        model.QueryReader("3mf").ReadFromBuffer(content)
        metres = _METRES_PER_UNIT[int(model.GetUnit())]
        placed = list(_items(model))
        parts = tuple(_read_object(model, mesh, matrix, metres) for mesh, matrix in placed)
        title, metadata = _read_metadata(model)
    except lib3mf.ELib3MFException as error:
        raise InputError(
            f"The 3MF model is damaged: {error}.", hint="Export the model again.", code="corrupt-model"
        ) from error
    if not parts:
        raise InputError("The 3MF file has no objects to build.", hint="Add an object.", code="empty-mesh")
    asset = asset_with_metadata(parts, title or name, metadata)
    return asset if metadata is not None else Asset(parts, asset.name, scale=Scale.METRIC)


def _add_object(model: Any, part: Part, key: str) -> Any:
    import lib3mf

    surface = welded(part.mesh)
    a, b, c = surface.faces.T
    solid = (a != b) & (b != c) & (c != a)
    built = model.AddMeshObject()
    built.SetName(part.name)
    built.SetUUID(_uuid(key, "object"))
    points = printing_from_world(surface.vertices)
    faces = surface.faces[solid].astype(np.uint32)
    built.SetGeometry(_structures(lib3mf.Position, points), _structures(lib3mf.Triangle, faces))
    has_color = part.material.base_color is not None or part.mesh.colors is not None
    colors = corner_colors(part.mesh, part.material)[solid]
    palette, index = _palette(colors if has_color else colors[:1, :1])
    group = model.AddColorGroup()
    for red, green, blue in palette.tolist():
        group.AddColor(lib3mf.Color(red, green, blue, 255))
    resource = group.GetResourceID()
    # Properties are numbered from 1 in the order of adding; 3MF wants a default for the object beside the triangles' own.
    built.SetObjectLevelProperty(resource, 1)
    if has_color:
        rows = np.column_stack([np.full(len(colors), resource), index.reshape(-1, 3) + 1]).astype(np.uint32)
        built.SetAllTriangleProperties(_structures(lib3mf.TriangleProperties, rows))
    return built


def _palette(colors: UInt8[np.ndarray, "f k 3"]) -> tuple[UInt8[np.ndarray, "n 3"], Int64[np.ndarray, "m"]]:
    """The distinct colours, and for each corner which one it has."""
    red, green, blue = colors.reshape(-1, 3).astype(np.int64).T
    packed, index = np.unique(red << 16 | green << 8 | blue, return_inverse=True)
    palette = np.column_stack([packed >> 16, packed >> 8 & 255, packed & 255]).astype(np.uint8)
    return palette, np.asarray(index.ravel(), np.int64)


def _structures(kind: Any, rows: np.ndarray) -> Any:
    """Rows of numbers as an array of lib3mf's C structures, without a Python loop."""
    return (kind * len(rows)).from_buffer_copy(np.ascontiguousarray(rows).tobytes())


def _rows(structures: list[Any], dtype: type[np.generic]) -> np.ndarray:
    """The other way round."""
    if not structures:
        return np.zeros((0, 3), dtype)
    return np.frombuffer(b"".join(map(bytes, structures)), dtype).reshape(len(structures), -1)


def _identity() -> Any:
    import lib3mf

    return lib3mf.get_wrapper().GetIdentityTransform()


def _uuid(key: str, role: str) -> str:
    """Instead of lib3mf's random ones, so that the same asset gives the same bytes."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"unflat {role} {key}"))


def _written(model: Any) -> bytes:
    """The file's bytes, by callbacks: lib3mf's buffer call writes twice and gives a list of integers."""
    import lib3mf

    content = bytearray()
    position = 0

    def write(address: int, count: int, _: object) -> None:
        nonlocal position
        content[position : position + count] = ctypes.string_at(address, count)
        position += count

    def seek(to: int, _: object) -> None:
        nonlocal position
        position = to

    writer = model.QueryWriter("3mf")
    writer.SetDecimalPrecision(_DECIMALS)
    writer.SetStrictModeActive(True)
    writer.WriteToCallback(lib3mf.WriteCallback(write), lib3mf.SeekCallback(seek), None)
    return bytes(content)


def _items(model: Any) -> list[tuple[Any, Float64[np.ndarray, "4 4"]]]:
    """Mesh objects with where they stand, components resolved."""
    found: list[tuple[Any, Float64[np.ndarray, "4 4"]]] = []

    def collect(resource: Any, matrix: Float64[np.ndarray, "4 4"], depth: int) -> None:
        if depth > _MAX_DEPTH:
            raise InputError("The 3MF model's components form a loop.", hint="Repair it.", code="corrupt-model")
        if resource.IsMeshObject():
            found.append((model.GetMeshObjectByID(resource.GetUniqueResourceID()), matrix))
        elif resource.IsComponentsObject():
            components = model.GetComponentsObjectByID(resource.GetUniqueResourceID())
            for number in range(components.GetComponentCount()):
                component = components.GetComponent(number)
                collect(component.GetObjectResource(), matrix @ _matrix(component.GetTransform()), depth + 1)

    items = model.GetBuildItems()
    while items.MoveNext():
        item = items.GetCurrent()
        collect(item.GetObjectResource(), _matrix(item.GetObjectTransform()), 0)
    return found


def _matrix(transform: Any) -> Float64[np.ndarray, "4 4"]:
    matrix = np.eye(4)
    matrix[:3] = np.array([list(row) for row in transform.Fields], np.float64).T
    return matrix


def _read_object(model: Any, built: Any, matrix: Float64[np.ndarray, "4 4"], metres: float) -> Part:
    points = _rows(built.GetVertices(), np.float32).astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
    faces = _rows(built.GetTriangleIndices(), np.uint32).astype(np.int32)
    if np.linalg.det(matrix[:3, :3]) < 0:
        faces = np.ascontiguousarray(faces[:, ::-1])
    vertices = world_from_printing(points.astype(np.float32), metres)
    return Part(Mesh(vertices, faces), Material(), built.GetName() or "part")


def _read_metadata(model: Any) -> tuple[str, Any]:
    group = model.GetMetaDataGroup()
    values = {}
    for number in range(group.GetMetaDataCount()):
        entry = group.GetMetaData(number)
        values[entry.GetNameSpace(), entry.GetName()] = entry.GetValue()
    try:
        ours = json.loads(values.get((_NAMESPACE, "asset"), "null"))
    except ValueError:
        ours = None
    return values.get(("", "Title"), ""), ours
