"""A backend's card: what is known of it before it is imported."""

from __future__ import annotations

import importlib
import importlib.util
from dataclasses import dataclass
from typing import Any, Literal

from unflat.core.errors import SetupError

StageName = Literal["segment", "pose", "reconstruct", "surface", "finish", "texture"]
"""The stages that a recipe fills, in order."""


@dataclass(frozen=True)
class Card:
    """Declares a backend; importing nothing."""

    stage: StageName
    name: str
    target: str
    """``package.module:Class`` of the frozen dataclass that does the work."""
    summary: str
    licence: str = "Apache-2.0"
    """SPDX name of the code's licence, the libraries that it stands on included."""
    weights_licence: str = ""
    """Licence of the weights it loads; empty if it has none."""
    commercial: bool = True
    """Whether code and weights may be used commercially."""
    modules: tuple[str, ...] = ()
    """Modules beyond the base install that it needs."""
    extra: str = ""
    """The extra of `unflat` that installs them."""
    takes: tuple[str, ...] = ("photo", "photos", "drawing", "views")
    """Kinds of source it can work on."""
    gives: tuple[StageName, ...] = ()
    """Later stages that it makes superfluous, for models that do several steps at once."""
    seconds: float = 0.5
    """Usual time for a 1024-pixel picture on two cores: feeds the plan and the first guess of time left."""

    @property
    def missing(self) -> tuple[str, ...]:
        """Needed modules that are not installed."""
        return tuple(module for module in self.modules if importlib.util.find_spec(module) is None)

    def load(self) -> type[Any]:
        """Import the class. Raises `SetupError` with the pip line where something is missing."""
        if self.missing:
            raise SetupError(
                f"The {self.stage} backend “{self.name}” needs {', '.join(self.missing)}, which is not installed.",
                hint=f"pip install 'unflat[{self.extra}]'",
                code="missing-extra",
            )
        module, _, attribute = self.target.partition(":")
        loaded = getattr(importlib.import_module(module), attribute)
        assert isinstance(loaded, type)
        return loaded
