"""UsdPreviewSurface to `Material`."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from unflat.core.material import Material
from unflat.io.textures import decode_image

_CHANNELS = {"r": 0, "g": 1, "b": 2}


def read_usd_material(prim: Any, file: Path) -> Material:
    """The material bound to a mesh, if it is a UsdPreviewSurface; textures come from the package or the folder."""
    from pxr import UsdGeom, UsdShade

    bound, _ = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial()
    double_sided = bool(UsdGeom.Gprim(prim).GetDoubleSidedAttr().Get())
    surface = bound.ComputeSurfaceSource()[0] if bound else None
    if not surface or surface.GetIdAttr().Get() != "UsdPreviewSurface":
        return Material(double_sided=double_sided)
    base, _, color_scale = _input(surface, "diffuseColor", file)
    normal, _, _ = _input(surface, "normal", file)
    planes: dict[str, np.ndarray | None] = {}
    factors: dict[str, float] = {"roughness": 0.5, "metallic": 0.0, "occlusion": 1.0}
    for name in ("occlusion", "roughness", "metallic"):
        pixels, channel, scale = _input(surface, name, file)
        planes[name] = None if pixels is None else np.ascontiguousarray(pixels[:, :, channel])
        if pixels is not None:
            factors[name] = float(scale[channel])
        elif scale is not None:
            factors[name] = float(scale)
    color = (1.0, 1.0, 1.0) if color_scale is None else tuple(np.clip(np.array(color_scale, float)[:3], 0, 1).tolist())
    _, _, opacity = _input(surface, "opacity", file)
    sizes = {plane.shape for plane in planes.values() if plane is not None}
    if len(sizes) > 1:
        planes["occlusion"] = None
    return Material(
        name=bound.GetPrim().GetDisplayName() or bound.GetPrim().GetName(),
        base_color=base,
        normal=normal,
        occlusion=planes["occlusion"],
        roughness=planes["roughness"],
        metallic=planes["metallic"],
        base_color_factor=(*color, 1.0 if not isinstance(opacity, float) else min(max(opacity, 0.0), 1.0)),
        roughness_factor=min(max(factors["roughness"], 0.0), 1.0),
        metallic_factor=min(max(factors["metallic"], 0.0), 1.0),
        double_sided=double_sided,
    )


def _input(surface: Any, name: str, file: Path) -> tuple[UInt8[np.ndarray, "h w 3"] | None, int, Any]:
    """Pixels, channel and scale if a texture is connected, else None, 0 and the constant (None where unset)."""
    given = surface.GetInput(name)
    if not given:
        return None, 0, None
    sources = given.GetConnectedSources()[0]
    if not sources:
        return None, 0, given.Get()
    from pxr import UsdShade

    shader = UsdShade.Shader(sources[0].source.GetPrim())
    texture = shader.GetInput("file")
    if not texture or texture.Get() is None:
        return None, 0, None
    scale = shader.GetInput("scale")
    weights = np.ones(4) if not scale or scale.Get() is None else np.array(scale.Get())
    asset_path = texture.Get()
    content = _side_file(asset_path.resolvedPath or asset_path.path, file)
    pixels = None if content is None else decode_image(content, asset_path.path)
    return pixels, _CHANNELS.get(str(sources[0].sourceName), 0), weights


def _side_file(resolved: str, file: Path) -> bytes | None:
    """Bytes of a texture: ``package.usdz[inner/name]`` from this very package, a plain path from the file's folder."""
    package, bracket, inner = resolved.partition("[")
    if bracket:
        if Path(package).resolve() != file.resolve():
            return None
        with zipfile.ZipFile(package) as archive:
            return archive.read(inner.rstrip("]"))
    path = (file.parent / resolved).resolve()
    if not path.is_relative_to(file.parent.resolve()) or not path.is_file():
        return None
    return path.read_bytes()
