"""Any model from anywhere: transforms applied, units converted, and a clear word where a file can't be read."""

from __future__ import annotations

import base64
import json
import struct
from pathlib import Path

import numpy as np
import pytest
import trimesh

from unflat.core import Asset, Context, InputError, Material, Part, Scale, SetupError, UnflatError
from unflat.io.glb import GlbOptions, glb_bytes
from unflat.io.load import READABLE, load_asset, load_mesh
from unflat.io.stl import stl_bytes
from unflat.io.textures import encode_image
from unflat.io.trimesh_bridge import mesh_from_trimesh, trimesh_from_mesh, trimesh_from_part
from unflat.io.write import FORMATS, write_asset

from .assets import colored_triangle, full_material, letter_f, letter_f_mesh, six_color_texture, two_parts


def gltf(points: np.ndarray, faces: np.ndarray, **changes: object) -> dict:
    """A small glTF of one mesh with its buffer inside the JSON; faces 16 bits wide."""
    data = points.astype("<f4").tobytes() + faces.astype("<u2").tobytes()
    document = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": "thing"}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "buffers": [{"byteLength": len(data), "uri": "data:;base64," + base64.b64encode(data).decode()}],
        "bufferViews": [
            {"buffer": 0, "byteLength": points.size * 4},
            {"buffer": 0, "byteOffset": points.size * 4, "byteLength": faces.size * 2},
        ],
        "accessors": [
            {"bufferView": 0, "componentType": 5126, "count": len(points), "type": "VEC3"},
            {"bufferView": 1, "componentType": 5123, "count": faces.size, "type": "SCALAR"},
        ],
    }
    return {**document, **changes}


def read(document: dict, **more: object) -> Asset:
    return load_asset(json.dumps(document).encode(), "gltf", **more)


TETRA = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
TETRA_FACES = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], np.int32)


def volume(mesh) -> float:
    a, b, c = mesh.triangles.astype(float).swapaxes(0, 1)
    return float(np.einsum("fi,fi->", a, np.cross(b, c)) / 6)


def refusal(source: object, file_type: str | None = None) -> InputError:
    with pytest.raises(InputError) as caught:
        load_asset(source, file_type)
    assert caught.value.message.endswith((".", ")")) and caught.value.hint.endswith((".", "glb"))
    return caught.value


def test_node_transforms_are_applied_down_the_tree():
    document = gltf(TETRA, TETRA_FACES)
    half = np.sqrt(0.5)
    document["nodes"] = [
        {"children": [1], "translation": [0, 0, 5]},
        {"mesh": 0, "rotation": [0, half, 0, half], "scale": [2, 2, 2]},
    ]
    mesh = read(document).parts[0].mesh
    # A quarter turn about Y takes +X to -Z and +Z to +X.
    np.testing.assert_allclose(mesh.vertices, [[0, 0, 5], [0, 0, 3], [0, 2, 5], [2, 0, 5]], atol=1e-6)
    assert volume(mesh) == pytest.approx(8 / 6)


def test_a_matrix_is_read_by_columns_and_a_mesh_used_twice_becomes_two_parts():
    document = gltf(TETRA, TETRA_FACES)
    matrix = np.eye(4)
    matrix[:3, 3] = 1, 2, 3
    document["nodes"] = [{"mesh": 0}, {"mesh": 0, "matrix": matrix.T.ravel().tolist()}]
    document["scenes"] = [{"nodes": [0, 1]}]
    first, second = read(document).parts
    np.testing.assert_allclose(second.mesh.vertices - first.mesh.vertices, np.tile([1, 2, 3], (4, 1)))


def test_a_mirroring_transform_keeps_faces_outward():
    document = gltf(TETRA, TETRA_FACES)
    document["nodes"] = [{"mesh": 0, "scale": [-1, 1, 1]}]
    assert volume(read(document).parts[0].mesh) == pytest.approx(1 / 6)


