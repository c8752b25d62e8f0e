"""Where results lie: a folder for each item, published whole or not at all, and a record of each failure."""

from __future__ import annotations

import json
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from unflat.apps.batch.place import is_url, open_place, store_errors
from unflat.core import SetupError
from unflat.io.atomic import write_atomically

RECORD = "report.json"
"""The last file of an item to be written: where it is, the item is whole."""
_OWN = ".unflat"
"""What belongs to the batch itself: lock, unfinished work, failures."""

Record = dict[str, Any]
"""What became of an item; JSON."""


class Results:
    """The results of one batch. On disk an item is published by a rename; in an object store its record comes last."""

    def __init__(self, out: str) -> None:
        self.out = out.rstrip("/") or "/"
        self.remote = is_url(out)
        self._files, self._root = open_place(self.out)
        if not self.remote:
            self._work = Path(self._root) / _OWN / "work"
            try:
                self._work.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise SetupError(f"The folder “{out}” can't be written to: {error.strerror}.", code="not-writable",
                                 hint="Name another place with -o.") from error  # fmt: skip

    def records(self, names: Sequence[str]) -> dict[str, list[Record]]:
        """What is known of each item: the record of its result, that of its last failure, or both."""
        found: dict[str, list[Record]] = {name: [] for name in names}
        for path_of in (self._record, self._failure):
            paths = {path_of(name): name for name in names}
            for path, content in self._contents(list(paths)).items():
                with suppress(ValueError):
                    found[paths[path]].append(json.loads(content))
        return found

    @contextmanager
    def staged(self, name: str) -> Iterator[Path]:
        """A folder to make an item's files in; it is published when the block ends well."""
        within = None if self.remote else self._work
        with tempfile.TemporaryDirectory(prefix="item-", dir=within, ignore_cleanup_errors=True) as place:
            folder = Path(place) / "files"
            folder.mkdir()
            yield folder
            if self.remote:
                with store_errors(self.out):
                    self._upload(folder, name)
            else:
                self._rename(folder, name)
        self._forget(self._failure(name))

    def fail(self, record: Record) -> None:
        """Keep the record of a failure. What an earlier run made of the item stays."""
        self._write(self._failure(record["name"]), json.dumps(record, ensure_ascii=False).encode())

    def write(self, name: str, content: bytes) -> str:
        """Write a file beside the items; gives its path or URL."""
        self._write(f"{self._root}/{name}", content)
        return f"{self.out}/{name}"

    def clear_work(self) -> None:
        """Remove what a run that ended early left unfinished."""
        if not self.remote:
            shutil.rmtree(self._work, ignore_errors=True)
            self._work.mkdir(parents=True, exist_ok=True)

    def own(self, name: str) -> str:
        """The path, in the file system, of a file of the batch itself."""
        return f"{self._root}/{_OWN}/{name}"

    @property
    def files(self) -> Any:
        """The fsspec file system."""
        return self._files

    def _record(self, name: str) -> str:
        return f"{self._root}/{name}/{RECORD}"

    def _failure(self, name: str) -> str:
        return self.own(f"failed/{name}.json")

    def _contents(self, paths: list[str]) -> dict[str, bytes]:
        if self.remote:  # many at once where the store can
            with store_errors(self.out):
                found = self._files.cat(paths, on_error="omit") if paths else {}
            return dict(found) if isinstance(found, dict) else {paths[0]: found}
        contents = {}
        for path in paths:
            with suppress(OSError):
                contents[path] = Path(path).read_bytes()
        return contents

    def _write(self, path: str, content: bytes) -> None:
        if self.remote:
            with store_errors(self.out):
                self._files.pipe_file(path, content)
        else:
            write_atomically(Path(path), content)

    def _forget(self, path: str) -> None:
        with suppress(FileNotFoundError):
            self._files.rm_file(path)

    def _rename(self, folder: Path, name: str) -> None:
        place = Path(self._root) / name
        if place.exists():
            old = self._work / f"{name}-old-{secrets.token_hex(4)}"
            place.rename(old)
            folder.rename(place)
            shutil.rmtree(old, ignore_errors=True)
        else:
            folder.rename(place)

    def _upload(self, folder: Path, name: str) -> None:
        """The record first goes and last comes: a reader never takes old files for new ones."""
        self._forget(self._record(name))
        for old in self._files.find(f"{self._root}/{name}"):
            self._forget(old)
        for path in sorted(folder.rglob("*"), key=lambda path: path.name == RECORD):
            if path.is_file():
                self._files.put_file(str(path), f"{self._root}/{name}/{path.relative_to(folder).as_posix()}")
