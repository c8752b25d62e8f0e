"""Manifests: a CSV or Parquet table with a line for each model."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from unflat.apps.batch.extra import need
from unflat.apps.batch.item import Item, folder_name
from unflat.apps.batch.place import is_url, open_place
from unflat.core import InputError, RecipeError
from unflat.stages.check.targets import find_target

MANIFEST_ENDINGS = (".csv", ".parquet")
_WISHES = ("target", "quality", "height", "size", "settings")
_QUALITIES = ("draft", "standard", "high")


def read_manifest(path: str) -> list[Item]:
    """The items of a manifest. Paths in it begin where the manifest lies.

    Columns: ``picture``, or ``pictures`` for several together (a list, or with “;” between); name, target, quality,
    height, size, mask, settings (JSON); whatever else there is goes into the report. A line that can't be understood
    becomes an item with a complaint. Raises `InputError` with code ``file-not-found`` or ``bad-manifest``.
    """
    files, inside = open_place(path)
    try:
        content = files.cat_file(inside)
    except FileNotFoundError as error:
        raise InputError(f"There is no manifest “{path}”.", code="file-not-found", hint="Check the path.") from error
    rows = _parquet_rows(content, path) if path.lower().endswith(".parquet") else _csv_rows(content, path)
    if rows and not {"picture", "pictures"} & rows[0].keys():
        raise _bad(path, f"it has no column “picture” or “pictures”, but {', '.join(rows[0])}")
    folder = path.rpartition("/")[0] if is_url(path) else str(Path(path).resolve().parent)
    return [_item(row, folder, f"line {number + 2}") for number, row in enumerate(rows)]


def _csv_rows(content: bytes, path: str) -> list[dict[str, Any]]:
    try:
        text = content.decode("utf-8-sig")
        first = text.partition("\n")[0]
        divider = max(",;\t", key=first.count) if any(sign in first for sign in ",;\t") else ","
        rows = list(csv.DictReader(io.StringIO(text), delimiter=divider, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise _bad(path, f"it is no CSV in UTF-8 ({error})") from error
    # Cells beyond the header come under the key None; empty cells mean "as for all".
    return [{name.strip(): value for name, value in row.items() if name} for row in rows]


def _parquet_rows(content: bytes, path: str) -> list[dict[str, Any]]:
    arrow = need("pyarrow")
    try:
        return list(need("pyarrow.parquet").read_table(arrow.BufferReader(content)).to_pylist())
    except (arrow.ArrowException, OSError) as error:
        raise _bad(path, f"it is no Parquet table ({error})") from error


def _item(row: Mapping[str, Any], folder: str, line: str) -> Item:
    row = {name: value for name, value in row.items() if not _empty(value)}
    pictures = tuple(_absolute(picture, folder) for picture in _pictures(row))
    name = folder_name(str(row.get("name") or (PurePosixPath(pictures[0]).stem if pictures else line)))
    own = ("picture", "pictures", "name", "mask", *_WISHES)
    carried = {column: value for column, value in row.items() if column not in own}
    mask = _absolute(str(row["mask"]), folder) if "mask" in row else None
    try:
        wishes = _wishes(row) | ({"kind": "photos"} if len(pictures) > 1 else {})
        complaint = (
            None if pictures else ("no-views", f"The manifest names no picture in {line}.", "Fill in “picture”.")
        )
    except RecipeError as error:
        wishes, complaint = {}, (error.code, error.message, error.hint)
    except ValueError as error:
        wishes, complaint = {}, ("bad-manifest", f"In {line} of the manifest {error}.", "Correct the line.")
    return Item(name, pictures, mask, wishes, carried, complaint)


def _pictures(row: Mapping[str, Any]) -> list[str]:
    given = row.get("pictures", row.get("picture"))
    if given is None:
        return []
    if isinstance(given, list | tuple):
        return [str(one) for one in given if one]
    text = str(given).strip()
    if "pictures" not in row:
        return [text]
    if text.startswith("["):
        try:
            return [str(one) for one in json.loads(text)]
        except ValueError:
            return [text]
    return [one.strip() for one in text.split(";") if one.strip()]


def _wishes(row: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of `Request` that a line sets. Raises `RecipeError`, or `ValueError` with the end of a sentence."""
    wishes = {name: str(row[name]).strip() for name in _WISHES[:-1] if name in row}
    if "target" in wishes:
        find_target(wishes["target"])
    if wishes.get("quality", "draft") not in _QUALITIES:
        raise ValueError(f"the quality is “{wishes['quality']}”, expected one of {', '.join(_QUALITIES)}")
    settings = row.get("settings")
    if isinstance(settings, str):
        try:
            settings = json.loads(settings)
        except ValueError as error:
            raise ValueError(f"the settings are no JSON ({error})") from error
    if settings is not None and not isinstance(settings, dict):
        raise ValueError('the settings are no object such as {"texture.size_px": 1024}')
    return {**wishes, **({"settings": settings} if settings else {})}


def _empty(value: Any) -> bool:
    return value in (None, "", []) or (isinstance(value, float) and math.isnan(value))


def _absolute(path: str, folder: str) -> str:
    if is_url(path) or path.startswith(("/", "file://")) or Path(path).is_absolute():
        return path
    return f"{folder}/{path}"


def _bad(path: str, why: str) -> InputError:
    return InputError(f"The manifest “{path}” can't be used: {why}.", code="bad-manifest",
                      hint="See docs/batch.md for its columns.")  # fmt: skip
