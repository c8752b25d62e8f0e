"""The desk: takes orders from the tools to the queue, and keeps a worker in this process' care."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from unflat.apps.jobs.config import JobsConfig
from unflat.apps.jobs.database import Database
from unflat.apps.jobs.files import Files, StoredFile
from unflat.apps.jobs.job import Job
from unflat.apps.jobs.order import Order
from unflat.apps.jobs.problems import NotFound
from unflat.apps.jobs.queue import Queue
from unflat.apps.jobs.results import key_of
from unflat.apps.jobs.retention import tidy
from unflat.apps.jobs.storage import Storage
from unflat.apps.jobs.supervisor import Supervisor
from unflat.apps.mcp.roots import Roots
from unflat.apps.server.fetch import Fetcher
from unflat.core import InputError

OWNER = "mcp"
JOBS_URI = "unflat://jobs/"
_PIECE_BYTES = 1 << 20
_WORDS = {"picture": "a picture", "film": "a film", "model": "a 3D model", "text": "a text file"}


@dataclass(frozen=True)
class ResultFile:
    """A file that a job left."""

    job: Job
    name: str
    role: str
    media_type: str
    bytes: int
    path: Path | None
    """Where it lies, if on this machine. It must not be changed."""

    @property
    def uri(self) -> str:
        """How a client reads it."""
        return f"{JOBS_URI}{self.job.id}/{self.name}"


class Desk:
    """Queue, files and worker of one MCP server. All methods wait for disks and networks: call them from threads."""

    def __init__(self, config: JobsConfig, roots: Roots, *, allow_private_urls: bool = False) -> None:
        config.data.mkdir(parents=True, exist_ok=True)
        self.roots, self._config = roots, config
        self._database = Database(config.database_url)
        self._storage = Storage(config.storage_url)
        self._files = Files(config, self._database, self._storage)
        self._queue = Queue(self._database)
        self._fetcher = Fetcher(allow_private_urls, config.max_upload_bytes)
        self._supervisor: Supervisor | None = None
        self._guard = threading.Lock()

    def take(self, source: str, families: tuple[str, ...] = ("picture",)) -> str:
        """Store what a path, an address, a data URL or a result names; gives what an order calls it.

        Raises `InputError`, with code ``wrong-kind-of-file`` for a file of another family.
        """
        source = source.strip()
        if source.startswith(JOBS_URI):
            found = self.result_file(source)
            return f"result:{found.job.id}:{found.job.attempts}:{found.name}"
        stored = self._stored(source)
        if stored.family not in families:
            wanted = " or ".join(_WORDS[family] for family in families)
            raise InputError(f"“{stored.name}” is {_WORDS[stored.family]}, expected {wanted}.",
                             code="wrong-kind-of-file", hint=f"Give {wanted}.")  # fmt: skip
        return stored.id

    def submit(self, order: Order) -> Job:
        """Hand in an order whose files are stored; the worker starts with the first one."""
        job = self._queue.submit(order.model_dump(mode="json"), owner=OWNER, door="mcp")
        self._worker().poke()
        return job

    def job(self, id: str) -> Job:
        """The job. Raises `NotFound`."""
        job = self._queue.get(OWNER, id.removeprefix(JOBS_URI).strip("/"))
        if not job.has_ended:
            self._worker()  # one from an earlier session may wait for its worker
        return job

    def jobs(self, limit: int, state: str | None = None) -> list[Job]:
        """The newest jobs first."""
        return self._queue.page(OWNER, state=state, limit=limit)

    def cancel(self, id: str) -> Job:
        """Stop a job: at once if it waits, soon if it runs."""
        return self._queue.cancel(OWNER, id.removeprefix(JOBS_URI).strip("/"))

    def results(self, job: Job) -> list[ResultFile]:
        """The files that a job left, models first."""
        files = [file for asset in job.assets for file in asset["files"]]
        found = [self._result(job, file["name"]) for file in files]
        return sorted(found, key=lambda file: file.role != "model")

    def result_file(self, uri: str) -> ResultFile:
        """The file of a resource's URI. Raises `NotFound`."""
        id, _, name = uri.removeprefix(JOBS_URI).partition("/")
        return self._result(self.job(id), unquote(name))

    def content(self, file: ResultFile) -> bytes:
        """All bytes of a result."""
        return b"".join(self._storage.read(key_of(file.job.id, file.job.attempts, file.name)))

    def save(self, job: Job, folder: str) -> list[str]:
        """Copy the models and pictures of a job into an allowed folder; gives their paths. Nothing is overwritten."""
        place = self.roots.folder(folder)
        place.mkdir(parents=True, exist_ok=True)
        saved = []
        for file in self.results(job):
            target = _free(place / file.name)
            target.write_bytes(self.content(file))
            saved.append(str(target))
        return saved

    def close(self) -> None:
        """Let the worker go; a job that it was at goes on when the next server starts."""
        with self._guard:
            if self._supervisor is not None:
                self._supervisor.stop()
                self._supervisor = None
            self._database.close()

    def _worker(self) -> Supervisor:
        with self._guard:
            if self._supervisor is None:
                tidy(self._config, self._database, self._files)
                self._supervisor = Supervisor(self._config, self._database)
                self._supervisor.start()
            return self._supervisor

    def _stored(self, source: str) -> StoredFile:
        if source.startswith("data:"):
            return self._files.add_data_url(OWNER, source)
        if source.startswith(("http://", "https://")):
            with self._fetcher.get(source) as pieces:
                name = unquote(urlsplit(source).path.rsplit("/", 1)[-1]) or "picture"
                return self._files.add(OWNER, name, pieces)
        path = self.roots.file(source)
        return self._files.add(OWNER, path.name, _pieces(path))

    def _result(self, job: Job, name: str) -> ResultFile:
        file = job.file(name)
        if file is None:
            raise NotFound("file", name)
        path = self._storage.local_path(key_of(job.id, file["attempt"], name))
        return ResultFile(job, name, file["role"], file["media_type"], file["bytes"], path)


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE_BYTES):
            yield piece


def _free(path: Path) -> Path:
    """The path, with a number behind its name where something lies there already."""
    candidate, number = path, 1
    while candidate.exists():
        number += 1
        candidate = path.with_stem(f"{path.stem}_{number}")
    return candidate
