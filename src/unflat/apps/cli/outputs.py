"""Where the command line writes to: one file, several formats, a folder, or the pipe."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from unflat.apps.outputs import Outputs, formats_for
from unflat.core import RecipeError, SetupError
from unflat.io.write import FORMATS


def outputs_of(options: argparse.Namespace) -> Outputs:
    """What the parsed options want written."""
    return Outputs(
        formats=formats_for(options.target, options.format),
        image_format=options.image_format,
        meshopt=options.meshopt,
        preview=options.preview,
        sheet=options.sheet,
        turntable=options.turntable,
        report=options.report,
    )


def output_paths(options: argparse.Namespace, name: str, several: bool) -> list[Path]:
    """The model files to write; empty for the pipe."""
    if options.output == "-":
        return []
    formats = formats_for(options.target, options.format)
    if options.output is None:
        return [Path(f"{name}.{ending}") for ending in formats]
    output = Path(options.output)
    if several or output.is_dir() or not output.suffix:
        return [output / f"{name}.{ending}" for ending in formats]
    if options.format is None:
        return [output]
    return [output.with_suffix(f".{ending}") for ending in formats]


def refuse_unwritable(options: argparse.Namespace, several: bool) -> None:
    """Raise before any work if the output has an unknown ending or its folder can't be written to."""
    for path in output_paths(options, "model", several):
        if path.suffix.lstrip(".").lower() not in FORMATS:
            raise RecipeError(f"“{path.name}” has an ending that unflat can't write.", code="unknown-format",
                              hint=f"Write one of {', '.join(FORMATS)}.")  # fmt: skip
        folder = path.parent
        while not folder.exists():
            folder = folder.parent
        if not os.access(folder, os.W_OK):
            raise SetupError(f"The folder “{folder}” can't be written to.", code="not-writable",
                             hint="Name another place with -o.")  # fmt: skip
