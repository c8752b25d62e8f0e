"""Depth from one photo by a network of others, through transformers (extra ``depth``).

Knows the families Depth Anything (Yang et al. 2024) and DPT / MiDaS (Ranftl et al. 2021). The weights have their
makers' licences (`LICENCES`), which are for the user to keep.
"""

from __future__ import annotations

import importlib.util
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float32

from unflat.core import DepthMap, Photo, Scale, SetupError, StageFailed

SUGGESTED_MODEL = "depth-anything/Depth-Anything-V2-Small-hf"
"""Small, good and Apache-2.0. Its ``Metric-Indoor`` and ``Metric-Outdoor`` sisters give metres."""

LICENCES = {
    "depth-anything/Depth-Anything-V2-Small-hf": "Apache-2.0",
    "depth-anything/Depth-Anything-V2-Metric-Indoor-Small-hf": "Apache-2.0",
    "depth-anything/Depth-Anything-V2-Metric-Outdoor-Small-hf": "Apache-2.0",
    "depth-anything/Depth-Anything-V2-Base-hf": "CC-BY-NC-4.0",
    "depth-anything/Depth-Anything-V2-Large-hf": "CC-BY-NC-4.0",
    "Intel/dpt-large": "Apache-2.0",
    "Intel/dpt-hybrid-midas": "Apache-2.0",
}
"""Licence of the weights, as their makers state it."""

RELATIVE_FAR_OVER_NEAR = 10.0
"""Depth range that a relative map is stretched to. Only the order and the ratios of its inverse mean anything."""

_FAMILIES = ("depth_anything", "dpt")
_INTERPOLATIONS = {0: cv2.INTER_NEAREST, 2: cv2.INTER_LINEAR, 3: cv2.INTER_CUBIC}
"""By Pillow's number, as configurations name them."""


def predict_depth(photo: Photo, model: str, device: str) -> DepthMap:
    """Depth of every pixel of a photo.

    `model` is a name on the hub or a folder with ``config.json``, ``preprocessor_config.json`` and safetensors. A model
    that says that it is metric gives METRIC depth. A relative one, whose output is nearness up to factor and offset,
    gives UP_TO_SCALE depth from 1 to `RELATIVE_FAR_OVER_NEAR`, the inverse of which is affine in the output. Raises
    `SetupError` (``missing-extra``, ``missing-weights``, ``wrong-weights``). The first call loads the weights.
    """
    network, preparation = _loaded(model, device)
    output = _run(network, _prepared(photo, preparation), device)
    if not np.isfinite(output).all():
        raise StageFailed(
            f"The depth network “{model}” gave numbers that are not finite.",
            code="depth-not-finite",
            hint="Try another model, or another photo.",
        )
    depth = cv2.resize(output, (photo.width, photo.height), interpolation=cv2.INTER_LINEAR)
    if getattr(network.config, "depth_estimation_type", "relative") == "metric":
        return DepthMap(np.where(depth > 0, depth, np.nan).astype(np.float32), Scale.METRIC)
    low, high = float(depth.min()), float(depth.max())
    share = (depth - low) / max(high - low, 1e-12)
    return DepthMap((RELATIVE_FAR_OVER_NEAR / (1 + share * (RELATIVE_FAR_OVER_NEAR - 1))).astype(np.float32))


@lru_cache(maxsize=1)
def _loaded(model: str, device: str) -> tuple[Any, dict[str, Any]]:
    """The network and how its pictures are prepared; kept, since a batch asks for the same one again and again."""
    _require_packages()
    folder = Path(model)
    is_path = model.count("/") != 1 or model.startswith((".", "/")) or folder.is_dir()
    if is_path and not (folder / "config.json").is_file():
        raise _missing_weights(model)
    try:
        try:
            # What is here already is used without asking the hub: it works offline, and nobody is told.
            network, preparation = _read(model, local_files_only=True)
        except OSError:
            network, preparation = _read(model, local_files_only=False)
    except OSError as error:
        raise _missing_weights(model) from error
    except (ValueError, RuntimeError, KeyError) as error:
        raise _wrong_weights(model, str(error)) from error
    return network.to(device).eval(), preparation