def test_normals_turn_with_the_inverse_transpose():
    asset = letter_f()
    document = json.loads(json.dumps(_document(glb_bytes(asset))))
    document["nodes"][0]["scale"] = [1, 3, -1]
    mesh = load_asset(_glb_of(document, glb_bytes(asset)), "glb").parts[0].mesh
    plain = load_asset(glb_bytes(asset), "glb").parts[0].mesh
    wanted = plain.normals * [1, 1 / 3, -1]
    np.testing.assert_allclose(mesh.normals, wanted / np.linalg.norm(wanted, axis=1, keepdims=True), atol=1e-5)


def _document(content: bytes) -> dict:
    length = struct.unpack_from("<I", content, 12)[0]
    return json.loads(content[20 : 20 + length])


def _glb_of(document: dict, original: bytes) -> bytes:
    """The original's binary chunk under another JSON."""
    old = struct.unpack_from("<I", original, 12)[0]
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    rest = original[20 + old :]
    return struct.pack("<IIIII", 0x46546C67, 2, 20 + len(text) + len(rest), len(text), 0x4E4F534A) + text + rest


@pytest.mark.parametrize(("mode", "expected"), [(5, [[0, 1, 2], [1, 3, 2]]), (6, [[0, 1, 2], [0, 2, 3]])])
def test_strips_and_fans_become_triangles_that_face_one_way(mode, expected):
    document = gltf(TETRA, np.array([0, 1, 2, 3]))
    document["meshes"][0]["primitives"][0]["mode"] = mode
    np.testing.assert_array_equal(read(document).parts[0].mesh.faces, expected)


def test_lines_and_points_are_left_out_and_alone_they_are_no_model():
    document = gltf(TETRA, np.array([0, 1]))
    document["meshes"][0]["primitives"][0]["mode"] = 1
    assert refusal(json.dumps(document).encode(), "gltf").code == "empty-mesh"


def test_without_indices_every_three_vertices_are_a_face():
    document = gltf(TETRA[:3], TETRA_FACES)
    del document["meshes"][0]["primitives"][0]["indices"]
    np.testing.assert_array_equal(read(document).parts[0].mesh.faces, [[0, 1, 2]])


def test_quantised_interleaved_and_sparse_values_are_understood():
    interleaved = np.zeros((4, 8), np.int16)
    interleaved[:, :3] = TETRA * 32767
    data = interleaved.astype("<i2").tobytes() + TETRA_FACES.astype("<u1").tobytes()
    sparse = np.array([2], "<u2").tobytes() + b"\0\0" + np.array([[0, 32767, 32767]], "<i2").tobytes()
    document = gltf(TETRA, TETRA_FACES, extensionsRequired=["KHR_mesh_quantization"])
    document["buffers"] = [{"byteLength": 0, "uri": "data:;base64," + base64.b64encode(data + sparse).decode()}]
    document["bufferViews"] = [
        {"buffer": 0, "byteLength": 64, "byteStride": 16},
        {"buffer": 0, "byteOffset": 64, "byteLength": 12},
        {"buffer": 0, "byteOffset": 76, "byteLength": 2},
        {"buffer": 0, "byteOffset": 80, "byteLength": 6},
    ]
    document["accessors"] = [
        {
            "bufferView": 0, "componentType": 5122, "count": 4, "type": "VEC3", "normalized": True,
            "sparse": {"count": 1, "indices": {"bufferView": 2, "componentType": 5123}, "values": {"bufferView": 3}},
        },
        {"bufferView": 1, "componentType": 5121, "count": 12, "type": "SCALAR"},
    ]  # fmt: skip
    np.testing.assert_allclose(read(document).parts[0].mesh.vertices, [[0, 0, 0], [1, 0, 0], [0, 1, 1], [0, 0, 1]])


