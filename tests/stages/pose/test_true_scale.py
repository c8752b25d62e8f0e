"""The scale of placed photos: markers before lengths before GPS; what tells none is said and leaves the world alone."""

import math
from dataclasses import replace

import numpy as np
import pytest

from unflat.core import Context, InputError, Photo, RecipeError, Scale, Tracks, View, Views
from unflat.geometry.cameras import project
from unflat.geometry.known_lengths import parse_known_length
from unflat.geometry.marker_sheet import MarkerPrint, marker_sheet
from unflat.pipeline.store import decode, encode
from unflat.stages.options import build
from unflat.stages.pose.structure_from_motion import StructureFromMotion
from unflat.stages.pose.true_scale import ScaleClues, refuse_unmarkable, truly_scaled
from unflat.synth.printed_scene import ring_of_cameras, sheet_photo

UNIT_M = 0.4
CAMERAS = ring_of_cameras(3, 1.0, (480, 360), (-0.12, 0.03, 0.0005, -0.0004, 0.0))
ENDS = np.array([[0.1, 0.0, -0.1], [-0.1, 0.1, 0.1]])
"""Two ends that are 0.3 units apart."""
BERLIN = (52.52, 13.405)


def placed(pixels, gps=(None, None, None)):
    items = tuple(
        View(Photo(picture, f"IMG_{index}.JPG", gps=place), camera=camera)
        for index, (picture, camera, place) in enumerate(zip(pixels, CAMERAS, gps, strict=True))
    )
    none = np.zeros(0, np.int32)
    points = np.array([[0.0, 0.5, 0.0], [1.0, 0.0, 0.0]], np.float32)
    return Views(items, Tracks(points, np.zeros((2, 3), np.uint8), np.zeros(2, np.float32), none, none))


def marked(metres, factor=1.0, photos=(0, 1, 2)):
    """A known length as a user writes it, in pixels of files `factor` times as large."""
    marks = []
    for index in photos:
        ends = project(CAMERAS[index], ENDS)[0] * factor
        marks.append(f"IMG_{index}.JPG " + " ".join(f"{u:.2f},{v:.2f}" for u, v in ends))
    return parse_known_length(f"{metres} m = " + "; ".join(marks))


def around(side_m):
    """GPS of the three cameras, as if they stood on a triangle of this side: the second east of the first."""
    steps = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, -np.sqrt(0.75)]]) * side_m
    metre_north, metre_east = 1 / 111_270.0, 1 / (111_320.0 * math.cos(math.radians(BERLIN[0])))
    return [
        (BERLIN[0] + float(north) * metre_north, BERLIN[1] + float(east) * metre_east, float("nan"))
        for east, north in steps
    ]


@pytest.fixture(scope="module")
def printed():
    sheet = marker_sheet(MarkerPrint(50.0), 4)
    return [sheet_photo(sheet, camera, UNIT_M, np.random.default_rng(0)) for camera in CAMERAS]


@pytest.fixture(scope="module")
def plain():
    return [np.full((360, 480, 3), 120 + index, np.uint8) for index in range(3)]


@pytest.fixture
def told():
    warnings = []
    return warnings, Context(warn=warnings.append)


def unit_of(views):
    """Metres in a unit of the world before, by the distance of two cameras."""
    first, second = (view.camera.center for view in views.items[:2])
    return np.linalg.norm(first - second) / np.linalg.norm(CAMERAS[0].center - CAMERAS[1].center)


def test_markers_of_a_known_side_make_the_world_metric(printed, told):
    warnings, context = told
    views = truly_scaled(placed(printed), ScaleClues(marker_m=0.05), context, keep_frame=False)
    assert views.tracks.scale is Scale.METRIC
    assert unit_of(views) == pytest.approx(UNIT_M, rel=0.005)
    assert views.tracks.points == pytest.approx(placed(printed).tracks.points * unit_of(views), rel=1e-5)
    assert len(warnings) == 1
    assert "4 markers of 50 mm" in warnings[0]


