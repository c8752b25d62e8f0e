"""`unflat marker` writes a sheet; `--marker` and `--length` reach the stage that needs them, or are refused at once."""

import cv2
import numpy as np
import pytest
from PIL import Image

from unflat.geometry.markers import marker_dictionary


def test_a_sheet_is_written_and_it_is_said_how_to_go_on(unflat, tmp_path):
    status, out, _ = unflat("marker", "--size", "40mm")
    assert status == 0
    assert (tmp_path / "marker.pdf").read_bytes().startswith(b"%PDF")
    assert "--marker 40mm" in out


def test_the_markers_that_were_asked_for_are_on_it(unflat, tmp_path):
    options = ("--dictionary", "aruco-4x4", "--count", 2, "--first", 5, "--size", "2in", "--paper", "letter")
    assert unflat("marker", "-o", "two.png", *options)[0] == 0
    picture = np.asarray(Image.open(tmp_path / "two.png"))
    quads, numbers, _ = cv2.aruco.ArucoDetector(marker_dictionary("aruco-4x4")).detectMarkers(picture)
    assert sorted(np.ravel(numbers)) == [5, 6]
    assert np.ptp(quads[0].reshape(4, 2)[:, 0]) == pytest.approx(1200 - 1, abs=1.5)


def test_a_board_is_written(unflat, tmp_path):
    assert unflat("marker", "--board", "-o", "board.svg")[0] == 0
    assert "25 mm" in (tmp_path / "board.svg").read_text()


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["-o", "marker.docx"], "unknown-format"),
        (["-o", "marker"], "unknown-format"),
        (["--size", "50"], "bad-length"),
        (["--size", "50cm"], "sheet-full"),
        (["--count", "99"], "sheet-full"),
        (["--first", "600"], "bad-option"),
        (["--board", "--count", "3"], "bad-option"),
    ],
)
def test_what_can_not_be_printed_is_refused(unflat, tmp_path, options, code):
    status, _, err = unflat("marker", *options)
    assert status == 3
    assert f"[{code}]" in err
    assert not list(tmp_path.glob("marker*"))


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--together", "--marker", "50"], "bad-length"),
        (["--together", "--length", "12cm"], "bad-known-length"),
        (["--marker", "50mm"], "unknown-step"),
    ],
)
def test_bad_wishes_are_refused_before_any_work(unflat, photo, tmp_path, pear, options, code):
    other = tmp_path / "other.png"
    Image.fromarray(pear(side=170)).save(other)
    pictures = [photo, other] if "--together" in options else [photo]
    status, _, err = unflat("plan", *pictures, *options)
    assert status == 3
    assert f"[{code}]" in err


def test_good_wishes_can_be_planned(unflat, photo, tmp_path, pear):
    other = tmp_path / "other.png"
    Image.fromarray(pear(side=170)).save(other)
    length = "12cm = pear.png 10,20 100,120; other.png 12,22 99,130"
    assert unflat("plan", photo, other, "--together", "--marker", "50mm", "--length", length)[0] == 0
