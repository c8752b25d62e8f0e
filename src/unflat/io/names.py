"""Names that survive every file system and parser."""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Iterable


def ascii_name(name: str) -> str:
    """A name of letters, digits and "_" that begins with a letter and differs wherever the given name does.

    "Tasse" stays; "日本 1" becomes "model_1_" and a checksum, because parsers of OBJ and USD refuse it.
    """
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r"\W+", "_", plain).strip("_")
    if not plain or not plain[0].isalpha():
        plain = f"model_{plain}".rstrip("_")
    return plain if plain == name else f"{plain}_{zlib.crc32(name.encode()):08x}"


def unique_names(names: Iterable[str]) -> list[str]:
    """The same names, with a number behind those that came before."""
    taken: set[str] = set()
    made = []
    for name in names:
        candidate, number = name, 1
        while candidate in taken:
            number += 1
            candidate = f"{name}_{number}"
        taken.add(candidate)
        made.append(candidate)
    return made