def _read(model: str, *, local_files_only: bool) -> tuple[Any, dict[str, Any]]:
    """From the folder, the cache or the hub. Only safetensors, which can't carry code."""
    from transformers import AutoConfig, AutoModelForDepthEstimation
    from transformers.utils import cached_file

    family = AutoConfig.from_pretrained(model, local_files_only=local_files_only).model_type
    if family not in _FAMILIES:
        raise _wrong_weights(model, f"it is a “{family}”")
    preparation = cached_file(model, "preprocessor_config.json", local_files_only=local_files_only)
    network = AutoModelForDepthEstimation.from_pretrained(
        model, use_safetensors=True, local_files_only=local_files_only
    )
    return network, json.loads(Path(preparation).read_text(encoding="utf-8"))


def _prepared(photo: Photo, preparation: dict[str, Any]) -> Float32[np.ndarray, "1 3 h w"]:
    """The photo as the network was trained on it: resized and normalized."""
    height, width = _input_size(photo, preparation)
    interpolation = _INTERPOLATIONS.get(preparation.get("resample", 3), cv2.INTER_CUBIC)
    # Reducing by more than the kernel's width aliases; Pillow, which the makers used, averages there.
    reduces = height < photo.height and width < photo.width
    resized = cv2.resize(photo.pixels, (width, height), interpolation=cv2.INTER_AREA if reduces else interpolation)
    mean = np.array(preparation.get("image_mean", (0.5, 0.5, 0.5)), np.float32)
    deviation = np.array(preparation.get("image_std", (0.5, 0.5, 0.5)), np.float32)
    normalized = (resized.astype(np.float32) / np.float32(255) - mean) / deviation
    return np.ascontiguousarray(normalized.transpose(2, 0, 1)[None])


def _input_size(photo: Photo, preparation: dict[str, Any]) -> tuple[int, int]:
    """Height and width for the network by DPT's rule: the aspect is kept where asked, and the least is changed."""
    size = preparation.get("size", {"height": 384, "width": 384})
    if not isinstance(size, dict):
        size = {"height": size, "width": size}
    by_height, by_width = size["height"] / photo.height, size["width"] / photo.width
    if preparation.get("keep_aspect_ratio", False):
        by_height = by_width = by_width if abs(1 - by_width) < abs(1 - by_height) else by_height
    multiple = preparation.get("ensure_multiple_of", 1)
    height, width = (
        max(multiple, round(side * by / multiple) * multiple)
        for side, by in ((photo.height, by_height), (photo.width, by_width))
    )
    return height, width


def _run(network: Any, picture: Float32[np.ndarray, "1 3 h w"], device: str) -> Float32[np.ndarray, "oh ow"]:
    import torch

    with torch.inference_mode():
        output = network(pixel_values=torch.from_numpy(picture).to(device)).predicted_depth
    return np.asarray(output[0].float().cpu().numpy(), np.float32)


def _require_packages() -> None:
    missing = [name for name in ("torch", "transformers") if importlib.util.find_spec(name) is None]
    if missing:
        raise SetupError(
            f"Depth networks need {' and '.join(missing)}, which is not installed.",
            code="missing-extra",
            hint="pip install 'unflat[depth]'",
        )


def _missing_weights(model: str) -> SetupError:
    name = model if model in LICENCES else SUGGESTED_MODEL
    return SetupError(
        f"The depth model “{model}” is neither a folder with config.json, preprocessor_config.json and safetensors, "
        "nor could it be had from the hub.",
        code="missing-weights",
        hint=f"Go online once; or run “hf download {name} --local-dir FOLDER” elsewhere, bring the folder here and "
        "give --set reconstruct.model=FOLDER.",
    )


def _wrong_weights(model: str, why: str) -> SetupError:
    return SetupError(
        f"“{model}” could not be loaded as a depth network: {why}.",
        code="wrong-weights",
        hint=f"Name a model of the families {' or '.join(_FAMILIES)}, such as {SUGGESTED_MODEL}.",
    )
