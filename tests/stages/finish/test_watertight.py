"""Whatever comes in, a closed manifold goes out."""

import io
import json
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from unflat.core import Context, Mesh, RecipeError, StageFailed
from unflat.geometry.closest import NearestSurface, carried_from_surface
from unflat.geometry.closing import is_solid, remeshed, repaired
from unflat.geometry.meshes import face_areas, face_normals, signed_volume
from unflat.geometry.solid import remeshed_solid, seen_from_outside
from unflat.geometry.topology import connected_parts, genus
from unflat.stages.finish.watertight import Watertight
from unflat.synth import solids

OBJECTS = Path(__file__).parents[4] / "shared" / "objects"


def closed(mesh, around, **options):
    return Watertight(**options)(around(mesh), Context()).mesh


def drop(mesh, count, seed=0):
    keep = np.ones(len(mesh.faces), bool)
    keep[np.random.default_rng(seed).choice(len(keep), count, replace=False)] = False
    return Mesh(mesh.vertices, mesh.faces[keep])


def with_faces(mesh, extra):
    return Mesh(mesh.vertices, np.concatenate([mesh.faces, np.array(extra, np.int32)]))


def turned_at_random(mesh):
    flip = np.random.default_rng(0).random(len(mesh.faces)) < 0.4
    return Mesh(mesh.vertices, np.where(flip[:, None], mesh.faces[:, ::-1], mesh.faces))


def pinched():
    """Two balls that share one vertex."""
    ball = solids.sphere(0.5)
    upper = solids.moved(ball, (0, 1, 0))
    both = solids.merged([ball, upper])
    top, bottom = ball.vertices[:, 1].argmax(), upper.vertices[:, 1].argmin() + len(ball.vertices)
    return Mesh(both.vertices, np.where(both.faces == bottom, top, both.faces).astype(np.int32))


def with_inner_wall():
    """A box cut in two by a wall: four edges of three faces."""
    box = solids.refined(solids.box(), 0.6)
    middle = np.flatnonzero(np.abs(box.vertices[:, 0]) < 1e-6)
    angle = np.arctan2(box.vertices[middle, 1], box.vertices[middle, 2])
    ring = middle[np.argsort(angle)]
    middle_too = Mesh(np.concatenate([box.vertices, np.zeros((1, 3), np.float32)]), box.faces)
    return with_faces(middle_too, [[len(box.vertices), ring[i - 1], ring[i]] for i in range(len(ring))])


BALL = solids.sphere(0.5)
BALL_VOLUME = signed_volume(BALL)
MESSES = {
    "many holes": (drop(BALL, 150), BALL_VOLUME),
    "inside out": (Mesh(BALL.vertices, BALL.faces[:, ::-1].copy()), BALL_VOLUME),
    "faces turned at random": (turned_at_random(BALL), BALL_VOLUME),
    "holes and turned faces": (turned_at_random(drop(BALL, 50)), BALL_VOLUME),
    "faces doubled": (with_faces(BALL, np.concatenate([BALL.faces[:40], BALL.faces[100:140, ::-1]])), BALL_VOLUME),
    "zero-area faces": (with_faces(BALL, [[7, 7, 9], [3, 3, 3]]), BALL_VOLUME),
    "a fin": (with_faces(BALL, [[*BALL.faces[200][:2], 0]]), BALL_VOLUME),
    "pinched": (pinched(), 2 * BALL_VOLUME),
    "inner wall": (with_inner_wall(), 1.0),
    "overlapping balls": (
        solids.merged([BALL, solids.moved(BALL, (0.5, 0, 0))]),
        2 * np.pi / 6 - np.pi * 2.5 * 0.25 / 12,
    ),
    "no base": (drop(solids.box(), 1), 1.0),
    "corners apart": (
        Mesh(BALL.triangles.reshape(-1, 3), np.arange(BALL.faces.size, dtype=np.int32).reshape(-1, 3)),
        BALL_VOLUME,
    ),
}


