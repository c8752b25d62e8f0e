"""The data card that ships beside weights: every source they were trained on, credited as its licence asks."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

from unflat.synth.objects import open_library

_HEAD = """# Data card of the shipped weights

What the networks in this folder learned from. No photo of a user and nothing from the internet at large is among it:
objects were rendered (`docs/training-data.md`), a quarter of them made up by `unflat.synth.procedural`.

The encoder began with EfficientNet-Lite0's ImageNet weights (Google, Apache-2.0; in torch's form by ML Illustrated).
The weights themselves are unflat's, Apache-2.0. Changes to all objects below: scaled, reduced to at most about 8,000
faces, at times repainted, then rendered. None of their meshes or textures is in this package.
"""


def data_card(objects: Path, environments: Path | None = None) -> str:
    """Markdown: objects for training by licence and author, then the places that lit them."""
    entries = [entry for entry in open_library(objects).entries if entry.split == "train"]
    lines = [_HEAD, f"## {len(entries):,} objects", ""]
    for licence in sorted({entry.licence for entry in entries}):
        credits = Counter(entry.attribution for entry in entries if entry.licence == licence)
        lines += [f"### {licence}: {credits.total():,}", ""]
        lines += [f"- {attribution} ({count})" for attribution, count in sorted(credits.items())]
        lines.append("")
    if environments is not None:
        lines += _places(environments)
    return "\n".join(lines)


def _places(folder: Path) -> list[str]:
    rows = [json.loads(line) for line in (folder / "index.jsonl").read_text(encoding="utf-8").splitlines()]
    lines = [f"## {len(rows)} panoramas and surfaces", ""]
    for licence in sorted({row["licence"] for row in rows}):
        credits = Counter(row["author"] for row in rows if row["licence"] == licence)
        lines += [f"### {licence}: {credits.total()}", ""]
        lines += [f"- {author} ({count})" for author, count in sorted(credits.items())]
        lines.append("")
    attribution = folder / "ATTRIBUTION.txt"
    if attribution.is_file():
        lines += ["As their collection says:", "", *(f"> {line}" for line in _text(attribution).splitlines()), ""]
    return lines


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8").strip()
