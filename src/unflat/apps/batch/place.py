"""Files somewhere: on disk or in an object store, read and listed through fsspec."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

from unflat.apps.batch.extra import need
from unflat.core import InputError, SetupError, UnflatError

_CHUNK_BYTES = 1 << 20


@contextmanager
def store_errors(path: str) -> Iterator[None]:
    """Whatever a store raises leaves as a `SetupError` (``store-unreachable``); errors of disks stay what they are."""
    try:
        yield
    except (UnflatError, FileNotFoundError, ValueError):  # the caller's to judge
        raise
    except Exception as error:
        if not is_url(path):
            raise
        raise SetupError(
            f"“{path}” can't be used: {type(error).__name__}: {error}",
            code="store-unreachable",
            hint="Check the address, the credentials and the network.",
        ) from error


def is_url(path: str) -> bool:
    """Whether it names a place that is not this machine's disk."""
    return "://" in path and not path.startswith("file://")


def open_place(path: str) -> tuple[Any, str]:
    """The file system of a path or URL, and the path in it. Raises `SetupError` or `InputError`."""
    fsspec = need("fsspec")
    try:
        return fsspec.core.url_to_fs(path)
    except ImportError as error:
        protocol = path.partition("://")[0]
        need("s3fs", "s3") if protocol in ("s3", "s3a") else need(_package_of(protocol))
        raise InputError(f"“{path}” can't be opened: {error}.", code="unreadable", hint="Check the address.") from error
    except ValueError as error:
        raise InputError(
            f"“{path}” is in no place that fsspec knows: {error}.",
            code="unreadable",
            hint="Give a path, or an address such as s3://bucket/folder.",
        ) from error


def stamp(info: Mapping[str, Any]) -> str:
    """What changes when a file changes: its size, and its tag or time."""
    when = next((info[name] for name in ("ETag", "etag", "mtime", "LastModified", "created") if name in info), "")
    return f"{info.get('size')}:{when}"


def stamp_of(path: str) -> str | None:
    """The stamp of a file as it is now; None where it is not there or does not say."""
    try:
        files, inside = open_place(path)
        return stamp(files.info(inside))
    except Exception:  # stores raise errors of their own; whoever reads the file will tell what is wrong
        return None


def sha256_of(path: str) -> str:
    """The hash of a file's content."""
    files, inside = open_place(path)
    digest = hashlib.sha256()
    with files.open(inside, "rb") as stream:
        while chunk := stream.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def inputs_of(paths: Sequence[str], copies: Sequence[Path] = ()) -> list[dict[str, Any]]:
    """Path, stamp and hash of each file; the hash is that of its copy where there is one."""
    told = []
    for number, path in enumerate(paths):
        try:
            content: str | None = sha256_of(str(copies[number]) if copies else path)
        except OSError:  # not there, or a folder: its stamp must do
            content = None
        told.append({"path": path, "stamp": stamp_of(path), "sha256": content})
    return told


@contextmanager
def fetched(paths: tuple[str, ...]) -> Iterator[list[Path]]:
    """The files on this machine: where they are, or copies that vanish afterwards. Raises `InputError`."""
    with TemporaryDirectory(prefix="unflat-") as folder:
        yield [_local(path, Path(folder) / str(number)) for number, path in enumerate(paths)]


def _local(path: str, folder: Path) -> Path:
    if not is_url(path):
        return Path(path.removeprefix("file://"))
    files, inside = open_place(path)
    target = folder / PurePosixPath(inside).name
    folder.mkdir()
    try:
        files.get_file(inside, str(target))
    except FileNotFoundError as error:
        raise InputError(f"There is no file “{path}”.", code="file-not-found", hint="Check the address.") from error
    except Exception as error:  # object stores raise errors of their own, without a common base
        raise InputError(
            f"“{path}” can't be fetched: {error}.",
            code="unreadable",
            hint="Check the address, the credentials and the network.",
        ) from error
    return target


def _package_of(protocol: str) -> str:
    """The package that fsspec wants for a protocol."""
    known = need("fsspec.registry").known_implementations.get(protocol, {})
    return str(known.get("class", protocol)).partition(".")[0]