@pytest.mark.parametrize("name", MESSES)
def test_a_messy_body_becomes_solid_by_small_repairs(name, around):
    mesh, volume = MESSES[name]
    result = closed(mesh, around, method="repair")
    assert is_solid(result)
    assert signed_volume(result) == pytest.approx(volume, rel=0.02)


def test_overlapping_balls_become_one_part(around):
    result = closed(MESSES["overlapping balls"][0], around)
    assert connected_parts(result.faces, len(result.vertices)).max() == 0
    assert genus(result.faces) == 0


def test_a_closed_mesh_stays_the_very_same_and_nothing_is_said(around, told):
    warnings, context = told
    before = around(solids.torus())
    assert Watertight()(before, context) is before
    assert warnings == []


def test_a_hollow_body_keeps_its_cavity(around):
    hollow = solids.merged([BALL, Mesh(BALL.vertices * np.float32(0.5), BALL.faces[:, ::-1].copy())])
    assert closed(hollow, around) is hollow


def test_every_repair_is_told(around, told):
    warnings, context = told
    Watertight()(around(MESSES["holes and turned faces"][0]), context)
    assert "filled" in warnings[0]
    assert "turned" in warnings[0]


def sheet():
    flat = Mesh(np.float32([[0, 0, 0], [1, 0, 0], [1, 1, 0.2], [0, 1, 0]]), np.int32([[0, 1, 2], [0, 2, 3]]))
    return solids.refined(flat, 0.1)


def strip():
    """A Möbius strip."""
    angle = np.repeat(2 * np.pi * np.arange(40) / 40, 2)
    across = np.tile([-0.2, 0.2], 40)
    radius = 1 + across * np.cos(angle / 2)
    points = np.column_stack([radius * np.cos(angle), across * np.sin(angle / 2), radius * np.sin(angle)])
    i = 2 * np.arange(40)
    a, b, c, d = i, i + 1, (i + 2) % 80, (i + 3) % 80
    c[-1], d[-1] = d[-1], c[-1]
    return Mesh(
        points.astype(np.float32),
        np.concatenate([np.column_stack([a, b, c]), np.column_stack([b, d, c])]).astype(np.int32),
    )


def triangle():
    return Mesh(np.float32([[0, 0, 0], [1, 0, 0], [0, 1, 0.3]]), np.int32([[0, 1, 2]]))


@pytest.mark.parametrize(
    ("make", "handles"), [(sheet, 0), (triangle, 0), (strip, 1)], ids=["sheet", "triangle", "strip"]
)
def test_what_has_no_inside_gets_thickness_and_this_is_said(make, handles, around, told):
    warnings, context = told
    mesh = make()
    result = Watertight(resolution=48)(around(mesh), context).mesh
    voxel = mesh.extent.max() / 48
    assert is_solid(result)
    assert genus(result.faces) == handles
    assert signed_volume(result) == pytest.approx(face_areas(mesh).sum() * 1.6 * voxel, rel=0.25)
    assert "new surface" in warnings[0]


def test_small_repairs_alone_refuse_a_sheet_with_advice(around):
    with pytest.raises(StageFailed) as caught:
        closed(sheet(), around, method="repair")
    assert caught.value.code == "not-closed"
    assert "method=auto" in caught.value.hint


@pytest.mark.parametrize(
    "solid", [solids.sphere(), solids.torus(), solids.box(), solids.mug(1.0)], ids=["ball", "ring", "box", "mug"]
)
def test_a_new_surface_lies_on_the_old_one(solid):
    result = remeshed_solid(solid, 64)
    voxel = solid.extent.max() / 64
    assert is_solid(result)
    assert genus(result.faces) == genus(solid.faces)
    assert signed_volume(result) == pytest.approx(signed_volume(solid), rel=0.03)
    assert NearestSurface(solid, voxel / 8).query(result.vertices.astype(np.float64)).distance.mean() < 0.1 * voxel


