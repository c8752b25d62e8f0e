"""The measures of the photo-set benchmark: the truth is perfect however it is turned, and what is wrong is found."""

from dataclasses import replace

import numpy as np
import pytest

from unflat.bench.photos_cameras import camera_alignment, camera_scores, rotation_error_deg
from unflat.bench.photos_looks import looks_scores
from unflat.bench.photos_score import scores_of
from unflat.bench.photos_shape import aligned, cropped, shape_scores
from unflat.bench.photos_truth import FLOOR, Outcome, PhotosTruth
from unflat.core import Asset, Camera, Mask, Mesh, Part, Photo, View
from unflat.core.color import linear_from_srgb, srgb_from_linear
from unflat.geometry.cameras import look_at, transform_camera
from unflat.geometry.meshes import transformed
from unflat.geometry.similarities import rotation_deg, scaling, shift, turning
from unflat.render.frame import render_frame
from unflat.synth.capture import patterned_part
from unflat.synth.photo_cameras import Lens, ring_cameras
from unflat.synth.solids import box, merged, moved, refined, sphere

LENS = Lens(400, 300, 440.0, 200.0, 150.0, (-0.08, 0.01, 0.0, 0.0, 0.0))
SIMILARITY = shift(np.array([3.0, -2.0, 1.0])) @ turning(rotation_deg(40, 70, -120)) @ scaling(7.3)


@pytest.fixture(scope="module")
def truth() -> PhotosTruth:
    """A ball beside a box, on the table at y = 0, with 12 cameras around."""
    solid = merged([moved(box((0.2, 0.1, 0.12)), (0, 0.05, 0)), moved(sphere(0.04), (0.05, 0.13, 0.02))])
    part = patterned_part(refined(solid, 0.02), 1)
    cameras = ring_cameras(LENS, np.array([0, 0.08, 0.0]), 0.14, 12, np.random.default_rng(0))
    named = {f"photo_{index:03d}.jpg": camera for index, camera in enumerate(cameras)}
    return PhotosTruth("made", part, named, left_out(part))


def left_out(part: Part) -> tuple[View, ...]:
    """Photos of the bare colours, three times as dark and redder."""
    cameras = ring_cameras(LENS, np.array([0, 0.08, 0.0]), 0.14, 2, np.random.default_rng(5))
    views = []
    for camera in cameras:
        frame = render_frame((part,), camera, shading="albedo", background=(0, 0, 0))
        dim = srgb_from_linear(linear_from_srgb(frame.color) * np.array([0.4, 0.33, 0.3], np.float32))
        views.append(View(Photo(dim), Mask(frame.alpha), camera))
    return tuple(views)


def outcome(truth: PhotosTruth, part: Part | None = None, cameras: dict[str, Camera] | None = None) -> Outcome:
    found = truth.cameras if cameras is None else cameras
    return Outcome(Asset((part or truth.part,)), found, {}, 0.0, 0.0)


def with_table(part: Part, half: float = 1.0) -> Part:
    """The thing and a large, bumpy table in one mesh, as a dense reconstruction gives them."""
    line = np.linspace(-half, half, 60)
    x, z = np.meshgrid(line, line)
    bumps = np.random.default_rng(0).normal(0, 0.0005, x.shape)
    vertices = np.column_stack([x.ravel(), bumps.ravel(), z.ravel()]).astype(np.float32)
    at = np.arange(60 * 60).reshape(60, 60)
    a, b, c, d = at[:-1, :-1].ravel(), at[:-1, 1:].ravel(), at[1:, 1:].ravel(), at[1:, :-1].ravel()
    faces = np.concatenate([np.column_stack([a, c, b]), np.column_stack([a, d, c])]).astype(np.int32)
    bare = Mesh(part.mesh.vertices, part.mesh.faces)
    return Part(merged([bare, Mesh(vertices, faces)]), part.material)


def test_the_truth_is_perfect(truth: PhotosTruth) -> None:
    scores = scores_of(truth, outcome(truth))
    assert scores["registered"] == scores["right"] == 1
    assert scores["rotation_max_deg"] < 1e-4 and scores["position_max_of_side"] < 1e-4 and scores["focal"] == 0
    assert min(scores[name] for name in ("f_0.5", "f_1", "f_1_by_cameras", "complete_0.5", "accurate_0.5")) > 0.999
    assert scores["accuracy"] < 0.05 and scores["completeness"] < 0.05
    assert scores["psnr_db"] > 38 and scores["structure"] < 0.02 and scores["covered"] > 0.999


