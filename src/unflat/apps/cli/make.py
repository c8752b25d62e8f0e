"""`unflat PHOTO…`: pictures to models, one or a folder full."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from unflat.apps.cli.progress import ProgressLine
from unflat.apps.cli.wishes import add_wishes, request_of
from unflat.core import Asset, Cancelled, InputError, Reconstruction, UnflatError
from unflat.io.media import PICTURE_ENDINGS


def run(arguments: Sequence[str]) -> int:
    """Make the models; give the exit status, that of the worst picture."""
    options = _parser().parse_args(arguments)
    as_one = options.cameras or options.together or options.sides or options.kind == "photos"
    jobs = [options.pictures] if as_one else [[picture] for picture in _pictures(options.pictures)]
    several = len(jobs) > 1
    status, results = 0, []
    rows: list[Any] = []
    for pictures in jobs:
        try:
            code, result = _make(pictures, options, several, rows)
        except Cancelled:
            raise
        except UnflatError as error:
            if not several:
                raise
            code, result = error.exit_status, {"input": pictures[0], "error": error.code, "message": error.message}
            print(f"unflat: {pictures[0]}: {error.message} [{error.code}]\n  → {error.hint}", file=sys.stderr)
        status = max(status, code)
        results.append(result)
    if options.contact_sheet and rows:
        from unflat.apps.outputs import write_contact_sheet

        write_contact_sheet(rows, Path(options.contact_sheet))
    if options.json:
        print(json.dumps(results if several else results[0], allow_nan=False))
    elif several:
        failed = sum("error" in result for result in results)
        print(f"{len(results) - failed} of {len(results)} pictures became models.", file=sys.stderr)
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="unflat", description="Turn pictures into textured, watertight 3D models.")
    add_wishes(parser)
    outputs = parser.add_argument_group("what to write")
    outputs.add_argument("-o", "--output", metavar="OUT", help="file or folder; “-” writes GLB to the pipe")
    outputs.add_argument(
        "--format", metavar="F,F", help="glb, usdz, obj, ply, stl, 3mf (default: what the target wants)"
    )
    outputs.add_argument("--image-format", choices=("jpeg", "png", "webp"), default="jpeg", help="base colour in a GLB")
    outputs.add_argument("--meshopt", action="store_true", help="compress the GLB's geometry (extra “meshopt”)")
    outputs.add_argument("--capture", metavar="DIR", help="of photos taken together: cameras, cloud and depth maps")
    outputs.add_argument("--preview", action="store_true", help="also a preview picture")
    outputs.add_argument("--sheet", action="store_true", help="also a sheet: photo, sides, normals, seen or inferred")
    outputs.add_argument("--turntable", choices=("webp", "mp4"), help="also a turning picture")
    outputs.add_argument(
        "--contact-sheet", metavar="FILE", help="of many pictures: photo, three sides, seen or inferred"
    )
    outputs.add_argument("--report", action="store_true", help="also the quality report as JSON")
    outputs.add_argument("--json", action="store_true", help="print the result as JSON, no progress")
    outputs.add_argument("--quiet", action="store_true", help="print nothing but errors")
    return parser


def _pictures(given: Sequence[str]) -> list[str]:
    """The pictures named, folders opened, in order."""
    found: list[str] = []
    for name in given:
        if name != "-" and Path(name).is_dir():
            inside = sorted(str(path) for path in Path(name).iterdir() if path.suffix.lower() in PICTURE_ENDINGS)
            if not inside:
                raise InputError(f"The folder “{name}” has no pictures.", code="no-views",
                                 hint=f"Endings searched for: {' '.join(PICTURE_ENDINGS)}.")  # fmt: skip
            found += inside
        else:
            found.append(name)
    return found


def _make(
    pictures: list[str], options: argparse.Namespace, several: bool, rows: list[Any]
) -> tuple[int, dict[str, Any]]:
    """One object, or all objects of one picture: run, write, report; adds its row to the contact sheet's."""
    from unflat.apps.cli.outputs import output_paths, outputs_of, refuse_unwritable
    from unflat.apps.outputs import contact_row, write_outputs
    from unflat.io.glb import glb_bytes
    from unflat.pipeline.request import prepare
    from unflat.pipeline.run import run as run_plan

    loud = not (options.quiet or options.json)
    request = request_of(options, pictures)
    refuse_unwritable(options, several)
    outputs = outputs_of(options)
    with ProgressLine(loud) as line:
        prepared = prepare(request, line.tell)
        made: dict[str, Reconstruction] = {}
        run_options = replace(prepared.options, on_reconstruction=made.__setitem__)
        assets = run_plan(prepared.plan, prepared.intake, run_options)
    written: list[str] = []
    for asset in assets:
        paths = output_paths(options, asset.name, several or len(assets) > 1)
        if paths:
            written += map(str, write_outputs(asset, prepared.intake.photos[0], paths, outputs))
        else:
            sys.stdout.buffer.write(glb_bytes(asset, outputs.glb))
            written.append("-")
        if options.contact_sheet:
            rows.append(contact_row(asset, prepared.intake.photos[0]))
        if loud:
            _tell(asset, written)
    if options.capture:
        from unflat.pipeline.capture_export import write_capture

        capture = [str(path) for path in write_capture(made["reconstruct"], made["finish"], Path(options.capture))]
        written += capture
        if loud:
            print("  wrote " + ", ".join(capture), file=sys.stderr)
    passed = all(asset.report is None or asset.report.passed for asset in assets)
    return (0 if passed else 6), _result(pictures[0], assets, written)


def _tell(asset: Asset, written: list[str]) -> None:
    from unflat.stages.check.describe import describe

    assert asset.report is not None
    for text in describe(asset.report):
        print("  " + text, file=sys.stderr)
    print("  wrote " + ", ".join(written), file=sys.stderr)


def _result(picture: str, assets: tuple[Asset, ...], written: list[str]) -> dict[str, Any]:
    from unflat.stages.check.describe import report_json

    return {
        "input": picture,
        "files": written,
        "reports": [report_json(asset.report) for asset in assets if asset.report is not None],
        "warnings": [warning for asset in assets for warning in asset.provenance.warnings],
        "seconds": sum(seconds for _, seconds in assets[0].provenance.timings_s),
    }
