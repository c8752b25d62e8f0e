"""`unflat check MODEL`: measure any model from anywhere and judge it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path


def run(arguments: Sequence[str]) -> int:
    """Print the report; exit status 6 if the model is refused for its target."""
    from unflat.io.load import load_asset
    from unflat.stages.check.describe import describe, report_json
    from unflat.stages.check.gate import check

    parser = argparse.ArgumentParser(prog="unflat check", description="Measure a model and judge it for a target.")
    parser.add_argument("model", help="glb, gltf, obj, ply, stl, 3mf, off, usdz")
    parser.add_argument("--for", dest="target", default="", metavar="TARGET", help="game, ar, print or web")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    report = check(load_asset(Path(options.model)), options.target)
    print(json.dumps(report_json(report), indent=2) if options.json else "\n".join(describe(report)))
    return 0 if report.passed else 6
