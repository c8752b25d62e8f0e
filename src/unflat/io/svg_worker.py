"""The process that draws one SVG: markup on standard input, PNG on standard output. Run by `unflat.io.svg` only.

Arguments: folder of the package resvg_py, longest side in pixels, ``fonts`` or ``no-fonts``.
"""

from __future__ import annotations

import struct
import sys

_MEMORY_BYTES = 3 * 1024**3
_PROBE_PX = 64
"""Width of the first, small drawing, which tells the proportions."""


_DOTS_PER_INCH = 96.0
"""CSS; resvg-py's own default of 0 turns every millimetre into nothing."""


def _limit_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))


def _main(package_folder: str, side_px: int, skip_system_fonts: bool) -> None:
    _limit_memory()
    sys.path.insert(0, package_folder)
    import resvg_py

    markup = sys.stdin.buffer.read().decode("utf-8")

    def draw(width_px: int | None, height_px: int | None) -> bytes:
        drawn = resvg_py.svg_to_bytes(
            svg_string=markup,
            skip_system_fonts=skip_system_fonts,
            width=width_px,
            height=height_px,
            dpi=_DOTS_PER_INCH,
        )
        return bytes(drawn)

    width, height = struct.unpack(">II", draw(_PROBE_PX, None)[16:24])  # from the PNG's header
    sys.stdout.buffer.write(draw(side_px, None) if width >= height else draw(None, side_px))


if __name__ == "__main__":
    _main(sys.argv[1], int(sys.argv[2]), sys.argv[3] == "no-fonts")