def test_a_marker_in_one_photo_alone_tells_nothing_and_that_is_said(printed, plain, told):
    warnings, context = told
    before = placed([printed[0], plain[1], plain[2]])
    views = truly_scaled(before, ScaleClues(marker_m=0.05), context, keep_frame=False)
    assert views is before
    assert views.tracks.scale is Scale.UP_TO_SCALE
    assert "two photos" in warnings[0]


def test_no_marker_at_all_is_said_and_the_next_clue_counts(plain, told):
    warnings, context = told
    clues = ScaleClues(marker_m=0.05, lengths=(marked(0.6),))
    views = truly_scaled(placed(plain), clues, context, keep_frame=False)
    assert unit_of(views) == pytest.approx(2.0, rel=1e-3)
    assert warnings[0].startswith("No marker was found")
    assert "a known length" in warnings[1]


def test_markers_are_trusted_more_than_lengths_and_lengths_more_than_gps(printed, plain, told):
    _, context = told
    clues = ScaleClues(marker_m=0.05, lengths=(marked(0.6),))
    gps = around(40.0)
    assert unit_of(truly_scaled(placed(printed, gps), clues, context, keep_frame=False)) == pytest.approx(
        0.4, rel=0.005
    )
    clues = ScaleClues(lengths=(marked(0.6),))
    assert unit_of(truly_scaled(placed(plain, gps), clues, context, keep_frame=False)) == pytest.approx(2.0, rel=1e-3)


def test_two_lengths_that_agree_are_joined_and_two_that_do_not_tell_nothing(plain, told):
    warnings, context = told
    two = ScaleClues(lengths=(marked(0.6), marked(0.606, photos=(0, 2))))
    assert unit_of(truly_scaled(placed(plain), two, context, keep_frame=False)) == pytest.approx(2.01, rel=1e-3)
    torn = ScaleClues(lengths=(marked(0.6), marked(0.9)))
    assert truly_scaled(placed(plain), torn, context, keep_frame=False).tracks.scale is Scale.UP_TO_SCALE
    assert "contradict" in warnings[-1]


def test_marks_are_in_pixels_of_the_file_though_the_photo_was_scaled_down(plain, told):
    _, context = told
    views = placed(plain)
    large = replace(views, items=tuple(
        replace(view, photo=replace(view.photo, file_size_px=(1920, 1440))) for view in views.items
    ))  # fmt: skip
    clues = ScaleClues(lengths=(marked(0.6, factor=4.0),))
    refuse_unmarkable(clues.lengths, large)
    assert unit_of(truly_scaled(large, clues, context, keep_frame=False)) == pytest.approx(2.0, rel=1e-3)


def test_marks_that_do_not_meet_and_photos_that_were_not_placed_are_said(plain, told):
    warnings, context = told
    crossed = parse_known_length("0.6 m = IMG_0.JPG 100,100 300,200; IMG_1.JPG 300,50 10,300")
    views = truly_scaled(placed(plain), ScaleClues(lengths=(crossed,)), context, keep_frame=False)
    assert views.tracks.scale is Scale.UP_TO_SCALE
    assert "not the same two places" in warnings[0]
    fewer = replace(placed(plain), items=placed(plain).items[:1])
    truly_scaled(fewer, ScaleClues(lengths=(marked(0.6),)), context, keep_frame=False)
    assert "fewer than two photos" in warnings[1]


def test_names_are_found_without_ending_and_in_any_case_and_others_are_refused(plain):
    views = placed(plain)
    refuse_unmarkable((parse_known_length("1m = img_0 1,2 3,4; IMG_1.jpg 1,2 3,4"),), views)
    for text, code in (
        ("1m = IMG_7.JPG 1,2 3,4; IMG_1.JPG 1,2 3,4", "no-such-photo"),
        ("1m = IMG_0.JPG 1,2 481,4; IMG_1.JPG 1,2 3,4", "point-outside"),
        ("1m = IMG_0.JPG 1,2 3,361; IMG_1.JPG 1,2 3,4", "point-outside"),
    ):
        with pytest.raises(InputError) as caught:
            refuse_unmarkable((parse_known_length(text),), views)
        assert caught.value.code == code


