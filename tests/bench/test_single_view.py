"""The single-photo benchmark measures what it says: the truth is perfect, worse is worse, and a run goes on."""

from dataclasses import replace

import numpy as np
import pytest

from unflat.bench.picture_distance import psnr_db, structure_distance
from unflat.bench.single_view import SingleViewBench
from unflat.bench.single_view_bounds import truth_itself, two_layers
from unflat.bench.single_view_cases import VIEWS, Truth, case_of, viewpoint
from unflat.bench.single_view_guess import Guess, PipelineMethod
from unflat.bench.single_view_rows import PROTOCOL, CaseRow, RowFile
from unflat.bench.single_view_score import f_score, scores_of
from unflat.bench.single_view_table import SHAPE, harder_half, table, values_of
from unflat.bench.single_view_uncertainty import EDGES, error_bins, true_layers
from unflat.core import Asset, InputError, RecipeError
from unflat.geometry.compare import silhouette_iou
from unflat.geometry.meshes import transformed
from unflat.geometry.object_crop import cropped_to_object
from unflat.geometry.similarities import rotation_deg, turning
from unflat.io.obj import write_obj
from unflat.nets.object_guess import ObjectGuess
from unflat.nets.single_view import Prediction
from unflat.synth.letter import letter_f
from unflat.synth.objects import ObjectEntry


@pytest.fixture(scope="module")
def case():
    return case_of(Truth(0, ObjectEntry("f", "made", "", "", "letter", ""), letter_f()), 1)


@pytest.fixture(scope="module")
def of_truth(case):
    return scores_of(case, truth_itself(case))


def test_viewpoints_are_fixed_and_varied():
    points = [viewpoint(index, view) for index in range(49) for view in range(VIEWS)]
    assert points == [viewpoint(index, view) for index in range(49) for view in range(VIEWS)]
    assert len(set(points)) == len(points)
    for name, low, high in (("elevation_deg", -5, 45), ("fov_deg", 20, 60), ("roll_deg", -8, 8)):
        values = np.array([getattr(point, name) for point in points])
        assert low <= values.min() < low + 0.05 * (high - low)
        assert high - 0.05 * (high - low) < values.max() <= high


def test_the_four_sides_of_an_object_are_a_quarter_turn_apart():
    sides = [viewpoint(7, view).azimuth_deg for view in range(VIEWS)]
    np.testing.assert_allclose(np.diff(sides), 90, atol=0.02)


def test_the_photo_holds_the_whole_object_and_tells_no_camera(case):
    left, top, right, bottom = case.view.mask.box
    assert left > 0 and top > 0
    assert right < case.view.photo.width and bottom < case.view.photo.height
    assert case.view.camera is None
    assert case.view.photo.focal_px is None


def test_the_truth_is_measured_as_perfect(of_truth):
    assert of_truth["surface_f_0.02"] == 1.0
    assert of_truth["surface_chamfer"] < 0.002
    assert of_truth["f_0.05"] > 0.99
    assert of_truth["silhouette_iou"] > 0.99
    assert of_truth["normals"] > 0.95
    assert of_truth["psnr_db"] > 25


def test_a_turned_and_scaled_truth_is_as_good(case, of_truth):
    away = turning(1.3 * rotation_deg(30, 100, -50))
    part = replace(case.truth.part, mesh=transformed(case.truth.part.mesh, away))
    scores = scores_of(case, Guess(part, case.camera, framed=False), pictures=False)
    assert scores["surface_f_0.02"] > 0.99
    assert scores["chamfer"] == pytest.approx(of_truth["chamfer"], abs=0.002)


@pytest.fixture(scope="module")
def layers(case):
    return scores_of(case, two_layers(case), pictures=False)


def test_two_true_layers_lie_between_inflation_and_the_truth(case, layers):
    inflated = scores_of(case, PipelineMethod.of("inflate", pictures=False)(case), pictures=False)
    assert inflated["f_0.05"] < layers["f_0.05"] <= 1.0
    assert layers["chamfer"] < inflated["chamfer"]


def test_what_layers_call_seen_is_seen(layers):
    assert layers["seen_visible"] > 0.75 > 0.2 > layers["inferred_visible"]


def test_an_f_score_is_the_harmonic_mean():
    near, far = np.zeros(4), np.array([0.0, 1.0])
    assert f_score(near, far, 0.5) == pytest.approx(2 * 1 * 0.5 / 1.5)
    assert f_score(far + 1, near + 1, 0.5) == 0.0


