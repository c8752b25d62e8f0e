"""What can't be read gets a code, a reason and advice, quickly and in little memory; nothing else ever comes out."""

from __future__ import annotations

import io
import os
import re
import struct
import subprocess
import sys
import time
import tracemalloc
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from unflat.core import InputError
from unflat.io.depth import read_depth
from unflat.io.limits import Limits
from unflat.io.photo import read_photo

from .pictures import encoded, gradient, png_header, samples_of_every_format, svg

READERS = (
    *(
        "limits",
        "source",
        "signature",
        "decoding",
        "color_profile",
        "tiff",
        "svg",
        "picture",
        "arrays",
        "photo",
        "mask",
    ),
    *("deep", "depth", "npy", "pfm", "cameras", "camera_frame"),
)
CODES = set(
    """file-not-found not-a-file unreadable empty-file not-a-picture unsupported-format truncated damaged too-many-bytes
    too-many-pixels too-small too-narrow nothing-in-picture unknown-source bad-shape bad-samples svg-external
    svg-too-complex size-mismatch depth-empty depth-colored depth-unit no-depth-array bad-cameras
    unsupported-camera no-camera""".split()  # noqa: SIM905
)


def code_of(source: object, **options: object) -> str:
    with pytest.raises(InputError) as caught:
        read_photo(source, **options)  # type: ignore[arg-type]
    assert caught.value.message.endswith(".") and len(caught.value.hint) > 10
    return caught.value.code


def test_a_missing_file_suggests_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "coffee.png").write_bytes(b"x")
    with pytest.raises(InputError, match="no file") as caught:
        read_photo(tmp_path / "cofee.png")
    assert caught.value.code == "file-not-found" and "“coffee.png”" in caught.value.hint
    assert code_of(tmp_path / "no" / "such" / "folder.png") == "file-not-found"
    assert code_of(tmp_path / "coffee.png" / "inside.png") == "file-not-found"
    with pytest.raises(InputError) as caught:
        read_photo("https://example.org/cup.png")
    assert "Download" in caught.value.hint


def test_folders_empty_files_and_strange_sources(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "words.jpg").write_text("This is not a picture.")
    assert code_of(tmp_path) == "not-a-file"
    assert code_of(tmp_path / "empty.jpg") == "empty-file"
    assert code_of(b"") == "empty-file"
    assert code_of(tmp_path / "words.jpg") == "not-a-picture"
    assert code_of(3.14) == "unknown-source"
    assert code_of(None) == "unknown-source"
    assert code_of("nul\0byte.png") == "unreadable"
    assert code_of("x" * 5000) == "unreadable"
    with (tmp_path / "words.jpg").open() as stream:
        assert code_of(stream) == "unknown-source"


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX permissions")
def test_a_file_without_permission_says_so(tmp_path: Path) -> None:
    path = tmp_path / "locked.png"
    path.write_bytes(encoded(gradient(), "PNG"))
    path.chmod(0)
    if os.geteuid() == 0:
        # Root may read anything: ask as nobody, in a process of its own.
        program = (
            "import os, sys; from unflat.io.photo import read_photo; from unflat.core import InputError\n"
            "os.setuid(65534)\n"
            "try: read_photo(sys.argv[1])\n"
            "except InputError as error: print(error.code)"
        )
        for folder in (tmp_path, *tmp_path.parents[:3]):
            folder.chmod(0o755)
        done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, check=False)
        assert done.stdout.strip() == "unreadable", done.stderr
    else:
        assert code_of(path) == "unreadable"


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="needs Linux")
def test_a_broken_disk_says_so() -> None:
    assert code_of("/proc/self/mem") == "unreadable"


def test_content_decides_not_the_ending(tmp_path: Path) -> None:
    path = tmp_path / "really-a-png.jpg"
    path.write_bytes(encoded(gradient(), "PNG"))
    assert read_photo(path).pixels.shape == (40, 60, 3)


@pytest.mark.parametrize(
    ("content", "code", "word"),
    [
        (b"%PDF-1.7 ...", "unsupported-format", "PDF"),
        (b"8BPS\0\1" + bytes(50), "unsupported-format", "Photoshop"),
        (b"\xff\x0a" + bytes(50), "unsupported-format", "JPEG XL"),
        (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "unsupported-format", "raw"),
        (b"\0\0\0\x18ftypisom\0\0\0\1isomavc1", "unsupported-format", "video"),
        (b"v/1\x01" + bytes(50), "unsupported-format", "OpenEXR"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "not-a-picture", "web page"),
        (b"<?xml version='1.0'?><note/>", "not-a-picture", "XML"),
        (b"BM is how this letter begins", "not-a-picture", "text"),
        (bytes(range(256)), "not-a-picture", "no known kind"),
        (b"\xff\xd8\xff", "damaged", "damaged"),
        (b"\x89PNG\r\n\x1a\n", "damaged", "damaged"),
    ],
)
def test_other_files_are_called_by_their_name(content: bytes, code: str, word: str) -> None:
    with pytest.raises(InputError, match=word) as caught:
        read_photo(content)
    assert caught.value.code == code


def test_the_preview_inside_a_camera_raw_file_is_not_taken_for_the_photo() -> None:
    small = io.BytesIO()
    Image.fromarray(gradient()).save(small, "TIFF", tiffinfo={50706: b"\1\4\0\0"})
    with pytest.raises(InputError, match="raw") as caught:
        read_photo(small.getvalue())
    assert caught.value.code == "unsupported-format"


