"""Meshes and parts to trimesh and back, for whoever works with trimesh."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from unflat.core.asset import Part
from unflat.core.color import linear_from_srgb, srgb_from_linear
from unflat.core.errors import InputError
from unflat.core.material import Material
from unflat.core.shape import Mesh
from unflat.io.textures import packed_orm

if TYPE_CHECKING:
    from trimesh import Trimesh

_TRIMESH_GREY = (102, 102, 102, 255)
_PLACEHOLDER_GREY = 100
_CONFIDENCE = "_CONFIDENCE"
"""Name of the vertex attribute, as in GLB."""


def trimesh_from_mesh(mesh: Mesh) -> Trimesh:
    """The mesh for trimesh: same vertices and faces in the same order; UV turned to trimesh's origin bottom left."""
    import trimesh

    made = trimesh.Trimesh(
        np.array(mesh.vertices, np.float64),
        np.array(mesh.faces, np.int64),
        vertex_normals=None if mesh.normals is None else np.array(mesh.normals, np.float64),
        vertex_colors=None if mesh.colors is None else np.array(mesh.colors),
        process=False,
    )
    if mesh.uv is not None:
        attributes = {"color": np.array(mesh.colors)} if mesh.colors is not None else {}
        made.visual = trimesh.visual.TextureVisuals(uv=_flipped(mesh.uv))
        made.vertex_attributes.update(attributes)
    if mesh.confidence is not None:
        made.vertex_attributes[_CONFIDENCE] = np.array(mesh.confidence)
    return made


def trimesh_from_part(part: Part) -> Trimesh:
    """The part for trimesh, with its textures as a PBR material; the confidence texture has no place there."""
    import trimesh

    made = trimesh_from_mesh(part.mesh)
    material = part.material
    orm = packed_orm(material)
    image = None if orm is None else Image.fromarray(np.dstack([orm] * 3) if orm.ndim == 2 else orm)
    has_packed = material.roughness is not None or material.metallic is not None
    described = trimesh.visual.material.PBRMaterial(
        name=material.name,
        baseColorFactor=np.rint(np.array(material.base_color_factor) * 255).astype(np.uint8),
        roughnessFactor=material.roughness_factor,
        metallicFactor=material.metallic_factor,
        doubleSided=material.double_sided,
        baseColorTexture=None if material.base_color is None else Image.fromarray(material.base_color),
        normalTexture=None if material.normal is None else Image.fromarray(material.normal),
        metallicRoughnessTexture=image if has_packed else None,
        occlusionTexture=image if material.occlusion is not None else None,
    )
    if part.mesh.uv is not None:
        made.visual = trimesh.visual.TextureVisuals(uv=_flipped(part.mesh.uv), material=described)
    made.metadata["name"] = part.name
    return made


def mesh_from_trimesh(mesh: Trimesh) -> Mesh:
    """The mesh of trimesh: vertices and faces in the same order, with UV, colours, normals, confidence where known.

    Raises `InputError` for a mesh without faces or with broken indices, and for what is no mesh.
    """
    if not hasattr(mesh, "faces") or not hasattr(mesh, "vertices"):
        raise InputError(
            f"Expected a trimesh.Trimesh, found {type(mesh).__name__}.",
            hint="Give one mesh; of a scene, scene.to_mesh().",
            code="not-a-mesh",
        )
    confidence = mesh.vertex_attributes.get(_CONFIDENCE)
    uv = getattr(mesh.visual, "uv", None)
    return Mesh(
        np.asarray(mesh.vertices, np.float32),
        np.asarray(mesh.faces, np.int32).reshape(-1, 3),
        uv=None if uv is None or len(uv) != len(mesh.vertices) else _flipped(np.asarray(uv)),
        normals=_given_normals(mesh),
        colors=_given_colors(mesh),
        confidence=None if confidence is None else np.asarray(confidence, np.float32).ravel(),
    )


def part_from_trimesh(mesh: Trimesh, name: str = "part") -> Part:
    """The part of trimesh: its mesh, and its material as far as `Material` reaches."""
    return Part(mesh_from_trimesh(mesh), _material_from(getattr(mesh.visual, "material", None)), name)


