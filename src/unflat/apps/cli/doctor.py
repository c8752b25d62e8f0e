"""`unflat doctor`: what this install has, lacks, and where it keeps things."""

from __future__ import annotations

import argparse
import os
import platform
import shutil
from collections.abc import Sequence
from pathlib import Path


def run(arguments: Sequence[str]) -> int:
    """Print the findings; exit status 4 if a needed part does not work."""
    import numpy as np

    from unflat import __version__
    from unflat.core import Mesh
    from unflat.geometry.raycast import RayCaster
    from unflat.pipeline.folder import cache_root
    from unflat.stages.catalog import all_cards

    argparse.ArgumentParser(prog="unflat doctor", description="Look at this install.").parse_args(arguments)
    print(f"unflat {__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}")
    print(f"cores {os.cpu_count()}, free disk {shutil.disk_usage(Path.cwd()).free / 1e9:.0f} GB")
    print(f"run cache {cache_root()}")
    triangle = Mesh(np.eye(3, dtype=np.float32), np.array([[0, 1, 2]], np.int32))
    hits = RayCaster(triangle).cast(np.zeros((1, 3), np.float32), np.ones((1, 3), np.float32))
    healthy = bool(hits.hit[0])
    print(f"ray casting {'works' if healthy else 'does not work'}")
    for card in all_cards():
        if card.missing:
            modules = ", ".join(card.missing)
            print(f"optional: {card.stage} {card.name} needs {modules}: pip install 'unflat[{card.extra}]'")
    print("all is well" if healthy else "reinstall embreex: pip install --force-reinstall embreex")
    return 0 if healthy else 4