def test_the_truth_elsewhere_turned_and_larger_is_as_good(truth: PhotosTruth) -> None:
    part = replace(truth.part, mesh=transformed(truth.part.mesh, SIMILARITY))
    cameras = {name: transform_camera(camera, SIMILARITY) for name, camera in truth.cameras.items()}
    scores = scores_of(truth, outcome(truth, part, cameras))
    assert scores["right"] == 1 and scores["rotation_max_deg"] < 1e-4 and scores["position_max_of_side"] < 1e-3
    assert scores["f_0.5"] > 0.999 and scores["f_0.5_by_cameras"] > 0.999 and scores["psnr_db"] > 38


def test_without_cameras_the_pose_is_searched_for(truth: PhotosTruth) -> None:
    part = replace(truth.part, mesh=transformed(truth.part.mesh, SIMILARITY))
    scores = scores_of(truth, outcome(truth, part, {}))
    assert scores["registered"] == 0 and scores["right"] == 0 and "f_1_by_cameras" not in scores
    assert scores["f_1"] > 0.98


def test_a_wrong_camera_is_found_and_spoils_no_other(truth: PhotosTruth) -> None:
    cameras = {name: transform_camera(camera, SIMILARITY) for name, camera in truth.cameras.items()}
    wrong = cameras["photo_004.jpg"]
    pose = look_at(wrong.center + np.array([0.5, 0.4, -0.3]), SIMILARITY[:3, 3], np.array([0.3, 1.0, 0.1]))
    cameras["photo_004.jpg"] = replace(wrong, world_from_camera=pose)
    found = camera_alignment(cameras, truth.cameras)
    assert found is not None and np.allclose(found, np.linalg.inv(SIMILARITY), atol=1e-3)
    scores = camera_scores(truth, cameras, found)
    assert scores["right"] == pytest.approx(11 / 12)
    assert scores["rotation_deg"] < 0.01 and scores["position_of_side"] < 0.05
    assert scores["rotation_max_deg"] > 5 and scores["position_max_of_side"] > 5


def test_camera_errors_are_what_was_put_in(truth: PhotosTruth) -> None:
    rng = np.random.default_rng(0)
    cameras = {}
    for name, camera in truth.cameras.items():
        turn = turning(rotation_deg(0.3 * float(rng.choice([-1, 1])), 0, 0))
        shaken = camera.world_from_camera @ turn
        shaken[:3, 3] += 0.002 * rng.choice([-1, 1], 3) / np.sqrt(3)
        cameras[name] = replace(camera, world_from_camera=shaken, fx=camera.fx * 1.02, fy=camera.fy * 1.02)
    scores = camera_scores(truth, cameras, camera_alignment(cameras, truth.cameras))
    assert scores["rotation_deg"] == pytest.approx(0.3, abs=0.12)
    assert scores["position_of_side"] == pytest.approx(1.0, abs=0.4)
    assert scores["focal"] == pytest.approx(2.0, abs=1e-6)


def test_photos_that_were_not_placed_are_missing(truth: PhotosTruth) -> None:
    half = dict(list(truth.cameras.items())[:6])
    assert camera_scores(truth, half, camera_alignment(half, truth.cameras))["registered"] == 0.5
    two = dict(list(truth.cameras.items())[:2])
    assert camera_alignment(two, truth.cameras) is None
    assert camera_scores(truth, two, None) == {"registered": pytest.approx(1 / 6), "right": 0.0}


def test_three_cameras_in_a_line_are_enough() -> None:
    poses = [look_at(np.array([x, 0.2, 2.0]), np.zeros(3), np.array([0, 1.0, 0])) for x in (-0.5, 0.0, 0.6)]
    true = {str(index): LENS.camera(pose) for index, pose in enumerate(poses)}
    given = {name: transform_camera(camera, SIMILARITY) for name, camera in true.items()}
    found = camera_alignment(given, true)
    assert found is not None and np.allclose(found @ SIMILARITY, np.eye(4), atol=1e-6)


def test_the_angle_between_cameras_is_exact_for_small_and_large_turns(truth: PhotosTruth) -> None:
    camera = truth.cameras["photo_000.jpg"]
    for angle in (1e-5, 0.3, 90.0, 179.0):
        turned = replace(camera, world_from_camera=camera.world_from_camera @ turning(rotation_deg(0, angle, 0)))
        assert rotation_error_deg(camera, turned) == pytest.approx(angle, rel=1e-4)


