"""`/v1/files`: what clients bring."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from unflat.apps.server.callers import Parts, Reader, Writer, refuse_over_quota
from unflat.apps.server.content import content_response
from unflat.apps.server.incoming import Upload, store_upload
from unflat.apps.server.shapes import FileAnswer, file_answer

ROUTER = APIRouter(prefix="/v1/files", tags=["files"])


@ROUTER.post("", status_code=201)
def upload_file(shared: Parts, caller: Writer, file: Upload) -> FileAnswer:
    """Upload a file; what it is shows in its content, not in its name."""
    refuse_over_quota(shared, caller)
    return file_answer(store_upload(shared, caller, file))


@ROUTER.get("/{id}")
def get_file(shared: Parts, caller: Reader, id: str) -> FileAnswer:
    """What is known of an uploaded file."""
    return file_answer(shared.files.get(caller.owner, id))


@ROUTER.get("/{id}/content", response_class=Response)
def get_file_content(shared: Parts, caller: Reader, id: str, request: Request, download: bool = False) -> Response:
    """The file itself."""
    found = shared.files.get(caller.owner, id)
    return content_response(
        request, shared.files.storage, found.key, found.name, found.media_type, found.bytes, found.sha256, download
    )


@ROUTER.delete("/{id}", status_code=204)
def delete_file(shared: Parts, caller: Writer, id: str) -> None:
    """Forget a file."""
    shared.files.remove(caller.owner, id)
