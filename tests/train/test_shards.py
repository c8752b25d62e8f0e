"""Packed views come back as they went in, in any order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from unflat.core import InputError
from unflat.synth.object_views import ObjectView
from unflat.train.shards import PackedViews, write_shard


def test_a_view_comes_back_as_it_was(object_views: list[ObjectView], packed_folder: Path) -> None:
    packed = PackedViews(packed_folder)
    assert len(packed) == len(object_views)
    for index in (5, 0):
        view, truth = packed.view(index), object_views[index]
        assert np.array_equal(np.isnan(view.front), np.isnan(truth.front))
        assert np.nanmax(np.abs(view.front - truth.front)) < 1e-3
        assert np.nanmax(np.abs(view.back - truth.back)) < 1e-3
        assert np.abs(view.front_normal - truth.front_normal).max() < 0.01
        assert np.array_equal(view.filled, truth.filled)
        assert np.abs(view.alpha - truth.alpha).max() < 0.01
        assert np.abs(view.thickness - truth.thickness).max() < 0.01
        assert np.abs(view.image.astype(int) - truth.image).mean() < 6
        assert view.tan_half_fov == truth.tan_half_fov
    packed.close()


def test_shards_that_appear_later_are_taken_in(object_views: list[ObjectView], tmp_path: Path) -> None:
    write_shard(tmp_path / "a.tar", [("0", object_views[0])])
    packed = PackedViews(tmp_path)
    write_shard(tmp_path / "b.tar", [("0", object_views[1])])
    packed.refresh()
    assert len(packed) == 2
    assert packed.view(1).tan_half_fov == object_views[1].tan_half_fov
    packed.close()


def test_a_folder_without_shards_is_refused_with_advice(tmp_path: Path) -> None:
    with pytest.raises(InputError) as refused:
        PackedViews(tmp_path)
    assert refused.value.code == "no-shards"
