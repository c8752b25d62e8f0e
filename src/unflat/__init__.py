"""Pictures in; a textured, watertight, checked 3D asset out.

    import unflat
    asset = unflat.reconstruct("photo.jpg", height="12cm")
    unflat.write(asset, "photo.glb")

Names are loaded at first use, so that `import unflat` is quick.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOME = {
    **dict.fromkeys(
        ("reconstruct", "reconstruct_all", "rework", "backend", "write", "load", "check"), "unflat.apps.python"
    ),
    **dict.fromkeys(("Request",), "unflat.pipeline.request"),
    **dict.fromkeys(("Rework",), "unflat.pipeline.rework"),
    **dict.fromkeys(("read_photo",), "unflat.io.photo"),
    **dict.fromkeys(("mesh_from_trimesh", "trimesh_from_mesh"), "unflat.io.trimesh_bridge"),
}

_NOUNS = (
    "Asset", "Camera", "Cancelled", "Context", "DepthMap", "Drawing", "Field", "Finding", "GateRefused", "InputError",
    "Mask", "Material", "Mesh", "Part", "Photo", "PointCloud", "Provenance", "QualityReport", "RecipeError",
    "Reconstruction", "Scale", "SetupError", "StageFailed", "UnflatError", "View", "Views",
)  # fmt: skip

__all__ = ["__version__", *_HOME, *_NOUNS]  # noqa: PLE0604 - the names are texts


def __getattr__(name: str) -> Any:
    if name in _NOUNS:
        return getattr(importlib.import_module("unflat.core"), name)
    if name in _HOME:
        return getattr(importlib.import_module(_HOME[name]), name)
    raise AttributeError(f"module 'unflat' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
