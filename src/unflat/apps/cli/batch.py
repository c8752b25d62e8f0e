"""`unflat batch IN -o OUT`: thousands of pictures to models, with a report; what is there already stays."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from unflat.apps.cli.batch_progress import BatchLine
from unflat.apps.cli.wishes import add_how, add_wanted, settings_of
from unflat.core import RecipeError

if TYPE_CHECKING:
    from unflat.apps.batch.engine import Engine

_UNITS = {"k": 1e3, "m": 1e6, "g": 1e9}


def run(arguments: Sequence[str]) -> int:
    """Make what is missing; give the exit status of the worst item."""
    from unflat.apps.batch.conductor import Batch, refuse_impossible, run_batch
    from unflat.apps.batch.listing import list_items
    from unflat.apps.outputs import Outputs, formats_for

    options = _parser().parse_args(arguments)
    wishes = _wishes(options)
    refuse_impossible(wishes)
    outputs = Outputs(
        formats_for(options.target, options.format), options.image_format, preview=True, sheet=options.sheet,
        turntable=options.turntable,
    )  # fmt: skip
    items = list_items(options.inputs, recursive=options.recursive, out=options.output)
    batch = Batch(items, options.output, wishes, outputs, options.format, options.again, options.time_limit)
    engine = _engine(options)
    with _stoppable(), BatchLine(not (options.quiet or options.json)) as line:
        report = run_batch(batch, engine, line.tell)
    told = {
        "items": len(report.records), **report.states, "this_run": len(report.this_run),
        "seconds": round(report.seconds, 3), "photos_per_hour": report.photos_per_hour,
        "failures": {code: len(records) for code, records in report.failures.items()},
        "report": f"{options.output}/report.html", "table": f"{options.output}/report.parquet",
    }  # fmt: skip
    if options.json:
        print(json.dumps(told))
    elif not options.quiet:
        _tell(told)
    return report.exit_status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="unflat batch", description="Turn many pictures into models, with a report.")
    parser.add_argument("inputs", nargs="+", metavar="IN",
                        help="folders, patterns, manifests (.csv, .parquet), pictures; also s3://…")  # fmt: skip
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="folder or URL of the results")
    parser.add_argument("--recursive", action="store_true", help="look into folders of folders")
    parser.add_argument(
        "--again", choices=("failed", "all"), default="", help="make these anew although nothing changed"
    )
    parser.add_argument("--all", action="store_true", help="a model for each object in a picture")
    add_wanted(parser)
    add_how(parser)
    written = parser.add_argument_group("what is written, beside a preview and report.json for each item")
    written.add_argument(
        "--format", metavar="F,F", help="glb, usdz, obj, ply, stl, 3mf (default: what the target wants)"
    )
    written.add_argument("--image-format", choices=("jpeg", "png", "webp"), default="jpeg", help="base colour in a GLB")
    written.add_argument("--sheet", action="store_true", help="also a sheet: photo, sides, normals, seen or inferred")
    written.add_argument("--turntable", choices=("webp", "mp4"), help="also a turning picture")
    where = parser.add_argument_group("where the work is done")
    where.add_argument("--engine", choices=("local", "ray"), default="local")
    where.add_argument("--workers", type=int, default=1, metavar="N", help="local: processes that share the cores")
    where.add_argument("--time-limit", type=float, metavar="S", help="seconds for one item")
    where.add_argument("--memory-limit", type=_bytes, metavar="SIZE", help="memory for one item, as in 4G")
    where.add_argument("--address", help="ray: the cluster's address, or “auto” (default: one on this machine)")
    where.add_argument("--cpus", type=float, default=1.0, help="ray: cores for one item")
    where.add_argument("--gpus", type=float, default=0.0, help="ray: GPUs for one item")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON, no progress")
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    return parser


def _wishes(options: argparse.Namespace) -> dict[str, Any]:
    return {
        "recipe": options.recipe, "quality": options.quality, "target": options.target,
        "settings": settings_of(options), "height": options.height, "size": options.size, "seed": options.seed,
        "all_objects": options.all, "levels": options.levels, "commercial": options.commercial,
    }  # fmt: skip


def _engine(options: argparse.Namespace) -> Engine:
    from unflat.apps.batch.engine import WorkLimits

    limits = WorkLimits(options.memory_limit, options.time_limit)
    if options.engine == "ray":
        from unflat.apps.batch.ray_engine import RayCluster

        return RayCluster(options.address, options.cpus, options.gpus, limits)
    from unflat.apps.batch.pool import LocalPool

    if options.workers < 1:
        raise RecipeError(f"“--workers {options.workers}” is less than one.", code="bad-option",
                          hint="Give as many as the machine has cores, or fewer.")  # fmt: skip
    return LocalPool(options.workers, limits)


@contextmanager
def _stoppable() -> Iterator[None]:
    """Take a polite request to end (SIGTERM) as Ctrl-C: the report is written and the next run goes on."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _bytes(text: str) -> int:
    """A size such as 4G, 500M or 1000000."""
    plain = text.strip().lower().removesuffix("b").removesuffix("i")
    scale = _UNITS.get(plain[-1:], 1.0)
    return int(float(plain.rstrip("kmg")) * scale)


def _tell(told: dict[str, Any]) -> None:
    made, total = told.get("made", 0) + told.get("refused", 0), told["items"]
    kept = total - told["this_run"]
    print(f"{made} of {total} became models" + (f", {kept} were there already." if kept else "."), file=sys.stderr)
    if told.get("refused"):
        print(f"  ! {told['refused']} do not meet their target", file=sys.stderr)
    for code, count in told["failures"].items():
        print(f"  ✗ {count} failed with {code}", file=sys.stderr)
    if told["photos_per_hour"] is not None:
        print(f"  {told['photos_per_hour']:.0f} photos per hour in {told['seconds']:.0f} s", file=sys.stderr)
    print(f"  wrote {told['report']}", file=sys.stderr)
