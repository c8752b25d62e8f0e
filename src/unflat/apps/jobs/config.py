"""How jobs are kept and worked on: folders, database, storage, limits. One value for server, supervisor and workers."""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs


@dataclass(frozen=True)
class JobsConfig:
    """Where everything lies, and what a job may take."""

    data: Path
    """The folder of this machine: SQLite file, stored files, work in progress."""
    database: str = ""
    """Its URL; empty: an SQLite file in the data folder."""
    storage: str = ""
    """Where files lie: a folder or an fsspec URL such as s3://bucket/prefix; empty: in the data folder."""
    workers: int = 1
    """Worker processes of this machine."""
    memory_mb: int = 6000
    """A worker that takes more, with its children, is ended (`out-of-memory`)."""
    time_s: float = 1800.0
    """A job that runs longer is ended (`job-timeout`)."""
    max_crashes: int = 3
    """A job whose worker died this often is given up (`worker-lost`)."""
    lease_s: float = 30.0
    """A job whose supervisor was silent for so long is free for others."""
    cancel_grace_s: float = 5.0
    """A worker that does not heed a cancel by then is ended."""
    shutdown_grace_s: float = 10.0
    """What a job gets to finish when the server stops; then it is put back."""
    keep_s: float = 30 * 86400.0
    """Ended jobs and unused files are removed after this age."""
    keep_bytes: int = 20_000_000_000
    """The oldest ended jobs are removed until their files fit."""
    max_pixels: int = 100_000_000
    max_upload_bytes: int = 256 * 2**20

    @property
    def database_url(self) -> str:
        """The URL that is in force."""
        return self.database or f"sqlite+pysqlite:///{self.data.resolve() / 'unflat.sqlite'}"

    @property
    def storage_url(self) -> str:
        """The address of the files that is in force."""
        return self.storage or str(self.data.resolve() / "files")

    @property
    def work(self) -> Path:
        """Where workers keep what they are at; a job that is begun again goes on from there."""
        return self.data / "work"

    def to_json(self) -> str:
        """All of it as one line, for a worker's standard input."""
        return json.dumps(dataclasses.asdict(self) | {"data": str(self.data)})

    @classmethod
    def from_json(cls, line: str) -> JobsConfig:
        """What `to_json` wrote."""
        given = json.loads(line)
        return cls(**{**given, "data": Path(given["data"])})


def default_data() -> Path:
    """The data folder where none is named; the environment variable UNFLAT_DATA moves it."""
    return Path(os.environ.get("UNFLAT_DATA", platformdirs.user_data_dir("unflat")))