def test_textures_beside_the_file_moved_uv_and_weak_occlusion(tmp_path):
    points = np.column_stack([TETRA, TETRA[:, :2]])
    document = gltf(TETRA, TETRA_FACES)
    uv = points[:, 3:].astype("<f4").tobytes()
    (tmp_path / "uv 1.bin").write_bytes(uv)
    (tmp_path / "skin.png").write_bytes(encode_image(six_color_texture(), "png"))
    (tmp_path / "dark.png").write_bytes(encode_image(np.full((2, 2), 55, np.uint8), "png"))
    document["buffers"].append({"byteLength": len(uv), "uri": "uv%201.bin"})
    document["bufferViews"].append({"buffer": 1, "byteLength": len(uv)})
    document["accessors"].append({"bufferView": 2, "componentType": 5126, "count": 4, "type": "VEC2"})
    document["meshes"][0]["primitives"][0] |= {"attributes": {"POSITION": 0, "TEXCOORD_1": 2}, "material": 0}
    moved = {"KHR_texture_transform": {"offset": [0.5, 0], "scale": [2, 1], "texCoord": 1}}
    document["materials"] = [
        {
            "pbrMetallicRoughness": {"baseColorTexture": {"index": 0, "extensions": moved}},
            "occlusionTexture": {"index": 1, "strength": 0.5},
        }
    ]
    document["textures"] = [{"source": 0}, {"source": 1}]
    document["images"] = [{"uri": "skin.png"}, {"uri": "dark.png"}]
    path = tmp_path / "model.gltf"
    path.write_text(json.dumps(document))
    part = load_asset(path).parts[0]
    np.testing.assert_array_equal(part.material.base_color, six_color_texture())
    assert (part.material.occlusion == 155).all()
    assert part.material.metallic_factor == 1.0
    np.testing.assert_allclose(part.mesh.uv, [[0.5, 0], [2.5, 0], [0.5, 1], [0.5, 0]])


@pytest.mark.parametrize("uri", ["../secret.bin", "/etc/hostname", "https://example.org/a.bin", "missing.bin"])
def test_files_outside_of_the_models_folder_are_never_read(uri, tmp_path):
    (tmp_path / "secret.bin").write_bytes(bytes(500))
    folder = tmp_path / "models"
    folder.mkdir()
    document = gltf(TETRA, TETRA_FACES)
    document["buffers"][0]["uri"] = uri
    (folder / "model.gltf").write_text(json.dumps(document))
    assert refusal(folder / "model.gltf").code == "missing-side-file"


def test_animation_is_left_out_with_a_word():
    told: list[str] = []
    read(gltf(TETRA, TETRA_FACES, animations=[{}]), context=Context(warn=told.append))
    assert len(told) == 1 and "animations" in told[0]


def test_draco_and_unknown_extensions_are_refused_with_a_way_out():
    draco = json.dumps(gltf(TETRA, TETRA_FACES, extensionsRequired=["KHR_draco_mesh_compression"])).encode()
    assert refusal(draco, "gltf").code == "compressed-draco"
    other = json.dumps(gltf(TETRA, TETRA_FACES, extensionsRequired=["KHR_texture_basisu"])).encode()
    assert refusal(other, "gltf").code == "unknown-extension"