def test_a_new_surface_spans_holes_and_marks_what_it_invented(around):
    ball = replace(BALL, confidence=np.ones(len(BALL.vertices), np.float32))
    front = ball.triangles.mean(axis=1)[:, 2] > 0.47
    result = closed(
        Mesh(ball.vertices, ball.faces[~front], confidence=ball.confidence), around, method="remesh", resolution=48
    )
    assert is_solid(result)
    assert signed_volume(result) == pytest.approx(BALL_VOLUME, rel=0.03)
    assert (result.confidence[result.vertices[:, 2] < 0.4] == 1).all()


def test_what_lies_inside_is_not_seen():
    inner = Mesh(BALL.vertices * np.float32(0.4), BALL.faces)
    seen = seen_from_outside(
        Mesh(solids.merged([BALL, inner]).vertices * 20 + 15.3, solids.merged([BALL, inner]).faces), (31, 31, 31)
    )
    distance = np.linalg.norm(np.indices((31, 31, 31)).reshape(3, -1).T - 15.3, axis=1)
    assert not seen.ravel()[distance < 9.9].any()
    assert seen.ravel()[distance > 10.1].all()


def test_a_soup_of_triangles_becomes_solid(around):
    random = np.random.default_rng(0)
    corners = random.uniform(-1, 1, (60, 1, 3)) + random.uniform(-0.4, 0.4, (60, 3, 3))
    soup = Mesh(corners.reshape(-1, 3).astype(np.float32), np.arange(180, dtype=np.int32).reshape(-1, 3))
    assert is_solid(closed(soup, around, resolution=48))


def test_inputs_are_not_written_to(around):
    mesh = MESSES["holes and turned faces"][0]
    vertices, faces = mesh.vertices.copy(), mesh.faces.copy()
    closed(mesh, around)
    remeshed(mesh, 32)
    assert np.array_equal(mesh.vertices, vertices)
    assert np.array_equal(mesh.faces, faces)


def test_cancelling_in_the_middle_of_a_new_surface_is_let_through(around):
    def stop(fraction):
        if fraction > 0.4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Watertight(method="remesh", resolution=32)(around(BALL), Context(progress=stop))


@pytest.mark.parametrize("resolution", [8, 5000])
def test_a_senseless_resolution_is_refused(resolution):
    with pytest.raises(RecipeError):
        Watertight(resolution=resolution)


def test_confidence_is_read_from_the_surface_not_only_from_its_vertices():
    box = solids.box()
    box = replace(box, confidence=(box.vertices[:, 0] > 0).astype(np.float32))
    middle = Mesh(np.float32([[0, 0.5, 0], [0.25, 0.5, 0.1], [0, 5, 0]]), np.int32([[0, 1, 2]]))
    assert carried_from_surface(box, middle, 0.1).confidence == pytest.approx([0.5, 0.75, 0.0], abs=1e-5)


@pytest.mark.skipif(not OBJECTS.is_dir(), reason="the shared folder of messy downloaded meshes is not here")
def test_messy_downloaded_meshes_all_become_solid():
    rows = [json.loads(line) for line in (OBJECTS / "index.jsonl").read_text().splitlines()]
    rows = [row for row in rows if row["split"] == "train" and row["shard"] == "train-0.zip"]
    with zipfile.ZipFile(OBJECTS / "train-0.zip") as shard:
        for index in np.random.default_rng(5).choice(len(rows), 12, replace=False):
            data = np.load(io.BytesIO(shard.read(rows[index]["file"])))
            mesh = Mesh(data["v"].astype(np.float32), data["f"].astype(np.int32))
            result = repaired(mesh) or remeshed(mesh, 48)
            assert is_solid(result.mesh), rows[index]["id"]


def test_the_two_sides_of_a_thin_wall_do_not_change_places():
    plate = solids.refined(solids.box((1.0, 0.004, 0.6)), 0.1)
    result = remeshed_solid(plate, 48)
    upper = face_normals(result)[:, 1] > 0.9
    assert is_solid(result)
    assert result.triangles[upper].mean(axis=1)[:, 1].min() > 0
