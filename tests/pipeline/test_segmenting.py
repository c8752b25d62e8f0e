"""Masks of many photos: one at a time, kept as they come; a mask that says nothing costs no photo."""

import numpy as np
import pytest

from unflat.core import Camera, Context, Drawing, InputError, Mask, Photo, View
from unflat.io.mapped import mapped_file
from unflat.pipeline.intake import Intake
from unflat.pipeline.segmenting import segmented
from unflat.pipeline.store import decode, encode


def photos(count=3):
    return tuple(Photo(np.full((20, 30, 3), index, np.uint8), name=f"IMG_{index}.jpg") for index in range(count))


def middle(photo, context):
    """The middle third of every photo."""
    alpha = np.zeros((photo.height, photo.width), np.float32)
    alpha[:, 10:20] = 1
    return View(photo, Mask(alpha, made_by="middle", confidence=0.7))


class Counting:
    """A segmenter that remembers what it was asked, and may give up at a photo."""

    def __init__(self, stop_at=None, answer=middle):
        self.asked, self.stop_at, self.answer = [], stop_at, answer

    def __call__(self, photo, context):
        if photo.name == self.stop_at:
            raise KeyboardInterrupt
        self.asked.append(photo.name)
        return self.answer(photo, context)


def nothing_in_the_second(photo, context):
    if photo.name == "IMG_1.jpg":
        raise InputError("Nothing.", code="nothing-in-picture", hint="Give more.")
    return middle(photo, context)


def everything_in_the_second(photo, context):
    if photo.name == "IMG_1.jpg":
        return View(photo, Mask(np.ones((photo.height, photo.width), np.float32)))
    return middle(photo, context)


def test_every_photo_gets_its_mask_and_keeps_its_camera():
    camera = Camera(30, 20, 30.0, 30.0, 15.0, 10.0, np.eye(4))
    told = []
    views = segmented(
        middle,
        Intake(photos(), "views", cameras={"IMG_2.jpg": camera}),
        Context(progress=told.append),
        needed=True,
    )
    assert [view.mask.made_by for view in views.items] == ["middle"] * 3
    assert [view.camera for view in views.items] == [None, None, camera]
    assert told[-1] == 1.0 and told == sorted(told)


def test_masks_lie_in_files_and_are_stored_by_their_names(tmp_path):
    views = segmented(middle, Intake(photos(), "photos"), Context(workspace=lambda: tmp_path), needed=False)
    for view in views.items:
        assert mapped_file(view.mask.alpha) is not None
    stored = encode(views)
    assert len(stored) < 30_000, "the photos, not the masks"
    assert np.array_equal(decode(stored).items[1].mask.alpha, views.items[1].mask.alpha)


def test_a_run_that_was_stopped_goes_on_with_the_photo_it_was_stopped_at(tmp_path):
    def whole(segmenter):
        return segmented(segmenter, Intake(photos(), "photos"), Context(workspace=lambda: tmp_path), needed=False)

    first = Counting(stop_at="IMG_2.jpg")
    with pytest.raises(KeyboardInterrupt):
        whole(first)
    second = Counting()
    views = whole(second)
    assert first.asked == ["IMG_0.jpg", "IMG_1.jpg"]
    assert second.asked == ["IMG_2.jpg"]
    assert (views.items[0].mask.made_by, views.items[0].mask.confidence) == ("middle", 0.7)


def test_a_damaged_mask_is_made_again(tmp_path):
    for number in range(2):
        again = Counting()
        segmented(again, Intake(photos(), "photos"), Context(workspace=lambda: tmp_path), needed=False)
        if number == 0:
            (tmp_path / "mask-0001.npy").write_bytes(b"half")
    assert again.asked == ["IMG_1.jpg"]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [(nothing_in_the_second, "no object was found in it"), (everything_in_the_second, "its mask covers all of it")],
)
def test_a_mask_that_says_nothing_is_left_out_with_a_word_and_the_photo_stays(answer, reason, tmp_path):
    for _ in range(2):  # the second time from what was kept
        said = []
        views = segmented(
            answer,
            Intake(photos(), "photos"),
            Context(warn=said.append, workspace=lambda: tmp_path),
            needed=False,
        )
        assert [view.mask is None for view in views.items] == [False, True, False]
        assert said == [f"“IMG_1.jpg” counts whole: {reason}."]


def test_where_masks_are_needed_a_photo_without_an_object_is_refused():
    with pytest.raises(InputError) as error:
        segmented(nothing_in_the_second, Intake(photos(), "views"), Context(), needed=True)
    assert error.value.code == "nothing-in-picture"


def test_another_failure_is_never_swallowed():
    def broken(photo, context):
        raise InputError("No.", code="too-small", hint="Larger.")

    with pytest.raises(InputError) as error:
        segmented(broken, Intake(photos(), "photos"), Context(), needed=False)
    assert error.value.code == "too-small"


def test_a_drawing_stays_a_drawing():
    def drawing(photo, context):
        return Drawing(photo, middle(photo, context).mask)

    assert isinstance(segmented(drawing, Intake(photos(1), "drawing"), Context(), needed=True), Drawing)