def test_meshopt_without_its_package_says_how_to_get_it(monkeypatch):
    document = gltf(TETRA, TETRA_FACES)
    described = {"buffer": 0, "byteLength": 10, "byteStride": 12, "count": 4, "mode": "ATTRIBUTES"}
    document["bufferViews"][0]["extensions"] = {"EXT_meshopt_compression": described}
    monkeypatch.setitem(__import__("sys").modules, "meshoptimizer", None)
    monkeypatch.setitem(__import__("sys").modules, "meshoptimizer.decoder", None)
    with pytest.raises(SetupError) as caught:
        read(document)
    assert caught.value.code == "missing-extra"


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        (lambda d: d["accessors"][0].update(count=500), "corrupt-model"),
        (lambda d: d["accessors"][0].update(count=0), "corrupt-model"),
        (lambda d: d["accessors"][0].update(count=10**12), "corrupt-model"),
        (lambda d: d["accessors"][0].update(componentType=1), "corrupt-model"),
        (lambda d: d["bufferViews"][1].update(byteOffset=10**6), "corrupt-model"),
        (lambda d: d["nodes"][0].update(mesh=3), "corrupt-model"),
        (lambda d: d["nodes"][0].update(children=[0]), "corrupt-model"),
        (lambda d: d["buffers"][0].update(uri="data:;base64,!!"), "corrupt-model"),
        (lambda d: d["asset"].update(version="1.0"), "corrupt-model"),
        (lambda d: d["meshes"][0].pop("primitives"), "corrupt-model"),
        (lambda d: d["scenes"][0].update(nodes=[]), "empty-mesh"),
        (lambda d: d.update(asset=None), "corrupt-model"),
    ],
)
def test_a_damaged_gltf_is_refused_by_name(spoil, code):
    document = gltf(TETRA, TETRA_FACES)
    spoil(document)
    assert refusal(json.dumps(document).encode(), "gltf").code == code


def test_nan_positions_and_wrong_indices_are_refused():
    broken = TETRA.copy()
    broken[0, 0] = np.nan
    assert refusal(json.dumps(gltf(broken, TETRA_FACES)).encode(), "gltf").code == "mesh-not-finite"
    assert refusal(json.dumps(gltf(TETRA, TETRA_FACES + 9)).encode(), "gltf").code == "mesh-index"