def test_a_bomb_is_refused_in_milliseconds_and_little_memory() -> None:
    huge, side = Image.new("1", (15000, 15000)), (60000).to_bytes(2, "little")
    files = {
        "png": png_header(30000, 30000),
        "png that is whole": encoded(huge, "PNG"),
        "tiff": encoded(huge, "TIFF", compression="group4"),
        "gif": b"GIF89a" + side * 2 + bytes(3) + b"," + bytes(4) + side * 2 + b"\0\x08" + bytes(100),
        "bmp": b"BM" + bytes(12) + struct.pack("<IIIHH", 40, 30000, 30000, 1, 24) + bytes(40),
        "webp": b"RIFF\x40\0\0\0WEBPVP8X\x0a\0\0\0" + bytes(4) + b"\xfe\x3f\0" * 2 + bytes(40),
    }
    del huge
    for kind, data in files.items():
        tracemalloc.start()
        begun = time.perf_counter()
        code = code_of(data, name=kind)
        seconds, peak = time.perf_counter() - begun, tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert (code, seconds < 0.25, peak < 3_000_000) == ("too-many-pixels", True, True), (kind, seconds, peak)


def test_limits_may_be_raised_and_lowered() -> None:
    data = encoded(gradient(100, 200), "PNG")
    assert code_of(data, limits=Limits(max_pixels=19_999)) == "too-many-pixels"
    assert code_of(data, limits=Limits(max_bytes=100)) == "too-many-bytes"
    assert code_of(data, limits=Limits(min_side_px=101)) == "too-small"
    assert code_of(data, limits=Limits(max_aspect=1.9)) == "too-narrow"
    assert read_photo(data, limits=Limits(max_pixels=20_000)).width == 200


def test_a_stream_is_not_read_past_the_limit() -> None:
    stream = io.BytesIO(bytes(10_000))
    assert code_of(stream, limits=Limits(max_bytes=1000)) == "too-many-bytes"
    assert stream.tell() == 1001


@pytest.mark.parametrize(
    ("size", "code"), [((1, 1), "too-small"), ((1, 4000), "too-narrow"), ((4000, 1), "too-narrow")]
)
def test_pictures_without_room_for_an_object_are_refused(size: tuple[int, int], code: str) -> None:
    assert code_of(encoded(Image.new("RGB", size), "PNG")) == code
    assert code_of(Image.new("RGB", size)) == code


def test_a_picture_of_one_colour_is_a_picture() -> None:
    assert read_photo(encoded(Image.new("RGB", (20, 20), (9, 9, 9)), "PNG")).pixels.max() == 9


def test_text_chunks_may_not_unpack_to_megabytes() -> None:
    notes = PngImagePlugin.PngInfo()
    notes.add_text("comment", "a" * 5_000_000, zip=True)
    assert code_of(encoded(gradient(), "PNG", pnginfo=notes)) == "too-many-bytes"
    polite = PngImagePlugin.PngInfo()
    polite.add_text("comment", "a" * 100_000, zip=True)
    assert read_photo(encoded(gradient(), "PNG", pnginfo=polite)).width == 60


@pytest.mark.parametrize("kind", ["jpeg", "png", "webp", "gif", "bmp", "16-bit png"])
def test_half_a_file_is_called_truncated(kind: str) -> None:
    data = samples_of_every_format()[kind]
    assert code_of(data[: len(data) * 2 // 3]) == "truncated"


def test_damaged_exif_does_not_cost_the_photo() -> None:
    data = bytearray(encoded(gradient(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + bytes(range(200))))
    photo = read_photo(bytes(data))
    assert photo.focal_px is None and photo.pixels.shape == (40, 60, 3)


def test_damaged_bytes_give_a_photo_or_an_input_error_and_nothing_else() -> None:
    randomness = np.random.default_rng(20)
    limits = Limits(max_pixels=10_000_000)
    outcomes = set()
    for data in samples_of_every_format().values():
        for turn in range(16):
            hurt = bytearray(data)
            if turn % 2:
                del hurt[randomness.integers(1, len(data)) :]
            else:
                reach = len(data) if turn % 4 else min(len(data), 200)  # headers are the tender part
                for position in randomness.integers(0, reach, 4):
                    hurt[position] = randomness.integers(256)
            for read in (lambda d: read_photo(d, limits=limits), lambda d: read_depth(d, (60, 40), limits=limits)):
                try:
                    read(bytes(hurt))
                    outcomes.add("read")
                except InputError as error:
                    outcomes.add(error.code)
    assert {"read", "truncated", "damaged"} <= outcomes


def test_the_codes_that_readers_raise_are_all_in_the_docs() -> None:
    root = Path(__file__).parents[2]
    docs = (root / "docs" / "pictures.md").read_text(encoding="utf-8")
    for reader in READERS:
        source = (root / "src" / "unflat" / "io" / f"{reader}.py").read_text(encoding="utf-8")
        raised = set(re.findall(r'code="([a-z-]+)"', source))
        assert raised <= CODES | {"missing-package", "no-process"}, reader
    for code in CODES:
        assert f"`{code}`" in docs, code


def test_zlib_bombs_inside_svgz_are_refused() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    bomb = packer.compress(svg() + b" " * 100_000_000) + packer.flush()
    assert len(bomb) < 200_000 and code_of(bomb) == "svg-too-complex"
