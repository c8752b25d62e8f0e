"""Which items there are: in folders, behind patterns, in manifests, on disk or in an object store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from unflat.apps.batch.item import Item, folder_name, named_apart
from unflat.apps.batch.manifest import MANIFEST_ENDINGS, read_manifest
from unflat.apps.batch.place import is_url, open_place, store_errors
from unflat.core import InputError
from unflat.io.media import PICTURE_ENDINGS

_PATTERN_SIGNS = "*?["


def list_items(given: Sequence[str], *, recursive: bool = False, out: str = "") -> list[Item]:
    """The items of all that was given, in order, each with a name of its own. What lies under `out` is no input.

    Raises `InputError`: ``no-views`` where there are none, ``file-not-found``, ``bad-manifest``.
    """
    items: list[Item] = []
    for one in given:
        with store_errors(one):
            items += _items_of(one, recursive, out)
    seen: set[tuple[str, ...]] = set()
    once = [item for item in items if item.carried or item.wishes or not (item.files in seen or seen.add(item.files))]  # type: ignore[func-returns-value]
    if not once:
        raise InputError(
            f"There are no pictures in {', '.join(f'“{one}”' for one in given)}.",
            code="no-views",
            hint=f"Endings searched for: {' '.join(PICTURE_ENDINGS)}; --recursive looks into folders of folders.",
        )
    return named_apart(once)


def _items_of(given: str, recursive: bool, out: str) -> list[Item]:
    if given.lower().endswith(MANIFEST_ENDINGS) and not any(sign in given for sign in _PATTERN_SIGNS):
        return read_manifest(given)
    files, inside = open_place(given)
    where = _prefix(given)
    if any(sign in given for sign in _PATTERN_SIGNS) and not files.exists(inside):
        found = [path for path in sorted(files.glob(inside)) if _is_picture(path)]
        return [_item(where, path, PurePosixPath(path).name) for path in found if not _under(path, out)]
    if files.isdir(inside):
        root = inside.rstrip("/")
        found = sorted(files.find(root, maxdepth=None if recursive else 1))
        pictures = [path for path in found if _is_picture(path) and not _under(path, out)]
        return [_item(where, path, path[len(root) :].strip("/")) for path in pictures]
    if not files.exists(inside):
        raise InputError(
            f"There is nothing at “{given}”.",
            code="file-not-found",
            hint="Give a folder, a pattern in quotes, a picture, or a manifest (.csv, .parquet).",
        )
    return [_item(where, inside, PurePosixPath(inside).name)]


def _item(where: str, path: str, name: str) -> Item:
    return Item(folder_name(str(PurePosixPath(name).with_suffix(""))), (where + path,))


def _prefix(given: str) -> str:
    """What makes a path of the file system an address again."""
    return given.partition("://")[0] + "://" if is_url(given) else ""


def _is_picture(path: Any) -> bool:
    plain = PurePosixPath(path)
    return plain.suffix.lower() in PICTURE_ENDINGS and not plain.name.startswith(".")


def _under(path: str, out: str) -> bool:
    """Whether the path lies among the results of an earlier run."""
    if not out:
        return False
    if is_url(out):
        return path.lstrip("/").startswith(f"{out.partition('://')[2].strip('/')}/")
    return Path(path).resolve().is_relative_to(Path(out).resolve())