@pytest.mark.parametrize("ending", [one for one in FORMATS if one != "usdz"])
def test_whatever_is_cut_off_or_scrambled_is_refused_or_read_but_never_crashes(ending, tmp_path):
    content = write_asset(letter_f(Material()), tmp_path / f"f.{ending}")[0].read_bytes()
    random = np.random.default_rng(3)
    spoiled = [content[:length] for length in (1, 3, 11, 50, 83, 90, len(content) // 2, len(content) - 7)]
    for _ in range(12):
        scrambled = np.frombuffer(content, np.uint8).copy()
        scrambled[random.integers(0, len(content), 30)] = random.integers(0, 256, 30)
        spoiled.append(scrambled.tobytes())
    for one in spoiled:
        try:
            load_asset(one, ending)
        except UnflatError as error:
            assert error.code and error.hint


@pytest.mark.parametrize("ending", READABLE)
@pytest.mark.parametrize("content", [b"\0" * 300, b"hello, this is no model at all\n" * 9, b"\xff\xd8\xff\xe0" * 40])
def test_what_is_no_model_is_refused(ending, content, capfd):
    if ending.startswith("usd"):
        pytest.importorskip("pxr")
    with pytest.raises(UnflatError) as caught:
        load_asset(content, ending)
    assert caught.value.code in ("corrupt-model", "empty-mesh")


def test_an_empty_a_missing_a_foreign_and_a_nameless_file_are_told_apart(tmp_path):
    (tmp_path / "empty.glb").write_bytes(b"")
    (tmp_path / "photo.jpg").write_bytes(b"\xff\xd8\xff")
    (tmp_path / "nothing").write_bytes(b"abc")
    assert refusal(tmp_path / "empty.glb").code == "empty-file"
    assert refusal(tmp_path / "no.glb").code == "no-such-file"
    assert refusal(tmp_path).code == "not-a-file"
    assert refusal(tmp_path / "photo.jpg").code == "unknown-format"
    assert refusal(tmp_path / "nothing").code == "unknown-format"
    assert refusal(b"", "glb").code == "empty-file"


def test_a_binary_stl_that_was_cut_off_counts_as_damaged():
    content = stl_bytes(letter_f())
    assert refusal(content[:1000], "stl").code == "corrupt-model"
    assert refusal(b"solid nothing\nendsolid nothing\n", "stl").code in ("empty-mesh", "corrupt-model")


def test_bytes_and_nameless_files_are_known_by_how_they_begin(tmp_path):
    (tmp_path / "model").write_bytes(glb_bytes(letter_f()))
    assert load_asset(tmp_path / "model").name == "letter F"
    assert load_asset(glb_bytes(letter_f())).name == "letter F"


def test_files_of_others_keep_their_numbers_and_are_up_to_scale(tmp_path):
    box = trimesh.creation.box((1, 2, 3))
    for ending in ("obj", "ply", "stl", "off"):
        path = tmp_path / f"Kiste ü.{ending}"
        box.export(path)
        asset = load_asset(path)
        assert asset.scale is Scale.UP_TO_SCALE
        np.testing.assert_allclose(asset.parts[0].mesh.extent, [1, 2, 3])
        assert asset.parts[0].material.base_color is None
        assert len(asset.parts[0].mesh.faces) == 12
    assert len(load_mesh(tmp_path / "Kiste ü.stl").vertices) == 8


def test_a_glb_of_trimesh_is_read_with_its_colours_and_in_metres():
    ball = trimesh.creation.icosphere(2)
    ball.visual.vertex_colors = np.tile([200, 100, 50, 255], (len(ball.vertices), 1)).astype(np.uint8)
    asset = load_asset(ball.export(file_type="glb"))
    assert asset.scale is Scale.METRIC
    assert len(asset.parts[0].mesh.faces) == len(ball.faces)
    assert asset.parts[0].mesh.colors is not None


@pytest.mark.parametrize(("unit", "metres"), [("inch", 0.0254), ("millimeter", 0.001), ("micron", 1e-6)])
def test_units_of_a_3mf_become_metres_and_z_becomes_y(unit, metres):
    import io
    import zipfile

    from unflat.io.threemf import threemf_bytes

    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(threemf_bytes(letter_f(Material())))) as good, zipfile.ZipFile(changed, "w") as new:
        for name in good.namelist():
            new.writestr(name, good.read(name).replace(b'unit="millimeter"', f'unit="{unit}"'.encode()))
    mesh = load_mesh(changed.getvalue(), "3mf")
    np.testing.assert_allclose(mesh.extent, np.array([60, 100, 20]) * metres, rtol=1e-5)
    assert volume(mesh) > 0


def test_a_usd_in_centimetres_and_z_up_is_turned_and_scaled(tmp_path):
    usd = pytest.importorskip("pxr.Usd")
    from pxr import UsdGeom

    stage = usd.Stage.CreateNew(str(tmp_path / "model.usda"))
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.z)
    UsdGeom.SetStageMetersPerUnit(stage, 0.01)
    UsdGeom.Xform.Define(stage, "/Root").AddTranslateOp().Set((0, 0, 100))
    mesh = UsdGeom.Mesh.Define(stage, "/Root/Mesh")
    mesh.CreatePointsAttr([(0, 0, 0), (100, 0, 0), (100, 200, 0), (50, 300, 0), (0, 200, 0)])
    mesh.CreateFaceVertexCountsAttr([5])
    mesh.CreateFaceVertexIndicesAttr([0, 1, 2, 3, 4])
    stage.Save()
    loaded = load_mesh(tmp_path / "model.usda")
    assert len(loaded.faces) == 3
    np.testing.assert_allclose(loaded.vertices[:, 1], 1.0, atol=1e-6)
    np.testing.assert_allclose(loaded.extent, [1, 0, 3], atol=1e-6)


def test_a_usdz_that_refers_to_files_outside_of_it_is_refused(tmp_path):
    usd = pytest.importorskip("pxr.Usd", reason="usd-core is not installed")
    from pxr import Sdf, UsdGeom

    secret = usd.Stage.CreateNew(str(tmp_path / "secret.usda"))
    UsdGeom.Mesh.Define(secret, "/secret")
    secret.Save()
    (tmp_path / "outer.usda").write_text(f"#usda 1.0\n(\n    subLayers = [@{tmp_path / 'secret.usda'}@]\n)\n")
    package = tmp_path / "upload" / "spy.usdz"
    package.parent.mkdir()
    with Sdf.ZipFileWriter.CreateNew(str(package)) as archive:
        archive.AddFile(str(tmp_path / "outer.usda"), "outer.usda")
    with pytest.raises(InputError) as caught:
        load_asset(package)
    assert caught.value.code == "outside-reference"


