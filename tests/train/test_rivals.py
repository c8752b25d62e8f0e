"""The rivals answer as the shipped network does, and learn the solid that the truth's layers and bins describe."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="training needs the extra train")
pytest.importorskip("efficientnet_lite_pytorch", reason="training needs the extra train")

from unflat.train.export import ExportNote  # noqa: E402
from unflat.train.rivals import RIVALS, answers, rival_loss, slice_depths, true_solid  # noqa: E402
from unflat.train.shards import PackedViews  # noqa: E402
from unflat.train.single_view import OUTPUTS, Batches, export_single_view  # noqa: E402
from unflat.train.single_view_network import SingleViewConfig  # noqa: E402

TINY = SingleViewConfig(width=32, depth=1, heads=2, decoder=(16, 16, 16, 8), global_tokens=1, pretrained=False)


@pytest.mark.parametrize("name", sorted(RIVALS))
def test_a_rival_gives_all_that_the_shipped_network_gives(name: str, packed_folder: Path) -> None:
    views = PackedViews(packed_folder)
    batch = Batches(views, seed=0).batch(0, 2, 64)
    views.close()
    said = RIVALS[name](TINY)(batch["image"], batch["mask"], batch["thickness"])
    for output in OUTPUTS:
        wanted = batch[output].shape if output in batch else batch["front"].shape
        assert said[output].shape == wanted, output
    assert torch.isfinite(rival_loss(said, batch)["solid"])


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(RIVALS))
def test_a_rival_can_be_exported_and_says_what_torch_says(name: str, tmp_path: Path) -> None:
    pytest.importorskip("onnx", reason="training needs the extra train")
    weights = RIVALS[name](SingleViewConfig(pretrained=False)).state_dict()
    difference = export_single_view(weights, 64, tmp_path / "rival.onnx", ExportNote("rival", "noise"), rival=name)
    assert difference < 0.01
    assert (tmp_path / "rival.onnx").exists()


def test_a_slab_is_read_off_its_rays() -> None:
    depth = slice_depths(torch.zeros(1)).view(1, -1, 1, 1)
    solid = ((depth > -0.5) & (depth < 0.3)).float().expand(1, -1, 8, 8)
    said = answers((solid - 0.5) * 40, torch.zeros(1, 3, 32, 32))
    assert torch.allclose(said["front"], torch.tensor(-0.5), atol=0.03)
    assert torch.allclose(said["back"], torch.tensor(0.3), atol=0.03)
    assert said["filled"].min() > 0.99


def test_the_true_solid_lies_between_the_true_layers(packed_folder: Path) -> None:
    views = PackedViews(packed_folder)
    truth = Batches(views, seed=0, augment=False).batch(0, 4, 64)
    views.close()
    solid, depth = true_solid(truth), slice_depths(truth["front"]).view(1, -1, 1, 1)
    front, back = truth["front"][:, :, 2::4, 2::4], truth["back"][:, :, 2::4, 2::4]
    assert solid.any()
    assert not solid[((depth < front) | (depth > back)).expand_as(solid)].any()
