"""Assets with exactly known shape and colours for the tests of writers and readers."""

from __future__ import annotations

import numpy as np

from unflat.core import Asset, Finding, Material, Mesh, Part, Provenance, QualityReport, Scale

FACE_COLORS = {
    (1, 0, 0): (230, 20, 20),
    (-1, 0, 0): (20, 200, 20),
    (0, 1, 0): (30, 30, 220),
    (0, -1, 0): (220, 220, 30),
    (0, 0, 1): (20, 210, 210),
    (0, 0, -1): (210, 20, 210),
}
"""sRGB by outward direction: red faces +X."""

F_CELLS = [(0, y) for y in range(5)] + [(1, 4), (2, 4), (1, 2)]
"""A capital F of unit squares (x, y), upright and readable from +Z: stem on the left, long arm on top."""

CELL_M = 0.02


def letter_f_mesh(quads: bool = True) -> Mesh:
    """A solid F, one cell deep, 10 cm high; each square of its surface has vertices and a texture patch of its own."""
    corners, uv = [], []
    for x, y in F_CELLS:
        for number, normal in enumerate(FACE_COLORS):
            beside = (x + normal[0], y + normal[1])
            if normal[2] == 0 and beside in F_CELLS:
                continue
            middle = np.array([x, y, 0]) + 0.5 * np.array(normal)
            along = np.roll(np.abs(normal), 1).astype(float)
            across = np.cross(normal, along)
            for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1)):
                corners.append((middle + 0.5 * a * along + 0.5 * b * across) * CELL_M)
                uv.append(((number % 3 + 0.5 + 0.4 * a) / 3, (number // 3 + 0.5 - 0.4 * b) / 2))
    start = np.arange(0, len(corners), 4)[:, None]
    faces = (start + np.array([[0, 1, 2, 0, 2, 3]])).reshape(-1, 3)
    vertices = np.array(corners, np.float32)
    confidence = (vertices[:, 2] > 0).astype(np.float32)
    return Mesh(vertices, faces.astype(np.int32), uv=np.array(uv, np.float32), confidence=confidence, quads=quads)


def six_color_texture(patch_px: int = 16) -> np.ndarray:
    """Six patches, three beside each other in two rows, in the order of `FACE_COLORS`."""
    colors = np.array(list(FACE_COLORS.values()), np.uint8).reshape(2, 3, 3)
    return np.repeat(np.repeat(colors, patch_px, axis=0), patch_px, axis=1)


def ramp(height: int, width: int, low: int, high: int) -> np.ndarray:
    return np.linspace(low, high, height * width).reshape(height, width).astype(np.uint8)


def full_material(name: str = "skin") -> Material:
    """Every map, all different, the confidence map of another size."""
    confidence = np.zeros((8, 12), np.uint8)
    confidence[:, 6:] = 255
    normal = np.full((32, 48, 3), (128, 128, 255), np.uint8)
    normal[8:16, 8:16] = (160, 128, 250)
    return Material(
        name=name,
        base_color=six_color_texture(),
        normal=normal,
        occlusion=ramp(32, 48, 100, 250),
        roughness=ramp(32, 48, 10, 200),
        metallic=ramp(32, 48, 0, 90),
        confidence=confidence,
        roughness_factor=0.9,
        metallic_factor=0.5,
    )


def letter_f(material: Material | None = None, scale: Scale = Scale.METRIC) -> Asset:
    """The F with all maps, provenance and a report with an unmeasured number."""
    material = full_material() if material is None else material
    return Asset(
        (Part(letter_f_mesh(), material, "letter"),),
        name="letter F",
        scale=scale,
        provenance=Provenance(
            recipe='[texture]\nbackend = "bake"',
            seed=7,
            inputs=(("фото.jpg", "ab" * 32),),
            versions=(("numpy", "2.0"),),
            weights=(("net", "cd" * 32, "Apache-2.0"),),
            timings_s=(("texture", 1.5),),
            warnings=('The back was "guessed".\nTwice.',),
        ),
        report=report(),
    )


def report() -> QualityReport:
    return QualityReport(
        faces=68, vertices=136, parts=1, watertight=True, manifold=True, self_intersections=0, genus=0,
        volume_m3=6.4e-5, area_m2=0.0136, size_m=(0.06, 0.1, 0.02), scale=Scale.METRIC, uv_overlap=0.0,
        texels_per_m=800.0, thinnest_m=float("nan"), seen_share=0.5, target="print",
        findings=(Finding("thin", "warning", "One wall is thin.", "Scale it up."),),
    )  # fmt: skip


def colored_triangle() -> Mesh:
    """The smallest mesh there is, with vertex colours."""
    return Mesh(
        np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32),
        np.array([[0, 1, 2]], np.int32),
        colors=np.array([[255, 0, 0], [0, 255, 0], [10, 100, 200]], np.uint8),
    )


def two_parts() -> Asset:
    """A textured F beside a triangle with vertex colours, both called the same."""
    glass = Material("same", base_color_factor=(0.5, 0.25, 1.0, 0.5), double_sided=True)
    return Asset(
        (
            Part(letter_f_mesh(), full_material("same"), "same"),
            Part(colored_triangle(), glass, "same"),
        ),
        name="two",
    )


def sphere_mesh(columns: int, quads: bool = True) -> Mesh:
    """A unit sphere of columns² faces with a UV seam down its back and confidence on its front."""
    rows = columns // 2
    u, v = np.meshgrid(np.linspace(0, 1, columns + 1), np.linspace(0, 1, rows + 1))
    around, down = u * 2 * np.pi, v * np.pi
    points = np.stack([-np.sin(down) * np.sin(around), np.cos(down), -np.sin(down) * np.cos(around)], -1)
    points[:, -1] = points[:, 0]
    points[0], points[-1] = (0, 1, 0), (0, -1, 0)
    row, column = np.mgrid[:rows, :columns]
    a = (row * (columns + 1) + column).ravel()
    b, c, d = a + columns + 1, a + columns + 2, a + 1
    faces = np.stack([np.stack([a, b, c], -1), np.stack([a, c, d], -1)], 1).reshape(-1, 3)
    vertices = points.reshape(-1, 3).astype(np.float32)
    return Mesh(
        vertices,
        faces.astype(np.int32),
        uv=np.stack([u, v], -1).reshape(-1, 2).astype(np.float32),
        confidence=(vertices[:, 2] > 0).astype(np.float32),
        quads=quads,
    )


def natural_texture(size_px: int) -> np.ndarray:
    """Smooth colours with fine grain, about as hard to compress as a photo."""
    random = np.random.default_rng(5)
    v, u = np.mgrid[:size_px, :size_px] / size_px
    waves = np.stack([np.sin(9 * u + k) * np.cos(7 * v - k) for k in range(3)], -1) * 90 + 128
    return np.clip(waves + random.normal(0, 4, waves.shape), 0, 255).astype(np.uint8)


def assert_reads_as_letter_f(vertices: np.ndarray, faces: np.ndarray, corner_rgb: np.ndarray, tolerance: int) -> None:
    """The law: upright, readable from +Z, not mirrored, not inside out, each side in its own colour."""
    corners = np.asarray(vertices, np.float64)[np.asarray(faces)]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    area = np.linalg.norm(normal, axis=1) / 2
    volume = np.einsum("fi,fi->", corners[:, 0], normal) / 6
    np.testing.assert_allclose(volume, len(F_CELLS) * CELL_M**3, rtol=1e-4)
    np.testing.assert_allclose(np.ptp(corners.reshape(-1, 3), axis=0), [3 * CELL_M, 5 * CELL_M, CELL_M], rtol=1e-4)
    middle = corners.mean(axis=1)
    top_arm = middle[:, 1] > 3.6 * CELL_M
    foot = middle[:, 1] < 0.4 * CELL_M
    assert middle[top_arm, 0].max() > 2.4 * CELL_M
    assert middle[foot, 0].max() < 0.6 * CELL_M
    direction = np.rint(normal / (2 * area[:, None])).astype(int)
    wanted = np.array([FACE_COLORS[tuple(one)] for one in direction.tolist()])
    assert np.abs(np.asarray(corner_rgb, int) - wanted[:, None]).max() <= tolerance
