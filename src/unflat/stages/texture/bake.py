"""Bake: photos onto the surface, the rest filled in and marked as inferred, and the maps of the material."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from jaxtyping import Float32, Float64, Int32, Shaped, UInt8

from unflat.core import Camera, Context, Material, Mesh, Part, RecipeError, Reconstruction, StageFailed, View
from unflat.core.color import srgb_from_linear
from unflat.core.conventions import front_rotation
from unflat.geometry.image_sampling import bilinear
from unflat.geometry.meshes import vertex_normals
from unflat.geometry.symmetry import symmetry_planes
from unflat.geometry.uv import uv_overlap
from unflat.stages.texture.atlas import Atlas, atlas_of
from unflat.stages.texture.fill import filled_in, greyed
from unflat.stages.texture.maps.shininess import MAX_SAMPLES, Shininess, estimate_shininess
from unflat.stages.texture.mirror import Coverage, covered_by_symmetry
from unflat.stages.texture.padding import nearest_texel
from unflat.stages.texture.painted import covered_by_mesh
from unflat.stages.texture.projection import Observed, observed
from unflat.stages.texture.unwrap import unwrapped

_SMALLEST_PX, _LARGEST_PX = 512, 8192
_TEXELS_AT_ONCE = 1 << 22
_FEWEST_TO_CHOOSE = 4
"""From this many photos on a stranger in one can be outvoted, and choosing gives more than mixing."""
_GUTTER_TEXELS = 4.0
"""Room between charts at the size baked: two levels of mip-mapping keep them apart."""
_MAX_KEPT_OVERLAP = 0.01
"""Share of texels that several faces may claim in a UV layout that is kept."""


@dataclass(frozen=True)
class Bake:
    """Unwraps, projects the photos, fills in what they did not see, and makes the maps."""

    size_px: int = 2048
    """Width and height of the texture in pixels, 512 to 8192."""
    choice: Literal["auto", "best", "blend"] = "auto"
    """How several photos become one texture: each spot from its best photo, with exposure, passers-by and seams
    evened out (best); all photos mixed (blend); or best from four perspective photos on, else blend (auto)."""
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
    """Estimate roughness and metallic from the photos' highlights; else fully rough and not metallic."""

    def __post_init__(self) -> None:
        _check("size_px", self.size_px, _SMALLEST_PX, _LARGEST_PX)
        _check("min_symmetry", self.min_symmetry, 0, 1)
        _check("edge_px", self.edge_px, 0, 64)
        _check("occlusion_rays", self.occlusion_rays, 1, 4096)
        _check_word("fill", self.fill, ("symmetry", "inpaint", "none"))
        _check_word("choice", self.choice, ("auto", "best", "blend"))

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
            photographed, shininess = self._photographed(
                atlas, mesh, reconstruction.views.items, context.part(0.15, 0.5)
            )
            factors, confidence = self._factors(atlas, photographed, shininess), _sure(atlas, mesh, photographed.seen)
            # At 8192 pixels each of these arrays is half a gigabyte: none is kept longer than it is needed.
            seen = self._without_light(atlas, photographed)
            del photographed
            known = Coverage.of(seen)
            del seen
            color = _as_bytes(self._filled(atlas, mesh, known, context))
            del known
            context.progress(0.75)
        near = nearest.result()
        material = Material(
            base_color=color[near],
            confidence=np.rint(255 * confidence).astype(np.uint8)[near],
            **maps.result(),
            **factors,
        )
        context.progress(1.0)
        assert mesh.uv is not None, "just unwrapped"
        at_vertices = bilinear(confidence[near], mesh.uv * np.float32(self.size_px))
        # Vertex colours have become part of the texture; a viewer would multiply the two.
        return Part(replace(mesh, confidence=np.clip(at_vertices, 0, 1), colors=None), material)

    def _photographed(
        self, atlas: Atlas, mesh: Mesh, views: tuple[View, ...], context: Context
    ) -> tuple[Observed, Shininess | None]:
        """What the photos show, and how shiny it is, where they tell that by themselves."""
        best = self.choice == "best" and len(views) > 1
        if self.choice == "auto" and len(views) >= _FEWEST_TO_CHOOSE:
            best = all(view.camera is not None and view.camera.projection == "perspective" for view in views)
        if not best:
            return observed(atlas, mesh, views, self.edge_px, context), None
        from unflat.stages.texture.many import chosen

        choice = chosen(atlas, mesh, views, self.edge_px, context)
        return choice.observed, choice.shininess

    def _with_uv(self, reconstruction: Reconstruction, context: Context) -> Mesh:
        mesh, axes = reconstruction.mesh, _axes(reconstruction.views.items[0].camera)
        if self.keep_uv and mesh.uv is not None:
            if mesh.uv.min() >= 0 and mesh.uv.max() <= 1 and uv_overlap(mesh) <= _MAX_KEPT_OVERLAP:
                return mesh if mesh.normals is not None else replace(mesh, normals=vertex_normals(mesh))
            context.warn("The mesh's own UV overlaps or leaves the unit square, so the mesh was unwrapped anew.")
        return unwrapped(mesh, axes, _GUTTER_TEXELS / self.size_px)

    def _factors(self, atlas: Atlas, photographed: Observed, shininess: Shininess | None) -> dict[str, Any]:
        if not self.roughness:
            return {}
        if shininess is None:
            seen = np.flatnonzero(photographed.seen > 0.5)
            seen = seen[:: max(len(seen) // MAX_SAMPLES, 1)]
            shininess = estimate_shininess(photographed.color[seen], atlas.at(seen).normal, np.ones(len(seen), bool))
        return {"roughness_factor": shininess.roughness, "metallic_factor": shininess.metallic}

    def _without_light(self, atlas: Atlas, photographed: Observed) -> Observed:
        if not self.delight:
            return photographed
        from unflat.stages.texture.maps import delight

        return replace(photographed, color=delight(atlas, photographed.color, photographed.share > 0).linear)

    def _filled(self, atlas: Atlas, mesh: Mesh, known: Coverage, context: Context) -> Float32[np.ndarray, "n 3"]:
        unseen = float((known.share == 0).mean())
        if unseen == 1:
            context.warn("No photo sees any part of the surface: its whole colour is unknown and left mid grey.")
        elif self.fill == "none" and unseen > 0:
            context.warn(f"{unseen:.0%} of the texture was not seen by any photo and is left mid grey.")
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


def _as_bytes(linear: Float32[np.ndarray, "n 3"]) -> UInt8[np.ndarray, "n 3"]:
    """`srgb_from_linear`, some texels at a time."""
    color = np.empty(linear.shape, np.uint8)
    for start in range(0, len(linear), _TEXELS_AT_ONCE):
        color[start : start + _TEXELS_AT_ONCE] = srgb_from_linear(linear[start : start + _TEXELS_AT_ONCE])
    return color


def _padded(
    atlas: Atlas, image: Shaped[np.ndarray, "h w *c"], near: Int32[np.ndarray, "h w"]
) -> Shaped[np.ndarray, "h w *c"]:
    return image.reshape(-1, *image.shape[2:])[atlas.texel][near]


def _axes(camera: Camera | None) -> Float64[np.ndarray, "3 3"]:
    """Right, up and front of the object as a camera sees it."""
    assert camera is not None, "a reconstruction's views have cameras"
    return np.ascontiguousarray((camera.world_from_camera[:3, :3] @ front_rotation()).T)


def _check_word(name: str, value: str, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        words = f"{', '.join(allowed[:-1])} or {allowed[-1]}"
        raise RecipeError(f"texture.{name} can't be “{value}”.", code="bad-option", hint=f"Give {words}.")


def _sure(atlas: Atlas, mesh: Mesh, seen: Float32[np.ndarray, "n"]) -> Float32[np.ndarray, "n"]:
    """How sure each texel is: what a photo shows of a surface that was only supposed may belong to what lies behind."""
    if mesh.confidence is None:
        return seen
    sure = seen.copy()
    for run, piece in atlas.pieces():
        sure[run] *= piece.interpolated(mesh, mesh.confidence[:, None])[:, 0]
    return sure


def _check(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise RecipeError(
            f"texture.{name} must be from {low:g} to {high:g}, found {value:g}.",
            code="bad-option",
            hint=f"Set texture.{name} to a number from {low:g} to {high:g}.",
        )
