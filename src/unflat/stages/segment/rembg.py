"""The mask networks of rembg (D. Gatis, MIT), which brings U2-Net, IS-Net, BiRefNet and others to ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float32
from PIL import Image

from unflat.core import Context, InputError, Mask, Photo, RecipeError, SetupError, View

_NOT_FOR_COMMERCE = ("bria-rmbg",)
"""Models whose weights forbid commercial use."""
_UNDECIDED = (0.1, 0.9)
"""Alpha between these is undecided."""


@dataclass(frozen=True)
class Rembg:
    """Asks a network of rembg. Its weights are downloaded at first use, or read from a file of yours."""

    model: str = "isnet-general-use"
    """A model of rembg: isnet-general-use, u2net, u2netp, birefnet-general …; u2net_custom, dis_custom with a file."""
    model_path: str | None = None
    """ONNX file for a custom model, inside rembg's own model folder (~/.rembg, or where U2NET_HOME points)."""

    def __post_init__(self) -> None:
        if self.model.endswith("_custom") != (self.model_path is not None):
            raise RecipeError(
                f"segment.model “{self.model}” and segment.model_path “{self.model_path}” don't go together.",
                code="bad-option",
                hint="Give a file with u2net_custom (320 px) or dis_custom (1024 px), and only with these.",
            )

    def __call__(self, photo: Photo, context: Context) -> View:
        """The photo with the network's mask. Raises `SetupError` where the weights can't be had or read."""
        if self.model in _NOT_FOR_COMMERCE:
            context.warn(f"The weights of {self.model} may not be used commercially.")
        session = _session(self.model, self.model_path)
        context.progress(0.5)
        alpha = _predicted(session, photo)
        if not (alpha > 0.5).any():
            raise InputError(
                f"{self.model} sees no object in “{photo.name}”.",
                code="nothing-in-picture",
                hint="Give a picture with one clear object, or mark it with --box or --mask.",
            )
        return View(photo, Mask(alpha, made_by="rembg", confidence=_confidence(alpha)))


@lru_cache(maxsize=1)
def _session(model: str, model_path: str | None) -> Any:
    """The loaded network; the last one is kept, so that a batch loads it once."""
    import rembg
    from onnxruntime.capi import onnxruntime_pybind11_state as onnx_errors
    from rembg.sessions import sessions_class

    known = {session.name(): session for session in sessions_class}
    _refuse_unknown_and_remote(model, known)
    if model_path is not None and not Path(model_path).expanduser().is_file():
        raise _unusable(model, f"there is no file “{model_path}”")
    try:
        return rembg.new_session(model, **({} if model_path is None else {"model_path": model_path}))
    except OSError as error:
        raise SetupError(
            f"The weights of rembg's {model} are not on this machine and could not be downloaded.",
            code="missing-weights",
            hint="Go online once, copy the model into rembg's folder (~/.rembg), or use segment backend auto.",
        ) from error
    except (ValueError, onnx_errors.Fail, onnx_errors.InvalidProtobuf, onnx_errors.InvalidGraph) as error:
        raise _unusable(model, str(error)) from error


def _refuse_unknown_and_remote(model: str, known: dict[str, Any]) -> None:
    """Raise `RecipeError` for a model that rembg does not have, or that sends the picture away."""
    if model not in known:
        raise RecipeError(
            f"rembg has no model “{model}”.",
            code="bad-option",
            hint=f"Known: {', '.join(sorted(name for name, session in known.items() if _is_local(session)))}.",
        )
    if not _is_local(known[model]):
        raise RecipeError(
            f"rembg's {model} sends the picture to a service; unflat works offline.",
            code="bad-option",
            hint="Take a model that runs here, such as isnet-general-use.",
        )


def _is_local(session: Any) -> bool:
    """Whether it runs on this machine; early versions of rembg had no other."""
    return bool(getattr(session, "is_local", lambda: True)())


def _predicted(session: Any, photo: Photo) -> Float32[np.ndarray, "h w"]:
    """The network's alpha at the photo's size. Networks stretch their output to 0..1; a flat one becomes 0."""
    with np.errstate(invalid="ignore", divide="ignore"):
        mask = session.predict(Image.fromarray(np.ascontiguousarray(photo.pixels)))[0]
    alpha = np.asarray(mask.convert("L"), dtype=np.float32) / np.float32(255)
    if alpha.shape != photo.pixels.shape[:2]:
        raise _unusable(session.model_name, f"its mask has the shape {alpha.shape}")
    return alpha


def _confidence(alpha: Float32[np.ndarray, "h w"]) -> float:
    """How decided the network is: one minus the undecided area over the object's, 0..1."""
    undecided = (alpha > _UNDECIDED[0]) & (alpha < _UNDECIDED[1])
    return float(np.clip(1 - undecided.sum() / max(int((alpha > 0.5).sum()), 1), 0, 1))


def _unusable(model: str, reason: str) -> SetupError:
    return SetupError(
        f"rembg's model {model} can't be used: {reason}.",
        code="bad-weights",
        hint="Give an ONNX file with an image 1x3xHxW in and a mask 1x1xHxW out, inside ~/.rembg (or U2NET_HOME).",
    )
