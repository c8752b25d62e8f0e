from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from unflat.core import SetupError
from unflat.nets.mask_network import load_mask_network
from unflat.nets.shipped_weights import SHIPPED

_spec = importlib.util.spec_from_file_location("mask_weights", Path(__file__).with_name("mask_weights.py"))
assert _spec is not None and _spec.loader is not None
mask_weights = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(mask_weights)


def test_the_network_answers_for_a_photo_of_any_size(tmp_path: Path) -> None:
    network = load_mask_network(mask_weights.write_bright_is_object(tmp_path))
    pixels = np.zeros((90, 150, 3), np.uint8)
    pixels[:, 75:] = 255
    said = network(pixels)
    assert said.alpha.shape == (64, 64)
    assert said.alpha[:, :30].max() < 0.01 and said.alpha[:, 34:].min() > 0.99
    assert said.quality == pytest.approx(0.9)


def test_weights_with_another_hash_are_refused(tmp_path: Path) -> None:
    mask_weights.write_bright_is_object(tmp_path)
    content = bytearray((tmp_path / "mask.onnx").read_bytes())
    content[-1] ^= 1
    (tmp_path / "mask.onnx").write_bytes(bytes(content))
    with pytest.raises(SetupError) as refusal:
        load_mask_network(tmp_path)
    assert refusal.value.code == "damaged-weights"


def test_missing_weights_and_missing_cards_are_told_apart_from_damage(tmp_path: Path) -> None:
    with pytest.raises(SetupError) as refusal:
        load_mask_network(tmp_path)
    assert refusal.value.code == "missing-weights"
    mask_weights.write_bright_is_object(tmp_path)
    (tmp_path / "mask.onnx").unlink()
    with pytest.raises(SetupError) as refusal:
        load_mask_network(tmp_path)
    assert refusal.value.code == "missing-weights"


@pytest.mark.parametrize("card", ["no json", "[]", '{"name": "x"}'])
def test_a_card_that_says_too_little_is_refused(tmp_path: Path, card: str) -> None:
    (tmp_path / "mask.json").write_text(card, encoding="utf-8")
    with pytest.raises(SetupError) as refusal:
        load_mask_network(tmp_path)
    assert refusal.value.code == "damaged-weights"


@pytest.mark.skipif(not (SHIPPED / "mask.json").is_file(), reason="no mask weights are shipped")
def test_the_shipped_weights_open_and_are_small() -> None:
    network = load_mask_network()
    assert network.card.bytes <= 12_000_000
    assert network.card.licence == "Apache-2.0"
    said = network(np.full((100, 80, 3), 128, np.uint8))
    assert said.quality < 0.5
