"""A printed marker is found again in every kind of file, at the size that was asked for."""

import io
import re
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image

from unflat.core import RecipeError
from unflat.geometry.marker_sheet import MarkerPrint, marker_board, marker_sheet
from unflat.geometry.markers import marker_dictionary
from unflat.io.printed_sheet import PNG_DOTS_PER_INCH, sheet_bytes
from unflat.io.svg import render_svg

SHEET = marker_sheet(MarkerPrint(50.0, first=11), 2)


def sides_px(grey):
    """The mean side of each marker, by its number."""
    detector = cv2.aruco.ArucoDetector(marker_dictionary("apriltag-36h11"))
    quads, numbers, _ = detector.detectMarkers(np.ascontiguousarray(grey))
    corners = [quad.reshape(4, 2) for quad in quads]
    return {
        int(number): float(np.linalg.norm(quad - np.roll(quad, 1, axis=0), axis=1).mean())
        for number, quad in zip(np.ravel(numbers), corners, strict=True)
    }


def drawn_pdf(data, dots_per_inch):
    """What a viewer shows: the page's bars, read by the rules of PDF (one transform, rectangles, one fill)."""
    page = [float(number) for number in re.search(rb"/MediaBox \[([\d. ]+)\]", data)[1].split()]
    length = int(re.search(rb"/Length (\d+)", data)[1])
    start = data.index(b"stream\n") + len(b"stream\n")
    words = zlib.decompress(data[start : start + length]).decode("cp1252").split("\nf Q\n")[0].split()
    assert words[0] == "q"
    a, b, c, d, e, f = (float(word) for word in words[1:7])
    assert (words[7], b, c) == ("cm", 0.0, 0.0)
    bars = np.array([[float(number) for number in words[at : at + 4]] for at in range(8, len(words), 5)])
    assert set(words[12::5]) == {"re"}
    scale = dots_per_inch / 72
    grey = np.full((round(page[3] * scale), round(page[2] * scale)), 255, np.uint8)
    for left, top, wide, high in bars:
        u, v = (a * left + e) * scale, (page[3] - (d * top + f)) * scale
        grey[round(v) : round(v - d * high * scale), round(u) : round(u + a * wide * scale)] = 0
    return grey


def test_the_marker_of_a_pdf_is_found_again_at_its_size():
    data = sheet_bytes(SHEET, "pdf")
    assert data.startswith(b"%PDF-1.6")
    assert b"/PrintScaling /None" in data
    found = sides_px(drawn_pdf(data, 300))
    assert set(found) == {11, 12}
    # corners are pixel centres: a side of n pixels measures n - 1
    assert list(found.values()) == pytest.approx([50 / 25.4 * 300 - 1] * 2, abs=1.0)


def test_every_object_of_a_pdf_lies_where_its_table_says():
    data = sheet_bytes(SHEET, "pdf")
    table = int(re.search(rb"startxref\n(\d+)\n%%EOF\n$", data)[1])
    places = [int(place) for place in re.findall(rb"(\d{10}) 00000 n \n", data[table:])]
    assert [data[place:].split(b" ", 1)[0] for place in places] == [b"1", b"2", b"3", b"4", b"5"]


def test_the_marker_of_a_png_is_found_again_at_its_size():
    image = Image.open(io.BytesIO(sheet_bytes(SHEET, "png")))
    assert image.info["dpi"] == pytest.approx((PNG_DOTS_PER_INCH, PNG_DOTS_PER_INCH), rel=1e-4)
    found = sides_px(np.asarray(image)[::1])
    assert list(found.values()) == pytest.approx([50 / 25.4 * PNG_DOTS_PER_INCH - 1] * 2, abs=1.5)


def test_the_markers_of_an_svg_board_are_all_found_again():
    board = marker_board(MarkerPrint(25.0))
    picture = np.asarray(Image.open(io.BytesIO(render_svg(sheet_bytes(board, "svg"), "board.svg", 2970))))
    found = sides_px(picture[..., 0])
    assert set(found) == set(range(24))
    assert list(found.values()) == pytest.approx([250 - 1] * 24, abs=1.5)


def test_another_ending_is_refused():
    with pytest.raises(RecipeError) as caught:
        sheet_bytes(SHEET, "docx")
    assert caught.value.code == "unknown-format"
