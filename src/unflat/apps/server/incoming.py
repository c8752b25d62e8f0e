"""What comes along with an order: uploads, addresses and data URLs become stored files before the job exists."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Annotated, Any, BinaryIO
from urllib.parse import unquote, urlsplit

from fastapi import File
from pydantic import WithJsonSchema
from starlette.datastructures import UploadFile

from unflat.apps.jobs.files import StoredFile
from unflat.apps.jobs.order import FileRef, Order
from unflat.apps.jobs.problems import NotFound
from unflat.apps.server.callers import Caller, refuse_over_quota
from unflat.apps.server.state import Shared
from unflat.core.errors import InputError

_PIECE_BYTES = 1 << 20
_ALL_FETCHED_S = 120.0
"""For all links of one order: each holds a thread of the server while it is fetched."""
_FAMILIES = {"pictures": ("picture", "film"), "model": ("model",), "mask": ("picture",), "cameras": ("text",)}
_WORDS = {"picture": "a picture", "film": "a film", "model": "a 3D model", "text": "a text file"}


Upload = Annotated[Any, File(), WithJsonSchema({"type": "string", "format": "binary"})]
"""A file of a form. Not typed as an upload: the framework hands over another class than the one that it documents."""


def store_upload(shared: Shared, caller: Caller, upload: Any) -> StoredFile:
    """Store a file of a form. Raises `InputError` where the field is text."""
    if not isinstance(upload, UploadFile):
        raise InputError("This field of the form must be a file.", code="invalid-request",
                         hint="Send it as multipart/form-data with a file name.")  # fmt: skip
    return shared.files.add(caller.owner, upload.filename or "file", pieces_of(upload.file))


def pieces_of(stream: BinaryIO) -> Iterator[bytes]:
    """A stream's content, a megabyte at a time."""
    while piece := stream.read(_PIECE_BYTES):
        yield piece


def store_url(shared: Shared, caller: Caller, url: str) -> StoredFile:
    """Fetch and store what an address names. Raises `InputError` with a ``url-…`` code."""
    with shared.fetcher.get(url) as pieces:
        name = unquote(urlsplit(url).path.rsplit("/", 1)[-1]) or "picture"
        return shared.files.add(caller.owner, name, pieces)


def stored(shared: Shared, caller: Caller, ref: FileRef) -> StoredFile:
    """The stored file that a reference means; fetched or unpacked now where it is not stored yet."""
    if ref.file is None:
        refuse_over_quota(shared, caller)
    if ref.url is not None:
        return store_url(shared, caller, ref.url)
    if ref.data is not None:
        return shared.files.add_data_url(caller.owner, ref.data)
    return shared.files.get(caller.owner, ref.file or "")


def settled(shared: Shared, caller: Caller, order: Order) -> tuple[Order, str]:
    """The order with nothing but stored files, each of a family that belongs there; and the digest of what is asked.

    The digest counts what the files hold, not what they are called: the same pictures sent again are the same order.
    Raises `InputError`.
    """
    settling = _Settling(shared, caller)
    changes: dict[str, object] = {"pictures": [settling.settle(ref, "pictures") for ref in order.pictures]}
    for name in ("model", "mask", "cameras"):
        ref = getattr(order, name)
        if ref is not None:
            changes[name] = settling.settle(ref, name)
    whole = order.model_copy(update=changes)
    text = whole.model_dump_json()
    for id, sha256 in settling.sums.items():
        text = text.replace(id, sha256)
    return whole, hashlib.sha256(text.encode()).hexdigest()


@dataclass
class _Settling:
    """The files of one order on their way into the store."""

    shared: Shared
    caller: Caller
    until: float = field(default_factory=lambda: time.monotonic() + _ALL_FETCHED_S)
    sums: dict[str, str] = field(default_factory=dict)
    """What each file holds, by its id."""

    def settle(self, ref: FileRef, place: str) -> FileRef:
        """The same as a stored file."""
        if ref.result is not None:
            return FileRef.model_validate({"file": _result(self.shared, self.caller, ref.result, place)})
        if ref.url is not None and time.monotonic() > self.until:
            raise InputError(f"Fetching took longer than {_ALL_FETCHED_S:.0f} s.", code="url-timeout",
                             hint="Name fewer links, or upload the pictures first.")  # fmt: skip
        found = stored(self.shared, self.caller, ref)
        refuse_family(found, place)
        self.sums[found.id] = found.sha256
        return FileRef.model_validate({"file": found.id})


def _result(shared: Shared, caller: Caller, text: str, place: str) -> str:
    """What names a job's file inside: `result:JOB:ATTEMPT:NAME`. Clients can't write that, an id has no colons."""
    id, _, name = text.partition("/")
    file = shared.queue.get(caller.owner, id).file(name)
    if file is None:
        raise NotFound("file", name)
    wanted = "model" if place == "model" else "image"
    if file["media_type"].split("/")[0] != wanted:
        raise InputError(f"“{name}” is no {wanted}.", code="wrong-kind-of-file", hint=f"Give {place} a file that is.")
    return f"result:{id}:{file['attempt']}:{name}"


def refuse_family(found: StoredFile, place: str) -> None:
    """Raise `InputError` (``wrong-kind-of-file``) for a file that does not belong there."""
    if found.family not in _FAMILIES[place]:
        wanted = " or ".join(_WORDS[family] for family in _FAMILIES[place])
        raise InputError(
            f"“{found.name}” is {_WORDS[found.family]}, expected {wanted}.",
            code="wrong-kind-of-file",
            hint=f"Give {wanted} as {place}.",
        )