def test_gps_that_is_spread_wide_gives_scale_and_north(plain, told):
    warnings, context = told
    views = truly_scaled(placed(plain, around(60.0)), ScaleClues(), context, keep_frame=False)
    assert views.tracks.scale is Scale.METRIC
    assert "GPS positions of 3 photos" in warnings[0]
    first, second, third = (view.camera.center for view in views.items)
    sides = [np.linalg.norm((a - b)[[0, 2]]) for a, b in ((first, second), (second, third), (third, first))]
    assert np.mean(sides) == pytest.approx(60.0, rel=0.1)
    assert (second - first)[0] > 40  # the second stands east of the first: +X
    assert (third - first)[2] > 40  # the third stands south of both: +Z


def test_gps_of_other_places_does_not_fit_and_that_is_said(plain, told):
    warnings, context = told
    mirrored = [around(60.0)[index] for index in (1, 0, 2)]
    assert (
        truly_scaled(placed(plain, mirrored), ScaleClues(), context, keep_frame=False).tracks.scale is Scale.UP_TO_SCALE
    )
    assert "do not fit" in warnings[0]


def test_gps_from_one_table_is_not_believed_and_that_is_said(plain, told):
    warnings, context = told
    before = placed(plain, around(4.0))
    assert truly_scaled(before, ScaleClues(), context, keep_frame=False) is before
    assert "within 4 m" in warnings[0]


def test_gps_is_not_asked_where_it_may_not_tell_or_says_nothing(plain, told):
    warnings, context = told
    far = placed(plain, around(60.0))
    assert truly_scaled(far, ScaleClues(gps=False), context, keep_frame=False) is far
    assert truly_scaled(far, ScaleClues(), context, keep_frame=True) is far
    assert truly_scaled(placed(plain), ScaleClues(), context, keep_frame=False).tracks.scale is Scale.UP_TO_SCALE
    assert warnings == []
    two = placed(plain, [*around(60.0)[:2], None])
    assert truly_scaled(two, ScaleClues(), context, keep_frame=False) is two
    assert "Only 2" in warnings[0]


def test_what_crosses_the_stage_can_be_stored(plain):
    views = placed(plain, around(60.0))
    stored = decode(encode(replace(views, tracks=replace(views.tracks, scale=Scale.METRIC))))
    assert stored.tracks.scale is Scale.METRIC
    assert stored.items[1].photo.gps[:2] == views.items[1].photo.gps[:2]
    assert np.isnan(stored.items[1].photo.gps[2])


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"marker": "50"}, "bad-length"),
        ({"marker": "-5 mm"}, "bad-length"),
        ({"marker_dictionary": "qr"}, "bad-option"),
        ({"lengths": ["12cm"]}, "bad-known-length"),
        ({"lengths": ["12 = a.jpg 1,2 3,4; b.jpg 1,2 3,4"]}, "bad-length"),
        ({"gps": "perhaps"}, "bad-option"),
    ],
)
def test_bad_options_are_refused_before_any_work(settings, code):
    with pytest.raises(RecipeError) as caught:
        build(StructureFromMotion, settings, where="pose")
    assert caught.value.code == code


def test_options_are_read_as_recipes_and_command_lines_give_them():
    text = "12cm = a.jpg 1 2 3 4; b.jpg 1 2 3 4"
    for lengths in ([text], text):
        stage = build(StructureFromMotion, {"marker": "50mm", "lengths": lengths, "gps": "no"}, where="pose")
        assert (stage.marker, stage.lengths, stage.gps) == ("50mm", (text,), False)
