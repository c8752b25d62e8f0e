"""Transfer: the looks of a model carried over to another mesh of the same shape, with a UV layout of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float32, Float64, Int32, UInt8

from unflat.core import Context, Material, Mesh, Part
from unflat.core.color import linear_from_srgb, srgb_from_linear
from unflat.geometry.closest import NearestSurface
from unflat.geometry.image_sampling import bilinear
from unflat.geometry.meshes import face_normals, vertex_normals
from unflat.geometry.raycast import RayCaster
from unflat.geometry.tangents import vertex_tangents
from unflat.stages.texture.atlas import Atlas, atlas_of
from unflat.stages.texture.maps import ambient_occlusion
from unflat.stages.texture.maps.normals import tangent_space
from unflat.stages.texture.padding import nearest_texel
from unflat.stages.texture.unwrap import unwrapped

_GUTTER_TEXELS = 4.0
_REACH = 0.02
"""How far the new surface may lie from the old one for a ray to find it, in parts of the size."""
_SAME_SIDE = 0.2
"""Cosine: what is turned away further is another wall."""
_SAMPLES_ACROSS = 400
"""Spacing of the samples that name the nearest place where no ray does, in parts of the size."""
_OCCLUSION_RAYS = 64


@dataclass(frozen=True, eq=False)
class Places:
    """Where on the old surface each of some texels lies."""

    face: Int32[np.ndarray, "n"]
    """Of all old faces, in the order of the parts."""
    barycentric: Float32[np.ndarray, "n 3"]
    exact: UInt8[np.ndarray, "n"]
    """1 where the old surface is right there, 0 where it is only the nearest: that surface is new."""


def transferred(parts: tuple[Part, ...], mesh: Mesh, size_px: int, context: Context) -> Part:
    """The mesh with its own UV and with the colours, normals, roughness and confidence that the old parts have there.

    Rays along the normals find the old surface (a cage bake), the nearest place of the same side where they miss.
    Where the old surface is not there at all, confidence is 0. Occlusion is computed anew. Linear in texels: about a
    second for 2048 pixels.
    """
    gutter = _GUTTER_TEXELS / size_px
    mesh = unwrapped(replace(mesh, uv=None, normals=None, colors=None, confidence=None), np.eye(3), gutter)
    old = _Old(parts)
    fine, coarse = atlas_of(mesh, size_px), atlas_of(mesh, max(size_px // 2, 1))
    near_fine, near_coarse = nearest_texel(fine), nearest_texel(coarse)
    at_fine = old.places(fine)
    context.progress(0.4)
    at_coarse = old.places(coarse)
    context.progress(0.6)
    maps: dict[str, Any] = {"base_color": srgb_from_linear(old.colors(at_fine))[near_fine]}
    confidence = old.confidence(at_fine)
    if confidence is not None:
        maps["confidence"] = np.rint(255 * confidence).astype(np.uint8)[near_fine]
        mesh = replace(mesh, confidence=_at_vertices(confidence[near_fine], mesh))
    for name in ("roughness", "metallic"):
        values = old.shine(name, at_coarse)
        if isinstance(values, float):
            maps[f"{name}_factor"] = values
        else:
            maps[name] = np.rint(255 * values).astype(np.uint8)[near_coarse]
            maps[f"{name}_factor"] = 1.0
    context.progress(0.8)
    normals = tangent_space(coarse, mesh, old.normals(at_coarse, coarse))
    maps["normal"] = normals.reshape(-1, 3)[coarse.texel][near_coarse]
    open_to_sky = ambient_occlusion(coarse, mesh, _OCCLUSION_RAYS, context.seed)
    maps["occlusion"] = open_to_sky.reshape(-1)[coarse.texel][near_coarse]
    context.progress(1.0)
    doubled = any(part.material.double_sided for part in parts)
    return Part(mesh, Material(**maps, double_sided=doubled), parts[0].name)


class _Old:
    """The old parts as one surface that can be asked how it looks at a place."""

    def __init__(self, parts: tuple[Part, ...]) -> None:
        self.parts = parts
        counts = [len(part.mesh.faces) for part in parts]
        starts = np.cumsum([0, *(len(part.mesh.vertices) for part in parts)])[:-1]
        self.part_of_face = np.repeat(np.arange(len(parts), dtype=np.int32), counts)
        self.first_face = np.cumsum([0, *counts])[:-1]
        faces = [part.mesh.faces + np.int32(start) for part, start in zip(parts, starts, strict=True)]
        self.mesh = Mesh(np.concatenate([part.mesh.vertices for part in parts]), np.concatenate(faces))
        self._caster = RayCaster(self.mesh)
        self._flat = face_normals(self.mesh)
        self._size_m = float(np.linalg.norm(self.mesh.extent))
        self._nearest: NearestSurface | None = None

    def places(self, atlas: Atlas) -> Places:
        """The old surface's place at every texel."""
        reach = np.float32(_REACH * self._size_m)
        hits = self._caster.cast(atlas.position + reach * atlas.normal, -atlas.normal)
        near = hits.hit & (np.nan_to_num(hits.distance, nan=np.inf) < 2 * reach)
        near &= np.einsum("ni,ni->n", self._flat[hits.face], atlas.normal) > _SAME_SIDE
        face, barycentric, exact = hits.face.copy(), hits.barycentric.copy(), near.astype(np.uint8)
        missed = np.flatnonzero(~near)
        if len(missed):
            points, normals = atlas.at(missed).position.astype(np.float64), atlas.at(missed).normal
            face[missed], barycentric[missed], distance = self._nearest_alike(points, normals)
            exact[missed] = distance < reach
        return Places(face, barycentric, exact)

    def _nearest_alike(
        self, points: Float64[np.ndarray, "n 3"], normals: Float32[np.ndarray, "n 3"]
    ) -> tuple[Int32[np.ndarray, "n"], Float32[np.ndarray, "n 3"], Float64[np.ndarray, "n"]]:
        """The nearest place whose face looks the same way along the axis that the texel looks along most."""
        if self._nearest is None:
            self._nearest = NearestSurface(self.mesh, self._size_m / _SAMPLES_ACROSS)
        face, barycentric = np.zeros(len(points), np.int32), np.zeros((len(points), 3), np.float32)
        distance = np.full(len(points), np.inf)
        axis = np.abs(normals).argmax(axis=1)
        positive = normals[np.arange(len(normals)), axis] > 0
        for number in range(6):
            asked = np.flatnonzero((axis == number // 2) & (positive == bool(number % 2)))
            alike = (self._flat[self._nearest.sample_face][:, number // 2] > 0) == bool(number % 2)
            if len(asked) == 0:
                continue
            found = (self._nearest.among(alike) if alike.any() else self._nearest).query(points[asked])
            face[asked], barycentric[asked], distance[asked] = found.face, found.barycentric, found.distance
        return face, barycentric, distance

    def colors(self, places: Places) -> Float32[np.ndarray, "n 3"]:
        """Linear base colour: texture times factor times vertex colour."""

        def of_part(part: Part, face: np.ndarray, weights: np.ndarray) -> np.ndarray:
            material = part.material
            color = np.broadcast_to(np.asarray(material.base_color_factor[:3], np.float32), (len(face), 3))
            if material.base_color is not None and part.mesh.uv is not None:
                color = color * _sampled(linear_from_srgb(material.base_color), part.mesh, face, weights)
            if part.mesh.colors is not None:
                color = color * _mixed(linear_from_srgb(part.mesh.colors), part.mesh, face, weights)
            return color

        return self._asked(places, 3, of_part)

    def confidence(self, places: Places) -> Float32[np.ndarray, "n"] | None:
        """1 seen, 0 inferred; None where no part knows."""
        known = [part.material.confidence is not None or part.mesh.confidence is not None for part in self.parts]
        if not any(known):
            return None

        def of_part(part: Part, face: np.ndarray, weights: np.ndarray) -> np.ndarray:
            if part.material.confidence is not None and part.mesh.uv is not None:
                return _sampled(_as_share(part.material.confidence), part.mesh, face, weights)
            if part.mesh.confidence is not None:
                return _mixed(part.mesh.confidence[:, None], part.mesh, face, weights)
            return np.zeros((len(face), 1), np.float32)

        return (self._asked(places, 1, of_part)[:, 0] * places.exact).astype(np.float32)

    def shine(self, name: str, places: Places) -> Float32[np.ndarray, "n"] | float:
        """Roughness or metallic: one number where that says it all, else a value for each place."""
        factors = {getattr(part.material, f"{name}_factor") for part in self.parts}
        if len(factors) == 1 and all(getattr(part.material, name) is None for part in self.parts):
            return float(factors.pop())

        def of_part(part: Part, face: np.ndarray, weights: np.ndarray) -> np.ndarray:
            factor, texture = getattr(part.material, f"{name}_factor"), getattr(part.material, name)
            if texture is None or part.mesh.uv is None:
                return np.full((len(face), 1), factor, np.float32)
            return factor * _sampled(_as_share(texture), part.mesh, face, weights)

        return self._asked(places, 1, of_part)[:, 0]

    def normals(self, places: Places, atlas: Atlas) -> Float32[np.ndarray, "n 3"]:
        """World normals with the detail of the old normal maps; the new mesh's own where the old surface is not."""

        def of_part(part: Part, face: np.ndarray, weights: np.ndarray) -> np.ndarray:
            own = vertex_normals(part.mesh) if part.mesh.normals is None else part.mesh.normals
            normal = _mixed(own, part.mesh, face, weights)
            if part.material.normal is None or part.mesh.uv is None:
                return normal
            tangent = _mixed(vertex_tangents(part.mesh, own), part.mesh, face, weights)
            bitangent = np.sign(tangent[:, 3:]) * np.cross(normal, tangent[:, :3])
            local = _sampled(part.material.normal.astype(np.float32), part.mesh, face, weights) / 127 - 128 / 127
            return local[:, :1] * tangent[:, :3] + local[:, 1:2] * bitangent + local[:, 2:] * normal

        normal = self._asked(places, 3, of_part)
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), np.finfo(np.float32).tiny)
        usable = (places.exact == 1) & (np.einsum("ni,ni->n", normal, atlas.normal) > _SAME_SIDE)
        return np.where(usable[:, None], normal, atlas.normal)

    def _asked(
        self, places: Places, channels: int, of_part: Callable[[Part, np.ndarray, np.ndarray], np.ndarray]
    ) -> Float32[np.ndarray, "n c"]:
        """Each part asked for the places that lie on it."""
        values = np.zeros((len(places.face), channels), np.float32)
        owner = self.part_of_face[places.face]
        for number, part in enumerate(self.parts):
            mine = np.flatnonzero(owner == number)
            if len(mine):
                face = places.face[mine] - self.first_face[number]
                values[mine] = of_part(part, face, places.barycentric[mine])
        return values


def _mixed(values: np.ndarray, mesh: Mesh, face: np.ndarray, weights: np.ndarray) -> Float32[np.ndarray, "n c"]:
    """Values of the vertices at places of faces."""
    return np.einsum("nk,nkc->nc", weights, values[mesh.faces[face]]).astype(np.float32)


def _sampled(image: np.ndarray, mesh: Mesh, face: np.ndarray, weights: np.ndarray) -> Float32[np.ndarray, "n c"]:
    """A texture at places of faces; UV repeat beyond the unit square, as glTF's do by default."""
    assert mesh.uv is not None
    height, width = image.shape[:2]
    uv = _mixed(mesh.uv, mesh, face, weights)
    outside = (uv < 0) | (uv > 1)
    pixels = np.where(outside, uv % 1.0, uv) * np.array([width, height], np.float32)
    return bilinear(image.reshape(height, width, -1).astype(np.float32), pixels.astype(np.float32))


def _as_share(image: UInt8[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    return image.astype(np.float32) / np.float32(255)


def _at_vertices(image: Float32[np.ndarray, "h w"], mesh: Mesh) -> Float32[np.ndarray, "v"]:
    assert mesh.uv is not None
    size = np.array([image.shape[1], image.shape[0]], np.float32)
    return np.clip(bilinear(image, mesh.uv * size), 0, 1)