def test_a_rough_surface_is_as_inaccurate_as_it_is_rough(truth: PhotosTruth) -> None:
    rng = np.random.default_rng(0)
    mesh = truth.part.mesh
    sigma = 0.004 * truth.longest_side
    rough = mesh.with_vertices((mesh.vertices + rng.normal(0, sigma, mesh.vertices.shape)).astype(np.float32))
    scores, _ = shape_scores(truth, replace(truth.part, mesh=rough), np.eye(4))
    assert 0.1 < scores["accuracy"] < 0.4
    assert scores["f_0.5"] < scores["f_1"] and 0.5 < scores["f_0.5"] < 0.99


def test_icp_forgives_a_small_error_of_the_alignment_and_tells_so(truth: PhotosTruth) -> None:
    off = shift(np.array([0.003, 0.002, 0.0])) @ turning(rotation_deg(0, 0.6, 0)) @ scaling(1.01)
    scores, similarity = shape_scores(truth, truth.part, off)
    assert scores["f_0.5"] > 0.99 > scores["f_0.5_by_cameras"] + 0.1
    assert np.allclose(similarity, np.eye(4), atol=2e-3)


def test_the_table_and_all_that_is_far_away_are_not_judged(truth: PhotosTruth) -> None:
    scores, _ = shape_scores(truth, with_table(truth.part), np.eye(4))
    assert scores["f_0.5"] > 0.995
    guess = cropped(truth, with_table(truth.part), np.eye(4))
    assert guess is not None
    assert guess.points[:, 1].min() >= FLOOR * truth.longest_side
    assert np.abs(guess.points[:, 0]).max() <= 0.1 + 0.06 * truth.longest_side


def test_what_no_photo_shows_is_not_asked(truth: PhotosTruth) -> None:
    assert truth.asked[:, 1].min() > FLOOR * truth.longest_side
    front = {name: camera for name, camera in truth.cameras.items() if camera.center[2] > 0.1}
    half = PhotosTruth("half", truth.part, front)
    assert len(half.asked) < 0.8 * len(truth.asked)
    assert (truth.asked[:, 2] < -0.0599).mean() > 0.1
    assert (half.asked[:, 2] < -0.0599).mean() < 0.005


def test_a_missing_side_is_incomplete_but_accurate(truth: PhotosTruth) -> None:
    mesh = truth.part.mesh
    kept = mesh.triangles.mean(axis=1)[:, 0] < 0.05
    half = Part(Mesh(mesh.vertices, mesh.faces[kept]), truth.part.material)
    scores, _ = shape_scores(truth, half, np.eye(4))
    assert scores["accurate_1"] > 0.99
    assert 0.3 < scores["complete_1"] < 0.9


def test_inferred_surface_is_counted_apart(truth: PhotosTruth) -> None:
    mesh = truth.part.mesh
    bump = refined(sphere(0.03), 0.01)
    made_up = moved(bump, (-0.05, 0.12, 0.0))
    both = merged([Mesh(mesh.vertices, mesh.faces), made_up])
    confidence = np.ones(len(both.vertices), np.float32)
    confidence[len(mesh.vertices) :] = 0
    scores, _ = shape_scores(truth, Part(replace(both, confidence=confidence), truth.part.material), np.eye(4))
    assert scores["seen_share"] < 0.95
    assert scores["seen_accurate_1"] > 0.99 and scores["inferred_accurate_1"] < 0.3
    assert scores["inferred_accurate_1"] < scores["accurate_1"] < scores["seen_accurate_1"]


def test_a_guess_that_is_elsewhere_scores_nothing(truth: PhotosTruth) -> None:
    far = replace(truth.part, mesh=transformed(truth.part.mesh, shift(np.array([9.0, 0, 0]))))
    scores, _ = shape_scores(truth, far, np.eye(4))
    assert scores["f_1"] == scores["f_0.5"] == 0


def test_looks_do_not_mind_exposure_but_do_mind_wrong_colours(truth: PhotosTruth) -> None:
    right = looks_scores(truth.part, truth.left_out)
    other = patterned_part(Mesh(truth.part.mesh.vertices, truth.part.mesh.faces), 2)
    wrong = looks_scores(aligned(other, np.eye(4)), truth.left_out)
    assert right["psnr_db"] > wrong["psnr_db"] + 15 and right["structure"] < wrong["structure"]
    mesh = truth.part.mesh
    kept = mesh.triangles.mean(axis=1)[:, 0] < 0.02
    holed = looks_scores(Part(replace(mesh, faces=mesh.faces[kept]), truth.part.material), truth.left_out)
    assert holed["covered"] < 0.9 and holed["psnr_db"] < right["psnr_db"] - 10
