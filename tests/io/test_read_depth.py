"""Depth: the numbers mean what their file's kind says, what is unknown stays unknown, and surfaces are not mixed."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from unflat.core import InputError, Scale
from unflat.io.depth import read_depth
from unflat.io.limits import Limits

from .pictures import deep_png, encoded, gradient, tiff

SIZE = (60, 40)
PLANE = np.linspace(1, 2, 2400, dtype=np.float32).reshape(40, 60)


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def npz(**arrays: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def pfm(array: np.ndarray, order: str = "<") -> bytes:
    head = f"Pf\n{array.shape[1]} {array.shape[0]}\n{'-1.0' if order == '<' else '1.0'}\n".encode()
    return head + array[::-1].astype(f"{order}f4").tobytes()


def code_of(source: object, size: tuple[int, int] = SIZE, **options: object) -> str:
    with pytest.raises(InputError) as caught:
        read_depth(source, size, **options)  # type: ignore[arg-type]
    assert caught.value.hint
    return caught.value.code


@pytest.mark.parametrize(
    "source",
    [
        PLANE,
        PLANE[None],
        PLANE[..., None].astype(np.float64),
        npy(PLANE),
        npy(np.asfortranarray(PLANE)),
        npy(PLANE.astype(">f4")),
        npz(depth=PLANE, confidence=PLANE * 0),
        npz(anything=PLANE),
        pfm(PLANE),
        pfm(PLANE, ">"),
        tiff(PLANE),
        tiff(PLANE.astype(np.float64)),
    ],
    ids=["array", "1hw", "hw1", "npy", "columns", "big-endian", "npz", "npz-any", "pfm", "pfm-big", "tiff", "tiff64"],
)
def test_floats_are_depth_up_to_scale_unless_the_unit_is_given(source: object) -> None:
    depth = read_depth(source, SIZE)
    assert np.allclose(depth.depth, PLANE, rtol=1e-6) and depth.scale is Scale.UP_TO_SCALE
    metric = read_depth(source, SIZE, unit_m=0.01)
    assert np.allclose(metric.depth, PLANE * 0.01, rtol=1e-5) and metric.scale is Scale.METRIC


@pytest.mark.parametrize("writer", [deep_png, tiff, npy, lambda a: deep_png(np.dstack([a] * 3))])
def test_sixteen_bits_are_millimetres(writer: object) -> None:
    millimetres = np.arange(2400, dtype=np.uint16).reshape(40, 60) * 27
    depth = read_depth(writer(millimetres), SIZE)  # type: ignore[operator]
    assert depth.scale is Scale.METRIC
    assert np.isnan(depth.depth[0, 0])
    assert np.allclose(depth.depth.ravel()[1:], millimetres.ravel()[1:] / 1000, rtol=1e-6)
    assert read_depth(millimetres, SIZE, unit_m=0.0002).depth[-1, -1] == pytest.approx(2399 * 27 * 0.0002, rel=1e-5)


def test_eight_bits_are_relative_and_near_is_bright() -> None:
    brightness = np.tile(np.linspace(10, 250, 60).astype(np.uint8), (40, 1))
    for data in (encoded(brightness, "PNG"), encoded(np.dstack([brightness] * 3), "PNG"), brightness):
        depth = read_depth(data, SIZE)
        assert depth.scale is Scale.UP_TO_SCALE
        assert depth.depth[0, -1] == pytest.approx(1.0) and depth.depth[0, 0] == pytest.approx(5.0)
        assert (np.diff(depth.depth[0]) < 0).all()
    # Inverse depth is linear in brightness, so a plane seen at an angle stays a plane.
    assert np.allclose(np.diff(1 / depth.depth[0], 2), 0, atol=5e-3)


def test_disparity_is_inverted() -> None:
    depth = read_depth(pfm(1 / PLANE), SIZE, kind="disparity")
    assert np.allclose(depth.depth / depth.depth[0, 0], PLANE, rtol=1e-5) and depth.scale is Scale.UP_TO_SCALE
    assert read_depth(encoded(gradient()[..., 0], "PNG"), SIZE, kind="depth").depth[0, -1] == 255


def test_unknown_is_unknown_whatever_it_is_called() -> None:
    holes = PLANE.copy()
    holes[0, :5] = [np.nan, 0, -1, np.inf, -np.inf]
    for kind in ("depth", "disparity"):
        assert np.isnan(read_depth(holes, SIZE, kind=kind).depth[0, :5]).all()
    assert np.isfinite(read_depth(holes, SIZE).depth).sum() == 2400 - 5


def test_numbers_beyond_float32_are_unknown_and_nothing_warns() -> None:
    wild = PLANE.astype(np.float64)
    wild[0, :4] = [1e300, 1e-300, -1e300, np.nan]
    wild.view(np.uint64)[0, 4] = 0x7FF0000000000001  # a NaN that signals
    assert np.isnan(read_depth(npy(wild), SIZE).depth[0, :5]).all()
    assert np.isfinite(read_depth(npy(wild), SIZE).depth).sum() == 2400 - 5
    bits = pfm(PLANE)[:-4] + b"\x01\x00\x80\x7f"
    assert np.isnan(read_depth(bits, SIZE).depth).sum() == 1


def test_a_coarser_map_follows_the_surface_and_keeps_its_edges() -> None:
    steps = np.where(np.arange(30) < 15, 1.0, 3.0)[None] * np.ones((20, 1))
    steps += np.linspace(0, 0.1, 20)[:, None]
    steps[5, 22] = np.nan
    depth = read_depth(steps.astype(np.float32), (300, 200)).depth
    between = (depth > 1.2) & (depth < 2.9)
    assert not between.any()  # no bridge between the front and what lies behind
    assert np.isnan(depth[50:60, 220:230]).all() and np.isnan(depth).sum() == 100
    assert len(np.unique(depth[20:180, 40])) > 100  # linear on the surface, not in blocks


def test_a_finer_map_and_the_rounding_of_networks_fit() -> None:
    assert read_depth(np.ones((400, 600), np.float32), SIZE).depth.shape == (40, 60)
    assert read_depth(np.ones((392, 518), np.float32), (4032 // 4, 3024 // 4)).depth.shape == (756, 1008)


def test_other_proportions_are_refused() -> None:
    assert code_of(PLANE, (40, 60)) == "size-mismatch"
    assert code_of(PLANE, (60, 60)) == "size-mismatch"


@pytest.mark.parametrize(
    ("source", "code"),
    [
        (np.full((40, 60), np.nan), "depth-empty"),
        (np.zeros((40, 60), np.uint16), "depth-empty"),
        (np.full((40, 60), 7, np.uint8), "depth-empty"),
        (encoded(gradient(), "PNG"), "depth-colored"),
        (np.ones((5, 40, 60)), "bad-shape"),
        (np.ones((40, 60), bool), "bad-samples"),
        (np.ones((40, 60), np.complex64), "bad-samples"),
        (npy(np.array([{}])), "bad-samples"),
        (npz(a=PLANE, b=PLANE), "no-depth-array"),
        (npy(PLANE)[:-10], "truncated"),
        (npz(depth=PLANE)[:-40], "damaged"),
        (pfm(PLANE)[:-10], "truncated"),
        (b"Pf\nhello", "damaged"),
        (b"PF\n60 40\n-1.0\n" + bytes(60 * 40 * 12), "depth-colored"),
        (b"v/1\x01" + bytes(100), "unsupported-format"),
        (b"", "empty-file"),
    ],
)
def test_what_is_no_depth_is_refused(source: object, code: str) -> None:
    assert code_of(source) == code


def test_a_unit_goes_with_depth_alone() -> None:
    assert code_of(PLANE, kind="disparity", unit_m=1.0) == "depth-unit"
    assert code_of(PLANE, unit_m=-1.0) == "depth-unit"
    assert code_of(gradient()[..., 0], unit_m=0.01) == "depth-unit"


def test_a_header_that_promises_terabytes_is_refused_at_once() -> None:
    huge = npy(PLANE).replace(b"(40, 60)", b"(9**9,9)"[:8].replace(b"9**9", b"9999"))
    assert code_of(huge, limits=Limits(max_pixels=50_000)) == "too-many-pixels"
    assert code_of(b"Pf\n99999999 99999999\n-1.0\n" + bytes(100)) == "too-many-pixels"


def test_a_missing_depth_file_says_so(tmp_path: Path) -> None:
    assert code_of(tmp_path / "depth.npy") == "file-not-found"


def test_a_pil_image_of_depth() -> None:
    assert read_depth(Image.fromarray(PLANE), SIZE).depth[0, 0] == 1.0


@settings(max_examples=25, deadline=None)
@given(st.integers(8, 40), st.integers(8, 40), st.integers(1, 4))
def test_a_constant_map_stays_constant_at_any_size(width: int, height: int, factor: int) -> None:
    depth = read_depth(np.full((height, width), 2.5, np.float32), (width * factor, height * factor)).depth
    assert depth.shape == (height * factor, width * factor) and np.allclose(depth, 2.5)
