"""Storage: named bytes in a folder or in anything that fsspec knows (s3://…). What has a name is whole."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

import fsspec
from fsspec.implementations.local import LocalFileSystem

from unflat.core.errors import InputError, SetupError

_CHUNK_BYTES = 1 << 20


class Storage:
    """Keys are relative paths that we make ourselves; clients' names never become keys unchecked."""

    def __init__(self, url: str) -> None:
        try:
            self._files, root = fsspec.core.url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise SetupError(
                f"The storage “{url}” can't be used: {error}.",
                code="bad-storage",
                hint="Give a folder or s3://bucket/prefix (pip install 'unflat[s3]').",
            ) from error
        self._root = str(root).rstrip("/")
        self.is_local = isinstance(self._files, LocalFileSystem)

    def put(self, key: str, source: Path) -> None:
        """Keep a copy of the file under the key: whole, or not at all."""
        if self.is_local:
            self._put_locally(key, source)
        else:
            self._files.put_file(str(source), self._at(key))

    def local_path(self, key: str) -> Path | None:
        """The file itself where storage is a folder of this machine."""
        return Path(self._at(key)) if self.is_local else None

    def fetch(self, key: str, to: Path) -> None:
        """Bring the content to a file of this machine; a link where that is possible, so it must not be changed."""
        to.parent.mkdir(parents=True, exist_ok=True)
        to.unlink(missing_ok=True)
        try:
            if self.is_local:
                try:
                    os.link(self._at(key), to)
                except OSError:
                    shutil.copyfile(self._at(key), to)
            else:
                self._files.get_file(self._at(key), str(to))
        except FileNotFoundError as error:
            raise _gone(key) from error

    def read(self, key: str, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The content from start to stop, in pieces."""
        try:
            stream = cast(BinaryIO, self._files.open(self._at(key), "rb"))
        except FileNotFoundError as error:
            raise _gone(key) from error
        with stream:
            stream.seek(start)
            left = None if stop is None else stop - start
            while left is None or left > 0:
                piece = stream.read(_CHUNK_BYTES if left is None else min(_CHUNK_BYTES, left))
                if not piece:
                    return
                left = None if left is None else left - len(piece)
                yield piece

    def delete(self, key: str) -> None:
        """Remove a key, or all that begins with it as a folder; missing is fine."""
        with contextlib.suppress(FileNotFoundError):
            self._files.rm(self._at(key), recursive=True)

    def keys(self, folder: str) -> list[str]:
        """Names right below a folder; none where it is missing."""
        try:
            found: list[Any] = self._files.ls(self._at(folder), detail=False)
        except FileNotFoundError:
            return []
        return [str(path).rstrip("/").rsplit("/", 1)[-1] for path in found]

    def _at(self, key: str) -> str:
        parts = key.split("/")
        if any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in parts):
            raise ValueError(f"{key!r} is no key")
        return f"{self._root}/{key}"

    def _put_locally(self, key: str, source: Path) -> None:
        target = Path(self._at(key))
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{secrets.token_hex(6)}.tmp")
        try:
            with source.open("rb") as reading, temporary.open("wb") as writing:
                shutil.copyfileobj(reading, writing, _CHUNK_BYTES)
                writing.flush()
                os.fsync(writing.fileno())
            temporary.replace(target)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise SetupError(
                f"A file can't be stored: {error.strerror or error}.",
                code="disk-full",
                hint="Make room where the server keeps its data.",
            ) from error


def _gone(key: str) -> InputError:
    return InputError(
        f"The stored file {key.rsplit('/', 1)[-1]} is gone.", code="file-gone", hint="Upload it again, or run it again."
    )
