"""GLB: nothing is lost on the way out and back, and Khronos' validator has nothing to say."""

from __future__ import annotations

import dataclasses
import json
import math
import struct
import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unflat.core import Asset, Material, Mesh, Part, RecipeError, Scale, SetupError
from unflat.io.glb import GlbOptions, glb_bytes, write_glb
from unflat.io.gltf_read import read_gltf
from unflat.io.metadata import json_text, seen_share

from .assets import (
    colored_triangle,
    full_material,
    letter_f,
    letter_f_mesh,
    natural_texture,
    sphere_mesh,
    two_parts,
)
from .validators import gltf_complaints, gltf_judge  # noqa: F401 - a fixture


def document_of(content: bytes) -> dict:
    length = struct.unpack_from("<I", content, 12)[0]
    return json.loads(content[20 : 20 + length])


def plain(mesh: Mesh) -> Mesh:
    return Mesh(mesh.vertices, mesh.faces)


ASSETS = {
    "letter F with all maps": letter_f(),
    "letter F without textures": letter_f(Material()),
    "two parts of the same name": two_parts(),
    "vertex colours": Asset((Part(colored_triangle(), Material()),)),
    "bare triangle": Asset((Part(plain(colored_triangle()), Material()),), name=""),
    "unicode names": Asset((Part(letter_f_mesh(), full_material("皮膚"), "буква “F” \\ \"'"),), name="字母 F"),
    "occlusion alone": letter_f(Material(occlusion=np.full((4, 4), 90, np.uint8))),
    "metallic alone": letter_f(Material(metallic=np.full((4, 4), 90, np.uint8), metallic_factor=1.0)),
    "normal map alone": letter_f(Material(normal=np.full((4, 4, 3), (128, 128, 255), np.uint8))),
    "glass": letter_f(Material(base_color_factor=(1, 1, 1, 0.25), double_sided=True)),
    "66k vertices": Asset((Part(sphere_mesh(364), Material()),)),
}


@pytest.mark.parametrize("name", ASSETS)
def test_khronos_validator_finds_no_error_and_no_warning(name, gltf_judge):  # noqa: F811
    report = gltf_judge(glb_bytes(ASSETS[name]))
    assert gltf_complaints(report) == []
    assert report["info"]["hasTextures"] == any(
        getattr(part.material, field) is not None
        for part in ASSETS[name].parts
        for field in ("base_color", "occlusion", "roughness", "metallic", "normal")
    )


@pytest.mark.parametrize("image_format", ["png", "jpeg", "webp"])
def test_every_image_format_is_valid_and_close_to_the_pixels(image_format, gltf_judge):  # noqa: F811
    asset = letter_f()
    content = glb_bytes(asset, GlbOptions(image_format=image_format))
    assert gltf_complaints(gltf_judge(content)) == []
    before, after = asset.parts[0].material.base_color, read_gltf(content, "f").parts[0].material.base_color
    error = np.abs(before.astype(int) - after)
    # WebP halves the resolution of colour, so the borders between patches blur there.
    assert error.mean() <= {"png": 0, "jpeg": 3, "webp": 12}[image_format]


def test_the_judge_would_have_complained(gltf_judge):  # noqa: F811
    broken = bytearray(glb_bytes(letter_f(Material())))
    broken[-4:] = b"\xff\xff\xff\xff"
    assert gltf_complaints(gltf_judge(bytes(broken)))


def test_all_that_an_asset_holds_comes_back():
    asset = letter_f()
    loaded = read_gltf(glb_bytes(asset, GlbOptions(image_format="png")), "file")
    assert (loaded.name, loaded.scale) == (asset.name, asset.scale)
    assert loaded.provenance == asset.provenance
    assert math.isnan(loaded.report.thinnest_m)
    assert replace(loaded.report, thinnest_m=1.0) == replace(asset.report, thinnest_m=1.0)
    before, after = asset.parts[0], loaded.parts[0]
    assert (after.name, after.mesh.quads) == (before.name, True)
    for field in ("vertices", "faces", "uv", "confidence"):
        np.testing.assert_array_equal(getattr(after.mesh, field), getattr(before.mesh, field))
    for field in dataclasses.fields(Material):
        np.testing.assert_array_equal(getattr(after.material, field.name), getattr(before.material, field.name))


