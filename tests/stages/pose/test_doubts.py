"""What is wrong with a set of photos is said in words, with advice."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from unflat.core import InputError, Mask, Photo, View, Views
from unflat.io.mapped import mapped
from unflat.stages.pose.colmap_job import ColmapAnswer, ColmapJob, Lens
from unflat.stages.pose.doubts import left_out_warnings, lens_warnings, refuse_unplaceable, without_twins
from unflat.stages.pose.panoramas import without_panoramas
from unflat.stages.pose.structure_from_motion import _write_pictures

NAMES = ("0.jpg", "1.jpg", "2.jpg", "3.jpg")
CALLED = {name: f"IMG_{index}.jpg" for index, name in enumerate(NAMES)}


def photo(seed, name):
    return View(Photo(np.random.default_rng(seed).integers(0, 255, (8, 8, 3), np.uint8), name=name))


def answer(registered=0, pairs=(), features=None, flat=0):
    return ColmapAnswer("", registered, 0.0, tuple(pairs), features or dict.fromkeys(NAMES, 3000), flat)


def refusal(given):
    with pytest.raises(InputError) as error:
        refuse_unplaceable(given, CALLED)
    return error.value


def test_a_photo_given_twice_counts_once_and_is_named():
    said = []
    kept = without_twins(Views((photo(0, "a.jpg"), photo(1, "b.jpg"), photo(0, "copy of a.jpg"))), said.append)
    assert kept.names == ("a.jpg", "b.jpg")
    assert said == ["“copy of a.jpg” is the same picture as “a.jpg” and was left out."]


def test_the_same_picture_many_times_is_refused():
    with pytest.raises(InputError) as error:
        without_twins(Views(tuple(photo(0, f"{n}.jpg") for n in range(5))), lambda _: None)
    assert error.value.code == "photos-identical"


def test_photos_that_do_not_overlap_get_advice_where_to_add_some():
    error = refusal(answer(pairs=[("0.jpg", "1.jpg", 200), ("2.jpg", "3.jpg", 90)]))
    assert error.code == "photos-do-not-overlap"
    assert "2 of 4" in error.message
    assert "between IMG_1.jpg and IMG_2.jpg" in error.hint


def test_a_camera_that_only_turned_is_recognised():
    pairs = [(a, b, 300) for a, b in pairwise(NAMES)]
    error = refusal(answer(pairs=pairs, flat=3))
    assert error.code == "no-parallax"
    assert "Walk around" in error.hint


def test_photos_without_detail_are_named():
    error = refusal(answer(features={"0.jpg": 20, "1.jpg": 12, "2.jpg": 5, "3.jpg": 4000}))
    assert error.code == "photos-without-detail"
    assert "3 of 4" in error.message
    assert "IMG_0.jpg" in error.message


def test_a_model_of_two_photos_is_a_model():
    refuse_unplaceable(answer(registered=2), CALLED)


def test_each_photo_that_is_left_out_gets_its_reason():
    views = Views(tuple(photo(n, CALLED[name]) for n, name in enumerate(NAMES)))
    placed = Views(views.items[:1])
    found = answer(1, [("0.jpg", "2.jpg", 10), ("0.jpg", "3.jpg", 200)], {**dict.fromkeys(NAMES, 3000), "1.jpg": 9})
    said = left_out_warnings(found, views, placed, NAMES)
    assert said[0] == "1 of 4 photos could be placed."
    assert "“IMG_1.jpg” was left out: it is blurred" in said[1]
    assert "“IMG_2.jpg” was left out: it does not overlap" in said[2]
    assert "“IMG_3.jpg” was left out: its place could not be told" in said[3]


def test_job_and_answer_come_back_as_they_were_written(tmp_path):
    job = ColmapJob((Lens(800, 600, None, ("0.jpg",)), Lens(600, 800, 700.5, ("1.jpg", "2.jpg"))), "exhaustive",
                    ("0.jpg", "1.jpg", "2.jpg"), 4096, -1, 7)  # fmt: skip
    job.write(tmp_path)
    assert ColmapJob.read(tmp_path) == job
    found = answer(3, [("0.jpg", "1.jpg", 20)])
    found.write(tmp_path)
    assert ColmapAnswer.read(tmp_path) == found


def test_photos_of_one_place_are_refused_before_anything_is_mapped():
    pairs = [(a, b, 300) for a, b in pairwise(NAMES)]
    error = refusal(replace(answer(pairs=pairs), turned=True))
    assert error.code == "no-parallax"
    assert "--object" in error.hint, "a turntable before a wall looks the same"
    with pytest.raises(InputError) as masked:
        refuse_unplaceable(replace(answer(pairs=pairs), turned=True), CALLED, masked=True)
    assert "--object" not in masked.value.hint


def test_photos_that_all_match_but_fit_no_model_are_not_said_to_lack_overlap():
    error = refusal(answer(pairs=[(a, b, 90) for a, b in pairwise(NAMES)]))
    assert error.code == "photos-contradict"
    assert "4 photos" in error.message and "Nothing may move" in error.hint


def test_an_object_without_detail_is_told_from_a_photo_without():
    few = dict.fromkeys(NAMES, 20)
    with pytest.raises(InputError) as error:
        refuse_unplaceable(answer(features=few), CALLED, masked=True)
    assert error.value.code == "photos-without-detail"
    assert "Leave out --object" in error.value.hint


def left_out(placed, pairs, features=None):
    """What is said of four photos of which some could be placed."""
    views = tuple(photo(n, CALLED[name]) for n, name in enumerate(NAMES))
    found = answer(len(placed), pairs, features)
    return left_out_warnings(found, Views(views), Views(tuple(views[index] for index in placed)), NAMES)


def test_all_photos_placed_is_nothing_to_say():
    assert left_out([0, 1, 2, 3], [("0.jpg", "1.jpg", 500)]) == []


def test_a_gap_in_the_walk_is_told_with_the_photos_on_both_its_sides():
    said = left_out([0, 1], [("0.jpg", "1.jpg", 500), ("2.jpg", "3.jpg", 300), ("1.jpg", "2.jpg", 9)])
    assert said[0] == "2 of 4 photos could be placed."
    assert said[1] == "“IMG_2.jpg” was left out: it does not overlap with those that could be placed."
    assert said[-1] == (
        "2 of 4 photos do not overlap with the others: add pictures between IMG_1.jpg and IMG_2.jpg, each sharing two "
        "thirds with the next."
    )


def test_more_photos_are_not_the_advice_for_a_blurred_one():
    said = left_out([0, 1, 2], [("0.jpg", "1.jpg", 500)], {**dict.fromkeys(NAMES, 3000), "3.jpg": 9})
    assert len(said) == 2
    assert "blurred" in said[1]


def test_a_masked_photo_is_left_out_for_its_objects_sake():
    alpha = np.zeros((8, 8), np.float32)
    alpha[2:4, 2:4] = 1
    views = Views((photo(0, "IMG_0.jpg"), replace(photo(1, "IMG_1.jpg"), mask=Mask(alpha))))
    found = answer(1, (), {"0.jpg": 3000, "1.jpg": 9})
    said = left_out_warnings(found, views, Views(views.items[:1]), NAMES[:2])
    assert "the object in it is blurred, dark or plain" in said[1]


@pytest.mark.parametrize(
    ("count", "focal_px", "warned"), [(2, None, True), (3, None, True), (4, None, False), (2, 9.0, False)]
)
def test_two_photos_without_exif_are_taken_with_a_warning_about_the_lens(count, focal_px, warned):
    views = [photo(n, f"{n}.jpg") for n in range(count)]
    placed = Views(tuple(replace(view, photo=replace(view.photo, focal_px=focal_px)) for view in views))
    said = lens_warnings(placed)
    assert bool(said) == warned
    assert not warned or (f"{count} of {count} photos" in said[0] and "EXIF" in said[0])


def test_photos_are_compared_without_staying_in_memory(tmp_path, resident_bytes):
    rng = np.random.default_rng(0)
    pixels = [mapped(tmp_path / f"{n}.npy", rng.integers(0, 255, (300, 400, 3), np.uint8)) for n in range(5)]
    views = Views(tuple(View(Photo(one, name=f"{n}.jpg")) for n, one in enumerate(pixels)))
    assert without_twins(views, pytest.fail) is views
    _write_pictures(views, tmp_path / "colmap", 200)
    without_panoramas(views, pytest.fail)
    assert resident_bytes(tmp_path) < pixels[0].nbytes
