"""Depth from one photo by a network of others, through transformers (extra ``depth``).

The weights have their makers' licences, which are for the user to keep: Depth-Anything-V2-Small and its metric variants
are Apache-2.0; the Base and Large ones CC-BY-NC-4.0, not for commercial use.
"""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float32

from unflat.core import DepthMap, InputError, Photo, Scale, SetupError

SUGGESTED_MODEL = "depth-anything/Depth-Anything-V2-Small-hf"
"""Small, good and Apache-2.0. ``…-Metric-Indoor-Small-hf`` and ``…-Metric-Outdoor-Small-hf`` give metres."""

RELATIVE_FAR_OVER_NEAR = 10.0
"""Depth range that a relative map is stretched to. Only the order and the ratios of its inverse mean anything."""


def predict_depth(photo: Photo, model: str, device: str) -> DepthMap:
    """Depth of every pixel of a photo.

    `model` is a name on the hub or a folder with ``config.json`` and weights. A model that says that it is metric gives
    METRIC depth. A relative one, whose output is nearness up to factor and offset, gives UP_TO_SCALE depth from 1 to
    `RELATIVE_FAR_OVER_NEAR`, the inverse of which is affine in the output. Raises `SetupError` (``missing-extra``,
    ``missing-weights``, ``wrong-weights``). The first call loads; Small takes about 2 s a photo on two cores.
    """
    network, processor = _loaded(model, device)
    output = _run(network, processor, photo, device)
    depth = cv2.resize(output, (photo.width, photo.height), interpolation=cv2.INTER_LINEAR)
    if getattr(network.config, "depth_estimation_type", "relative") == "metric":
        return DepthMap(np.where(depth > 0, depth, np.nan).astype(np.float32), Scale.METRIC)
    return DepthMap(_depth_of_relative(depth))


def _depth_of_relative(nearness: Float32[np.ndarray, "h w"]) -> Float32[np.ndarray, "h w"]:
    low, high = float(nearness.min()), float(nearness.max())
    if not np.isfinite([low, high]).all():
        raise InputError(
            "The depth network gave numbers that are not finite.",
            code="depth-not-finite",
            hint="Try another model, or another photo.",
        )
    share = (nearness - low) / max(high - low, 1e-12)
    return (RELATIVE_FAR_OVER_NEAR / (1 + share * (RELATIVE_FAR_OVER_NEAR - 1))).astype(np.float32)


@lru_cache(maxsize=1)
def _loaded(model: str, device: str) -> tuple[Any, Any]:
    """The network and its image processor; kept, since a batch asks for the same one again and again."""
    _require_packages()
    from transformers import AutoImageProcessor, AutoModelForDepthEstimation

    try:
        processor = AutoImageProcessor.from_pretrained(model)
        network = AutoModelForDepthEstimation.from_pretrained(model)
    except OSError as error:
        raise SetupError(
            f"The depth model “{model}” is neither a folder with config.json, preprocessor_config.json and weights, "
            "nor could it be had from the hub.",
            code="missing-weights",
            hint=f"Go online once, or fetch it elsewhere with: hf download {_hub_name(model)} --local-dir FOLDER, "
            "and give --set reconstruct.model=FOLDER.",
        ) from error
    except (ValueError, RuntimeError, KeyError) as error:
        raise SetupError(
            f"“{model}” could not be loaded as a depth network: {error}",
            code="wrong-weights",
            hint=f"Name a model for depth estimation, such as {SUGGESTED_MODEL}.",
        ) from error
    return network.to(device).eval(), processor


def _run(network: Any, processor: Any, photo: Photo, device: str) -> Float32[np.ndarray, "h w"]:
    import torch

    inputs = processor(images=photo.pixels, return_tensors="pt").to(device)
    with torch.inference_mode():
        output = network(**inputs).predicted_depth
    return np.asarray(output[0].float().cpu().numpy(), np.float32)


def _require_packages() -> None:
    missing = [name for name in ("torch", "transformers") if importlib.util.find_spec(name) is None]
    if missing:
        raise SetupError(
            f"Depth networks need {' and '.join(missing)}, which is not installed.",
            code="missing-extra",
            hint="pip install 'unflat[depth]'",
        )


def _hub_name(model: str) -> str:
    return SUGGESTED_MODEL if Path(model).is_absolute() or model.count("/") != 1 else model
