"""`unflat bench`: measurements that anyone can repeat."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

_SUITES = ("speed", "truth", "single-view", "masks", "photos", "stereo", "batch", "server")


def run(arguments: Sequence[str]) -> int:
    """Print a table, and the same as JSON if asked."""
    parser = argparse.ArgumentParser(prog="unflat bench", description="Measure speed, or distance to known truth.")
    parser.add_argument("suite", choices=_SUITES)
    parser.add_argument("--runs", type=int, default=3, help="speed: runs per row; medians are shown")
    parser.add_argument(
        "--objects", metavar="FOLDER", help="single-view, masks, photos: a library with an index.jsonl, or models"
    )
    parser.add_argument("--environments", metavar="FOLDER", help="masks: places that objects stand in")
    parser.add_argument("--results", metavar="FOLDER",
                        help="single-view, photos: where rows are kept; a second run goes on from there")  # fmt: skip
    parser.add_argument("--method", metavar="A,B", default="",
                        help="single-view: methods; also any reconstructor, as BACKEND:OPTION=VALUE. "
                        "photos: unflat, unflat:draft, unflat:high, pixelmap, truth")  # fmt: skip
    parser.add_argument("--limit", type=int, metavar="N",
                        help="single-view, photos: so many objects, spread over the list; batch: photos")  # fmt: skip
    parser.add_argument("--no-pictures", action="store_true", help="single-view: shape alone, no textures")
    parser.add_argument("--truth", action="store_true", help="photos: distance to the truth instead of speed")
    parser.add_argument("--views", type=_counts, metavar="N,N", default=(),
                        help="photos: photos a set; 24,48 for the truth, 8,16,32,64 for speed")  # fmt: skip
    parser.add_argument("--size", type=int, metavar="PX", default=1600, help="photos: their width")
    parser.add_argument("--again", action="store_true", help="single-view, photos: measure the methods' rows anew")
    parser.add_argument("--markdown", metavar="FILE", help="single-view, photos: also write the tables here")
    parser.add_argument("--jobs", type=int, default=200, metavar="N", help="server: jobs of its 20 clients")
    parser.add_argument("--kills", type=int, default=50, metavar="N", help="server: processes killed at random moments")
    parser.add_argument("--json", metavar="FILE", help="also write the rows here")
    options = parser.parse_args(arguments)
    if options.suite == "single-view":
        return _single_view(options)
    if options.suite == "photos":
        return _photos(options)
    if options.suite == "batch":
        rows = _batch(options.limit)
    elif options.suite == "server":
        rows = _server(options)
    elif options.suite == "masks":
        rows = _masks(options)
    elif options.suite == "stereo":
        rows = _stereo()
    else:
        rows = _speed(options.runs) if options.suite == "speed" else _truth()
    if options.json:
        Path(options.json).write_text(json.dumps(rows, indent=2), encoding="utf-8")
    return 0


def _single_view(options: argparse.Namespace) -> int:
    from unflat.bench.single_view import SingleViewBench
    from unflat.bench.single_view_rows import all_rows
    from unflat.core import InputError

    if options.objects is None:
        raise InputError("There are no objects to measure on.", code="no-objects",
                         hint="Name a folder of models with --objects.")  # fmt: skip
    methods = tuple(filter(None, _split_methods(options.method)))
    results = Path(options.results or "single-view-results")
    bench = SingleViewBench(
        Path(options.objects), results, methods, options.limit, not options.no_pictures, options.again
    )
    tables = bench.run(lambda line: print(line, flush=True))
    print(tables)
    if options.markdown:
        Path(options.markdown).write_text(tables, encoding="utf-8")
    if options.json:
        Path(options.json).write_text(json.dumps(all_rows(results), indent=2), encoding="utf-8")
    return 0


def _photos(options: argparse.Namespace) -> int:
    from unflat.bench.photos import PhotosBench
    from unflat.bench.photos_rows import all_photos_rows
    from unflat.core import InputError

    if options.objects is None:
        raise InputError("There are no objects to measure on.", code="no-objects",
                         hint="Name a folder of models with --objects.")  # fmt: skip
    methods = tuple(filter(None, options.method.split(",")))
    results = Path(options.results or "photos-results")
    bench = PhotosBench(
        Path(options.objects), results, methods, options.views, options.limit, options.size, options.again
    )
    tables = (bench.truth if options.truth else bench.speed)(lambda line: print(line, flush=True))
    print(tables)
    if options.markdown:
        Path(options.markdown).write_text(tables, encoding="utf-8")
    if options.json:
        Path(options.json).write_text(json.dumps(all_photos_rows(results), indent=2), encoding="utf-8")
    return 0


def _stereo() -> list[dict[str, object]]:
    from unflat.bench.stereo import bench_stereo

    return [asdict(row) for row in bench_stereo(lambda line: print(line, flush=True))]


def _counts(text: str) -> tuple[int, ...]:
    """Numbers with commas between."""
    return tuple(int(count) for count in text.split(","))


def _split_methods(text: str) -> list[str]:
    """Names with commas between; a comma before an option (``NAME=VALUE``) belongs to the backend before it."""
    names: list[str] = []
    for part in text.split(","):
        if names and ":" in names[-1] and "=" in part and ":" not in part:
            names[-1] += "," + part
        else:
            names.append(part.strip())
    return names


def _speed(runs: int) -> list[dict[str, object]]:
    from unflat.bench.speed import bench_speed, import_seconds

    print(f"import unflat: {import_seconds(runs):.3f} s")
    return [asdict(row) for row in bench_speed(runs, lambda line: print(line, flush=True))]


def _truth() -> list[dict[str, object]]:
    from unflat.bench.truth import bench_truth

    return [asdict(row) for row in bench_truth(lambda line: print(line, flush=True))]


def _masks(options: argparse.Namespace) -> list[dict[str, object]]:
    from unflat.bench.masks import METHODS, bench_masks
    from unflat.core import InputError

    if options.objects is None or options.environments is None:
        raise InputError("There is nothing to measure on.", code="no-objects",
                         hint="Name folders with --objects and --environments.")  # fmt: skip
    methods = tuple(filter(None, options.method.split(","))) or METHODS
    folders = (Path(options.objects), Path(options.environments))
    rows = bench_masks(*folders, lambda line: print(line, flush=True), methods, options.limit)
    return [asdict(row) for row in rows]


def _batch(photos: int | None) -> list[dict[str, object]]:
    from unflat.apps.batch.bench import bench_batch

    return [asdict(row) for row in bench_batch(photos or 24, lambda line: print(line, flush=True))]


def _server(options: argparse.Namespace) -> list[dict[str, object]]:
    from unflat.apps.jobs.extras import need_server_extra

    need_server_extra()
    from unflat.apps.server.bench_server import bench_server, table

    def say(line: str) -> None:
        print(line, flush=True)

    rows = bench_server(say, runs=options.runs, jobs=options.jobs, kills=options.kills)
    print(table(rows))
    if options.markdown:
        Path(options.markdown).write_text(table(rows), encoding="utf-8")
    return [asdict(row) for row in rows]
