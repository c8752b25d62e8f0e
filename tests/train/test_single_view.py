"""The single-photo network: begins as the inflation, and ships as it was trained."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs the extra train")
pytest.importorskip("efficientnet_lite_pytorch", reason="training needs the extra train")

from unflat.nets.single_view import load_single_view  # noqa: E402
from unflat.synth.object_views import ObjectView  # noqa: E402
from unflat.train.export import load_shipped_weights  # noqa: E402
from unflat.train.loop import CHECKPOINT  # noqa: E402
from unflat.train.shards import PackedViews  # noqa: E402
from unflat.train.single_view import Batches, loss_parts  # noqa: E402
from unflat.train.single_view_data import view_arrays  # noqa: E402
from unflat.train.single_view_network import SingleViewConfig, SingleViewNetwork  # noqa: E402


def test_an_untrained_network_says_what_inflation_says(object_views: list[ObjectView]) -> None:
    arrays = {name: torch.from_numpy(value[None]) for name, value in view_arrays(object_views[0], 64).items()
              if name in ("image", "mask", "thickness")}  # fmt: skip
    said = SingleViewNetwork(SingleViewConfig(pretrained=False)).eval()(**arrays)
    assert torch.allclose(said["front"], -arrays["thickness"], atol=1e-5)
    assert torch.allclose(said["back"], arrays["thickness"], atol=1e-5)
    assert torch.allclose(said["back_color"], arrays["image"], atol=1e-5)


def test_the_truth_has_no_loss_but_what_is_expected_of_it(packed_folder: Path) -> None:
    views = PackedViews(packed_folder)
    truth = Batches(views, seed=0, augment=False).batch(0, 4, 64)
    views.close()
    said = {**truth, "front_error": torch.ones(4, 1, 64, 64), "back_error": torch.ones(4, 1, 64, 64)}
    parts = loss_parts(said, truth)
    for name in ("depth", "slope", "color", "up", "lens", "error"):
        assert float(parts[name]) == pytest.approx(0, abs=1e-5), name
    assert float(parts["normal"]) < 0.02


def test_a_mirrored_view_is_the_view_of_the_mirrored_object(object_views: list[ObjectView]) -> None:
    view, mirrors = object_views[3], np.random.default_rng(2)
    assert np.random.default_rng(2).random() < 0.5, "this seed must mirror"
    plain, mirrored = view_arrays(view, 64), view_arrays(view, 64, mirrors)
    assert np.allclose(plain["front"], mirrored["front"][..., ::-1])
    assert np.allclose(plain["front_normal"][0], -mirrored["front_normal"][0, :, ::-1])
    assert plain["up"][0] == -mirrored["up"][0]


def exported(network: SingleViewNetwork, folder: Path) -> Path:
    """What the command line writes, in a process of its own: torch can't trace functions whose types are checked."""
    torch.save({"average": network.state_dict()}, folder / CHECKPOINT)
    file = folder / "single_view.onnx"
    command = ["train", "export", "single-view", "--run", str(folder), "-o", str(file), "--size", "64"]
    unflat = [sys.executable, "-m", "unflat.apps.cli.main"]
    done = subprocess.run([*unflat, *command], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return file


def test_the_shipped_file_answers_as_the_trained_network(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = SingleViewNetwork(SingleViewConfig(pretrained=False))
    for parameter in network.parameters():
        parameter.data += 0.01 * torch.randn_like(parameter)
    exported(network, tmp_path)
    shipped = load_single_view(tmp_path)
    assert shipped.size_px == 64
    image, mask = np.full((64, 64, 3), 0.4, np.float32), np.ones((64, 64), np.float32)
    said = shipped(image, mask, mask * 0.3)
    planes = [torch.from_numpy(plane)[None] for plane in (image.transpose(2, 0, 1), mask[None], mask[None] * 0.3)]
    with torch.no_grad():
        truth = network.eval()(*planes)
    assert np.abs(said.front - truth["front"].numpy()[0, 0]).mean() < 0.005


def test_training_goes_on_from_shipped_weights(tmp_path: Path) -> None:
    torch.manual_seed(1)
    network = SingleViewNetwork(SingleViewConfig(pretrained=False))
    network.pixel.bias.data += 0.25
    file = exported(network, tmp_path)
    other = SingleViewNetwork(SingleViewConfig(pretrained=False))
    load_shipped_weights(other, file)
    for name, value in network.state_dict().items():
        if value.dtype.is_floating_point:
            assert torch.allclose(value, other.state_dict()[name], atol=2e-3, rtol=1e-2), name