def test_several_parts_keep_their_places_names_and_materials():
    first, second = read_gltf(glb_bytes(two_parts()), "file").parts
    assert (first.name, second.name) == ("same", "same")
    assert second.material.base_color_factor == pytest.approx((0.5, 0.25, 1.0, 0.5))
    assert second.material.double_sided
    np.testing.assert_array_equal(second.mesh.colors, colored_triangle().colors)


def test_parts_that_share_a_material_store_it_once():
    material = full_material()
    asset = Asset(tuple(Part(letter_f_mesh(), material, str(number)) for number in range(3)))
    assert len(document_of(glb_bytes(asset))["materials"]) == 1


def test_vertex_colours_are_linear_in_the_file_and_exact_after_the_round_trip():
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)
    points = np.random.default_rng(0).random((256, 3)).astype(np.float32)
    faces = np.arange(255, dtype=np.int32).reshape(-1, 3)
    content = glb_bytes(Asset((Part(Mesh(points, faces, colors=ramp), Material()),)))
    np.testing.assert_array_equal(read_gltf(content, "x").parts[0].mesh.colors, ramp)
    document = document_of(content)
    accessor = document["accessors"][document["meshes"][0]["primitives"][0]["attributes"]["COLOR_0"]]
    assert accessor["normalized"]


def test_vertex_colours_are_not_multiplied_into_a_texture():
    mesh = letter_f_mesh()
    colored = replace(mesh, colors=np.zeros((len(mesh.vertices), 3), np.uint8))
    document = document_of(glb_bytes(Asset((Part(colored, full_material()),))))
    assert "COLOR_0" not in document["meshes"][0]["primitives"][0]["attributes"]


def test_tangents_are_written_only_where_a_normal_map_wants_them():
    with_map = document_of(glb_bytes(letter_f()))["meshes"][0]["primitives"][0]["attributes"]
    without = document_of(glb_bytes(letter_f(Material())))["meshes"][0]["primitives"][0]["attributes"]
    assert "TANGENT" in with_map and "TANGENT" not in without


def test_occlusion_roughness_and_metallic_share_one_image():
    document = document_of(glb_bytes(letter_f()))
    material = document["materials"][0]
    assert material["occlusionTexture"] == material["pbrMetallicRoughness"]["metallicRoughnessTexture"]
    assert len(document["images"]) == 4


def test_json_holds_no_nan_and_says_how_much_was_seen():
    asset = replace(letter_f(), report=None)
    text = json_text(document_of(glb_bytes(asset)))
    assert "NaN" not in text
    ours = json.loads(text)["asset"]["extras"]["unflat"]
    assert (ours["unit"], ours["scale"]) == ("m", "metric")
    # The front is seen, the back is not, and the sides run from one to the other.
    assert ours["seen_share"] == pytest.approx(0.5, abs=1e-6)
    bare = Asset((Part(plain(letter_f_mesh()), Material()),))
    assert math.isnan(seen_share(bare))
    assert document_of(glb_bytes(bare))["asset"]["extras"]["unflat"]["seen_share"] is None


def test_the_same_asset_gives_the_same_bytes():
    assert glb_bytes(letter_f()) == glb_bytes(letter_f())


def test_indices_are_16_bits_wide_up_to_65535_vertices():
    def component(mesh: Mesh) -> int:
        document = document_of(glb_bytes(Asset((Part(mesh, Material()),))))
        return document["accessors"][document["meshes"][0]["primitives"][0]["indices"]]["componentType"]

    points = np.random.default_rng(0).random((65536, 3)).astype(np.float32)
    faces = np.array([[0, 1, 65534]], np.int32)
    assert component(Mesh(points[:65535], faces)) == 5123
    assert component(Mesh(points, faces)) == 5125


def test_a_vertex_without_surface_still_gets_a_unit_normal(gltf_judge):  # noqa: F811
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [5, 5, 5], [2, 2, 2]], np.float32)
    mesh = Mesh(points, np.array([[0, 1, 2], [4, 4, 4]], np.int32), uv=np.zeros((5, 2), np.float32))
    assert gltf_complaints(gltf_judge(glb_bytes(Asset((Part(mesh, full_material()),))))) == []


def test_levels_are_left_to_files_of_their_own():
    asset = replace(letter_f(), levels=((Part(colored_triangle(), Material()),),))
    assert glb_bytes(asset) == glb_bytes(letter_f())


