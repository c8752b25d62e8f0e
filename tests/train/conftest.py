"""What the tests of training share: they need the extra `train`, which is not in the base install."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from unflat.geometry.visible_solid import visible_solid
from unflat.render.scene import build_scene
from unflat.synth.capture import patterned_part
from unflat.synth.object_views import ObjectView, ViewStyle, photograph_object
from unflat.synth.solids import box, chair, mug, sphere


@pytest.fixture(scope="session")
def object_views() -> list[ObjectView]:
    """Eight views of four solids at 64 pixels."""
    rng, views = np.random.default_rng(0), []
    for mesh in (box(), sphere(), mug(1.0), chair(1.0)):
        part = patterned_part(mesh)
        scene, solid = build_scene((part,)), visible_solid(mesh, 32)
        views += [photograph_object(scene, solid, rng, ViewStyle(64)) for _ in range(2)]
    return views


@pytest.fixture(scope="session")
def packed_folder(object_views: list[ObjectView], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one shard of these views."""
    pytest.importorskip("torch", reason="training needs the extra train")
    from unflat.train.shards import write_shard

    folder = tmp_path_factory.mktemp("shards")
    write_shard(folder / "views-000-00000.tar", [(f"{index:05d}", view) for index, view in enumerate(object_views)])
    return folder
