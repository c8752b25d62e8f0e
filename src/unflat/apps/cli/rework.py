"""`unflat rework MODEL -o OUT`: any model to another format, face count, texture, size or use."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path


def run(arguments: Sequence[str]) -> int:
    """Write the model as wished; exit status 6 if it is refused for its target."""
    options = _parser().parse_args(arguments)

    from unflat.apps.cli.outputs import output_paths, outputs_of, refuse_unwritable
    from unflat.apps.cli.progress import ProgressLine
    from unflat.apps.outputs import write_outputs
    from unflat.core import Context
    from unflat.io.load import load_asset
    from unflat.pipeline.rework import Rework, rework
    from unflat.stages.check.describe import describe, report_json

    loud = not (options.quiet or options.json)
    wishes = Rework(
        options.watertight, options.faces, options.quads, options.texture,
        options.height, options.size, options.up, options.target,
    )  # fmt: skip
    refuse_unwritable(options, several=False)
    with ProgressLine(loud) as line:
        asset = rework(load_asset(Path(options.model), context=Context(warn=_warn)), wishes, line.tell)
    paths = output_paths(options, asset.name, several=False)
    written = [str(path) for path in write_outputs(asset, None, paths, outputs_of(options))]
    assert asset.report is not None
    if options.json:
        print(json.dumps({"files": written, "reports": [report_json(asset.report)]}, allow_nan=False))
    elif loud:
        print("\n".join("  " + text for text in describe(asset.report)), file=sys.stderr)
        print("  wrote " + ", ".join(written), file=sys.stderr)
    return 0 if asset.report.passed else 6


def _warn(message: str) -> None:
    print(f"  ! {message}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="unflat rework", description="Any model to another format, face count, texture, size or use."
    )
    parser.add_argument("model", help="glb, gltf, obj, ply, stl, 3mf, off, usdz")
    parser.add_argument("-o", "--output", metavar="OUT", required=True, help="file or folder")
    parser.add_argument("--for", dest="target", default="", metavar="TARGET", help="game, ar, print or web")
    parser.add_argument("--faces", type=int, metavar="N", help="face budget")
    parser.add_argument("--quads", action="store_true", help="clean quads instead of triangles")
    parser.add_argument("--texture", type=int, metavar="PX", help="largest texture side")
    parser.add_argument("--watertight", action="store_true", help="close it")
    parser.add_argument("--height", metavar="LENGTH", help="real height, as in 12cm, 0.3m or 4in")
    parser.add_argument("--size", metavar="LENGTH", help="real longest side")
    parser.add_argument("--up", metavar="AXIS", help="the model's axis that shall point up: x, -x, y, -y, z, -z")
    parser.add_argument("--format", metavar="F,F", help="glb, usdz, obj, ply, stl, 3mf")
    parser.add_argument("--image-format", choices=("jpeg", "png", "webp"), default="jpeg")
    parser.add_argument("--meshopt", action="store_true", help="compress the GLB's geometry (extra “meshopt”)")
    parser.add_argument("--preview", action="store_true", help="also a preview picture")
    parser.add_argument("--turntable", choices=("webp", "mp4"), help="also a turning picture")
    parser.add_argument("--report", action="store_true", help="also the quality report as JSON")
    parser.add_argument("--json", action="store_true", help="print the result as JSON, no progress")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    parser.set_defaults(sheet=False)
    return parser