@pytest.mark.parametrize(
    "options", [{"image_format": "gif"}, {"image_quality": 0}, {"image_quality": 101}, {"compression": "draco"}]
)
def test_a_bad_option_is_refused_with_what_is_possible(options):
    given = GlbOptions()
    for name, value in options.items():
        # Past the type checker of the tests, which users do not have.
        object.__setattr__(given, name, value)
    with pytest.raises(RecipeError) as caught:
        given.__post_init__()
    assert caught.value.code == "bad-option"


def test_meshopt_without_its_package_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "meshoptimizer", None)
    monkeypatch.setitem(__import__("sys").modules, "meshoptimizer.encoder", None)
    with pytest.raises(SetupError) as caught:
        glb_bytes(letter_f(), GlbOptions(compression="meshopt"))
    assert caught.value.code == "missing-extra"
    assert "unflat[meshopt]" in caught.value.hint


def test_meshopt_is_lossless_smaller_and_valid(gltf_judge):  # noqa: F811
    pytest.importorskip("meshoptimizer", reason="the optional package meshoptimizer is not installed")
    asset = Asset((Part(sphere_mesh(60), Material()),), scale=Scale.METRIC)
    content = glb_bytes(asset, GlbOptions(compression="meshopt"))
    assert len(content) < 0.7 * len(glb_bytes(asset))
    document = document_of(content)
    binary = content[28 + struct.unpack_from("<I", content, 12)[0] :]
    for view in document["bufferViews"]:
        described = view["extensions"]["EXT_meshopt_compression"]
        # Version 0 of the vertex codec, version 1 of the index codec: what the extension allows.
        wanted = 0xA0 if described["mode"] == "ATTRIBUTES" else 0xE1
        assert binary[described["byteOffset"]] == wanted
    assert gltf_complaints(gltf_judge(content)) == []
    before, after = asset.parts[0].mesh, read_gltf(content, "x").parts[0].mesh
    for field in ("vertices", "uv", "confidence"):
        np.testing.assert_array_equal(getattr(after, field), getattr(before, field))
    np.testing.assert_array_equal(np.sort(after.faces, axis=1), np.sort(before.faces, axis=1))
    sides = [np.cross(*np.diff(mesh.triangles, axis=1).swapaxes(0, 1)) for mesh in (before, after)]
    np.testing.assert_allclose(*sides, atol=1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(3, 12), st.integers(1, 20), st.integers(0, 2**32 - 1))
def test_any_mesh_comes_back_exactly(vertex_count, face_count, seed):
    random = np.random.default_rng(seed)
    mesh = Mesh(
        random.normal(0, 10.0 ** random.integers(-6, 6), (vertex_count, 3)).astype(np.float32),
        random.integers(0, vertex_count, (face_count, 3)).astype(np.int32),
        uv=random.normal(0, 2, (vertex_count, 2)).astype(np.float32),
    )
    after = read_gltf(glb_bytes(Asset((Part(mesh, Material()),))), "x").parts[0].mesh
    for field in ("vertices", "faces", "uv"):
        np.testing.assert_array_equal(getattr(after, field), getattr(mesh, field))


def test_writing_gives_the_same_bytes_as_asking_for_them(tmp_path):
    path = write_glb(letter_f(), tmp_path / "буква F.glb")
    assert path.read_bytes() == glb_bytes(letter_f())


def test_twenty_thousand_faces_with_four_large_maps_are_quick():
    size = 2048
    base = natural_texture(size)
    material = Material(
        base_color=base,
        normal=np.dstack([base[:, :, 0] // 8 + 112, base[:, :, 1] // 8 + 112, np.full((size, size), 250, np.uint8)]),
        occlusion=np.ascontiguousarray(base[:, :, 0]),
        roughness=np.ascontiguousarray(base[:, :, 1]),
        metallic=np.zeros((size, size), np.uint8),
        confidence=np.full((size, size), 255, np.uint8),
    )
    asset = Asset((Part(sphere_mesh(142), material),))
    start = time.process_time()
    content = glb_bytes(asset)
    # 0.35 s on an idle core; the limit is far off because the machine may be busy.
    assert time.process_time() - start < 2.0
    assert len(content) < 20_000_000
