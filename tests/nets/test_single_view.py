"""Our network's loader, on a tiny network with the true inputs and outputs."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from unflat.core import SetupError, StageFailed
from unflat.nets.shipped_weights import SHIPPED
from unflat.nets.single_view import load_single_view


@pytest.fixture
def weights(inflating_weights, tmp_path):
    """A copy that a test may damage."""
    return Path(shutil.copytree(inflating_weights, tmp_path / "weights"))


def changed_card(folder, **told):
    card = json.loads((folder / "single_view.json").read_text(encoding="utf-8"))
    (folder / "single_view.json").write_text(json.dumps(card | told), encoding="utf-8")


def square(size):
    rng = np.random.default_rng(0)
    image = rng.random((size, size, 3)).astype(np.float32)
    mask = np.zeros((size, size), np.float32)
    mask[10:-10, 20:-20] = 1
    return image, mask, (mask * rng.random((size, size))).astype(np.float32)


def test_the_answers_come_without_batch_axis_and_with_channels_last(inflating_weights):
    network = load_single_view(inflating_weights)
    image, mask, thickness = square(network.size_px)
    said = network(image, mask, thickness)
    assert np.array_equal(said.front, -thickness)
    assert np.array_equal(said.back, thickness)
    assert said.front_normals.shape == image.shape
    assert np.allclose(np.linalg.norm(said.back_normals, axis=2), 1, atol=1e-5)
    assert said.filled.shape == (16, network.size_px // 8, network.size_px // 8)
    assert said.up.shape == (3,)
    assert said.tan_half_fov == pytest.approx(0.2)


def test_the_network_sees_the_object_before_mid_grey(inflating_weights):
    network = load_single_view(inflating_weights)
    image, mask, thickness = square(network.size_px)
    said = network(image, mask, thickness)  # its colour of the back is the picture that it was given
    assert np.allclose(said.back_color[mask == 0], 0.5)
    assert np.allclose(said.back_color[mask == 1], image[mask == 1])


def test_the_same_folder_gives_the_same_network_again(inflating_weights):
    assert load_single_view(inflating_weights) is load_single_view(inflating_weights)


def test_a_folder_without_weights_is_named(tmp_path):
    with pytest.raises(SetupError, match=tmp_path.name) as caught:
        load_single_view(tmp_path)
    assert caught.value.code == "missing-weights"
    assert "inflate" in caught.value.hint


def test_a_card_without_its_weights_is_told(weights):
    (weights / "single_view.onnx").unlink()
    with pytest.raises(SetupError) as caught:
        load_single_view(weights)
    assert caught.value.code == "missing-weights"


def test_weights_cut_short_by_a_download_are_refused(weights):
    content = (weights / "single_view.onnx").read_bytes()
    (weights / "single_view.onnx").write_bytes(content[: len(content) // 2])
    with pytest.raises(SetupError, match="damaged") as caught:
        load_single_view(weights)
    assert caught.value.code == "damaged-weights"


@pytest.mark.parametrize("told", ["no json", "[]", '{"name": "only"}'])
def test_a_card_that_tells_too_little_is_refused(weights, told):
    (weights / "single_view.json").write_text(told, encoding="utf-8")
    with pytest.raises(SetupError) as caught:
        load_single_view(weights)
    assert caught.value.code == "damaged-weights"


def test_what_is_no_network_is_refused_although_its_hash_is_right(weights):
    (weights / "single_view.onnx").write_bytes(b"nothing")
    changed_card(weights, sha256="1785cfc3bc6ac7738e8b38cdccd1af12563c2b9070e07af336a1bf8c0f772b6a")
    with pytest.raises(SetupError) as caught:
        load_single_view(weights)
    assert caught.value.code == "damaged-weights"


def test_numbers_that_are_not_finite_are_not_passed_on(inflating_weights):
    network = load_single_view(inflating_weights)
    image, mask, thickness = square(network.size_px)
    thickness[20, 30] = np.nan
    with pytest.raises(StageFailed, match="front") as caught:
        network(image, mask, thickness)
    assert caught.value.code == "network-not-finite"


def test_the_shipped_weights_are_what_their_card_says():
    if not (SHIPPED / "single_view.json").is_file():
        pytest.skip("no weights are shipped yet")
    network = load_single_view()
    assert network.card.licence == "Apache-2.0"
    assert network.card.bytes <= 40_000_000
    assert "torch" not in sys.modules or network.size_px % 16 == 0
