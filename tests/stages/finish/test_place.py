"""Turn, ground, centre, scale: the cameras follow."""

from dataclasses import replace

import numpy as np
import pytest

from unflat.core import Context, Mesh, RecipeError, StageFailed
from unflat.core import Scale as LengthScale
from unflat.geometry.cameras import project
from unflat.geometry.resting import most_stable_down
from unflat.geometry.similarities import rotation_between, rotation_deg
from unflat.stages.finish.centre import Centre
from unflat.stages.finish.ground import Ground
from unflat.stages.finish.orient import Orient
from unflat.stages.finish.scale import Scale
from unflat.synth import solids

STEPS = [
    Orient(turn_deg=(20.0, -50.0, 130.0)),
    Orient(up="z"),
    Orient(up="-y"),
    Orient(stable=True),
    Ground(),
    Centre(),
    Centre(axes="xyz"),
    Scale(height="12cm"),
    Scale(size="4 in"),
]


def lopsided():
    """A slab with a knob: no symmetry, off the origin."""
    return solids.moved(
        solids.merged([solids.box((0.6, 0.2, 0.4)), solids.moved(solids.sphere(0.1), (0.2, 0.25, 0.1))]),
        (0.1, 0.2, -0.3),
    )


@pytest.mark.parametrize("step", STEPS, ids=repr)
def test_every_vertex_stays_at_its_pixel(around, step):
    before = replace(around(lopsided()), detail=lopsided())
    after = step(before, Context())
    pixels = [
        project(result.views.items[0].camera, mesh.vertices.astype(np.float64))[0]
        for result, mesh in ((before, before.mesh), (after, after.mesh), (after, after.detail))
    ]
    assert np.allclose(pixels[1], pixels[0], atol=1e-4)
    assert np.allclose(pixels[2], pixels[0], atol=1e-4)


@pytest.mark.parametrize("step", STEPS, ids=repr)
def test_faces_and_confidence_stay_and_nothing_is_written_to(around, step):
    mesh = lopsided()
    mesh = replace(mesh, confidence=np.linspace(0, 1, len(mesh.vertices), dtype=np.float32))
    vertices = mesh.vertices.copy()
    after = step(around(mesh), Context()).mesh
    assert np.array_equal(after.faces, mesh.faces)
    assert np.array_equal(after.confidence, mesh.confidence)
    assert np.array_equal(mesh.vertices, vertices)


def test_grounded_things_stand_on_zero(around):
    assert Ground()(around(lopsided()), Context()).mesh.vertices[:, 1].min() == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize(("axes", "moved"), [("xz", [True, False, True]), ("xyz", [True, True, True])])
def test_centred_things_have_their_box_around_the_origin(around, axes, moved):
    vertices = Centre(axes=axes)(around(lopsided()), Context()).mesh.vertices
    middle = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    assert (np.abs(middle) < 1e-6).tolist() == moved


@pytest.mark.parametrize(("option", "axis"), [("width", 0), ("height", 1), ("depth", 2)])
def test_one_length_decides_the_scale(around, option, axis):
    result = Scale(**{option: "12cm"})(around(lopsided()), Context())
    assert result.mesh.extent[axis] == pytest.approx(0.12, rel=1e-5)
    assert result.scale is LengthScale.METRIC


def test_size_is_the_longest_side(around):
    assert Scale(size="2 ft")(around(lopsided()), Context()).mesh.extent.max() == pytest.approx(0.6096, rel=1e-5)


def test_without_a_length_nothing_changes(around):
    before = around(lopsided())
    after = Scale()(before, Context())
    assert after is before
    assert after.scale is LengthScale.UP_TO_SCALE


def test_two_lengths_are_refused():
    with pytest.raises(RecipeError) as caught:
        Scale(height="1m", width="1m")
    assert caught.value.code == "bad-option"


def test_a_bad_length_is_refused_before_anything_runs():
    with pytest.raises(RecipeError) as caught:
        Scale(height="tall")
    assert caught.value.code == "bad-length"


def test_a_flat_thing_has_no_height_to_scale(around):
    flat = Mesh(np.float32([[0, 0, 0], [1, 0, 0], [0, 0, 1]]), np.int32([[0, 1, 2]]))
    with pytest.raises(StageFailed) as caught:
        Scale(height="1m")(around(flat), Context())
    assert caught.value.code == "flat-object"
    assert Scale(width="1m")(around(flat), Context()).mesh.extent[0] == pytest.approx(1)


def test_turns_follow_the_right_hand(around):
    mark = Mesh(np.float32([[1, 0, 0], [0, 1, 0], [0, 0, 1]]), np.int32([[0, 1, 2]]))
    turned = Orient(turn_deg=(0.0, 90.0, 0.0))(around(mark), Context()).mesh.vertices
    assert np.allclose(turned, [[0, 0, -1], [0, 1, 0], [1, 0, 0]], atol=1e-6)


@pytest.mark.parametrize("up", ["x", "-x", "y", "-y", "z", "-z"])
def test_the_named_axis_points_up_afterwards(around, up):
    axis = np.eye(3, dtype=np.float32)["xyz".index(up[-1])] * (-1 if up[0] == "-" else 1)
    mark = Mesh(np.stack([axis, np.roll(axis, 1), np.roll(axis, 2)]).astype(np.float32), np.int32([[0, 1, 2]]))
    assert np.allclose(Orient(up=up)(around(mark), Context()).mesh.vertices[0], [0, 1, 0], atol=1e-6)


def test_as_is_stays_the_very_same(around):
    before = around(lopsided())
    assert Orient()(before, Context()) is before


def test_a_tilted_slab_lies_down_on_its_large_side(around):
    slab = solids.box((1.0, 0.1, 0.7))
    tilted = Orient(turn_deg=(35.0, 10.0, 60.0))(around(slab), Context())
    assert Orient(stable=True)(tilted, Context()).mesh.extent[1] == pytest.approx(0.1, rel=1e-4)


def test_a_cone_rests_on_its_base_even_when_it_is_finely_divided():
    down = most_stable_down(solids.refined(solids.cone(0.5, 1.0), 0.03))
    assert down == pytest.approx([0, -1, 0], abs=0.03)


def test_a_flat_thing_has_no_side_to_rest_on_and_this_is_said(around, told):
    warnings, context = told
    flat = Mesh(np.float32([[0, 0, 0], [1, 0, 0], [0, 0, 1]]), np.int32([[0, 1, 2]]))
    Orient(stable=True)(around(flat), context)
    assert "flat" in warnings[0]


def test_angles_must_be_numbers():
    with pytest.raises(RecipeError):
        Orient(turn_deg=(float("nan"), 0.0, 0.0))


def test_the_shortest_turn_takes_one_direction_to_the_other():
    random = np.random.default_rng(0)
    for _ in range(20):
        start, end = (vector / np.linalg.norm(vector) for vector in random.standard_normal((2, 3)))
        for goal in (end, start, -start):
            turn = rotation_between(start, goal)
            assert np.allclose(turn @ start, goal, atol=1e-6)
            assert np.linalg.det(turn) == pytest.approx(1)


def test_angles_apply_about_fixed_axes_in_order():
    assert np.allclose(rotation_deg(90, 90, 0), rotation_deg(0, 90, 0) @ rotation_deg(90, 0, 0))