def test_usd_without_its_package_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pxr", None)
    with pytest.raises(SetupError) as caught:
        load_asset(b"#usda 1.0", "usda")
    assert caught.value.code == "missing-extra" and "usd-core" in caught.value.hint


def test_parts_merge_into_one_mesh_with_what_all_of_them_have():
    merged = load_mesh(glb_bytes(two_parts()))
    assert len(merged.faces) == 68 + 1
    assert merged.uv is None and merged.confidence is None and merged.normals is not None
    same = Asset((Part(letter_f_mesh(), Material()), Part(letter_f_mesh(), Material())))
    merged = load_mesh(glb_bytes(same))
    assert len(merged.uv) == len(merged.confidence) == 2 * len(letter_f_mesh().vertices)
    assert merged.quads


def test_a_mesh_goes_to_trimesh_and_back_unchanged():
    for mesh in (letter_f_mesh(quads=False), colored_triangle()):
        back = mesh_from_trimesh(trimesh_from_mesh(mesh))
        for field in ("vertices", "faces", "colors", "confidence"):
            np.testing.assert_array_equal(getattr(back, field), getattr(mesh, field))
        assert back.normals is None
        assert (back.uv is None) == (mesh.uv is None)
        if mesh.uv is not None:
            np.testing.assert_allclose(back.uv, mesh.uv, atol=1e-7)


def test_a_part_shows_its_colours_in_trimesh():
    part = Part(letter_f_mesh(), full_material())
    shown = trimesh_from_part(part).visual.to_color().vertex_colors[:, :3]
    red = np.abs(shown.astype(int) - [230, 20, 20]).max(axis=1) < 3
    assert (part.mesh.vertices[red, 0] > part.mesh.vertices[:, 0].min()).all() and red.any()


def test_what_is_no_mesh_is_not_taken_for_one():
    with pytest.raises(InputError) as caught:
        mesh_from_trimesh(trimesh.Scene())
    assert caught.value.code == "not-a-mesh"


def test_an_image_format_that_viewers_may_lack_is_demanded_in_the_file():
    document = _document(glb_bytes(letter_f(), GlbOptions(image_format="webp")))
    assert document["extensionsRequired"] == ["EXT_texture_webp"]


def test_real_scans_survive_every_writer(tmp_path):
    archive = Path(__file__).parents[3] / "shared" / "objects" / "scans.zip"
    if not archive.is_file():
        pytest.skip("the shared objects are not here")
    import io
    import zipfile

    from unflat.core import Mesh
    from unflat.io.textures import decode_image

    with zipfile.ZipFile(archive) as scans:
        name = next(one for one in sorted(scans.namelist()) if "tex.npy" in zipfile.ZipFile(scans.open(one)).namelist())
        data = np.load(io.BytesIO(scans.read(name)), allow_pickle=False)
        uv = data["uv"].astype(np.float32)
        uv[:, 1] = 1 - uv[:, 1]
        mesh = Mesh(data["v"].astype(np.float32), data["f"].astype(np.int32), uv=uv)
        material = Material(base_color=decode_image(data["tex"].tobytes(), name))
    asset = Asset((Part(mesh, material),), name="scan")
    for ending in FORMATS:
        loaded = load_mesh(write_asset(asset, tmp_path / f"scan.{ending}")[0])
        np.testing.assert_allclose(loaded.extent, mesh.extent, rtol=1e-4)
        if ending in ("glb", "ply", "usdz", "obj"):
            assert len(loaded.faces) == len(mesh.faces)
            assert volume(loaded) == pytest.approx(volume(mesh), rel=1e-4)
