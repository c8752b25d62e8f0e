"""glTF and GLB to assets: our own extras come back whole, files of others as far as the nouns reach."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32, Float64, Int32, UInt8

from unflat.core.asset import Asset, Part
from unflat.core.color import srgb_from_linear
from unflat.core.context import Context
from unflat.core.errors import InputError
from unflat.core.material import Material
from unflat.core.scale import Scale
from unflat.core.shape import Mesh
from unflat.io.gltf_container import GltfContainer, corrupt
from unflat.io.gltf_material import read_material, texture_transform
from unflat.io.metadata import asset_with_metadata

_UNDERSTOOD = {
    "EXT_meshopt_compression", "EXT_texture_webp", "KHR_mesh_quantization", "KHR_texture_transform",
    "KHR_materials_unlit", "KHR_materials_emissive_strength", "KHR_materials_specular", "KHR_materials_ior",
    "KHR_materials_clearcoat", "KHR_materials_sheen", "KHR_materials_transmission", "KHR_materials_volume",
    "KHR_materials_variants", "KHR_lights_punctual", "KHR_xmp_json_ld", "MSFT_lod",
}  # fmt: skip
"""Extensions that are read, or that leave the shape and base colour as they are when they are passed over."""

_STRIP, _FAN, _TRIANGLES = 5, 6, 4
_MAX_DEPTH = 500
"""Levels of nodes; deeper is a loop."""


def read_gltf(content: bytes, name: str, folder: Path | None = None, context: Context | None = None) -> Asset:
    """An asset from the bytes of a .glb or .gltf. Node transforms are applied; lines and points are left out.

    ``folder`` is where a .gltf's side files lie. glTF is in metres by definition, so files of others are METRIC.
    Raises `InputError` with code ``corrupt-model``, ``missing-side-file``, ``compressed-draco``, ``empty-mesh``, …
    """
    context = context or Context()
    container = GltfContainer(content, folder)
    try:
        _refuse_unknown(container)
        _warn_of_the_left_out(container, context)
        parts = tuple(_parts(container))
        scene_name = _scene(container).get("name")
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
        raise corrupt(f"something is missing or of the wrong type ({error})") from error
    if not parts:
        raise InputError("The model has no faces.", hint="Give a model with a surface.", code="empty-mesh")
    ours = container.json["asset"].get("extras", {})
    metadata = ours.get("unflat") if isinstance(ours, dict) else None
    asset = asset_with_metadata(parts, scene_name if isinstance(scene_name, str) and scene_name else name, metadata)
    return asset if metadata is not None else replace(asset, scale=Scale.METRIC)


def _refuse_unknown(container: GltfContainer) -> None:
    required = set(container.json.get("extensionsRequired", ()))
    if "KHR_draco_mesh_compression" in required:
        raise InputError(
            "The model is compressed with Draco, which unflat does not decode.",
            hint="Decompress it first, for example with: npx @gltf-transform/cli copy in.glb out.glb",
            code="compressed-draco",
        )
    unknown = sorted(required - _UNDERSTOOD)
    if unknown:
        raise InputError(
            f"The model can't be read without the extension {', '.join(unknown)}.",
            hint="Export it again without this extension.",
            code="unknown-extension",
        )


def _warn_of_the_left_out(container: GltfContainer, context: Context) -> None:
    for kind in ("animations", "skins"):
        if container.json.get(kind):
            context.warn(f"The model's {kind} are left out: unflat reads the shape at rest.")


def _scene(container: GltfContainer) -> dict[str, Any]:
    scenes = container.json.get("scenes") or [{"nodes": range(len(container.json.get("nodes", ())))}]
    index = container.json.get("scene", 0)
    found: dict[str, Any] = scenes[index if isinstance(index, int) and 0 <= index < len(scenes) else 0]
    return found


def _parts(container: GltfContainer) -> Iterator[Part]:
    materials: dict[int | None, Material] = {}
    for node, world in _placed_nodes(container):
        if "mesh" not in node:
            continue
        described = container.item("meshes", node["mesh"])
        quads = bool((described.get("extras") or {}).get("unflat", {}).get("quads"))
        primitives = [one for one in described["primitives"] if one.get("mode", 4) >= _TRIANGLES]
        for number, primitive in enumerate(primitives):
            index = primitive.get("material")
            if index not in materials:
                materials[index] = read_material(container, index)
            mesh = _placed(replace(_read_mesh(container, primitive, index), quads=quads), world)
            name = str(node.get("name") or described.get("name") or "part")
            yield Part(mesh, materials[index], name if len(primitives) == 1 else f"{name}_{number}")


def _placed_nodes(container: GltfContainer) -> Iterator[tuple[dict[str, Any], Float64[np.ndarray, "4 4"]]]:
    pending = [(index, np.eye(4), 0) for index in reversed(list(_scene(container).get("nodes", ())))]
    while pending:
        index, parent, depth = pending.pop()
        if depth > _MAX_DEPTH:
            raise corrupt("its nodes form a loop")
        node = container.item("nodes", index)
        world = parent @ _local_matrix(node)
        yield node, world
        pending += [(child, world, depth + 1) for child in reversed(node.get("children", ()))]


def _local_matrix(node: dict[str, Any]) -> Float64[np.ndarray, "4 4"]:
    if "matrix" in node:
        return np.array(node["matrix"], np.float64).reshape(4, 4).T
    x, y, z, w = np.array(node.get("rotation", (0, 0, 0, 1)), np.float64)
    rotation = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    matrix = np.eye(4)
    matrix[:3, :3] = rotation * np.array(node.get("scale", (1, 1, 1)), np.float64)
    matrix[:3, 3] = node.get("translation", (0, 0, 0))
    return matrix


def _read_mesh(container: GltfContainer, primitive: dict[str, Any], material: int | None) -> Mesh:
    if "KHR_draco_mesh_compression" in primitive.get("extensions", {}) and "POSITION" not in primitive["attributes"]:
        raise corrupt("it has Draco data alone")
    accessors = primitive["attributes"]
    values = {key: container.accessor(accessors[key]) for key in ("POSITION", "NORMAL", "COLOR_0") if key in accessors}
    vertices = np.ascontiguousarray(values["POSITION"], np.float32)
    index = container.accessor(primitive["indices"]) if "indices" in primitive else np.arange(len(vertices))
    set_number, moved = texture_transform(container, material)
    coordinates = accessors.get(f"TEXCOORD_{set_number}")
    confidence = accessors.get("_CONFIDENCE")
    return Mesh(
        vertices,
        _triangles(index.astype(np.int32), primitive.get("mode", _TRIANGLES)),
        uv=None if coordinates is None else moved(container.accessor(coordinates).astype(np.float32)),
        normals=None if "NORMAL" not in values else values["NORMAL"].astype(np.float32),
        colors=None if "COLOR_0" not in values else _srgb(values["COLOR_0"]),
        confidence=None if confidence is None else container.accessor(confidence).astype(np.float32),
    )


def _triangles(index: Int32[np.ndarray, "n"], mode: int) -> Int32[np.ndarray, "f 3"]:
    if mode == _TRIANGLES:
        return index[: len(index) // 3 * 3].reshape(-1, 3)
    corner = np.arange(max(len(index) - 2, 0))
    if mode == _FAN:
        return np.column_stack([np.broadcast_to(index[:1], corner.shape), index[corner + 1], index[corner + 2]])
    odd = corner % 2
    return np.column_stack([index[corner], index[corner + 1 + odd], index[corner + 2 - odd]])


def _srgb(linear: np.ndarray) -> UInt8[np.ndarray, "v 3"]:
    return srgb_from_linear(np.ascontiguousarray(linear[:, :3], np.float32))


def _placed(mesh: Mesh, world: Float64[np.ndarray, "4 4"]) -> Mesh:
    """The mesh in the world. The transform may mirror and squeeze: faces stay outward."""
    if np.array_equal(world, np.eye(4)):
        return mesh
    linear = world[:3, :3]
    mirrored = np.linalg.det(linear) < 0
    vertices = (mesh.vertices @ linear.T + world[:3, 3]).astype(np.float32)
    faces = np.ascontiguousarray(mesh.faces[:, ::-1]) if mirrored else mesh.faces
    normals = None if mesh.normals is None else _turned(mesh.normals, linear)
    return replace(mesh, vertices=vertices, faces=faces, normals=normals, quads=mesh.quads and not mirrored)


def _turned(normals: Float32[np.ndarray, "v 3"], linear: Float64[np.ndarray, "3 3"]) -> Float32[np.ndarray, "v 3"]:
    # The cofactor matrix is the inverse transpose times the determinant, and exists for flattening matrices too.
    x, y, z = linear.T
    cofactor = np.column_stack([np.cross(y, z), np.cross(z, x), np.cross(x, y)])
    turned = normals @ cofactor.T * (1.0 if np.linalg.det(linear) >= 0 else -1.0)
    lengths = np.linalg.norm(turned, axis=1, keepdims=True)
    return np.divide(turned, lengths, out=np.zeros_like(turned), where=lengths > 0).astype(np.float32)
