"""`unflat marker`: prints a sheet of markers that tell the scale, or a board for plain things to stand on."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path


def run(arguments: Sequence[str]) -> int:
    """Write the sheet."""
    from unflat.core.errors import RecipeError
    from unflat.geometry.lengths import parse_length_m
    from unflat.geometry.marker_sheet import MarkerPrint, marker_board, marker_sheet
    from unflat.io.atomic import write_atomically
    from unflat.io.printed_sheet import sheet_bytes

    options = _parser().parse_args(arguments)
    size = options.size or ("25mm" if options.board else "50mm")
    wanted = MarkerPrint(parse_length_m(size) * 1000, options.dictionary, options.first, options.paper)
    if options.board and options.count is not None:
        raise RecipeError("A board has as many markers as fit around its rim.", code="bad-option",
                          hint="Leave out --count.")  # fmt: skip
    sheet = (
        marker_board(wanted) if options.board else marker_sheet(wanted, 4 if options.count is None else options.count)
    )
    path = Path(options.output)
    write_atomically(path, sheet_bytes(sheet, path.suffix.lstrip(".").lower()))
    print(f"wrote {path}: print it at 100 %, then `unflat photos/ --together --marker {wanted.side_mm:g}mm`")
    return 0


def _parser() -> argparse.ArgumentParser:
    from unflat.geometry.marker_sheet import PAPERS_MM
    from unflat.geometry.markers import MARKER_KINDS

    parser = argparse.ArgumentParser(prog="unflat marker", description="Print markers that make photos true to scale.")
    parser.add_argument("-o", "--output", default="marker.pdf", metavar="FILE", help="a .pdf, .svg or .png")
    parser.add_argument("--size", metavar="LENGTH", help="side of the black squares (default: 50mm, on a board 25mm)")
    parser.add_argument("--dictionary", choices=MARKER_KINDS, default="apriltag-36h11", help="family of markers")
    parser.add_argument("--count", type=int, metavar="N", help="how many markers (default: 4)")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first, for a second sheet")
    parser.add_argument("--paper", choices=tuple(PAPERS_MM), default="a4")
    parser.add_argument("--board", action="store_true", help="markers around the rim and fine texture inside")
    return parser
