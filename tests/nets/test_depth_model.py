"""The adapter for depth networks, on a tiny random checkpoint with the true layout."""

import importlib.util
import json
from dataclasses import replace

import numpy as np
import pytest

from unflat.core import Context, Mask, Photo, Scale, SetupError, View, Views
from unflat.geometry.topology import is_closed
from unflat.nets import depth_model
from unflat.nets.depth_model import _input_size, _prepared, predict_depth
from unflat.stages.reconstruct.relief import Relief

DEPTH_ANYTHING = {
    "size": {"height": 518, "width": 518},
    "keep_aspect_ratio": True,
    "ensure_multiple_of": 14,
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
    "resample": 3,
}
"""The published preparation of Depth Anything V2."""

has_torch = all(importlib.util.find_spec(name) for name in ("torch", "transformers"))
needs_torch = pytest.mark.skipif(not has_torch, reason="torch and transformers are not installed")


def photo(height=60, width=80):
    rng = np.random.default_rng(0)
    return Photo(rng.integers(0, 255, (height, width, 3), np.uint8), focal_px=90.0)


def save_checkpoint(folder, metric: bool):
    """A tiny Depth Anything with random weights, saved as on the hub."""
    import torch
    from transformers import DepthAnythingConfig, DepthAnythingForDepthEstimation, Dinov2Config

    torch.manual_seed(0)
    backbone = Dinov2Config(
        hidden_size=32,
        num_hidden_layers=4,
        num_attention_heads=2,
        image_size=56,
        patch_size=14,
        out_features=["stage1", "stage2", "stage3", "stage4"],
        reshape_hidden_states=False,
        apply_layernorm=True,
    )
    kind = {"depth_estimation_type": "metric", "max_depth": 20} if metric else {}
    config = DepthAnythingConfig(
        backbone_config=backbone,
        reassemble_hidden_size=32,
        neck_hidden_sizes=[8, 8, 8, 8],
        fusion_hidden_size=8,
        head_hidden_size=4,
        **kind,
    )
    DepthAnythingForDepthEstimation(config).save_pretrained(folder)
    small = DEPTH_ANYTHING | {"size": {"height": 56, "width": 56}}
    (folder / "preprocessor_config.json").write_text(json.dumps(small), encoding="utf-8")
    return str(folder)


@pytest.mark.parametrize(
    ("size", "expected"),
    [((768, 1024), (518, 686)), ((1024, 768), (686, 518)), ((518, 518), (518, 518)), ((400, 300), (518, 392))],
)
def test_the_photo_is_resized_by_the_makers_rule(size, expected):
    assert _input_size(photo(*size), DEPTH_ANYTHING) == expected


def test_without_an_aspect_to_keep_the_size_is_that_of_the_configuration():
    assert _input_size(photo(100, 300), {"size": {"height": 384, "width": 384}}) == (384, 384)
    assert _input_size(photo(100, 300), {"size": 384}) == (384, 384)


def test_a_photo_of_the_mean_colour_becomes_zero():
    mean = np.round(np.array(DEPTH_ANYTHING["image_mean"]) * 255).astype(np.uint8)
    plain = Photo(np.tile(mean, (30, 40, 1)))
    prepared = _prepared(plain, DEPTH_ANYTHING)
    assert prepared.shape == (1, 3, 392, 518)
    assert np.abs(prepared).max() < 0.01


def test_without_the_packages_the_pip_line_is_given(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    depth_model._loaded.cache_clear()
    with pytest.raises(SetupError) as caught:
        predict_depth(photo(), "depth-anything/Depth-Anything-V2-Small-hf", "cpu")
    assert caught.value.code == "missing-extra"
    assert caught.value.hint == "pip install 'unflat[depth]'"


def test_the_suggested_models_may_be_used_commercially():
    assert depth_model.LICENCES[depth_model.SUGGESTED_MODEL] == "Apache-2.0"


@needs_torch
def test_a_relative_model_gives_depth_up_to_scale_with_near_and_far_the_right_way_round(tmp_path):
    import torch
    from transformers import AutoModelForDepthEstimation

    folder = save_checkpoint(tmp_path, metric=False)
    depth = predict_depth(photo(), folder, "cpu")
    assert depth.scale is Scale.UP_TO_SCALE
    assert depth.depth.shape == (60, 80)
    assert np.isclose(depth.depth.min(), 1, atol=1e-3)
    assert np.isclose(depth.depth.max(), 10, atol=1e-2)
    network = AutoModelForDepthEstimation.from_pretrained(folder).eval()
    prepared = torch.from_numpy(_prepared(photo(), DEPTH_ANYTHING | {"size": {"height": 56, "width": 56}}))
    with torch.inference_mode():
        output = network(prepared).predicted_depth[0].numpy()
    nearest = np.unravel_index(np.argmax(output), output.shape)
    row, column = nearest[0] * 60 // output.shape[0], nearest[1] * 80 // output.shape[1]
    assert depth.depth[row, column] < np.median(depth.depth)


@needs_torch
def test_a_metric_model_gives_metres_and_a_metric_relief(tmp_path):
    folder = save_checkpoint(tmp_path, metric=True)
    depth = predict_depth(photo(), folder, "cpu")
    assert depth.scale is Scale.METRIC
    assert 0 < depth.depth.min() <= depth.depth.max() <= 20
    told = []
    result = Relief(model=folder)(Views((View(photo()),)), Context(warn=told.append))
    assert result.scale is Scale.METRIC
    assert any("licence" in sentence for sentence in told)


@needs_torch
def test_a_relief_is_made_from_a_predicted_depth(tmp_path):
    folder = save_checkpoint(tmp_path, metric=False)
    alpha = np.zeros((60, 80), np.float32)
    alpha[10:50, 20:60] = 1
    view = View(photo(), Mask(alpha))
    for given in (view, replace(view, mask=None)):
        result = Relief(model=folder)(Views((given,)), Context())
        assert result.scale is Scale.UP_TO_SCALE
        assert is_closed(result.mesh.faces)


@needs_torch
def test_a_folder_without_weights_says_how_to_get_them(tmp_path):
    with pytest.raises(SetupError) as caught:
        predict_depth(photo(), str(tmp_path), "cpu")
    assert caught.value.code == "missing-weights"
    assert "hf download" in caught.value.hint


@needs_torch
def test_a_name_that_cannot_be_fetched_says_how_to_get_it(monkeypatch):
    import huggingface_hub

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(SetupError) as caught:
        predict_depth(photo(), "nobody/no-such-depth-model", "cpu")
    assert caught.value.code == "missing-weights"


@needs_torch
def test_a_network_for_something_else_is_refused(tmp_path):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}), encoding="utf-8")
    with pytest.raises(SetupError) as caught:
        predict_depth(photo(), str(tmp_path), "cpu")
    assert caught.value.code == "wrong-weights"
    assert "bert" in str(caught.value)