def test_equal_pictures_have_no_distance_and_noise_has():
    picture = np.random.default_rng(0).integers(0, 255, (64, 64, 3)).astype(np.uint8)
    everywhere = np.ones((64, 64), bool)
    assert structure_distance(picture, picture, everywhere) == pytest.approx(0, abs=1e-4)
    assert structure_distance(picture, picture[::-1].copy(), everywhere) > 0.8
    assert psnr_db(picture, picture) == 60.0


def test_a_method_may_have_options():
    method = PipelineMethod.of("inflate:back=flat,thickness=0.5")
    assert (method.backend, method.settings) == ("inflate", (("back", "flat"), ("thickness", "0.5")))
    assert PipelineMethod.of(method.text) == method
    with pytest.raises(RecipeError):
        PipelineMethod.of("inflate:flat")


def row(method="inflate", name="a", f=0.5, **changes):
    return CaseRow(method, name, "toy", 0, scores={"f_0.05": f, "chamfer": 0.1}, **changes)


def test_rows_survive_a_run_that_was_killed_while_writing(tmp_path):
    file = RowFile(tmp_path, "inflate")
    file.add(row())
    file.path.write_text(file.path.read_text() + '{"method": "infl', encoding="utf-8")
    assert list(RowFile(tmp_path, "inflate").rows.values()) == [row()]


def test_rows_of_another_protocol_are_measured_anew(tmp_path):
    RowFile(tmp_path, "inflate").add(row(protocol=PROTOCOL - 1))
    assert not RowFile(tmp_path, "inflate").rows


def test_a_failure_counts_as_the_worst_and_is_not_left_out():
    rows = [row(), CaseRow("inflate", "b", "toy", 0, failure="no-mask")]
    assert list(values_of(rows, "f_0.05")) == [0.5, 0.0]
    assert list(values_of(rows, "chamfer")) == [0.1, 1.0]
    assert "| inflate | 2 | 0.550 |" in table({"inflate": rows}, SHAPE)


def test_the_harder_half_is_what_inflation_rebuilds_worst():
    rows = [row(name=name, f=score) for name, score in (("a", 0.9), ("b", 0.1), ("c", 0.5), ("d", 0.2))]
    assert harder_half({"inflate": rows}) == {"b", "d"}


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "letters").mkdir()
    write_obj(Asset((letter_f(),)), tmp_path / "letters" / "f.obj")
    return tmp_path


def test_a_run_goes_on_where_it_stopped(folder):
    bench = SingleViewBench(folder, folder / "results", ("truth",), pictures=False)
    told = []
    first = bench.run(told.append)
    assert len(told) == VIEWS
    assert bench.run(told.append) == first
    assert len(told) == VIEWS


def test_what_only_remembers_needs_something_to_remember(folder):
    with pytest.raises(InputError) as caught:
        SingleViewBench(folder, folder / "results", ("retrieval",)).run(lambda _: None)
    assert caught.value.code == "no-training-objects"


def test_rows_can_be_forgotten(tmp_path):
    file = RowFile(tmp_path, "inflate")
    file.add(row())
    file.clear()
    assert not file.rows
    assert not RowFile(tmp_path, "inflate").rows


def almost_right(case, off):
    """A guess that knows the truth, but for the front, and is off there by as much as it says."""
    crop = cropped_to_object(case.view.photo, case.view.mask, 48)
    front, back = true_layers(case, crop)
    normals = np.zeros((48, 48, 3), np.float32)
    error = np.full((48, 48), off, np.float32)
    up = np.array([0, -1, 0], np.float32)
    filled = np.ones((16, 6, 6), np.float32)
    return ObjectGuess(crop, Prediction(front + off, back, normals, normals, normals, error, error, filled, up, 0.3))


def test_expected_errors_are_compared_with_the_true_ones(case):
    bins = np.array(error_bins(case, almost_right(case, np.float32(0.07))))
    (used,) = np.flatnonzero(bins[:, 0])
    count, expected, true = bins[used]
    assert EDGES[used] < 0.07 < EDGES[used + 1]
    assert expected / count == pytest.approx(0.07, abs=1e-3)
    assert true / count == pytest.approx(0.035, abs=1e-3)  # the back is right


def test_true_layers_lie_in_the_objects_frame(case):
    crop = cropped_to_object(case.view.photo, case.view.mask, 48)
    front, back = true_layers(case, crop)
    assert abs(np.nanmean(front + back)) < 1e-3
    assert (np.nan_to_num(back - front) >= 0).all()
    assert np.nanmin(front) > -2
    covered = np.isfinite(front)
    assert silhouette_iou(covered, crop.mask > 0.5) > 0.9
