from __future__ import annotations

import importlib.util
from pathlib import Path

import cv2
import numpy as np
import pytest

from unflat.core import Context, InputError, Photo
from unflat.geometry.masks import intersection_over_union
from unflat.stages.segment.network import Network

_FILE = Path(__file__).parents[2] / "nets" / "mask_weights.py"
_spec = importlib.util.spec_from_file_location("mask_weights", _FILE)
assert _spec is not None and _spec.loader is not None
mask_weights = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(mask_weights)


def test_the_mask_follows_the_photo_at_its_full_size(tmp_path: Path) -> None:
    weights = str(mask_weights.write_bright_is_object(tmp_path))
    pixels = np.full((700, 500, 3), 40, np.uint8)
    cv2.circle(pixels, (240, 330), 150, (235, 240, 210), -1)
    view = Network(weights)(Photo(pixels), Context())
    assert view.mask is not None and view.mask.made_by == "network"
    assert intersection_over_union(view.mask.solid, pixels[..., 0] > 100) > 0.985
    assert view.mask.confidence > 0.7


def test_a_photo_in_which_nothing_is_seen_is_refused(tmp_path: Path) -> None:
    weights = str(mask_weights.write_bright_is_object(tmp_path))
    with pytest.raises(InputError) as refusal:
        Network(weights)(Photo(np.full((60, 80, 3), 30, np.uint8)), Context())
    assert refusal.value.code == "nothing-in-picture"


def test_a_network_that_expects_little_of_its_mask_is_not_confident(tmp_path: Path) -> None:
    weights = str(mask_weights.write_bright_is_object(tmp_path, quality=0.1))
    pixels = np.full((64, 64, 3), 30, np.uint8)
    pixels[20:40, 20:40] = 250
    view = Network(weights)(Photo(pixels), Context())
    assert view.mask is not None and view.mask.confidence < 0.2
