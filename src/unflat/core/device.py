"""Which device networks run on: the only place that knows the names of accelerators."""

from __future__ import annotations

import importlib.util


def best_device() -> str:
    """The fastest device that torch finds here: ``cuda``, ``mps`` or ``cpu``. Imports torch only if it is installed."""
    if importlib.util.find_spec("torch") is None:
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
