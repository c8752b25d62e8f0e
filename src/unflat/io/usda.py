"""An asset as a USD text layer (.usda): meshes, UsdPreviewSurface materials, metadata."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unflat.core.asset import Asset, Part
from unflat.core.color import linear_from_srgb
from unflat.core.material import Material
from unflat.core.shape import Mesh
from unflat.io.glb import unit_normals
from unflat.io.metadata import GENERATOR, asset_metadata, json_text
from unflat.io.names import ascii_name, unique_names


@dataclass(frozen=True)
class MaterialFiles:
    """Where a material's textures lie in the package; None for those that it lacks."""

    base_color: str | None = None
    orm: str | None = None
    """Occlusion red, roughness green, metallic blue."""
    normal: str | None = None


def usda_text(asset: Asset, files: dict[int, MaterialFiles]) -> str:
    """The layer. ``files`` is by ``id(part.material)``. USD's texture origin is bottom left, so v is turned over."""
    root = ascii_name(asset.name)
    materials = {id(part.material): part.material for part in asset.parts}
    material_names = unique_names(ascii_name(material.name) for material in materials.values())
    path_of = {key: f"/{root}/Materials/{name}" for key, name in zip(materials, material_names, strict=True)}
    colored = {id(part.material) for part in asset.parts if part.mesh.colors is not None}
    memory = json_text(asset_metadata(asset))
    lines = [
        "#usda 1.0",
        "(",
        f"    customLayerData = {{ dictionary unflat = {{ string asset = {_quoted(memory)} }} }}",
        f'    defaultPrim = "{root}"',
        f"    doc = {_quoted(GENERATOR)}",
        "    metersPerUnit = 1",
        '    upAxis = "Y"',
        ")",
        f'def Xform "{root}" (\n    displayName = {_quoted(asset.name)}\n    kind = "component"\n)',
        "{",
        'def Scope "Materials"',
        "{",
    ]
    for key, material in materials.items():
        lines += _material_lines(material, path_of[key], files[key], key in colored)
    lines.append("}")
    # "Materials" is taken by the scope beside the meshes.
    names = unique_names(["Materials", *(ascii_name(part.name) for part in asset.parts)])[1:]
    for part, name in zip(asset.parts, names, strict=True):
        lines += _mesh_lines(part, name, path_of[id(part.material)])
    return "\n".join([*lines, "}", ""])


def _mesh_lines(part: Part, name: str, material_path: str) -> list[str]:
    mesh = part.mesh
    counts, indices = _polygons(mesh)
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    lines = [
        f'def Mesh "{name}" (\n    displayName = {_quoted(part.name)}',
        '    prepend apiSchemas = ["MaterialBindingAPI"]\n)',
        "{",
        f"uniform bool doubleSided = {int(part.material.double_sided)}",
        f"float3[] extent = {_tuples(np.stack([low, high]))}",
        f"int[] faceVertexCounts = {_numbers(counts, '%d')}",
        f"int[] faceVertexIndices = {_numbers(indices, '%d')}",
        f"rel material:binding = <{material_path}>",
        f'normal3f[] normals = {_tuples(unit_normals(mesh), 6)} ( interpolation = "vertex" )',
        f"point3f[] points = {_tuples(mesh.vertices)}",
    ]
    if mesh.uv is not None:
        turned = np.column_stack([mesh.uv[:, 0], 1 - mesh.uv[:, 1].astype(np.float64)])
        lines.append(f'texCoord2f[] primvars:st = {_tuples(turned)} ( interpolation = "vertex" )')
    if mesh.colors is not None:
        linear = linear_from_srgb(mesh.colors)
        lines.append(f'color3f[] primvars:displayColor = {_tuples(linear, 6)} ( interpolation = "vertex" )')
    if mesh.confidence is not None:
        lines.append(f'float[] primvars:confidence = {_numbers(mesh.confidence, "%.6g")} ( interpolation = "vertex" )')
    return [*lines, 'uniform token subdivisionScheme = "none"', "}"]


def _polygons(mesh: Mesh) -> tuple[np.ndarray, np.ndarray]:
    if not mesh.quads:
        return np.full(len(mesh.faces), 3), mesh.faces.ravel()
    # Halves are (a b c), (a c d).
    quads = np.column_stack([mesh.faces[0::2], mesh.faces[1::2, 2]])
    return np.full(len(quads), 4), quads.ravel()


