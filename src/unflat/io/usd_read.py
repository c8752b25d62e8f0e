"""USDZ and USD to assets, through the optional package usd-core."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float64

from unflat.core.asset import Asset, Part
from unflat.core.color import srgb_from_linear
from unflat.core.errors import InputError, SetupError
from unflat.core.scale import Scale
from unflat.core.shape import Mesh
from unflat.io.metadata import asset_with_metadata
from unflat.io.usd_material import read_usd_material

_Z_UP = np.array([[1.0, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
"""World from a stage whose up is Z."""


def read_usd(content: bytes, kind: str, name: str, path: Path | None) -> Asset:
    """The meshes of a stage as parts: metres, Y up, polygons cut into triangles, UsdPreviewSurface materials.

    Raises `SetupError` ``missing-extra`` without usd-core, `InputError` ``corrupt-model``, ``outside-reference``
    or ``empty-mesh``.
    """
    try:
        from pxr import Tf, Usd, UsdGeom
    except ImportError as error:
        raise SetupError(
            "Reading USD needs the package usd-core, which is not installed.",
            hint="pip install usd-core (about 220 MB), or give the model as GLB.",
            code="missing-extra",
        ) from error
    with tempfile.TemporaryDirectory() as folder:
        # USD opens files, not bytes; a side file can only be found if the given path is used.
        opened = path or Path(folder) / f"model.{kind}"
        if path is None:
            opened.write_bytes(content)
        try:
            stage = Usd.Stage.Open(str(opened))
        except Tf.ErrorException as error:
            raise InputError(
                "The USD file is damaged or of another format.", hint="Export it again.", code="corrupt-model"
            ) from error
        if kind == "usdz":
            _refuse_outside(stage, opened)
        turn = _Z_UP if UsdGeom.GetStageUpAxis(stage) == UsdGeom.Tokens.z else np.eye(4)
        world = np.diag([UsdGeom.GetStageMetersPerUnit(stage)] * 3 + [1.0]) @ turn
        parts = tuple(_parts(stage, world, opened))
        metadata = _metadata(stage)
        prim = stage.GetDefaultPrim()
        title = (prim.GetDisplayName() or prim.GetName()) if prim else ""
    if not parts:
        raise InputError("The USD file has no faces.", hint="Give a model with a mesh.", code="empty-mesh")
    if metadata is None:
        return Asset(parts, title or name, scale=Scale.METRIC)
    return asset_with_metadata(parts, title or name, metadata)


def _refuse_outside(stage: Any, package: Path) -> None:
    """A USDZ package holds all its layers (its specification says so); one that names other files may be a spy."""
    for layer in stage.GetUsedLayers():
        place = layer.realPath.partition("[")[0]
        if not layer.anonymous and Path(place).resolve() != package.resolve():
            raise InputError(
                "The USDZ package refers to files outside of it.",
                hint="Export it again with everything inside, or give a GLB.",
                code="outside-reference",
            )


def _parts(stage: Any, world: Float64[np.ndarray, "4 4"], file: Path) -> Iterator[Part]:
    from pxr import Usd, UsdGeom

    cache = UsdGeom.XformCache()
    for prim in Usd.PrimRange(stage.GetPseudoRoot(), Usd.TraverseInstanceProxies()):
        if not prim.IsA(UsdGeom.Mesh):
            continue
        # USD multiplies rows from the left.
        matrix = world @ np.array(cache.GetLocalToWorldTransform(prim)).T
        mesh = _read_mesh(UsdGeom.Mesh(prim), matrix)
        if mesh is not None:
            material = read_usd_material(prim, file)
            yield Part(mesh, material, prim.GetDisplayName() or prim.GetName())


def _read_mesh(described: Any, matrix: Float64[np.ndarray, "4 4"]) -> Mesh | None:
    from pxr import UsdGeom

    points = np.array(described.GetPointsAttr().Get() or [], np.float64).reshape(-1, 3)
    counts = np.array(described.GetFaceVertexCountsAttr().Get() or [], np.int64)
    indices = np.array(described.GetFaceVertexIndicesAttr().Get() or [], np.int64)
    if not len(counts) or counts.sum() != len(indices):
        return None
    corners = _triangle_corners(counts)
    if (described.GetOrientationAttr().Get() == UsdGeom.Tokens.leftHanded) != (np.linalg.det(matrix[:3, :3]) < 0):
        corners = corners[:, ::-1]
    primvars = UsdGeom.PrimvarsAPI(described)
    names = ("st", "displayColor", "confidence")
    values = {name: _at_corners(primvars.GetPrimvar(name), counts, indices) for name in names}
    values["normals"] = _normals_at_corners(described, counts, indices)
    chosen, faces = _vertices_of(indices, values, corners)
    placed = (points @ matrix[:3, :3].T + matrix[:3, 3]).astype(np.float32)
    uv, colors, confidence, normals = (
        None if values[key] is None else values[key][chosen] for key in (*names, "normals")
    )
    if normals is not None:
        normals = normals @ np.linalg.inv(matrix[:3, :3])
        normals = (normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-20)).astype(np.float32)
    return Mesh(
        placed[indices[chosen]],
        faces.astype(np.int32),
        uv=None if uv is None else np.column_stack([uv[:, 0], 1 - uv[:, 1]]).astype(np.float32),
        normals=normals,
        colors=None if colors is None else srgb_from_linear(colors.astype(np.float32)),
        confidence=None if confidence is None else confidence.astype(np.float32).ravel(),
        quads=bool((counts == 4).all()),
    )


def _triangle_corners(counts: np.ndarray) -> np.ndarray:
    """Corner numbers (f, 3) of the polygons cut into fans, in order."""
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    fans = np.maximum(counts - 2, 0)
    polygon = np.repeat(np.arange(len(counts)), fans)
    step = np.arange(fans.sum()) - np.repeat(np.cumsum(fans) - fans, fans)
    first = starts[polygon]
    return np.column_stack([first, first + step + 1, first + step + 2])


def _at_corners(primvar: Any, counts: np.ndarray, indices: np.ndarray) -> Any:
    if not primvar or not primvar.HasValue():
        return None
    return _spread(np.array(primvar.ComputeFlattened()), primvar.GetInterpolation(), counts, indices)


def _normals_at_corners(described: Any, counts: np.ndarray, indices: np.ndarray) -> np.ndarray | None:
    values = described.GetNormalsAttr().Get()
    if not values:
        return None
    return _spread(np.array(values), described.GetNormalsInterpolation(), counts, indices)


def _spread(values: np.ndarray, interpolation: str, counts: np.ndarray, indices: np.ndarray) -> np.ndarray | None:
    """Values for each corner, from whatever they were given for; None if their number does not fit."""
    by_kind = {
        "constant": np.zeros(len(indices), np.int64),
        "uniform": np.repeat(np.arange(len(counts)), counts),
        "vertex": indices,
        "varying": indices,
        "faceVarying": np.arange(len(indices)),
    }
    chosen = by_kind.get(interpolation)
    if chosen is None or not len(chosen) or int(chosen.max()) >= len(values):
        return None
    return np.asarray(values[chosen], np.float64).reshape(len(chosen), -1)


def _vertices_of(
    indices: np.ndarray, values: dict[str, np.ndarray | None], corners: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """One corner for each distinct vertex with all its values, and faces of these vertices; in order of the points."""
    columns = [indices[:, None].astype(np.float64), *(one for one in values.values() if one is not None)]
    distinct, first, inverse = np.unique(np.column_stack(columns), axis=0, return_index=True, return_inverse=True)
    del distinct
    return first, inverse.ravel()[corners]


def _metadata(stage: Any) -> Any:
    ours = stage.GetRootLayer().customLayerData.get("unflat", {})
    try:
        return json.loads(ours["asset"])
    except (KeyError, TypeError, ValueError):
        return None
