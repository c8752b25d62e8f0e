from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra train")
pytest.importorskip("efficientnet_lite_pytorch", reason="needs the extra train")

from unflat.synth.mask_views import MaskView  # noqa: E402
from unflat.train.depthwise import FastDepthwise  # noqa: E402
from unflat.train.export import ExportNote  # noqa: E402
from unflat.train.mask import MaskConfig, MaskNetwork, MaskTask, export_mask, mask_loss  # noqa: E402
from unflat.train.mask_data import MaskBatches, PackedMasks, _write  # noqa: E402


@pytest.mark.parametrize(("stride", "side"), [(1, 8), (2, 11), (2, 12)])
def test_the_fast_depthwise_gradient_is_the_true_one(stride: int, side: int) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 6, side, side, requires_grad=True)
    layer = FastDepthwise(torch.nn.Parameter(torch.randn(6, 1, 5, 5)), stride, torch.nn.Identity())
    fast, true = layer(x), torch.nn.functional.conv2d(x, layer.weight, None, stride, groups=6)
    along = torch.randn_like(fast)
    for found, expected in zip(
        torch.autograd.grad(fast, (x, layer.weight), along),
        torch.autograd.grad(true, (x, layer.weight), along),
        strict=True,
    ):
        assert torch.allclose(found, expected, atol=1e-4)


def logits_of(alpha: np.ndarray, sure: float) -> dict[str, object]:
    mask = torch.from_numpy(alpha)[None, None] * 2 * sure - sure
    coarse = {f"coarse{stride}": mask[..., ::stride, ::stride].contiguous() for stride in (8, 16)}
    return {"mask": mask, "quality": torch.tensor([sure]), **coarse}


def test_the_right_mask_costs_next_to_nothing_and_the_wrong_one_much() -> None:
    alpha = np.zeros((64, 64), np.float32)
    alpha[16:48, 16:48] = 1
    truth = torch.from_numpy(alpha)[None, None]
    right, wrong = (mask_loss(logits_of(guess, 12.0), truth) for guess in (alpha, 1 - alpha))
    assert right["edge"] < 1e-3 and right["overlap"] < 1e-3 and right["iou"] == 1
    assert wrong["edge"] > 5 and wrong["overlap"] > 0.95 and wrong["iou"] == 0


def test_a_picture_without_object_has_no_overlap_to_lose() -> None:
    nothing = np.zeros((64, 64), np.float32)
    parts = mask_loss(logits_of(nothing, 12.0), torch.from_numpy(nothing)[None, None])
    assert parts["overlap"] == 0 and parts["edge"] < 1e-3
    assert parts["quality"] > 5, "a mask of nothing must not be called good"


def write_views(folder: Path) -> None:
    rng = np.random.default_rng(0)
    views = []
    for _ in range(5):
        alpha = np.zeros((48, 48), np.float32)
        alpha[10:30, 8:40] = 1
        views.append(MaskView(rng.integers(0, 255, (48, 48, 3)).astype(np.uint8), alpha, "white"))
    _write(folder / "masks-000-00000.tar", iter(views))


def test_batches_depend_on_the_step_alone(tmp_path: Path) -> None:
    write_views(tmp_path)
    batches = MaskBatches(PackedMasks(tmp_path), seed=3)
    first, again, other = (batches.batch(step, 4, 32) for step in (7, 7, 8))
    assert first["image"].shape == (4, 3, 32, 32) and first["alpha"].shape == (4, 1, 32, 32)
    assert torch.equal(first["image"], again["image"]) and torch.equal(first["alpha"], again["alpha"])
    assert not torch.equal(first["image"], other["image"])
    plain = MaskBatches(PackedMasks(tmp_path), seed=3, augment=False).batch(0, 2, 48)
    assert plain["alpha"][0, 0, 20, 20] == 1 and plain["alpha"][0, 0, 2, 2] == 0


def test_shards_that_appear_later_are_taken_in(tmp_path: Path) -> None:
    write_views(tmp_path)
    packed = PackedMasks(tmp_path)
    (tmp_path / "masks-000-00000.tar").rename(tmp_path / "masks-000-00001.tar")
    packed.refresh()
    assert len(packed) == 10


def test_frozen_layers_keep_their_statistics_while_others_learn() -> None:
    network = MaskNetwork(MaskConfig(pretrained=False)).train()
    before = network.encoder.stem_norm.running_mean.clone()
    network(torch.rand(2, 3, 64, 64))["mask"].mean().backward()
    assert torch.equal(network.encoder.stem_norm.running_mean, before)
    assert network.encoder.stem.weight.grad is None and network.mask.weight.grad is not None


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")  # torch's own, while it exports
def test_the_exported_network_says_what_torch_says(tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")
    torch.manual_seed(1)
    network = MaskNetwork(MaskConfig(pretrained=False)).eval()
    file = tmp_path / "mask.onnx"
    difference = export_mask(network.state_dict(), 96, file, ExportNote("test", "untrained"))
    assert difference < 0.01
    picture = np.random.default_rng(0).random((1, 3, 96, 96)).astype(np.float32)
    alpha, quality = onnxruntime.InferenceSession(file.read_bytes()).run(["alpha", "quality"], {"image": picture})
    with torch.no_grad():
        said = network(torch.from_numpy(picture))
    assert np.abs(alpha - said["mask"].sigmoid().numpy()).max() < 0.01
    assert np.abs(quality - said["quality"].sigmoid().numpy()).max() < 0.01
    write_views(tmp_path)
    again = MaskTask(PackedMasks(tmp_path), config=MaskConfig(pretrained=False), begin_with=file).network()
    assert torch.allclose(again.mask.weight, network.mask.weight, atol=1e-3)
    assert json.loads(file.with_suffix(".json").read_text())["bytes"] == file.stat().st_size < 12_000_000