def _material_lines(material: Material, path: str, files: MaterialFiles, colored: bool) -> list[str]:
    red, green, blue, alpha = material.base_color_factor
    textures: list[str] = []
    surface: list[str] = []
    if files.base_color is not None:
        surface.append(f"color3f inputs:diffuseColor.connect = <{path}/BaseColor.outputs:rgb>")
        scale = (red, green, blue, 1.0)
        textures += _texture_lines(path, "BaseColor", files.base_color, {"scale": scale}, ["rgb"])
    elif colored:
        surface.append(f"color3f inputs:diffuseColor.connect = <{path}/VertexColor.outputs:result>")
        textures += _reader_lines("VertexColor", "float3", "displayColor")
    else:
        surface.append(f"color3f inputs:diffuseColor = ({red:.6g}, {green:.6g}, {blue:.6g})")
    surface += _packed_inputs(material, path)
    if files.orm is not None:
        scale = (1.0, material.roughness_factor, material.metallic_factor, 1.0)
        textures += _texture_lines(path, "Packed", files.orm, {"scale": scale}, ["r", "g", "b"])
    if files.normal is not None:
        surface.append(f"normal3f inputs:normal.connect = <{path}/Normal.outputs:rgb>")
        decode = {"scale": (2.0, 2.0, 2.0, 1.0), "bias": (-1.0, -1.0, -1.0, 0.0)}
        textures += _texture_lines(path, "Normal", files.normal, decode, ["rgb"])
    if alpha < 1:
        surface.append(f"float inputs:opacity = {alpha:.6g}")
    return [
        f'def Material "{path.rpartition("/")[2]}" ( displayName = {_quoted(material.name)} )',
        "{",
        f"token outputs:surface.connect = <{path}/Surface.outputs:surface>",
        'def Shader "Surface"',
        "{",
        'uniform token info:id = "UsdPreviewSurface"',
        *surface,
        "token outputs:surface",
        "}",
        *_reader_lines("Coordinates", "float2", "st"),
        *textures,
        "}",
    ]


def _packed_inputs(material: Material, path: str) -> list[str]:
    """Occlusion, roughness and metallic of the surface: from the packed texture where there is one, else constant."""
    inputs = []
    for name, channel, texture, factor in (
        ("occlusion", "r", material.occlusion, 1.0),
        ("roughness", "g", material.roughness, material.roughness_factor),
        ("metallic", "b", material.metallic, material.metallic_factor),
    ):
        if texture is not None:
            inputs.append(f"float inputs:{name}.connect = <{path}/Packed.outputs:{channel}>")
        else:
            inputs.append(f"float inputs:{name} = {factor:.6g}")
    return inputs


def _texture_lines(
    path: str, name: str, file: str, decode: dict[str, tuple[float, float, float, float]], outputs: list[str]
) -> list[str]:
    values = [f"float4 inputs:{key} = ({', '.join(f'{one:.6g}' for one in row)})" for key, row in decode.items()]
    color_space = "sRGB" if name == "BaseColor" else "raw"
    kinds = {"rgb": "float3"}
    return [
        f'def Shader "{name}"',
        "{",
        'uniform token info:id = "UsdUVTexture"',
        f"asset inputs:file = @{file}@",
        f'token inputs:sourceColorSpace = "{color_space}"',
        f"float2 inputs:st.connect = <{path}/Coordinates.outputs:result>",
        'token inputs:wrapS = "repeat"',
        'token inputs:wrapT = "repeat"',
        *values,
        *(f"{kinds.get(output, 'float')} outputs:{output}" for output in outputs),
        "}",
    ]


def _reader_lines(name: str, kind: str, primvar: str) -> list[str]:
    return [
        f'def Shader "{name}"',
        "{",
        f'uniform token info:id = "UsdPrimvarReader_{kind}"',
        f'string inputs:varname = "{primvar}"',
        f"{kind} outputs:result",
        "}",
    ]


def _tuples(rows: np.ndarray, digits: int = 9) -> str:
    """An array of tuples. Nine digits bring every float32 back exactly."""
    one = f"({', '.join([f'%.{digits}g'] * rows.shape[1])})"
    return f"[{', '.join([one] * len(rows)) % tuple((rows + 0.0).ravel().tolist())}]"


def _numbers(values: np.ndarray, form: str) -> str:
    return f"[{', '.join([form] * len(values)) % tuple(values.tolist())}]"


def _quoted(text: str) -> str:
    """A USD string; control characters, which would end it, become spaces."""
    plain = "".join(character if character.isprintable() else " " for character in text)
    return '"' + plain.replace("\\", "\\\\").replace('"', '\\"') + '"'
