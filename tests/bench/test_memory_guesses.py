"""Methods that only remember: they find what they have seen before, and the mean of it."""

import numpy as np
import pytest

from unflat.bench.single_view_cases import Truth, case_of
from unflat.bench.single_view_memory_guesses import MeanShape, Retrieval
from unflat.bench.training_shapes import SIDES, training_shapes
from unflat.geometry.topology import is_closed
from unflat.synth.capture import plain_part
from unflat.synth.objects import ObjectEntry
from unflat.synth.solids import box, chair, cone, torus

SHAPES = {"box": box((1, 0.8, 0.6)), "chair": chair(), "cone": cone(), "ring": torus()}


class FourShapes:
    """Four shapes to remember and one to measure on."""

    entries = (
        *(ObjectEntry(name, "made", "", "", "solid", "") for name in SHAPES),
        ObjectEntry("measured", "made", "", "", "solid", "", split="bench"),
    )

    def part(self, entry):
        return plain_part(SHAPES.get(entry.id, SHAPES["ring"]))


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("UNFLAT_CACHE", str(tmp_path_factory.mktemp("cache")))
        made = training_shapes(FourShapes())
        kept = training_shapes(FourShapes())
    np.testing.assert_array_equal(made.outlines, kept.outlines)
    np.testing.assert_array_equal(made.normals, kept.normals)
    return made


def photo_of(name, view=0):
    return case_of(Truth(3, ObjectEntry("measured", "made", "", "", "solid", ""), plain_part(SHAPES[name])), view)


def test_what_is_measured_is_not_remembered(shapes):
    assert shapes.ids == tuple(SHAPES)
    assert len(shapes.outlines) == len(SHAPES) * len(SIDES)


@pytest.mark.parametrize("name", ["chair", "ring"])
@pytest.mark.parametrize("normals", [False, True])
def test_a_shape_is_found_again_by_its_outline(shapes, name, normals):
    found = Retrieval(FourShapes(), shapes, normals)(photo_of(name))
    np.testing.assert_array_equal(found.part.mesh.vertices, SHAPES[name].vertices)


def test_the_side_from_which_it_was_remembered_is_near_the_photos(shapes):
    case = photo_of("chair")
    found = Retrieval(FourShapes(), shapes, normals=True)(case)
    assert found.camera.forward @ case.camera.forward > np.cos(np.radians(30))


def test_the_mean_shape_is_a_closed_body_whatever_the_photo_shows(shapes):
    one, other = (MeanShape(shapes)(photo_of(name)).part.mesh for name in ("chair", "ring"))
    np.testing.assert_array_equal(one.vertices, other.vertices)
    assert is_closed(one.faces)
    assert np.abs(one.vertices).max() <= 1.1
