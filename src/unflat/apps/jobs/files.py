"""Uploaded files: looked at, stored whole, and only then known to the database."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

from sqlalchemy import delete, func, insert, select

from unflat.apps.jobs.config import JobsConfig
from unflat.apps.jobs.database import Database
from unflat.apps.jobs.ids import is_id, new_id
from unflat.apps.jobs.media import look_at, safe_name
from unflat.apps.jobs.problems import Conflict, NotFound, TooLarge
from unflat.apps.jobs.storage import Storage
from unflat.apps.jobs.tables import FILES
from unflat.core.errors import InputError

_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?((?:;[\w-]+=[^;,]*)*)(;base64)?,", re.ASCII)


@dataclass(frozen=True)
class StoredFile:
    """A file that is there."""

    id: str
    owner: str
    name: str
    ending: str
    media_type: str
    family: str
    bytes: int
    width_px: int | None
    height_px: int | None
    sha256: str
    created_at: float

    @property
    def key(self) -> str:
        """Its place in the storage."""
        return f"uploads/{self.id}.{self.ending}"


class Files:
    """Takes files in and gives them out again."""

    def __init__(self, config: JobsConfig, database: Database, storage: Storage) -> None:
        self._config, self._database, self.storage = config, database, storage

    def add(self, owner: str, name: str, pieces: Iterable[bytes], id: str | None = None) -> StoredFile:
        """Store what comes in, under an id that was promised or a new one.

        Raises `InputError` for what is not taken, `TooLarge` for too many bytes, `Conflict` for an id in use.
        """
        limit = self._config.max_upload_bytes
        if id is not None and self._is_known(id):
            raise Conflict("A file has come by this link already.", hint="Ask for another link.")
        digest, size = hashlib.sha256(), 0
        with tempfile.TemporaryDirectory(dir=self._incoming()) as folder:
            path = Path(folder) / "upload"
            with path.open("wb") as stream:
                for piece in pieces:
                    size += len(piece)
                    if size > limit:
                        raise TooLarge(limit)
                    digest.update(piece)
                    stream.write(piece)
            ending = name.rsplit(".", 1)[-1][:8] if "." in name else ""
            media = look_at(path, safe_name(name, ending).strip("."), self._config.max_pixels)
            stored = StoredFile(
                id or new_id(), owner, safe_name(name, media.ending), media.ending, media.media_type, media.family,
                size, media.width_px, media.height_px, digest.hexdigest(), time.time(),
            )  # fmt: skip
            self.storage.put(stored.key, path)
        with self._database.write() as connection:
            connection.execute(insert(FILES).values(**stored.__dict__))
        return stored

    def _is_known(self, id: str) -> bool:
        with self._database.read() as connection:
            return connection.execute(select(FILES.c.id).where(FILES.c.id == id)).first() is not None

    def add_data_url(self, owner: str, text: str) -> StoredFile:
        """Store the content of a data URL."""
        found = _DATA_URL.match(text)
        if found is None:
            raise InputError("That is no data URL.", code="bad-data-url", hint="Begin with data:image/png;base64,")
        try:
            body = text[found.end() :]
            content = base64.b64decode(body, validate=True) if found.group(3) else unquote_to_bytes(body)
        except (binascii.Error, ValueError) as error:
            raise InputError(
                "The data URL's base64 is damaged.", code="bad-data-url", hint="Encode it again, without line breaks."
            ) from error
        kind = (found.group(1) or "file/bin").split("/")[1].split("+")[0]
        return self.add(owner, f"inline.{kind}", [content])

    def get(self, owner: str, id: str) -> StoredFile:
        """The file of this owner. Raises `NotFound`."""
        if is_id(id):
            with self._database.read() as connection:
                found = connection.execute(select(FILES).where(FILES.c.id == id, FILES.c.owner == owner)).first()
            if found is not None:
                return _of_row(found)
        raise NotFound("file", id)

    def remove(self, owner: str, id: str) -> None:
        """Forget the file. Jobs that wait for it will fail with ``file-gone``."""
        stored = self.get(owner, id)
        with self._database.write() as connection:
            connection.execute(delete(FILES).where(FILES.c.id == stored.id))
        self.storage.delete(stored.key)

    def bytes_of(self, owner: str) -> int:
        """How much this owner has stored."""
        with self._database.read() as connection:
            asked = select(func.coalesce(func.sum(FILES.c.bytes), 0)).where(FILES.c.owner == owner)
            return int(connection.execute(asked).scalar_one())

    def _incoming(self) -> Path:
        folder = self._config.data / "incoming"
        folder.mkdir(parents=True, exist_ok=True)
        return folder


def _of_row(row: Any) -> StoredFile:
    return StoredFile(**row._mapping)
