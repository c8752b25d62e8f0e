"""SVG drawings as PNG bytes, drawn by resvg in a process of its own.

A drawing is a program for its renderer: deep nesting overflows resvg's stack and a wide blur runs for minutes, so
neither may happen inside the process that asked.
"""

from __future__ import annotations

import importlib.util
import io
import subprocess
import sys
import zlib
from pathlib import Path
from xml.etree import ElementTree

from unflat.core.errors import InputError, SetupError

SVG_SIDE_PX = 1024
"""Longest side of a rendered drawing where nothing else is asked: fine lines keep their edges, and stages stay fast."""

_MAX_DEPTH = 256
"""Elements inside elements; drawing programs stay below 50."""

_MAX_MARKUP_BYTES = 64 * 2**20
"""More is no drawing, and takes seconds to parse."""

_TIME_LIMIT_S = 30.0
_LOADING_ELEMENTS = {"image", "feImage", "use"}
_WORKER = Path(__file__).with_name("svg_worker.py")


def render_svg(data: bytes, name: str, side_px: int) -> bytes:
    """The drawing (SVG, or gzipped SVG) as PNG with alpha, its longest side `side_px`.

    Raises `InputError`: ``damaged``, ``svg-external`` for pictures outside the file, ``svg-too-complex`` for one that
    nests too deeply, unpacks to too much, or takes more than half a minute. Costs a process: about 50 ms.
    """
    markup = _checked(_unzipped(data, name), name)
    resvg = importlib.util.find_spec("resvg_py")
    if resvg is None or resvg.origin is None:
        raise SetupError("Drawing SVG needs resvg-py.", code="missing-package", hint="pip install resvg-py")
    fonts = "fonts" if b"text" in markup else "no-fonts"  # looking through the system's fonts takes a while
    arguments = [sys.executable, "-I", "-S", str(_WORKER), str(Path(resvg.origin).parents[1]), str(side_px), fonts]
    try:
        done = subprocess.run(arguments, input=markup, capture_output=True, timeout=_TIME_LIMIT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise _too_complex(name, f"takes more than {_TIME_LIMIT_S:.0f} s to draw") from error
    except OSError as error:
        raise SetupError(
            f"No process can be started to draw “{name}”: {error}.",
            code="no-process",
            hint="Free some memory, or save the drawing as PNG.",
        ) from error
    if done.returncode == 0:
        return done.stdout
    if done.returncode == 1 and b"ValueError" in done.stderr:  # resvg's own refusal, the last line of the traceback
        raise _damaged(name, done.stderr.decode(errors="replace").strip().splitlines()[-1].partition(": ")[2])
    raise _too_complex(name, "needs more memory to draw than it may have")


def _unzipped(data: bytes, name: str) -> bytes:
    if not data.startswith(b"\x1f\x8b"):
        if len(data) > _MAX_MARKUP_BYTES:
            raise _too_complex(name, f"has more than {_MAX_MARKUP_BYTES >> 20} MiB")
        return data
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        unpacked = unpacker.decompress(data, _MAX_MARKUP_BYTES)
    except zlib.error as error:
        raise _damaged(name, "its compressed content is broken") from error
    if unpacker.unconsumed_tail:
        raise _too_complex(name, f"unpacks to more than {_MAX_MARKUP_BYTES >> 20} MiB")
    return unpacked


def _checked(data: bytes, name: str) -> bytes:
    """The drawing, read and written again: the renderer gets what was looked at, no entities, nothing from outside."""
    depth = 0
    root: ElementTree.Element | None = None
    try:
        for event, element in ElementTree.iterparse(io.BytesIO(data), events=("start", "end")):
            depth += 1 if event == "start" else -1
            root = element if root is None else root
            if depth > _MAX_DEPTH:
                raise _too_complex(name, f"nests elements more than {_MAX_DEPTH} deep")
            _refuse_outside(element, name)
    except ElementTree.ParseError as error:
        raise _damaged(name, str(error)) from error
    if root is None or _local(root.tag) != "svg":
        raise InputError(
            f"“{name}” is no picture: it is XML without a drawing.",
            code="not-a-picture",
            hint="Give a JPEG, PNG, WebP, TIFF, BMP, GIF, HEIC, AVIF or SVG file.",
        )
    return ElementTree.tostring(root, encoding="utf-8")


def _refuse_outside(element: ElementTree.Element, name: str) -> None:
    if _local(element.tag) not in _LOADING_ELEMENTS:
        return
    for key, target in element.attrib.items():
        if _local(key) == "href" and not target.strip().startswith(("#", "data:")):
            raise InputError(
                f"“{name}” refers to “{target[:80]}”, which lies outside the drawing.",
                code="svg-external",
                hint="Embed the picture into the drawing, or save it as PNG.",
            )


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _damaged(name: str, reason: str) -> InputError:
    return InputError(
        f"“{name}” is no valid SVG: {reason}.",
        code="damaged",
        hint="Open it in a drawing program and save it as plain SVG or PNG.",
    )


def _too_complex(name: str, what: str) -> InputError:
    return InputError(
        f"“{name}” {what}.", code="svg-too-complex", hint="Simplify it in a drawing program, or save it as PNG."
    )
