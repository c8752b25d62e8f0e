"""Solids have the volume, area and genus that their formulas say, and are closed."""

import numpy as np
import pytest

from unflat.geometry.intersections import crossing_faces
from unflat.geometry.meshes import face_areas, signed_volume
from unflat.geometry.topology import connected_parts, edge_table, genus, is_closed, is_manifold
from unflat.synth.letter import letter_f
from unflat.synth.solids import box, chair, cone, cylinder, merged, moved, mug, refined, sphere, torus

ALL = {"box": box, "sphere": sphere, "cylinder": cylinder, "cone": cone, "torus": torus, "mug": mug, "chair": chair}


@pytest.mark.parametrize("name", ALL)
def test_every_solid_is_closed_manifold_outward_and_clean(name):
    mesh = ALL[name]()
    assert is_closed(mesh.faces)
    assert is_manifold(mesh.faces)
    assert signed_volume(mesh) > 0
    assert len(crossing_faces(mesh)) == 0
    assert connected_parts(mesh.faces, len(mesh.vertices)).max() == 0


@pytest.mark.parametrize(
    ("mesh", "volume", "area"),
    [
        (box((1.0, 2.0, 3.0)), 6.0, 22.0),
        (sphere(0.5, 128), np.pi / 6, np.pi),
        (cylinder(0.5, 2.0, 128), np.pi / 2, 2 * np.pi * 0.5 * 2.5),
        (cone(0.5, 1.5, 128), np.pi * 0.125, np.pi * 0.25 + np.pi * 0.5 * np.hypot(0.5, 1.5)),
        (torus(0.4, 0.15, 128), 2 * np.pi**2 * 0.4 * 0.15**2, 4 * np.pi**2 * 0.4 * 0.15),
    ],
)
def test_volume_and_area_are_those_of_the_formula(mesh, volume, area):
    assert signed_volume(mesh) == pytest.approx(volume, rel=0.003)
    assert face_areas(mesh).sum() == pytest.approx(area, rel=0.003)


@pytest.mark.parametrize(
    ("mesh", "handles"), [(box(), 0), (sphere(), 0), (torus(), 1), (mug(), 1), (chair(), 2), (letter_f().mesh, None)]
)
def test_genus_counts_the_handles(mesh, handles):
    assert genus(mesh.faces) == handles  # the letter's seam vertices stand twice, so it is open until it is welded


def test_sizes_are_those_asked_for():
    assert np.allclose(box((1.0, 2.0, 3.0)).extent, [1, 2, 3])
    assert chair(0.9).extent[1] == pytest.approx(0.9)
    assert mug(0.1).extent[1] == pytest.approx(0.1)
    assert np.allclose(sphere(0.25).extent, 0.5, atol=1e-6)


def test_the_handle_of_the_mug_is_on_the_right():
    vertices = mug().vertices
    assert vertices[:, 0].max() > -vertices[:, 0].min() * 1.2


def test_merging_keeps_parts_apart_and_adds_volumes():
    both = merged([box(), moved(box(), (3.0, 0.0, 0.0))])
    assert connected_parts(both.faces, len(both.vertices)).max() == 1
    assert signed_volume(both) == pytest.approx(2.0)


@pytest.mark.parametrize("mesh", [box(), cylinder(segments=12), mug(segments=24)])
def test_refining_shortens_edges_and_keeps_the_surface(mesh):
    longest = float(mesh.extent.max()) / 10
    fine = refined(mesh, longest)
    edges = fine.vertices[edge_table(fine.faces).edges]
    assert np.linalg.norm(edges[:, 0] - edges[:, 1], axis=1).max() <= longest * 1.0001
    assert is_closed(fine.faces)
    assert is_manifold(fine.faces)
    assert signed_volume(fine) == pytest.approx(signed_volume(mesh), rel=1e-5)
    assert face_areas(fine).sum() == pytest.approx(face_areas(mesh).sum(), rel=1e-5)
