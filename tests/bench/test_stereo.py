"""The stereo benchmark: its pair, its measures, and that our depth stage is no worse than OpenCV's matcher."""

from __future__ import annotations

import numpy as np
import pytest

from unflat.bench import stereo
from unflat.bench.stereo import bench_stereo, motorcycle_pair


def test_unknown_pixels_count_as_bad_among_all_and_not_among_known(monkeypatch: pytest.MonkeyPatch) -> None:
    true = np.full((10, 10), 20.0, np.float32)
    true[0] = np.nan
    found = true + np.float32(0.4)
    found[1:4] += 2.0
    found[4] = np.nan
    monkeypatch.setattr(stereo, "motorcycle_pair", lambda: (np.zeros((10, 10, 3)), np.zeros((10, 10, 3)), true))
    monkeypatch.setattr(stereo, "_ours", lambda pair: found)
    monkeypatch.setattr(stereo, "_semi_global", lambda pair: np.full_like(true, np.nan))
    ours, nothing = bench_stereo(lambda line: None)
    assert ours.known == pytest.approx(80 / 90)
    assert ours.bad == pytest.approx((40 / 90, 40 / 90, 10 / 90))
    assert ours.known_bad == pytest.approx((30 / 80, 30 / 80, 0))
    assert ours.median == pytest.approx(0.4, abs=1e-5)
    assert nothing.known == 0 and nothing.mean is None and nothing.bad == (1, 1, 1)


def test_the_motorcycle_comes_with_its_disparity() -> None:
    left, right, disparity = motorcycle_pair()
    assert left.shape == right.shape == (500, 741, 3) and 0.9 < np.isfinite(disparity).mean() < 0.95
    rows, columns = np.nonzero(np.isfinite(disparity))
    there = np.rint(columns - disparity[rows, columns]).astype(int)
    inside = there >= 0
    matched = np.abs(left[rows, columns].astype(int) - right[rows, np.clip(there, 0, 740)])[inside].mean()
    unmatched = np.abs(left[rows, columns].astype(int) - right[rows, columns]).mean()
    assert matched < 0.6 * unmatched


def test_our_depth_of_the_motorcycle_is_right_where_it_is_known() -> None:
    told: list[str] = []
    ours, semi_global = bench_stereo(told.append)
    assert ours.known > 0.6 and ours.known_bad[1] < 0.1
    assert ours.median is not None and semi_global.median is not None and ours.median < 1
    assert "opencv sgbm" in told[0]
