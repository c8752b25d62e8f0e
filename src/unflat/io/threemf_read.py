"""3MF to assets, through lib3mf: units converted, components placed, colours kept at the vertices."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from jaxtyping import Float64, UInt8

from unflat.core.asset import Asset, Part
from unflat.core.errors import InputError
from unflat.core.material import Material
from unflat.core.scale import Scale
from unflat.core.shape import Mesh
from unflat.io.metadata import asset_with_metadata
from unflat.io.printing import world_from_printing
from unflat.io.threemf import NAMESPACE

_METRES_PER_UNIT = {0: 1e-6, 1: 1e-3, 2: 1e-2, 3: 0.0254, 4: 0.3048, 5: 1.0}
"""By lib3mf's ModelUnit: micrometre, millimetre, centimetre, inch, foot, metre."""
_MAX_DEPTH = 100
"""Levels of components; deeper is a loop."""


def read_threemf(content: bytes, name: str) -> Asset:
    """The build items of a 3MF file as parts: metres, Y up, vertex colours. Raises `InputError` ``corrupt-model``."""
    import lib3mf

    model = lib3mf.get_wrapper().CreateModel()
    try:
        model.QueryReader("3mf").ReadFromBuffer(content)
        metres = _METRES_PER_UNIT[int(model.GetUnit())]
        palette = _palette(model)
        parts = tuple(_read_object(mesh, matrix, metres, palette) for mesh, matrix in _items(model))
        title, metadata = _read_metadata(model)
    except lib3mf.ELib3MFException as error:
        raise InputError(
            f"The 3MF model is damaged: {error}.", hint="Export the model again.", code="corrupt-model"
        ) from error
    if not parts:
        raise InputError("The 3MF file has no objects to build.", hint="Add an object.", code="empty-mesh")
    asset = asset_with_metadata(parts, title or name, metadata)
    return asset if metadata is not None else Asset(parts, asset.name, scale=Scale.METRIC)


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


def _read_object(
    built: Any, matrix: Float64[np.ndarray, "4 4"], metres: float, palette: dict[tuple[int, int], int]
) -> Part:
    points = _rows(built.GetVertices(), np.float32).astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3]
    vertices = world_from_printing(points.astype(np.float32), metres)
    faces = _rows(built.GetTriangleIndices(), np.uint32).astype(np.int32)
    packed = _corner_colors(built, palette)
    colors = None
    if packed is not None:
        vertices, faces, colors = _split_by_color(vertices, faces, packed)
    if np.linalg.det(matrix[:3, :3]) < 0:
        faces = np.ascontiguousarray(faces[:, ::-1])
    return Part(Mesh(vertices, faces, colors=colors), Material(), built.GetName() or "part")


def _palette(model: Any) -> dict[tuple[int, int], int]:
    """Colours (packed RGB) by resource and property, of colour groups and base materials."""
    colors = {}
    for groups, read in ((model.GetColorGroups(), "GetColor"), (model.GetBaseMaterialGroups(), "GetDisplayColor")):
        while groups.MoveNext():
            group = groups.GetCurrent()
            for number in group.GetAllPropertyIDs():
                color = getattr(group, read)(number)
                colors[group.GetResourceID(), number] = color.Red << 16 | color.Green << 8 | color.Blue
    return colors


def _corner_colors(built: Any, palette: dict[tuple[int, int], int]) -> np.ndarray | None:
    """Packed RGB (f, 3) at the corners; white where none is given; None if the object has no colour at all."""
    rows = _rows(built.GetAllTriangleProperties(), np.uint32).astype(np.int64)
    resource, number, has_default = built.GetObjectLevelProperty()
    if has_default:
        rows[rows[:, 0] == 0] = [resource, number, number, number]
    keys = rows[:, :1] << 32 | rows[:, 1:]
    distinct, index = np.unique(keys, return_inverse=True)
    found = [palette.get((int(key) >> 32, int(key) & 0xFFFFFFFF)) for key in distinct]
    if all(one is None for one in found):
        return None
    return np.array([0xFFFFFF if one is None else one for one in found], np.int64)[index].reshape(-1, 3)


def _split_by_color(vertices: np.ndarray, faces: np.ndarray, packed: np.ndarray) -> tuple[np.ndarray, ...]:
    """Vertices stand once for each colour that they have."""
    keys, corner = np.unique(faces.astype(np.int64) << 24 | packed, return_inverse=True)
    rgb: UInt8[np.ndarray, "v 3"] = np.column_stack([keys >> 16 & 255, keys >> 8 & 255, keys & 255]).astype(np.uint8)
    return np.ascontiguousarray(vertices[keys >> 24]), corner.reshape(-1, 3).astype(np.int32), rgb


def _rows(structures: list[Any], dtype: type[np.generic]) -> np.ndarray:
    """lib3mf's C structures as rows of numbers."""
    if not structures:
        return np.zeros((0, 3), dtype)
    return np.frombuffer(b"".join(map(bytes, structures)), dtype).reshape(len(structures), -1)


def _read_metadata(model: Any) -> tuple[str, Any]:
    group = model.GetMetaDataGroup()
    values = {}
    for number in range(group.GetMetaDataCount()):
        entry = group.GetMetaData(number)
        values[entry.GetNameSpace(), entry.GetName()] = entry.GetValue()
    try:
        ours = json.loads(values.get((NAMESPACE, "asset"), "null"))
    except ValueError:
        ours = None
    return values.get(("", "Title"), ""), ours
