"""The packages that batch needs beyond the base install."""

from __future__ import annotations

import importlib
from typing import Any

from unflat.core import SetupError


def need(module: str, extra: str = "batch") -> Any:
    """The module, or a `SetupError` (``missing-extra``) with the line that installs it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise SetupError(
            f"This needs the package {module.partition('.')[0]}, which is not installed.",
            code="missing-extra",
            hint=f"pip install 'unflat[{extra}]'",
        ) from error
