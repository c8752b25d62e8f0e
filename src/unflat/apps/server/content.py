"""Stored bytes as an answer: whole or a range, with an ETag, to show or to save."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.responses import FileResponse, StreamingResponse

from unflat.apps.jobs.storage import Storage

_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
_SHOWN = ("image/png", "image/jpeg", "image/webp", "image/gif", "image/avif", "video/mp4", "application/json")
"""Types that a browser may show; all others, SVG among them, it only saves."""


def content_response(  # noqa: PLR0917 - what an answer is made of
    request: Request, storage: Storage, key: str, name: str, media_type: str, size: int, sha256: str, download: bool
) -> Response:
    """The stored file. Status 304 for a known ETag, 206 for a range, 416 for a range that is not there."""
    etag = f'"{sha256[:32]}"'
    headers = {
        "ETag": etag,
        "Cache-Control": "private, max-age=3600",
        "Accept-Ranges": "bytes",
        "Content-Disposition": f"{_disposition(media_type, download)}; filename*=UTF-8''{quote(name)}",
        # whatever a file claims to be, it gets no rights of our pages
        "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    wanted = _range_of(request, etag, size)
    if wanted == "impossible":
        return Response(status_code=416, headers=headers | {"Content-Range": f"bytes */{size}"})
    start, stop = wanted if isinstance(wanted, tuple) else (0, size)
    headers["Content-Length"] = str(stop - start)
    if isinstance(wanted, tuple):
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    status = 206 if isinstance(wanted, tuple) else 200
    path = storage.local_path(key)
    if status == 200 and path is not None and path.is_file():
        return FileResponse(path, media_type=media_type, headers=headers)
    pieces = storage.read(key, start, stop)
    first = next(pieces, b"")  # a missing file shows itself here, before the answer has begun

    def content() -> Iterator[bytes]:
        yield first
        yield from pieces

    return StreamingResponse(content(), status, headers, media_type)


def _disposition(media_type: str, download: bool) -> str:
    return "attachment" if download or media_type not in _SHOWN else "inline"


def _range_of(request: Request, etag: str, size: int) -> tuple[int, int] | str | None:
    """First byte and the one behind the last; None: everything; "impossible". Several ranges count as everything."""
    found = _RANGE.fullmatch(request.headers.get("range", "").strip())
    condition = request.headers.get("if-range")
    if found is None or found.group() == "bytes=-" or (condition is not None and condition != etag):
        return None
    first, last = found.groups()
    if not first:
        start, stop = max(0, size - int(last)), size
    else:
        start, stop = int(first), min(size, int(last) + 1) if last else size
    return (start, stop) if 0 <= start < stop else "impossible"
