"""Normal map: the fine mesh's normals, in the tangent frame of the coarse one."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, UInt8

from unflat.core import Mesh
from unflat.geometry.meshes import vertex_normals
from unflat.geometry.raycast import RayCaster
from unflat.geometry.tangents import vertex_tangents
from unflat.stages.texture.atlas import Atlas

_CAGE_SHARE = 0.02
"""How far the fine surface may lie from the coarse one, in parts of its size: decimation moves it far less."""

_SAME_SIDE_COSINE = 0.2
"""A hit whose normal turns further away than this is another wall, not the same surface."""


def normal_map(atlas: Atlas, mesh: Mesh, detail: Mesh) -> UInt8[np.ndarray, "h w 3"]:
    """Tangent-space normals as glTF wants them (+Y up in the texture, 128 is zero), flat where no chart is.

    A ray from outside along each texel's normal finds the fine surface (the usual cage bake). Where it misses, the
    coarse normal stays. Linear in texels: about 0.5 s for a million.
    """
    caster, fine_normals = RayCaster(detail), vertex_normals(detail)
    wanted = np.empty((len(atlas), 3), np.float32)
    for run, piece in atlas.pieces():
        wanted[run] = _fine_normals(piece, mesh, detail, fine_normals, caster)
    return tangent_space(atlas, mesh, wanted)


def tangent_space(atlas: Atlas, mesh: Mesh, wanted: Float32[np.ndarray, "n 3"]) -> UInt8[np.ndarray, "h w 3"]:
    """The wanted unit world normals of the texels as a glTF normal map, flat (128, 128, 255) where no chart is."""
    own = vertex_normals(mesh) if mesh.normals is None else mesh.normals
    tangents = vertex_tangents(mesh, own)
    pixels = np.empty((atlas.height * atlas.width, 3), np.uint8)
    pixels[:] = (128, 128, 255)
    for run, piece in atlas.pieces():
        local = _in_tangent_frame(piece, piece.interpolated(mesh, tangents), wanted[run])
        pixels[piece.texel] = np.clip(np.rint(local * 127 + 128), 0, 255).astype(np.uint8)
    return pixels.reshape(atlas.height, atlas.width, 3)


def _fine_normals(
    atlas: Atlas, mesh: Mesh, detail: Mesh, normals: Float32[np.ndarray, "v 3"], caster: RayCaster
) -> Float32[np.ndarray, "n 3"]:
    """Unit normals of the fine surface over each texel."""
    reach = _CAGE_SHARE * float(np.linalg.norm(mesh.extent))
    hits = caster.cast(atlas.position + reach * atlas.normal, -atlas.normal)
    near = hits.hit & (np.nan_to_num(hits.distance, nan=np.inf) < 2 * reach)
    corners = detail.faces[hits.face[near]]
    fine = np.einsum("nk,nki->ni", hits.barycentric[near], normals[corners])
    fine /= np.maximum(np.linalg.norm(fine, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    same_side = np.einsum("ni,ni->n", fine, atlas.normal[near]) > _SAME_SIDE_COSINE
    wanted = atlas.normal.copy()
    wanted[np.flatnonzero(near)[same_side]] = fine[same_side]
    return wanted


def _in_tangent_frame(
    atlas: Atlas, frame: Float32[np.ndarray, "n 4"], normals: Float32[np.ndarray, "n 3"]
) -> Float32[np.ndarray, "n 3"]:
    """World normals as (along u, up in the texture, outward), in the interpolated frame that a renderer will use."""
    tangent = frame[:, :3] - np.einsum("ni,ni->n", frame[:, :3], atlas.normal)[:, None] * atlas.normal
    tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    bitangent = np.sign(frame[:, 3:]) * np.cross(atlas.normal, tangent)
    return np.stack([np.einsum("ni,ni->n", normals, axis) for axis in (tangent, bitangent, atlas.normal)], axis=1)
