"""Bake: photos onto the surface, the rest filled in and marked as inferred, and the maps of the material."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from jaxtyping import Float32, Float64, Int32, Shaped

from unflat.core import Camera, Context, Material, Mesh, Part, RecipeError, Reconstruction, StageFailed
from unflat.core.color import srgb_from_linear
from unflat.core.conventions import front_rotation
from unflat.geometry.meshes import vertex_normals
from unflat.geometry.symmetry import symmetry_planes
from unflat.geometry.uv import uv_overlap
from unflat.stages.texture.atlas import Atlas, atlas_of
from unflat.stages.texture.fill import filled_in, greyed
from unflat.stages.texture.mirror import Coverage, covered_by_symmetry
from unflat.stages.texture.padding import nearest_texel
from unflat.stages.texture.painted import covered_by_mesh
from unflat.stages.texture.projection import Observed, observed
from unflat.stages.texture.sampling import bilinear
from unflat.stages.texture.unwrap import unwrapped

_SMALLEST_PX, _LARGEST_PX = 512, 4096
_GUTTER_TEXELS = 4.0
"""Room between charts at the size baked: two levels of mip-mapping keep them apart."""
_MAX_KEPT_OVERLAP = 0.01
"""Share of texels that several faces may claim in a UV layout that is kept."""


@dataclass(frozen=True)
class Bake:
    """Unwraps, projects the photos, fills in what they did not see, and makes the maps."""

    size_px: int = 2048
    """Width and height of the texture in pixels, 512 to 4096."""
    fill: Literal["symmetry", "inpaint", "none"] = "symmetry"
    """What no photo saw: mirrored where the object is symmetric, else the reconstruction's own colours, else inpainted;
    the same without mirroring; or left mid grey."""
    min_symmetry: float = 0.9
    """Share of the surface that must agree with its mirror image for a symmetry to count, 0 to 1."""
    keep_uv: bool = False
    """Keep the UV layout that the mesh brought, where it has one without overlap."""
    edge_px: int = 2
    """Photo pixels along the outline that may show background; they take their colour from further inside."""
    delight: bool = True
    """Take the photo's shading out of the base colour."""
    normal_map: bool = True
    """Bake the detail that decimation took away into a normal map."""
    occlusion: bool = True
    """Bake ambient occlusion."""
    occlusion_rays: int = 64
    """Rays per vertex for ambient occlusion."""
    roughness: bool = True
    """Estimate roughness and metallic from the photo's highlights; else fully rough and not metallic."""

    def __post_init__(self) -> None:
        _check("size_px", self.size_px, _SMALLEST_PX, _LARGEST_PX)
        _check("min_symmetry", self.min_symmetry, 0, 1)
        _check("edge_px", self.edge_px, 0, 64)
        _check("occlusion_rays", self.occlusion_rays, 1, 4096)
        if self.fill not in ("symmetry", "inpaint", "none"):
            raise RecipeError(
                f"texture.fill can't be “{self.fill}”.", code="bad-option", hint="Give symmetry, inpaint or none."
            )

    def __call__(self, reconstruction: Reconstruction, context: Context) -> Part:
        """Give the textured part: mesh with UV, smooth normals and confidence; material with all maps asked for."""
        mesh = self._with_uv(reconstruction, context)
        atlas = atlas_of(mesh, self.size_px)
        if len(atlas) == 0:
            raise StageFailed(
                "The mesh has no surface: none of its faces covers a texel.",
                code="no-surface",
                hint="Look at the mesh of the stage before, surface or finish.",
            )
        context.progress(0.15)
        with ThreadPoolExecutor(1) as beside:  # the maps need no colour: they take the other core meanwhile
            maps = beside.submit(self._maps, mesh, reconstruction.detail, context.seed)
            nearest = beside.submit(nearest_texel, atlas)
            photographed = observed(atlas, mesh, reconstruction.views.items, self.edge_px, context.part(0.15, 0.5))
            factors = self._factors(atlas, photographed)
            seen = self._without_light(atlas, photographed)
            color = srgb_from_linear(self._filled(atlas, mesh, seen, context))
            context.progress(0.75)
        near = nearest.result()
        material = Material(
            base_color=color[near],
            confidence=np.rint(255 * seen.seen).astype(np.uint8)[near],
            **maps.result(),
            **factors,
        )
        context.progress(1.0)
        assert mesh.uv is not None, "just unwrapped"
        at_vertices = bilinear(seen.seen[near], mesh.uv * np.float32(self.size_px))
        # Vertex colours have become part of the texture; a viewer would multiply the two.
        return Part(replace(mesh, confidence=np.clip(at_vertices, 0, 1), colors=None), material)

    def _with_uv(self, reconstruction: Reconstruction, context: Context) -> Mesh:
        mesh, axes = reconstruction.mesh, _axes(reconstruction.views.items[0].camera)
        if self.keep_uv and mesh.uv is not None:
            if mesh.uv.min() >= 0 and mesh.uv.max() <= 1 and uv_overlap(mesh) <= _MAX_KEPT_OVERLAP:
                return mesh if mesh.normals is not None else replace(mesh, normals=vertex_normals(mesh))
            context.warn("The mesh's own UV overlaps or leaves the unit square, so the mesh was unwrapped anew.")
        return unwrapped(mesh, axes, _GUTTER_TEXELS / self.size_px)

    def _factors(self, atlas: Atlas, photographed: Observed) -> dict[str, Any]:
        if not self.roughness:
            return {}
        from unflat.stages.texture.maps import estimate_shininess

        shininess = estimate_shininess(photographed.color, atlas.normal, photographed.seen > 0.5)
        return {"roughness_factor": shininess.roughness, "metallic_factor": shininess.metallic}

    def _without_light(self, atlas: Atlas, photographed: Observed) -> Observed:
        if not self.delight:
            return photographed
        from unflat.stages.texture.maps import delight

        return replace(photographed, color=delight(atlas, photographed.color, photographed.share > 0).linear)

    def _filled(self, atlas: Atlas, mesh: Mesh, seen: Observed, context: Context) -> Float32[np.ndarray, "n 3"]:
        unseen = float((seen.share == 0).mean())
        if unseen == 1:
            context.warn("No photo sees any part of the surface: its whole colour is unknown and left mid grey.")
        elif self.fill == "none" and unseen > 0:
            context.warn(f"{unseen:.0%} of the texture was not seen by any photo and is left mid grey.")
        known = Coverage.of(seen)
        if self.fill == "none":
            return greyed(known)
        if self.fill == "symmetry":
            known = covered_by_symmetry(atlas, mesh, symmetry_planes(mesh, self.min_symmetry, context.seed), known)
        context.progress(0.65)
        return filled_in(atlas, mesh, covered_by_mesh(atlas, mesh, known))

    def _maps(self, mesh: Mesh, detail: Mesh | None, seed: int) -> dict[str, Any]:
        """Normals and occlusion change slowly over a surface: half the side of the base colour holds them."""
        from unflat.stages.texture.maps import ambient_occlusion, normal_map

        wants_normals = self.normal_map and detail is not None
        if not (wants_normals or self.occlusion):
            return {}
        atlas = atlas_of(mesh, self.size_px // 2)
        near = nearest_texel(atlas)
        maps = {}
        if wants_normals:
            assert detail is not None
            maps["normal"] = _padded(atlas, normal_map(atlas, mesh, detail), near)
        if self.occlusion:
            maps["occlusion"] = _padded(atlas, ambient_occlusion(atlas, mesh, self.occlusion_rays, seed), near)
        return maps


def _padded(
    atlas: Atlas, image: Shaped[np.ndarray, "h w *c"], near: Int32[np.ndarray, "h w"]
) -> Shaped[np.ndarray, "h w *c"]:
    return image.reshape(-1, *image.shape[2:])[atlas.texel][near]


def _axes(camera: Camera | None) -> Float64[np.ndarray, "3 3"]:
    """Right, up and front of the object as a camera sees it."""
    assert camera is not None, "a reconstruction's views have cameras"
    return np.ascontiguousarray((camera.world_from_camera[:3, :3] @ front_rotation()).T)


def _check(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise RecipeError(
            f"texture.{name} must be from {low:g} to {high:g}, found {value:g}.",
            code="bad-option",
            hint=f"Set texture.{name} to a number from {low:g} to {high:g}.",
        )