def _material_from(material: Any) -> Material:
    if material is None:
        return Material()
    pbr = material if hasattr(material, "baseColorTexture") else None
    if pbr is None:
        color = np.asarray(material.main_color, np.uint8)
        linear = linear_from_srgb(color[:3])
        red, green, blue = (float(value) for value in linear)
        image = _rgb(getattr(material, "image", None))
        image = None if image is not None and _is_placeholder(image) else image
        # Trimesh's grey stands for "no colour given".
        unsaid = image is not None or material.image is not None or np.array_equal(color, _TRIMESH_GREY)
        factor = (1.0, 1.0, 1.0, 1.0) if unsaid else (red, green, blue, float(color[3]) / 255)
        return Material(name=material.name or "material", base_color=image, base_color_factor=factor)
    packed, occlusion = _rgb(pbr.metallicRoughnessTexture), _rgb(pbr.occlusionTexture)
    same = packed is None or occlusion is None or packed.shape == occlusion.shape
    factor_bytes = np.full(4, 255) if pbr.baseColorFactor is None else np.asarray(pbr.baseColorFactor)
    r, g, b, a = (float(value) / 255 for value in factor_bytes)
    return Material(
        name=pbr.name or "material",
        base_color=_rgb(pbr.baseColorTexture),
        normal=_rgb(pbr.normalTexture),
        occlusion=occlusion[:, :, 0].copy() if occlusion is not None and same else None,
        roughness=None if packed is None else packed[:, :, 1].copy(),
        metallic=None if packed is None else packed[:, :, 2].copy(),
        base_color_factor=(r, g, b, a),
        roughness_factor=1.0 if pbr.roughnessFactor is None else float(pbr.roughnessFactor),
        metallic_factor=1.0 if pbr.metallicFactor is None else float(pbr.metallicFactor),
        double_sided=bool(pbr.doubleSided),
    )


def _rgb(image: Image.Image | None) -> UInt8[np.ndarray, "h w 3"] | None:
    return None if image is None else np.array(image.convert("RGB"), np.uint8)


def _is_placeholder(pixels: UInt8[np.ndarray, "h w 3"]) -> bool:
    """Whether this is the 2x2 grey picture that trimesh puts where there is UV but no texture."""
    return pixels.shape[:2] == (2, 2) and bool((pixels == _PLACEHOLDER_GREY).all())


def _given_colors(mesh: Trimesh) -> UInt8[np.ndarray, "v 3"] | None:
    """Vertex colours; face colours as the mean around each vertex; None where the mesh has none of its own."""
    kind = getattr(mesh.visual, "kind", None)
    if kind == "vertex":
        return np.asarray(mesh.visual.vertex_colors[:, :3], np.uint8)
    if kind == "face":
        linear = np.repeat(linear_from_srgb(np.asarray(mesh.visual.face_colors[:, :3], np.uint8)), 3, axis=0)
        index = np.asarray(mesh.faces).ravel()
        sums = [np.bincount(index, linear[:, channel], len(mesh.vertices)) for channel in range(3)]
        count = np.maximum(np.bincount(index, minlength=len(mesh.vertices)), 1)
        return srgb_from_linear((np.column_stack(sums) / count[:, None]).astype(np.float32))
    stored = mesh.vertex_attributes.get("color")
    if stored is None or np.ndim(stored) != 2 or np.shape(stored)[1] < 3:
        return None
    # Colours of OBJ files stay as they were written, 0..1.
    whole = stored.dtype == np.uint8
    return np.asarray(stored[:, :3] if whole else np.rint(np.clip(stored[:, :3], 0, 1) * 255), np.uint8)


def _given_normals(mesh: Trimesh) -> np.ndarray | None:
    # Asking trimesh for vertex normals would compute them: only those that came with the mesh count.
    if "vertex_normals" not in mesh._cache:
        return None
    return np.asarray(mesh.vertex_normals, np.float32)


def _flipped(uv: np.ndarray) -> np.ndarray:
    return np.column_stack([uv[:, 0], 1 - uv[:, 1]]).astype(np.float32)
